//! Whole processes and what they took: wall time, processor time, peak memory, by the system's own accounting.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};

/// What one run took.
#[derive(Debug, Clone, Copy)]
pub struct Taken {
    /// Seconds.
    pub wall: f64,
    /// Seconds on all processors.
    pub cpu: f64,
    /// MiB; the largest process. Never reads below what this program has at its own start.
    pub peak: f64,
}

/// The mode in which this program runs one command and says what it took; peaks of former runs do not count then.
pub const ONE: &str = "--one";

/// Runs a command as the only child of this process and prints what it took.
pub fn one(command: &[String]) -> ! {
    let began = Instant::now();
    let status = Command::new(&command[0])
        .args(&command[1..])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("the command starts");
    let wall = began.elapsed().as_secs_f64();
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("the system accounts for its processes");
    let seconds = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1_000_000.0;
    let cpu = seconds(usage.user_time()) + seconds(usage.system_time());
    println!("{wall} {cpu} {} {}", usage.max_rss() as f64 / 1024.0, status.code().unwrap_or(-1));
    std::process::exit(0)
}

/// Runs a command once in a folder, with these secrets at hand; its exit code must be one of those expected.
pub fn run(folder: &Path, command: &[String], secrets: &[String], expected: &[i32]) -> Taken {
    let this = std::env::current_exe().expect("this program");
    let output = Command::new(this)
        .arg(ONE)
        .args(command)
        .envs(secrets.iter().map(|name| (name, "benchmark")))
        .current_dir(folder)
        .output()
        .expect("this program runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let figures: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let [wall, cpu, peak, code] = figures[..] else { panic!("{command:?}: {text}") };
    assert!(expected.contains(&(code as i32)), "{command:?} ended with {code}");
    Taken { wall, cpu, peak }
}

/// The median by wall time.
pub fn median(mut taken: Vec<Taken>) -> Taken {
    taken.sort_by(|a, b| a.wall.total_cmp(&b.wall));
    taken[taken.len() / 2]
}
