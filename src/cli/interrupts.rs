//! SIGINT and SIGTERM. Nothing here stops anything by itself, except at the second signal.
#![expect(clippy::disallowed_methods, reason = "says on stderr what a signal does")]

use std::io::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::exit;
use crate::diagnostic::clean_text;

/// The signals that ask to stop. The first lets the save in flight finish and stops before the next; a second one ends at
/// once and says what it leaves in doubt, which is safe too, as a save is atomic.
pub struct Interrupts {
    /// The exit code of the signal that came last; 0 before any.
    code: Arc<AtomicU8>,
    /// What is being saved, in words.
    flight: Arc<Mutex<Option<String>>>,
}

impl Interrupts {
    #[must_use]
    pub fn watch(cancel: Arc<AtomicBool>) -> Self {
        let interrupts = Interrupts { code: Arc::default(), flight: Arc::default() };
        // Where no handler can be set, the system's own behaviour remains.
        if let Ok(mut signals) = Signals::new([SIGINT, SIGTERM]) {
            let (code, flight) = (Arc::clone(&interrupts.code), Arc::clone(&interrupts.flight));
            std::thread::spawn(move || {
                for signal in signals.forever() {
                    let asked = if signal == SIGTERM { exit::TERMINATED } else { exit::INTERRUPTED };
                    let second = code.swap(asked, Ordering::SeqCst) != 0;
                    cancel.store(true, Ordering::SeqCst);
                    let saving = flight.lock().map(|saving| saving.clone()).unwrap_or_default();
                    let said = match (second, saving) {
                        (false, Some(_)) => {
                            "stopping after the save in flight; press Ctrl-C again to stop at once\n"
                                .to_owned()
                        }
                        (false, None) => "stopping; press Ctrl-C again to stop at once\n".to_owned(),
                        (true, Some(what)) => format!(
                            "stopped at once: it is not known whether {what} was saved; apply again, which finds out\n"
                        ),
                        (true, None) => "stopped at once; nothing was being saved\n".to_owned(),
                    };
                    // Nobody may be there to read it.
                    let _ = std::io::stderr().write_all(clean_text(&said).as_bytes());
                    if second {
                        signal_hook::low_level::exit(i32::from(asked));
                    }
                }
            });
        }
        interrupts
    }

    /// Notes what is being saved from now on.
    pub fn saving(&self, what: Option<String>) {
        if let Ok(mut flight) = self.flight.lock() {
            *flight = what;
        }
    }

    /// The exit code of the signal that came.
    #[must_use]
    pub fn code(&self) -> Option<u8> {
        Some(self.code.load(Ordering::SeqCst)).filter(|code| *code != 0)
    }
}
