//! What strangers wrote, in untrusted mode: every command that the help names, under strace. It looks at the repository and at itself,
//! opens no socket, starts no program and writes nowhere else; what would reach out says that it does not.

use std::collections::BTreeSet;
use std::process::Command;

use crate::revisions::Repository;
use crate::trace::{may_trace, under_strace};

const CANARY: &str = "canary-4c12";

/// What is run of a command, and its exit codes: 6 where it would reach out.
const RUNS: &[(&str, i32, &[&[&str]])] = &[
    ("init", 0, &[&["fortnox-shopify", "new"]]),
    (
        "validate",
        0,
        &[
            &[],
            &["-o", "markdown"],
            &["-o", "html"],
            &["--base", "HEAD"],
            &["--rev", "HEAD"],
            &["--policy", "/etc/hostname"],
        ],
    ),
    ("validate", 1, &[&["--schema", "any.json", "any.json"]]),
    (
        "plan",
        6,
        &[
            &[],
            &["--base", "HEAD"],
            &["--max-age", "1h"],
            &["--store", "postgres://ci@db/x"],
            &["--out", "p"],
        ],
    ),
    ("list", 6, &[&[]]),
    ("diff", 0, &[&["--base", "HEAD"], &["--base", "HEAD", "-o", "html"]]),
    ("apply", 6, &[&["--yes"], &["--record-only", "--yes"], &["p.plan"]]),
    ("fix", 0, &[&["--yes"]]),
    ("fmt", 0, &[&[], &["--check"]]),
    ("pull", 6, &[&["nordic"]]),
    ("drift", 6, &[&[], &["--store", "https://db.example"]]),
    ("history", 6, &[&[]]),
    ("release", 6, &[&["gone", "--reason", "sold"]]),
    ("revert", 6, &[&["nordic"]]),
    ("audit export", 6, &[&[]]),
    ("audit verify", 1, &[&["pairform.yaml"]]),
    ("unlock", 6, &[&[], &["1"]]),
    ("show", 0, &[&["nordic"], &["nordic", "-o", "html"]]),
    (
        "explain",
        0,
        &[
            &["E0312"],
            &["nordic", "general.name"],
            &["nordic", "connectors.shopify.connections.p.access_token"],
        ],
    ),
    ("schema list", 0, &[&[], &["--facts"]]),
    ("schema show", 0, &[&["fortnox-shopify"]]),
    ("schema docs", 0, &[&["docs"]]),
    ("schema update", 6, &[&["x.catalogue"]]),
    ("schema pack", 64, &[&["schemas", "--name", "2027.1", "--out", "x.catalogue"]]),
    ("schema export", 0, &[&[]]),
    ("options refresh", 6, &[&[]]),
    ("options list", 0, &[&[]]),
    ("options check", 6, &[&[]]),
    ("options clear", 0, &[&[]]),
    ("policy show", 0, &[&[]]),
    ("policy check", 1, &[&["pairform.yaml"]]),
    ("serve", 6, &[&[], &["--reconcile"]]),
    ("reconcile", 6, &[&["--once"], &[]]),
    ("reconcile status", 6, &[&[]]),
    ("reconcile accept", 6, &[&["--reason", "x", "HEAD"]]),
    ("reconcile next", 6, &[&["--reason", "x"]]),
    ("reconcile restart", 6, &[&["--reason", "x"]]),
    ("token create", 6, &[&["bo", "--role", "viewer"]]),
    ("token list", 6, &[&[]]),
    ("token revoke", 6, &[&["bo"]]),
    ("store copy", 6, &[&["sqlite:a.db", "sqlite:b.db"]]),
    ("completions", 0, &[&["bash"]]),
    ("man", 0, &[&[], &["--out", "man"]]),
    ("version", 0, &[&[]]),
    ("help", 0, &[&[], &["plan"]]),
];

/// What a branch may bring: a store, tokens, templates, parts, programs, and a connection that leads here.
fn repository() -> Repository {
    let repository = crate::revisions::project();
    repository.write(
        "pairform.yaml",
        "version: 1\nsecrets: {exec: {word: [/usr/bin/id]}}\nenvironments: {test: {store: \"sqlite:.pairform/state.db\", password: {secret: env/STORE_WORD}}}\n",
    );
    repository.write(
        "integrations/nordic.yaml",
        "integration: nordic\npair: fortnox-shopify\nconnectors:\n  shopify:\n    active: p\n    connections:\n      p: {shop: nordic, access_token: {secret: env/S_TOKEN}, base_url: \"http://127.0.0.1:9\"}\nsettings: {general: {name: Nordic}}\n",
    );
    repository.write(
        "integrations/fjord.yaml",
        "integration: fjord\npair: fortnox-shopify\nconnectors:\n  shopify:\n    active: p\n    connections: {p: {shop: fjord, access_token: {secret: exec/word}}}\nsettings: {general: {name: Fjord}}\n",
    );
    repository.write("templates/comment.md", "{{ nothing }}");
    repository.write("any.json", "{\"$ref\": \"https://evil.example/schema.json\"}");
    repository.write(".pairform/state.db", "a store that a branch brings");
    repository.write(".pairform/tokens/0000000000000000.json", "{}");
    repository.git(&["add", "-f", "."]);
    repository.commit("Bring all that");
    repository
}

fn run(repository: &Repository, command: &str, arguments: &[&str]) -> Command {
    let mut run = Command::new(env!("CARGO_BIN_EXE_pairform"));
    run.args(command.split(' ')).args(arguments).current_dir(repository.path()).env_clear();
    run.env("PAIRFORM_UNTRUSTED", "1")
        .env("HOME", "/nonexistent")
        .env("S_TOKEN", CANARY)
        .env("PAIRFORM_STORE_PASSWORD", CANARY)
        .env("PAIRFORM_STORE_TOKEN", CANARY)
        .env("VAULT_ADDR", "https://vault.example")
        .env("PAIRFORM_ALLOW", "secret=** store=db program=/usr/bin/id shopify=127.0.0.1:9");
    run
}

/// The commands that the help names, and those that theirs name.
fn commands() -> BTreeSet<String> {
    let help = |command: &str| {
        let mut asked = Command::new(env!("CARGO_BIN_EXE_pairform"));
        let output = asked.args(command.split_whitespace()).arg("--help").output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let below = |command: &str| -> Vec<String> {
        let help = help(command);
        let listed = help.split_once("\nCommands:\n").map_or("", |(_, rest)| rest);
        let names = listed.lines().take_while(|line| !line.is_empty()).filter_map(|line| {
            let name = line.strip_prefix("  ")?;
            name.split_whitespace().next().filter(|_| !name.starts_with(' '))
        });
        names.map(|name| format!("{command} {name}").trim().to_owned()).collect()
    };
    let mut found = BTreeSet::new();
    let mut waiting = below("");
    assert!(waiting.len() > 20, "{waiting:?}");
    while let Some(command) = waiting.pop() {
        let more = if command.ends_with("help") { Vec::new() } else { below(&command) };
        // What has further commands may do something by itself too, which its usage tells.
        let alone = format!("pairform {command} [OPTIONS]");
        let usage = help(&command);
        if more.is_empty() || usage.lines().any(|line| line.contains(&alone) && !line.contains("<COMMAND>")) {
            found.insert(command.clone());
        }
        waiting.extend(more.into_iter().filter(|command| !command.ends_with(" help")));
    }
    found
}

#[test]
fn no_command_of_an_untrusted_run_reaches_anything_but_the_repository() {
    use rayon::prelude::*;
    let tried: BTreeSet<String> = RUNS.iter().map(|(command, ..)| (*command).to_owned()).collect();
    assert_eq!(tried, commands(), "what the help names, and what is tried here");
    let may_trace = may_trace();
    RUNS.par_iter().for_each(|(command, code, variants)| {
        for arguments in *variants {
            let repository = repository();
            if arguments.contains(&"p.plan") {
                let made = crate::revisions::pairform(
                    repository.path(),
                    &["plan", "--store", "sqlite:other.db", "--out", "p.plan"],
                );
                assert!(made.status.success(), "{made:?}");
            }
            let output = run(&repository, command, arguments).output().unwrap();
            let said = [&output.stdout[..], &output.stderr[..]].concat();
            let said = String::from_utf8_lossy(&said).into_owned();
            let what = format!("{command} {}", arguments.join(" "));
            assert_eq!(output.status.code(), Some(*code), "{what}: {said}");
            assert!(*code != 6 || said.contains("untrusted"), "{what}: {said}");
            assert!(!said.contains(CANARY) && !said.contains("uid="), "{what}: {said}");
            if may_trace {
                let repository = self::repository();
                trace(&repository, &what, &run(&repository, command, arguments));
            }
        }
    });
}

/// Sees what a run asks of the system.
fn trace(repository: &Repository, what: &str, command: &Command) {
    const WRITES: [&str; 12] = [
        "unlink",
        "unlinkat",
        "rename",
        "renameat",
        "renameat2",
        "mkdir",
        "mkdirat",
        "link",
        "linkat",
        "symlink",
        "symlinkat",
        "creat",
    ];
    let root = std::fs::canonicalize(repository.path()).unwrap().display().to_string();
    // A file a thread, as a call that another thread interrupts would stand on two lines.
    let trace = tempfile::tempdir().unwrap();
    let log = trace.path().join("log");
    let events = format!("trace=openat,open,connect,socket,execve,{}", WRITES.join(","));
    let events = ["-ff", "-e", &events, "-o", log.to_str().unwrap()];
    under_strace(command, &events).output().unwrap();
    let logs = std::fs::read_dir(trace.path()).unwrap();
    let said: String = logs.map(|log| std::fs::read_to_string(log.unwrap().path()).unwrap()).collect();
    let mut programs = 0;
    // A call that the program's end cut off in another thread opened nothing; which file it names is chance.
    let cut_off = |line: &str| line.contains(" = ?") || line.ends_with("<unfinished ...>");
    for line in said.lines().filter(|line| !line.contains("ENOENT")) {
        assert!(!line.contains("connect(") && !line.contains("socket("), "{what}: {line}");
        programs += usize::from(line.contains("execve("));
        let path = line.split('"').nth(1).filter(|path| path.starts_with('/') && !cut_off(line));
        let Some(path) = path else { continue };
        let is_within = path.starts_with(&root);
        let is_write = WRITES.iter().any(|call| line.contains(&format!("{call}(")));
        assert!(
            is_within || !(is_write || line.contains("O_WRONLY") || line.contains("O_RDWR")),
            "{what}: {line}"
        );
        // What every program is loaded from and asks the system about itself.
        let own = ["/lib", "/usr/lib", "/etc/ld.so", "/proc/self", "/proc/sys", "/sys/", "/dev/urandom"];
        let is_own = own.iter().any(|own| path.starts_with(own)) || path == env!("CARGO_BIN_EXE_pairform");
        // Git's own configuration says whether a repository may be read at all.
        let is_git = path == "/etc/gitconfig";
        assert!(is_own || is_git || is_within, "{what}: {line}");
    }
    assert_eq!(programs, 1, "{what}: {said}");
}
