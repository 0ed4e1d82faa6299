//! Running a program to its end, and no longer than is borne: the time limit is for all that it starts. What runs, and what it may
//! see, is its caller's to say.
#![expect(clippy::disallowed_methods, reason = "looks how long a program runs")]

use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Between two looks at a program that has said all.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// A program that ended by itself.
pub struct Ended<T> {
    pub status: ExitStatus,
    pub printed: T,
}

/// Why a program did not end by itself, or never began.
#[derive(Debug, thiserror::Error)]
pub enum NotEnded<E> {
    #[error("it cannot be run: {0}")]
    NotBegun(std::io::Error),
    #[error("it took longer than {} seconds", .0.as_secs())]
    Late(Duration),
    /// What it printed is refused, so it was ended.
    #[error("{0}")]
    Unfit(E),
    #[error("{0}")]
    Lost(std::io::Error),
}

/// Runs a program in a process group of its own, without input, and reads what it prints on stdout by `read`, in a thread of its
/// own. What takes longer than `patience` is ended with all that it started.
///
/// # Errors
/// When it cannot be run, takes too long, or prints what `read` refuses.
pub fn run<T: Send + 'static, E: Send + 'static>(
    mut command: Command,
    patience: Duration,
    read: impl FnOnce(Box<dyn Read + Send>) -> Result<T, E> + Send + 'static,
) -> Result<Ended<T>, NotEnded<E>> {
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let deadline = Instant::now() + patience;
    let mut child = command.spawn().map_err(NotEnded::NotBegun)?;
    let output: Box<dyn Read + Send> = match child.stdout.take() {
        Some(output) => Box::new(output),
        None => Box::new(std::io::empty()),
    };
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || send.send(read(output)));
    let printed = receive.recv_timeout(patience);
    let until = if matches!(printed, Ok(Ok(_))) { deadline } else { Instant::now() };
    let ended = ended(&mut child, until).map_err(NotEnded::Lost)?;
    match (printed, ended) {
        (Ok(Ok(printed)), Some(status)) => Ok(Ended { status, printed }),
        (Ok(Err(unfit)), ended) => {
            if ended.is_none() {
                end_group(&child);
            }
            Err(NotEnded::Unfit(unfit))
        }
        (Err(_), _) | (_, None) => {
            end_group(&child);
            Err(NotEnded::Late(patience))
        }
    }
}

/// How a program ended; `None` when it had to be ended, since it still ran at the deadline.
fn ended(child: &mut Child, deadline: Instant) -> std::io::Result<Option<ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= deadline {
            // It may end by itself in between.
            let _ = child.kill();
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(POLL_INTERVAL);
    }
}

/// Ends a program and all that it started.
#[cfg(unix)]
fn end_group(child: &Child) {
    let group = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
    // What has ended by itself is not there any more.
    let _ = group.map(|group| rustix::process::kill_process_group(group, rustix::process::Signal::KILL));
}

#[cfg(not(unix))]
fn end_group(_: &Child) {}

#[cfg(test)]
mod tests {
    #[cfg(unix)]
    use super::*;

    /// No test waits longer.
    #[cfg(unix)]
    const WAIT: Duration = Duration::from_secs(30);

    /// A program leaves another one behind, which holds nothing that is waited for.
    #[cfg(unix)]
    #[test]
    fn all_that_a_program_started_is_ended_with_it() {
        use std::os::unix::process::CommandExt as _;
        let script = "sleep 600 >/dev/null 2>&1 & echo $!; exec sleep 600";
        let mut child =
            Command::new("sh").args(["-c", script]).stdout(Stdio::piped()).process_group(0).spawn().unwrap();
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.take().unwrap()), &mut line)
            .unwrap();
        end_group(&child);
        assert!(!child.wait().unwrap().success());
        assert_gone(line.trim());
    }

    /// It is a zombie of nobody, or gone, in the time that the system takes.
    #[cfg(unix)]
    fn assert_gone(process: &str) {
        let stat = format!("/proc/{process}/stat");
        let is_gone = || std::fs::read_to_string(&stat).map_or(true, |stat| stat.contains(") Z"));
        let until = Instant::now() + WAIT;
        while !is_gone() && Instant::now() < until {
            std::thread::yield_now();
        }
        assert!(is_gone(), "{stat}");
    }

    /// What was said is never whole, whether or not the program itself has ended well.
    #[cfg(unix)]
    #[test]
    fn a_child_that_holds_the_output_and_says_nothing_is_waited_for_no_longer_and_ended() {
        let folder = tempfile::tempdir().unwrap();
        let told = folder.path().join("process");
        for end in ["exit 0", "exec sleep 600"] {
            let mut command = Command::new("sh");
            command.args(["-c", &format!("echo word; sleep 600 & echo $! >{}; {end}", told.display())]);
            let read = |mut from: Box<dyn Read + Send>| {
                let mut all = String::new();
                from.read_to_string(&mut all).map(|_| all)
            };
            let begun = Instant::now();
            let ended = run(command, Duration::from_secs(2), read);
            assert!(matches!(ended, Err(NotEnded::Late(_))), "{end}");
            assert!(begun.elapsed() < WAIT, "{end}: {:?}", begun.elapsed());
            assert_gone(std::fs::read_to_string(&told).unwrap().trim());
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_program_that_lingers_is_ended() {
        let start = |script: &str| Command::new("sh").args(["-c", script]).spawn().unwrap();
        let mut lingers = start("exec >&-; exec sleep 600");
        assert!(ended(&mut lingers, Instant::now()).unwrap().is_none());
        assert!(lingers.try_wait().unwrap().is_some(), "it does not run on");
        let later = Instant::now() + WAIT;
        assert_eq!(ended(&mut start("exit 3"), later).unwrap().unwrap().code(), Some(3));
    }
}
