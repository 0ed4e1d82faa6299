//! stdout for results, stderr for all else; colours where they are wanted, and no fuss when a pipe is closed.
#![expect(clippy::disallowed_methods, reason = "the door through which results are printed")]

use std::io::{BufRead as _, BufWriter, IsTerminal as _, Write as _};

use anstream::adapter::strip_str;
use anstream::stream::{AsLockedWrite, RawStream};
use anstream::{AutoStream, ColorChoice};
use owo_colors::OwoColorize as _;
use serde::{Deserialize, Serialize};

use super::args::Color;
use super::exit::Stop;
use super::pager::Pager;
use crate::diagnostic::clean_text;
use crate::model::tokens::masked;

/// The process's streams.
pub struct Streams {
    choice: Option<ColorChoice>,
    /// What was printed since [`Streams::record`].
    record: Option<Vec<Said>>,
    /// Why a part of the result did not get out.
    lost: Option<std::io::Error>,
    paging: Paging,
}

/// How the result reaches whoever reads it.
enum Paging {
    /// As it comes.
    Off,
    /// By a pager, once there is something to read.
    Wanted,
    /// By this one; what was said beside the result meanwhile comes after it.
    On(Pager, String),
}

/// A piece of what was printed.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub enum Said {
    Result(String),
    Beside(String),
}

impl Streams {
    #[must_use]
    pub fn new(color: Color) -> Self {
        let choice = match color {
            Color::Auto => None,
            Color::Always => Some(ColorChoice::Always),
            Color::Never => Some(ColorChoice::Never),
        };
        Streams { choice, record: None, lost: None, paging: Paging::Off }
    }

    /// From now on the result is read with a pager, if it is read at a terminal.
    pub fn page(&mut self) {
        let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        if std::io::stdout().is_terminal() && !is_dumb {
            self.paging = Paging::Wanted;
        }
    }

    /// Waits until the pager was left, where there is one.
    pub fn finish_page(&mut self) {
        if let Paging::On(pager, said) = std::mem::replace(&mut self.paging, Paging::Off) {
            pager.finish();
            self.say(&said);
        }
    }

    /// A terminal is cleared for another result.
    pub fn begin_anew(&mut self) {
        if std::io::stdout().is_terminal() {
            self.result("\u{1b}[2J\u{1b}[H");
        }
    }

    /// Remembers from now on what is printed.
    pub fn record(&mut self) {
        self.record = Some(Vec::new());
    }

    /// What was printed since then.
    pub fn recorded(&mut self) -> Vec<Said> {
        self.record.take().unwrap_or_default()
    }

    /// Prints what was printed before.
    pub fn replay(&mut self, said: &[Said]) {
        for piece in said {
            match piece {
                Said::Result(text) => self.exactly(text),
                Said::Beside(text) => self.say(text),
            }
        }
    }

    /// Writes a piece of the result. No credential is in it, whatever name, label or text it was pasted into.
    pub fn result(&mut self, text: &str) {
        self.exactly(&masked(text));
    }

    /// Writes what is to be read as it is: pages of ours with their examples, and the record for auditors, whose digests are of
    /// what was saved.
    pub fn exactly(&mut self, text: &str) {
        self.record.iter_mut().for_each(|record| record.push(Said::Result(text.to_owned())));
        let stdout = std::io::stdout();
        let choice = self.choice.unwrap_or_else(|| AutoStream::choice(&stdout));
        if matches!(self.paging, Paging::Wanted) {
            self.paging = Pager::start().map_or(Paging::Off, |pager| Paging::On(pager, String::new()));
        }
        if let Paging::On(pager, _) = &mut self.paging {
            match choice {
                ColorChoice::Never => pager.write(&strip_str(text).to_string()),
                _ => pager.write(text),
            }
            return;
        }
        if let Err(error) = print(stdout.lock(), choice, text)
            // A reader that went away has what it wanted.
            && error.kind() != std::io::ErrorKind::BrokenPipe
        {
            self.lost.get_or_insert(error);
        }
    }

    /// Why the result is not whole, where it is not.
    pub fn lost(&mut self) -> Option<std::io::Error> {
        self.lost.take()
    }

    /// Says something beside the result; no credential is in that either.
    pub fn say(&mut self, text: &str) {
        let masked = masked(text);
        let text = &*masked;
        self.record.iter_mut().for_each(|record| record.push(Said::Beside(text.to_owned())));
        if let Paging::On(_, said) = &mut self.paging {
            said.push_str(text);
            return;
        }
        let stderr = std::io::stderr();
        let choice = self.choice.unwrap_or_else(|| AutoStream::choice(&stderr));
        let _ = print(stderr.lock(), choice, text);
    }

    /// Says why a command stopped.
    pub fn failure(&mut self, stop: &Stop) {
        let mut text = format!("{}{} {}\n", "error".red().bold(), ":".bold(), clean_text(&stop.message));
        if let Some(help) = &stop.help {
            text.push_str(&format!("  {} {}\n", "help:".cyan().bold(), clean_text(help)));
        }
        self.say(&text);
    }

    /// Whether a person can be asked.
    #[must_use]
    pub fn can_ask(&self) -> bool {
        std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
    }

    /// Asks on stderr; true only for `yes` or `y`.
    pub fn ask(&mut self, question: &str) -> bool {
        matches!(self.answer(question).to_ascii_lowercase().as_str(), "y" | "yes")
    }

    /// Asks on stderr; the line that was typed, empty when there was none.
    pub fn answer(&mut self, question: &str) -> String {
        self.say(question);
        let mut answer = String::new();
        let read = std::io::stdin().lock().read_line(&mut answer);
        if read.is_ok() { answer.trim().to_owned() } else { String::new() }
    }
}

/// Without colours in large pieces: a stream that takes them out writes each piece between two of them by itself.
fn print(stream: impl RawStream + AsLockedWrite, choice: ColorChoice, text: &str) -> std::io::Result<()> {
    if choice == ColorChoice::Never {
        let mut stream = BufWriter::new(stream);
        strip_str(text).try_for_each(|piece| stream.write_all(piece.as_bytes()))?;
        return stream.flush();
    }
    let mut stream = AutoStream::new(stream, choice);
    stream.write_all(text.as_bytes())?;
    stream.flush()
}
