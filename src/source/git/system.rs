//! Running the system's git: without a terminal, hooks or variables that lead it elsewhere, and never longer than is borne. What it is
//! asked for, and what its words mean, is its callers' to say.
#![expect(
    clippy::disallowed_methods,
    reason = "runs git, and hides from it what this process has in its environment"
)]

use std::ffi::{OsStr, OsString};
use std::io::{Read, Seek as _, SeekFrom};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use crate::source::program::{self, NotEnded};

/// More of what git prints is not read.
const MOST_PRINTED: u64 = 1024 * 1024;

/// What git may do on this machine, and not what the configuration of a repository may add to that. Where a hook or a monitor runs, or
/// another program stands for a transport, a file that came with the repository might be it.
const HARDENED: [&str; 9] = [
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "protocol.ext.allow=never",
    "fetch.recurseSubmodules=false",
    "push.recurseSubmodules=no",
    "push.gpgSign=false",
    "push.followTags=false",
    "gc.auto=0",
    "maintenance.auto=false",
];

/// Variables that would lead git to another repository than the one that is named, have it send more than it is asked to, or print
/// what it sends.
const UNSEEN: [&str; 15] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_PREFIX",
    "GIT_QUARANTINE_PATH",
    "GIT_SHALLOW_FILE",
    "GIT_PUSH_OPTION_COUNT",
    "GIT_TRACE",
    "GIT_TRACE_CURL",
    "GIT_TRACE_PACKET",
    "GIT_CURL_VERBOSE",
];

/// Git, having ended by itself.
pub(super) struct Ran {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

/// A command of git on the repository in this folder, to which its arguments are added.
pub(super) fn git(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command.arg("--git-dir").arg(folder);
    for setting in HARDENED {
        command.args(["-c", setting]);
    }
    clean_environment(&mut command, std::env::vars_os().map(|(name, _)| name));
    // A relative folder on the path, or a file that git looks for where it begins, would be a branch's.
    command.current_dir("/");
    command
}

/// Runs it to its end.
///
/// # Errors
/// When git cannot be run, or does not end in time.
pub(super) fn run(mut command: Command, patience: Duration) -> Result<Ran, NotEnded<std::io::Error>> {
    let mut said = tempfile::tempfile().map_err(NotEnded::Lost)?;
    command.stderr(Stdio::from(said.try_clone().map_err(NotEnded::Lost)?));
    let ended = program::run(command, patience, text)?;
    let stderr = said.seek(SeekFrom::Start(0)).and_then(|_| text(said)).map_err(NotEnded::Lost)?;
    Ok(Ran { status: ended.status, stdout: ended.printed, stderr })
}

/// The beginning of what is read, whatever its encoding.
fn text(from: impl Read) -> std::io::Result<String> {
    let mut read = Vec::new();
    from.take(MOST_PRINTED).read_to_end(&mut read)?;
    Ok(String::from_utf8_lossy(&read).into_owned())
}

/// Takes away what git is not to see: where another repository would be, and all that is ours, secrets too. It asks nobody.
fn clean_environment(command: &mut Command, names: impl Iterator<Item = OsString>) {
    let is_ours = |name: &OsStr| name.to_str().is_some_and(|name| name.starts_with("PAIRFORM_"));
    for name in names.filter(|name| is_ours(name)) {
        command.env_remove(name);
    }
    for name in UNSEEN {
        command.env_remove(name);
    }
    command
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("SSH_ASKPASS_REQUIRE", "never")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("LC_ALL", "C");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn git_sees_nothing_of_ours_and_no_other_repository() {
        let mut command = Command::new("git");
        let names = ["PAIRFORM_STORE_PASSWORD", "HTTPS_PROXY", "SSH_AUTH_SOCK"].map(OsString::from);
        clean_environment(&mut command, names.into_iter());
        let hidden = |name: &str| command.get_envs().any(|(known, value)| known == name && value.is_none());
        assert!(hidden("PAIRFORM_STORE_PASSWORD") && UNSEEN.iter().all(|name| hidden(name)));
        assert!(!hidden("HTTPS_PROXY") && !hidden("SSH_AUTH_SOCK"), "git's own business");
    }
}
