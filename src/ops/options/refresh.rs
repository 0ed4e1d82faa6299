//! Fetching the option sets in use and writing the committed lists. What a list looks like is decided elsewhere.

use std::path::Path;

use super::cache;
use super::fetch::{FetchRequest, fetch_options};
use super::fetched::{Fetched, OfAccount};
use crate::compile::Whole;
use crate::diagnostic::Severity;
use crate::ops::error::{Error, ErrorKind, Help, Result};
use crate::ops::host::Host;
use crate::ops::project::Project;
use crate::ops::request::Request;
use crate::ops::workspace::Workspace;
use crate::options::Options;
use crate::source::load;
use crate::source::write::{self, Mode};

/// Fetches what is in use, and writes the lists that changed.
///
/// # Errors
/// When a committed list cannot be read, since nothing would be left of what only stands there; as [`fetch_options`] and
/// [`save_options`].
pub fn refresh_options(
    opened: &Project<'_, Whole>,
    request: &Request,
    asked: &FetchRequest,
    host: &Host<'_>,
) -> Result<Fetched> {
    require_readable(opened)?;
    let fetched = fetch_options(opened, request, asked, host)?;
    save_options(opened.workspace, &fetched)?;
    Ok(fetched)
}

/// A committed list that cannot be read would be replaced whole, and with it what only stands there.
fn require_readable(opened: &Project<'_, Whole>) -> Result<()> {
    let sources = opened.workspace.sources();
    let wrong = opened.compilation.findings.iter().find(|finding| {
        finding.severity == Severity::Error && sources.path(finding.primary.span).starts_with("options/")
    });
    let Some(finding) = wrong else { return Ok(()) };
    let path = sources.path(finding.primary.span);
    let why = format!("{path} cannot be read, so nothing is fetched: {}", finding.message);
    Err(Error::new(ErrorKind::Invalid, why).with(Help::MendList))
}

/// Writes the lists of accounts that changed. Somebody may have fetched other sets of the same account meanwhile, so each
/// file is read again first, with others kept out.
///
/// # Errors
/// When one cannot be written.
pub fn save_options(workspace: &Workspace, fetched: &Fetched) -> Result<()> {
    if fetched.accounts.iter().all(|account| account.text.is_none()) {
        return Ok(());
    }
    let root = workspace.root();
    let gate = Path::new(cache::FOLDER).join("lock");
    let _held = write::lock(root, &gate).map_err(|error| cache::cannot("lock", root, &gate, &error))?;
    fetched.accounts.iter().try_for_each(|account| save(root, account))
}

fn save(root: &Path, account: &OfAccount) -> Result<()> {
    let path = Path::new(&account.path);
    let now = load::text_below(root, path);
    let text = match (&account.text, &now) {
        (Some(_), Some(now)) if account.base.before.as_ref() != Some(now) => {
            account.render(Options::of(&account.path, now).as_ref())
        }
        (text, _) => text.clone(),
    };
    let Some(text) = text.filter(|text| now.as_ref() != Some(text)) else { return Ok(()) };
    write::replace(root, path, text.as_bytes(), Mode::Shared)
        .map_err(|error| cache::cannot("write", root, path, &error))
}
