//! The program under strace: what it asks of the system, and what becomes of it when the system fails or it is killed.

use std::process::Command;
use std::sync::OnceLock;

/// True where strace is to be had and may trace. The tests that need it say that they were not run where it is not.
#[expect(clippy::print_stderr, reason = "what is not tested is said")]
pub fn may_trace() -> bool {
    static MAY: OnceLock<bool> = OnceLock::new();
    *MAY.get_or_init(|| {
        let tried = Command::new("strace").args(["-qq", "-o", "/dev/null", "true"]).output();
        let may = tried.as_ref().is_ok_and(|output| output.status.success());
        if !may {
            eprintln!("nothing can be traced here ({tried:?}): not tested");
        }
        may
    })
}

/// The command, run under strace with these arguments, in the same folder and environment.
pub fn under_strace(command: &Command, arguments: &[&str]) -> Command {
    let mut traced = Command::new("strace");
    traced.args(["-f", "-qq"]).args(arguments).arg("--").arg(command.get_program()).args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        traced.current_dir(folder);
    }
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => traced.env(name, value),
            None => traced.env_remove(name),
        };
    }
    traced
}
