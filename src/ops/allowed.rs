//! Whether an operation may reach out: by a line, or by what its host learns when it looks further. What is needed is gathered
//! in [`super::needs`]; who is asked, and where lines come from, is a door's matter.

use std::collections::BTreeMap;

use super::error::{Error, ErrorKind, Help, Result};
use super::host::{Host, Whose};
use super::needs::needs_of_saves;
use crate::plan::Plan;
use crate::schema::parts::Catalogue;
use crate::trust::{Denied, Line, Need};

/// Proves that something is allowed: by the lines, by an approved branch, or by an answer, which counts from now on.
///
/// # Errors
/// When it is not.
pub fn require(need: &Need, whose: Whose<'_>, host: &Host<'_>) -> Result<()> {
    require_all([need.clone()], whose, host)
}

/// As [`require`], for several; what is refused is told at once.
///
/// # Errors
/// When one is not allowed.
pub fn require_all(needs: impl IntoIterator<Item = Need>, whose: Whose<'_>, host: &Host<'_>) -> Result<()> {
    let mut refused: BTreeMap<Need, Denied> = BTreeMap::new();
    for need in needs {
        let Err(why) = host.trust.judge(&need) else { continue };
        let is_open = matches!(why, Denied::NoLine(_)) && !refused.contains_key(&need);
        if !is_open || !(host.ask)(&need, whose) {
            refused.insert(need, why);
        } else if host.trust.judge(&need).is_err() {
            // Not by a branch, which is learned already: by a person.
            host.trust.answer(&need);
        }
    }
    if refused.is_empty() { Ok(()) } else { Err(refusal(&refused)) }
}

/// What a plan saves and no line allows yet, in words; nothing where an approved branch may allow it. Nobody is asked.
#[must_use]
pub fn foretell(plan: &Plan, catalogue: &Catalogue, host: &Host<'_>) -> Vec<String> {
    if host.trust.has_approved() {
        return Vec::new();
    }
    let needs = needs_of_saves(plan, catalogue);
    let refused = needs.iter().filter_map(|need| Some((need, host.trust.judge(need).err()?)));
    refused.map(|(need, why)| format!("{need}: {why}")).collect()
}

/// What is not allowed, and the lines that would allow it.
fn refusal(refused: &BTreeMap<Need, Denied>) -> Error {
    const SHOWN: usize = 10;
    let all: Vec<String> = refused.keys().take(SHOWN).map(Need::to_string).collect();
    let more = match refused.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    let lines: Vec<Line> = refused
        .values()
        .filter_map(|why| match why {
            Denied::NoLine(line) => Some(line.clone()),
            Denied::Untrusted => None,
        })
        .collect();
    let (why, help) = match lines.as_slice() {
        [] => ("not used, since this run is untrusted", Help::Untrusted),
        _ => ("not allowed here", Help::Allow(lines)),
    };
    let message = match all.as_slice() {
        [one] => format!("{one} is {why}"),
        all => format!("{why}: {}{more}", all.join(", ")),
    };
    Error::new(ErrorKind::NotAllowed, message).with(help)
}
