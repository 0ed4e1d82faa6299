//! Which catalogue a run has: an archive that was named, the one that `schema update` took, or what is built in; that command, and
//! `schema pack`. No file of a project chooses it, and no archive is read from where a branch could write.
#![expect(clippy::disallowed_methods, reason = "the door through which catalogues are read")]

use std::fs;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use super::args::Form;
use super::cache;
use super::exit::{self, Stop};
use super::session::Session;
use super::streams::Streams;
use super::trust::{base_folder, is_inside};
use crate::diagnostic::clean;
use crate::ops::Help;
use crate::ops::catalogue::{self as catalogues, Changes};
use crate::plan::FORMAT_VERSION;
use crate::report::{self, json as machine};
use crate::schema::archive::{Archive, ArchiveError, LARGEST};
use crate::schema::parts::{take, taken};
use crate::source::git;
use crate::source::load::{load_folder, open as open_file, reason};
use crate::source::write::{self, Mode};

/// What names the catalogue of the program itself.
const BUILT_IN: &str = "built-in";

/// Where the archive lies that was taken, below the folder of a user's data.
const INSTALLED: &str = "pairform/catalogue";

const GO_BACK: &str = "`pairform schema update FILE` takes another, and `pairform schema update --built-in` goes back to what is built in";

/// Takes the catalogue of this run, before anything is read of any. Where it lies; none where it is what is built in.
///
/// # Errors
/// When it cannot be used, or lies where a branch could write.
pub fn choose(session: &Session, streams: &mut Streams) -> Result<Option<PathBuf>, Stop> {
    let named = match &session.common.catalogue {
        Some(named) if named.as_os_str() == BUILT_IN => return Ok(None),
        Some(named) => Some(session.path(named)),
        None => None,
    };
    let is_named = named.is_some();
    let Some(path) = named.map_or_else(installed, |path| Ok(Some(path)))? else { return Ok(None) };
    let archive = open(&session.here, &path)?;
    let is_kept = !session.common.no_cache && !session.is_untrusted();
    if !is_kept || !cache::was_proven(&archive) {
        catalogues::prove(&archive).map_err(|why| unusable(&path, &why))?;
        if is_kept {
            cache::note_proven(&archive);
        }
    }
    if !is_named && catalogues::is_older(&archive) {
        let Archive { name, made_with, .. } = &archive;
        streams.say(&format!(
            "note: the catalogue {name} was made by pairform {made_with}, and this is {}, whose own may know more; {GO_BACK}\n",
            catalogues::VERSION
        ));
    }
    take(archive);
    Ok(Some(path))
}

/// Takes what a shell's question is answered by, where that was proven before. What is wrong is for a command to tell.
pub fn choose_for_completion(here: &Path) {
    let named = std::env::var_os("PAIRFORM_CATALOGUE").filter(|named| named != BUILT_IN);
    let path = named.map_or_else(|| installed().ok().flatten(), |named| Some(here.join(named)));
    let archive = path.and_then(|path| open(here, &path).ok());
    if let Some(archive) = archive.filter(cache::was_proven) {
        take(archive);
    }
}

/// The archive that was taken, where there is one.
fn installed() -> Result<Option<PathBuf>, Stop> {
    let Some(path) = place() else { return Ok(None) };
    match path.symlink_metadata() {
        Ok(_) => Ok(Some(path)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => {
            let why = format!(
                "whether a catalogue was taken cannot be seen at {}: {}",
                path.display(),
                reason(&error)
            );
            Err(Stop::usage(why).help("mend that, or name one with --catalogue or PAIRFORM_CATALOGUE"))
        }
    }
}

/// `$XDG_DATA_HOME/pairform/catalogue`, or below `~/.local/share`; none where it is not known who runs this.
fn place() -> Option<PathBuf> {
    Some(base_folder("XDG_DATA_HOME", ".local/share")?.join(INSTALLED))
}

/// Reads an archive that lies outside the work tree.
fn open(here: &Path, path: &Path) -> Result<Archive, Stop> {
    refuse_inside(here, path)?;
    let bytes = bytes(path).map_err(|error| {
        let why = reason(&error);
        Stop::usage(format!("the catalogue {} cannot be read: {why}", path.display())).help(GO_BACK)
    })?;
    Archive::read(bytes).map_err(|why| unusable(path, &why))
}

/// What a file holds; of one that is larger than any archive no more than shows it.
fn bytes(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_file(path)?.take(LARGEST as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn unusable(path: &Path, why: &ArchiveError) -> Stop {
    Stop::usage(format!("the catalogue {} cannot be used: {}", path.display(), clean(&why.to_string())))
        .help(GO_BACK)
}

fn refuse_inside(here: &Path, path: &Path) -> Result<(), Stop> {
    if !is_inside(path, here) {
        return Ok(());
    }
    let message = format!(
        "the catalogue {} lies in the work tree, where a branch could change what it is judged by",
        path.display()
    );
    Err(Stop::usage(message).help("keep it outside; parts of a project's own stand below its schemas/"))
}

/// `schema update`.
///
/// # Errors
/// When the archive cannot be used or kept; what was taken before stays.
pub fn update(
    session: &Session,
    file: Option<&Path>,
    digest: Option<&str>,
    streams: &mut Streams,
) -> Result<u8, Stop> {
    if session.is_untrusted() {
        let message = "an untrusted run takes no catalogue, which would judge whatever runs after it";
        return Err(Stop::new(exit::NOT_ALLOWED, message).help(exit::words(&Help::Untrusted)));
    }
    let place = place().ok_or_else(|| {
        Stop::usage("there is no folder to keep a catalogue in").help("set HOME or XDG_DATA_HOME")
    })?;
    refuse_inside(&session.here, &place)?;
    // What was taken before may be damaged; that is a reason to take another.
    let before = bytes(&place).ok().and_then(|bytes| Archive::read(bytes).ok());
    let after = match file {
        Some(file) => Some(verified(session, file, digest)?),
        None => None,
    };
    let kept = match &after {
        Some(archive) => write::replace_at(&place, None, archive.bytes(), Mode::Shared),
        None => match fs::remove_file(&place) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            removed => removed,
        },
    };
    kept.map_err(|error| Stop::usage(format!("cannot write {}: {}", place.display(), reason(&error))))?;
    if session.common.catalogue.is_some() {
        streams
            .say("note: --catalogue or PAIRFORM_CATALOGUE names another one, which counts where it does\n");
    }
    if let (Some(before), Some(after)) = (&before, &after)
        && is_before(&after.name, &before.name)
    {
        streams.say(&format!(
            "note: the catalogue {} is older than {}, which it takes the place of; `pairform schema update FILE` takes that one again\n",
            clean(&after.name),
            clean(&before.name)
        ));
    }
    let changes = catalogues::changes(before.as_ref(), after.as_ref());
    let path = after.as_ref().map(|_| place.as_path());
    if session.common.output == Form::Json {
        let Changes { new, changed, gone } = changes;
        let body = json!({"format_version": FORMAT_VERSION, "command": "schema update", "exit_code": exit::OK,
            "catalogue": data(after.as_ref(), path), "new": new, "changed": changed, "gone": gone});
        streams.result(&machine::print(&body));
    } else {
        streams.result(&format!("{}{}", said(after.as_ref(), path), told(&changes)));
    }
    Ok(exit::OK)
}

/// Whether a name such as 2026.12 is that of an earlier catalogue than another one; names without an order are not.
fn is_before(name: &str, other: &str) -> bool {
    let numbers = |name: &str| name.split('.').map(|part| part.parse().ok()).collect::<Option<Vec<u32>>>();
    matches!((numbers(name), numbers(other)), (Some(name), Some(other)) if name < other)
}

/// An archive that somebody wants to take, once it is proven to be of use.
fn verified(session: &Session, file: &Path, digest: Option<&str>) -> Result<Archive, Stop> {
    let path = session.path(file);
    let archive = open(&session.here, &path)?;
    if let Some(wanted) = digest
        && wanted != archive.digest
    {
        let message = format!(
            "the catalogue {} has the digest {}, and not {}",
            file.display(),
            archive.digest,
            clean(wanted)
        );
        return Err(
            Stop::usage(message).help("nothing was taken; get it again from where the digest was read")
        );
    }
    catalogues::prove(&archive).map_err(|why| unusable(&path, &why))?;
    Ok(archive)
}

/// `schema pack`.
///
/// # Errors
/// When the parts are no catalogue, or it cannot be written.
pub fn pack(
    session: &Session,
    folder: &Path,
    name: &str,
    out: &Path,
    streams: &mut Streams,
) -> Result<u8, Stop> {
    let from = session.path(folder);
    if !from.is_dir() {
        return Err(Stop::usage(format!("there is no folder {}", folder.display())));
    }
    let sources = load_folder(&from, "schemas");
    let mut findings = Vec::new();
    let made = catalogues::make(name, &sources, &mut findings).map_err(|why| {
        Stop::usage(format!("{} cannot be packed: {}", folder.display(), clean(&why.to_string())))
    })?;
    if let Some(archive) = &made {
        let tree = git::work_tree(&session.here);
        write::replace_at(&session.path(out), tree.as_deref(), archive.bytes(), Mode::Shared)
            .map_err(|error| Stop::usage(format!("cannot write {}: {}", out.display(), reason(&error))))?;
    }
    let code = if made.is_some() { exit::OK } else { exit::ERRORS };
    if session.common.output == Form::Json {
        let body = json!({"format_version": FORMAT_VERSION, "command": "schema pack", "exit_code": code,
            "catalogue": made.as_ref().map(|archive| data(Some(archive), Some(out))),
            "findings": machine::findings(&findings, &sources)});
        streams.result(&machine::print(&body));
    } else {
        streams.say(&report::findings::text(&findings, &sources, &[]));
        streams.result(&made.as_ref().map_or_else(
            || report::findings::summary(&findings, 1, "catalogue"),
            |archive| said(Some(archive), Some(out)),
        ));
    }
    Ok(code)
}

/// The catalogue that this run has, on a line.
#[must_use]
pub fn line(session: &Session) -> String {
    said(taken(), session.catalogue.as_deref())
}

/// The same as data.
#[must_use]
pub fn in_force(session: &Session) -> Json {
    data(taken(), session.catalogue.as_deref())
}

fn said(archive: Option<&Archive>, path: Option<&Path>) -> String {
    match (archive, path) {
        (Some(archive), Some(path)) => {
            format!(
                "catalogue {} ({}), {}\n",
                archive.name,
                clean(&path.display().to_string()),
                archive.digest
            )
        }
        _ => format!("catalogue {}, built in\n", catalogues::VERSION),
    }
}

fn data(archive: Option<&Archive>, path: Option<&Path>) -> Json {
    match archive {
        Some(archive) => {
            json!({"name": archive.name, "made_with": archive.made_with, "digest": archive.digest,
            "path": path.map(|path| path.display().to_string())})
        }
        None => {
            json!({"name": catalogues::VERSION, "made_with": catalogues::VERSION, "digest": null, "path": null})
        }
    }
}

fn told(changes: &Changes) -> String {
    let Changes { new, changed, gone } = changes;
    let number = new.len() + changed.len() + gone.len();
    if number == 0 {
        return "It says what the one before it said.\n".to_owned();
    }
    let lines = |what: &str, paths: &[String]| -> String {
        paths.iter().map(|path| format!("  {what:<8} {}\n", clean(path))).collect()
    };
    format!(
        "{}{}{}{} from before. A plan that was made by another catalogue has to be made anew; a server that runs has to be started anew.\n",
        lines("new", new),
        lines("changed", changed),
        lines("gone", gone),
        if number == 1 { "1 part differs".to_owned() } else { format!("{number} parts differ") },
    )
}
