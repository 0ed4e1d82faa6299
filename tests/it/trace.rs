//! The program under strace: what it asks of the system, and what becomes of it when the system fails or it is killed.

use std::process::Command;
use std::sync::OnceLock;

use crate::tools::{Tool, required};

/// True where strace is to be had and may trace.
#[track_caller]
pub fn may_trace() -> bool {
    static MAY: OnceLock<bool> = OnceLock::new();
    let may = *MAY.get_or_init(|| {
        let tried = Command::new("strace").args(["-qq", "-o", "/dev/null", "true"]).output();
        tried.is_ok_and(|output| output.status.success())
    });
    required(Tool::Strace, may.then_some(())).is_some()
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
