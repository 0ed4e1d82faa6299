//! The pager of whoever reads at a terminal: `PAGER`, else `less`.
#![expect(clippy::disallowed_methods, reason = "starts the program that somebody reads with")]

use std::io::Write as _;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::SigId;
use signal_hook::consts::SIGINT;

/// One that runs.
pub struct Pager {
    child: Child,
    /// None once it was left.
    into: Option<ChildStdin>,
    /// Ctrl-C is for the pager meanwhile.
    ignored: Option<SigId>,
}

impl Pager {
    /// Starts it; none where none is wanted or there is none.
    #[must_use]
    pub fn start() -> Option<Self> {
        let said = std::env::var("PAGER").unwrap_or_else(|_| "less".to_owned());
        let words = shlex::split(&said)?;
        let (program, arguments) = words.split_first().filter(|(program, _)| *program != "cat")?;
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::piped());
        // It ends by itself where all fits, shows colours, and leaves what was read in sight.
        if std::env::var_os("LESS").is_none() {
            command.env("LESS", "FRX");
        }
        let mut child = command.spawn().ok()?;
        let into = child.stdin.take();
        let ignored = signal_hook::flag::register(SIGINT, Arc::new(AtomicBool::new(false))).ok();
        Some(Pager { child, into, ignored })
    }

    /// Hands on a piece; whoever left the pager has read enough.
    pub fn write(&mut self, text: &str) {
        if let Some(into) = &mut self.into
            && into.write_all(text.as_bytes()).is_err()
        {
            self.into = None;
        }
    }

    /// Waits until it was left.
    pub fn finish(mut self) {
        self.into = None;
        let _ = self.child.wait();
        if let Some(id) = self.ignored {
            signal_hook::low_level::unregister(id);
        }
    }
}
