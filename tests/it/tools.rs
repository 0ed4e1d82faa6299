//! The programs that some tests need beside the one they test. Where one is missing a test says that it was not run; with
//! PAIRFORM_TEST_TOOLS=required, as `tests/run` sets it, it fails and says how to get it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// What is not on every machine; anything else that a test calls (git, sh) is, or the test fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    Axe,
    Browser,
    Dpkg,
    Fish,
    GnuPg,
    LanguageServer,
    Node,
    PgBouncer,
    PostgreSql,
    Rpm,
    Script,
    SshKeygen,
    Strace,
    Valgrind,
    Zsh,
}

const ALL: [Tool; 15] = [
    Tool::Axe,
    Tool::Browser,
    Tool::Dpkg,
    Tool::Fish,
    Tool::GnuPg,
    Tool::LanguageServer,
    Tool::Node,
    Tool::PgBouncer,
    Tool::PostgreSql,
    Tool::Rpm,
    Tool::Script,
    Tool::SshKeygen,
    Tool::Strace,
    Tool::Valgrind,
    Tool::Zsh,
];

const VARIABLE: &str = "PAIRFORM_TEST_TOOLS";

impl Tool {
    /// What is missing, and how it is had.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Tool::Axe => ("no axe.min.js is named in PAIRFORM_AXE", "npm install axe-core"),
            Tool::Browser => (
                "no chromium, chromium-browser or google-chrome in PATH, nor one named in PAIRFORM_CHROMIUM",
                "apt-get install chromium",
            ),
            Tool::Dpkg => ("no dpkg-deb in PATH", "apt-get install dpkg"),
            Tool::Fish => ("no fish in PATH", "apt-get install fish"),
            Tool::GnuPg => ("no gpg in PATH", "apt-get install gnupg"),
            Tool::LanguageServer => (
                "no yaml-language-server is named in PAIRFORM_YAML_LANGUAGE_SERVER",
                "npm install yaml-language-server",
            ),
            Tool::Node => ("no node in PATH", "apt-get install nodejs"),
            Tool::PgBouncer => ("no pgbouncer in PATH or /usr/sbin", "apt-get install pgbouncer"),
            Tool::PostgreSql => {
                ("no initdb and postgres in PATH or /usr/lib/postgresql", "apt-get install postgresql")
            }
            Tool::Rpm => ("no rpmbuild in PATH", "apt-get install rpm"),
            Tool::Script => ("no script in PATH", "apt-get install bsdutils"),
            Tool::SshKeygen => ("no ssh-keygen in PATH", "apt-get install openssh-client"),
            Tool::Strace => ("no strace that may trace here", "apt-get install strace"),
            Tool::Valgrind => ("no valgrind in PATH", "apt-get install valgrind"),
            Tool::Zsh => ("no zsh in PATH", "apt-get install zsh"),
        }
    }
}

/// What was found of a tool, handed on. Where that is nothing the test fails if tools are required, else its run says so.
#[track_caller]
#[expect(clippy::print_stderr, reason = "what is not tested is said")]
pub fn required<T>(tool: Tool, found: Option<T>) -> Option<T> {
    if found.is_none() {
        match unless_required(tool, std::env::var_os(VARIABLE).as_deref()) {
            Ok(said) => eprintln!("{}: {said}", std::panic::Location::caller()),
            Err(said) => panic!("{said}"),
        }
    }
    found
}

/// What is said of a missing tool; an error where the variable requires it.
fn unless_required(tool: Tool, variable: Option<&OsStr>) -> Result<String, String> {
    let (missing, how) = tool.words();
    match variable.map(|value| value.to_str().unwrap_or("?")) {
        None | Some("") => Ok(format!("not run: {missing} ({how})")),
        Some("required") => Err(format!("{missing}: {how}, or run `tests/run`, which installs it")),
        Some(other) => Err(format!("{VARIABLE} is `{other}`: it is `required` or not set")),
    }
}

/// The first of these programs in PATH, or in one of these folders.
pub fn program(names: &[&str], folders: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(folders.iter().map(PathBuf::from));
    folders
        .flat_map(|folder| names.iter().map(move |name| folder.join(name)))
        .find(|program| program.is_file())
}

#[test]
fn a_missing_tool_fails_a_test_where_tools_are_required_and_is_named_where_not() {
    for tool in ALL {
        let (missing, how) = tool.words();
        for unset in [None, Some("")] {
            let said = unless_required(tool, unset.map(OsStr::new)).unwrap();
            assert_eq!(said, format!("not run: {missing} ({how})"));
        }
        let said = unless_required(tool, Some(OsStr::new("required"))).unwrap_err();
        assert!(said.contains(missing) && said.contains(how), "{said}");
        // A slip of the pen does not turn tests off.
        assert!(unless_required(tool, Some(OsStr::new("require"))).is_err());
    }
    assert_eq!(required(Tool::Browser, Some(1)), Some(1));
}

/// The gate runs `tests/run`: what it does not require and get is tested nowhere.
#[test]
fn the_script_that_runs_the_tests_requires_every_tool_and_gets_it() {
    let script = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/run")).unwrap();
    assert!(script.contains(&format!("export {VARIABLE}=required\n")), "{script}");
    for tool in ALL {
        let package = tool.words().1.rsplit(' ').next().unwrap();
        let lines = script.lines().filter(|line| !line.trim_start().starts_with('#'));
        assert!(lines.filter(|line| line.contains(package)).count() > 0, "{package} is not got: {script}");
    }
    assert!(!script.contains("|| echo"), "what cannot be installed is passed over: {script}");
}
