//! `--watch`: the command anew whenever a file of the project is another, until it is interrupted.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::args::Form;
use super::exit::{self, Stop};
use super::session::Session;
use super::streams::Streams;
use crate::source::load::{find_root, stamps};

/// How long is waited between two looks.
const PAUSE: Duration = Duration::from_millis(300);

/// Runs a command again and again; how one run ended is told by `tell`, which gives its exit code.
///
/// # Errors
/// When there is no project, or the form is for a program, which wants one result.
pub fn watch(
    session: &Session,
    streams: &mut Streams,
    run: &mut dyn FnMut(&mut Streams) -> u8,
) -> Result<u8, Stop> {
    if session.common.output != Form::Text {
        return Err(Stop::usage("--watch is for people, and prints text alone"));
    }
    let root = find_root(&session.here);
    let root =
        root.ok_or_else(|| Stop::usage("there is no pairform.yaml here or in a folder above to watch"))?;
    session.watch_interrupts();
    let cancelled = session.cancelled();
    loop {
        let before = stamps(&root);
        streams.begin_anew();
        run(streams);
        if !cancelled.load(Ordering::SeqCst) {
            streams.say("Watching; Ctrl-C ends it.\n");
        }
        loop {
            if cancelled.load(Ordering::SeqCst) {
                return Ok(session.interrupt().unwrap_or(exit::INTERRUPTED));
            }
            if stamps(&root) != before {
                break;
            }
            std::thread::sleep(PAUSE);
        }
    }
}
