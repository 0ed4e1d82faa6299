//! No core dump of this process: it would hold the secrets that are in memory.

/// Forbids core dumps, for this process and for the programs that it starts. Where that fails all else goes on: a limit is no
/// reason not to work.
#[cfg(unix)]
pub fn forbid() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    // Linux hands a dump to a program (`core_pattern`) whatever the limit, save where it is one byte; and a file of one byte is
    // none either.
    let most = if cfg!(target_os = "linux") { 1 } else { 0 };
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(most), maximum: Some(most) });
}

#[cfg(not(unix))]
pub fn forbid() {}
