//! Which environment is meant and where its store is. Nothing here opens a store.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::allowed;
use super::error::{Error, ErrorKind, Help, Result, require_known};
use super::host::{Host, Whose};
use super::needs::needs_of_store;
use super::request::Request;
use crate::compile::project::{DEFAULT_STORE, Environment, Manifest};
use crate::diagnostic::list_words;
use crate::http;
use crate::model::{Hidden, digest_text};
use crate::secrets::{self, Reach, Secrets};
use crate::source::git;
use crate::store::{self, Address};
use crate::trust::{Line, Need};

/// The environment's name and where its store is, a relative path taken from the project's root; of a project file without
/// errors, as [`super::workspace::Workspace::store`] asks.
///
/// # Errors
/// When the environment does not exist or has to be named, or the store's password is not at hand.
pub(super) fn store_of(
    declared: &Manifest,
    root: &Path,
    request: &Request,
    host: &Host<'_>,
) -> Result<(Option<String>, Address)> {
    let name = environment_of(declared, root, request)?;
    let store = request.store.as_deref();
    if name.is_none() && !declared.environments.is_empty() && store.is_none() {
        let known = declared.environments.keys().cloned().collect();
        return Err(
            Error::usage("the project has more than one environment").with(Help::NameEnvironment(known))
        );
    }
    let declared = name.as_ref().and_then(|name| declared.environments.get(name));
    // Its password is for the URL that the project names, to the letter: a URL says how to connect too.
    let declared = declared.filter(|declared| store.is_none_or(|store| declared.store == store));
    let url = rooted(root, store.or(declared.map(|declared| &*declared.store)).unwrap_or(DEFAULT_STORE));
    if host.trust.is_untrusted {
        let why = "no store is opened, since this run is untrusted";
        return Err(Error::new(ErrorKind::NotAllowed, why).with(Help::Untrusted));
    }
    let whose = Whose { root, environment: name.as_deref() };
    let needs = needs_of_store(&url, root);
    if store.is_none() {
        allowed::require_all(
            needs.iter().filter(|need| need.is_far).map(|need| need.need.clone()),
            whose,
            host,
        )?;
    }
    // What a line allows is where the links lead, so that is what is opened.
    let file = needs.iter().find_map(|one| match &one.need {
        Need::StoreFile(path) if one.is_far => Some(format!("sqlite:{}", path.display())),
        _ => None,
    });
    require_own(&url, root)?;
    let within = (store.is_none() && file.is_none()).then(|| root.to_owned());
    let url = file.filter(|_| store.is_none()).unwrap_or(url);
    // A password of the environment is for servers that a line names, on this machine too: whoever may write the files names one.
    let unnamed: Vec<Line> =
        needs.iter().filter(|one| !host.trust.is_named(&one.need)).map(|one| Line::of(&one.need)).collect();
    let password = match declared.and_then(|declared| declared.password.as_ref()) {
        Some(_) if !unnamed.is_empty() => {
            let why = "the password that pairform.yaml names is for a server that a line names";
            return Err(Error::new(ErrorKind::NotAllowed, why).with(Help::Allow(unnamed)));
        }
        Some(reference) => {
            if let Some(need) = secrets::need_of(&reference.secret, root, &BTreeMap::new()) {
                allowed::require(&need, whose, host)?;
            }
            Some(password(root, &reference.secret, host)?)
        }
        None => None,
    };
    let plain = needs.iter().all(|one| host.trust.is_plain(&one.need));
    let from_environment = unnamed.is_empty();
    Ok((name, Address { password, from_environment, plain, within, ..Address::from(&url) }))
}

/// Proves that no commit brought the file of a store, or one that is read beside it: whoever writes a branch would write what is
/// deployed, and the rules that were recorded with it.
fn require_own(url: &str, root: &Path) -> Result<()> {
    let Some(path) = url.strip_prefix("sqlite:") else { return Ok(()) };
    let files = ["", "-wal", "-shm", "-journal"].map(|end| PathBuf::from(format!("{path}{end}")));
    match git::brought(root, files) {
        Ok(None) => Ok(()),
        Ok(Some(found)) => {
            let why = format!(
                "the store's file {} came with a commit, so that whoever writes a branch writes what is deployed",
                found.path.display()
            );
            Err(Error::new(ErrorKind::NotAllowed, why).help(found.mend()))
        }
        Err(error) => {
            let why = format!("whether the store's file came with a commit cannot be told: {error}");
            let refused = Error::new(ErrorKind::NotAllowed, why);
            Err(match error.help {
                Some(help) => refused.help(help),
                None => refused,
            })
        }
    }
}

/// What a plan is bound to while there is no store: a digest of where it will be, without a password, and the same on every
/// machine.
#[must_use]
pub fn planned_store(
    declared: &Manifest,
    root: &Path,
    environment: Option<&str>,
    store: Option<&str>,
) -> String {
    let environment = environment.and_then(|name| declared.environments.get(name));
    let own = environment.map_or(DEFAULT_STORE, |environment| &environment.store);
    let is_own = |store: &&str| store::is_same(&rooted(root, own), &rooted(root, store));
    let url = store.filter(|store| !is_own(store)).unwrap_or(own);
    digest_text(&store::without_password(url))
}

/// The environment that is meant. A store that is an environment's own is that environment, however it was named: its
/// rules and its values go with it.
///
/// # Errors
/// When the environment does not exist, or the store that was named is that of another one.
pub fn environment_of(declared: &Manifest, root: &Path, request: &Request) -> Result<Option<String>> {
    let (environment, store) = (request.environment.as_deref(), request.store.as_deref());
    let known: Vec<&str> = declared.environments.keys().map(String::as_str).collect();
    if let Some(name) = environment {
        require_known("environment", name, &known)?;
    }
    let meant = declared.environment(environment);
    let is_its = |(_, declared): &(_, &Environment)| store.is_some_and(|store| is_at(declared, root, store));
    let owners: Vec<&str> =
        declared.environments.iter().filter(is_its).map(|(name, _)| name.as_str()).collect();
    let its = match (owners.as_slice(), environment) {
        ([], _) => meant,
        (owners, _) if meant.is_some_and(|meant| owners.contains(&meant)) => meant,
        ([one], None) => Some(*one),
        (owners, None) => {
            let owners = owners.iter().map(|name| (*name).to_owned()).collect();
            return Err(Error::usage("the store that was named is that of more than one environment")
                .with(Help::NameEnvironment(owners)));
        }
        (owners, Some(named)) => {
            let owners = list_words(owners, "and");
            return Err(Error::usage(format!(
                "the store that was named is that of {owners}, not of {named}"
            ))
            .with(Help::EnvironmentOfStore(owners)));
        }
    };
    Ok(its.map(str::to_owned))
}

/// Whether a URL leads to the store of an environment.
fn is_at(environment: &Environment, root: &Path, url: &str) -> bool {
    store::is_same(&rooted(root, &environment.store), &rooted(root, url))
}

/// A relative path is taken from the project's root.
fn rooted(root: &Path, url: &str) -> String {
    match url.strip_prefix("sqlite:") {
        Some(path) if !path.is_empty() => format!("sqlite:{}", root.join(path).display()),
        _ => url.to_owned(),
    }
}

fn password(root: &Path, reference: &str, host: &Host<'_>) -> Result<Hidden<String>> {
    let secrets = Secrets::new(host.secrets, Reach::fetch(root, host.trust), &[]);
    secrets.text(reference).map_err(|fault| {
        let kind = match fault.kind {
            http::FaultKind::Denied => ErrorKind::NotAllowed,
            _ => ErrorKind::Unreachable,
        };
        Error::new(kind, format!("the store cannot be opened: {}", fault.message))
    })
}
