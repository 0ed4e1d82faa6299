//! Runs of the real program in a project made for the purpose.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A folder with a project in it.
pub struct Project {
    pub folder: tempfile::TempDir,
}

/// What a run printed, and how it ended.
#[derive(Debug)]
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
    pub took: Duration,
}

impl Run {
    /// What a command printed that was made by [`Project::command`].
    pub fn of_output(output: &Output) -> Run {
        Run::of(output, Duration::ZERO)
    }

    fn of(output: &Output, took: Duration) -> Run {
        Run {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            took,
        }
    }

    /// Everything that was printed.
    pub fn all(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// The one JSON value on stdout.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}\nstdout: {}\nstderr: {}", self.stdout, self.stderr))
    }

    pub fn assert_code(&self, code: i32) -> &Self {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        self
    }
}

impl Project {
    /// `version: 1` and nothing else.
    pub fn empty() -> Project {
        let project = Project { folder: tempfile::tempdir().unwrap() };
        project.write("pairform.yaml", "version: 1\n");
        project
    }

    /// A copy of a folder below `tests/projects`.
    pub fn copy(name: &str) -> Project {
        let project = Project { folder: tempfile::tempdir().unwrap() };
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/projects").join(name);
        copy(&from, project.path());
        project
    }

    /// A copy of an example.
    pub fn copy_example(name: &str) -> Project {
        let project = Project { folder: tempfile::tempdir().unwrap() };
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name), project.path());
        project
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn at(&self, path: &str) -> PathBuf {
        self.path().join(path)
    }

    pub fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.at(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        // A secret has to be private, and no other file minds.
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    }

    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.at(path)).unwrap()
    }

    /// Replaces text that must be there.
    pub fn edit(&self, path: &str, old: &str, new: &str) {
        let text = self.read(path);
        assert!(text.contains(old), "{path} does not hold {old}");
        self.write(path, text.replacen(old, new, 1));
    }

    /// The program, in this project, with an environment of its own.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pairform"));
        command.args(arguments).current_dir(self.path()).env_clear().stdin(Stdio::null());
        command.env("PAIRFORM_ACTOR", "tester").env("HOME", self.path()).env("PAIRFORM_ALLOW", samples());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Run {
        self.run_with(arguments, &[])
    }

    pub fn run_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Run {
        let began = Instant::now();
        let output = self.command(arguments).envs(environment.iter().copied()).output().unwrap();
        Run::of(&output, began.elapsed())
    }

    /// With something on stdin.
    pub fn run_asked(&self, arguments: &[&str], answer: &str) -> Run {
        let began = Instant::now();
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(answer.as_bytes()).unwrap();
        Run::of(&child.wait_with_output().unwrap(), began.elapsed())
    }
}

/// The hosts that the complete samples name.
pub fn samples() -> String {
    let connectors = pairform::schema::parts::Catalogue::default().names("connectors");
    let hosts = ["shop.example.com", "nordic.api-se.norce.tech", "fjord.example"];
    let lines = connectors.iter().flat_map(|connector| hosts.map(|host| format!("{connector}={host}")));
    lines.collect::<Vec<_>>().join(" ")
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// What a plan prints, without when and by whom it was made; what somebody did today is always of one day.
pub fn lasting(printed: &str) -> String {
    let line = |line: &str| match line.split_once(" · made ") {
        Some((before, made)) => {
            format!("{before}{}", &made[made.find(['\u{1b}', '\n']).unwrap_or(made.len())..])
        }
        None => line.to_owned(),
    };
    let printed: String = printed.split_inclusive('\n').map(line).collect();
    let now = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC);
    // A run may have begun before midnight.
    [now.yesterday().unwrap(), now]
        .iter()
        .fold(printed, |printed, day| printed.replace(&day.strftime("%-d %b %Y").to_string(), "24 Nov 2026"))
}

/// The hours of a window that is closed now, as people write them: it opens in two hours, for one.
pub fn closed_window() -> String {
    let now = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).hour();
    format!("{{from: '{:02}:00', to: '{:02}:00'}}", (now + 2) % 24, (now + 3) % 24)
}
