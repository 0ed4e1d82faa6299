//! What is allowed in this run, gathered from all that a branch cannot write: flags, variables, the policy file, and what was
//! answered at a terminal. What the lines mean is told in [`crate::trust`].
#![expect(
    clippy::disallowed_methods,
    reason = "the door through which the policy and the environment are seen"
)]

use std::env;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::args::Common;
use super::exit::Stop;
use crate::model::digest_text;
use crate::ops::needs::needs_of_store;
use crate::ops::policy_file::PolicyFile;
use crate::source::write::{Draft, Mode};
use crate::source::{git, load};
use crate::trust::{Grant, Line, Need, Origin, Trust};

/// The variable that holds lines, parted as a shell parts words.
pub const ALLOW: &str = "PAIRFORM_ALLOW";

/// Where a policy is looked for when none is named, below the folder of configurations, and where answers are kept.
const POLICY: &str = "pairform/policy.yaml";
const SYSTEM_POLICY: &str = "/etc/pairform/policy.yaml";
const ANSWERS: &str = "pairform/allowed";

/// What is allowed, and the policy that says so.
#[derive(Default)]
pub struct Gathered {
    pub trust: Trust,
    /// The policy file, where there is one.
    pub policy: Option<(PathBuf, PolicyFile)>,
}

/// Gathers what is allowed for work in a folder. Of an untrusted run nothing is read.
///
/// # Errors
/// When the policy cannot be used, or a line says nothing.
pub fn gather(common: &Common, here: &Path) -> Result<Gathered, Stop> {
    if common.untrusted {
        return Ok(Gathered { trust: Trust::new(true, Vec::new()), policy: None });
    }
    let policy = policy(common, here)?;
    if let Some((path, policy)) = &policy
        && policy.has_errors()
    {
        let first = policy.findings.first().map_or("", |finding| finding.message.as_str());
        return Err(Stop::usage(format!("the policy {} cannot be used: {first}", path.display()))
            .help(format!("`pairform policy check {}` shows all that is wrong in it", path.display())));
    }
    let mut grants = given(common, here)?;
    grants.extend(policy.iter().flat_map(|(_, policy)| policy.grants.iter().cloned()));
    grants.extend(answered(here));
    Ok(Gathered { trust: Trust::new(false, grants), policy })
}

/// What flags and variables allow, by a line or by naming it.
fn given(common: &Common, here: &Path) -> Result<Vec<Grant>, Stop> {
    let wrong = |error| Stop::usage(format!("--allow: {error}"));
    let mut lines = Vec::new();
    for text in &common.allow {
        lines.push(text.parse::<Line>().map_err(wrong)?);
    }
    if let Some(text) = env::var_os(ALLOW) {
        let text = text.into_string().map_err(|_| Stop::usage(format!("{ALLOW} is no text")))?;
        let read = Line::read_list(&text).map_err(|error| Stop::usage(format!("{ALLOW}: {error}")))?;
        lines.extend(read);
    }
    let mut grants: Vec<Grant> = lines.into_iter().map(|line| Grant { line, from: Origin::Given }).collect();
    let named = common.store.iter().flat_map(|url| needs_of_store(url, here));
    grants.extend(named.map(|one| Grant { line: Line::only(&one.need), from: Origin::Store }));
    let vault = env::var("VAULT_ADDR").ok().and_then(|url| crate::http::address::parse(&url));
    grants.extend(vault.map(|url| {
        let need = Need::Vault(crate::http::address::endpoint(&url));
        Grant { line: Line::only(&need), from: Origin::Vault }
    }));
    Ok(grants)
}

/// The policy that was named, else the user's, else the system's.
///
/// # Errors
/// When the one that was named cannot be read, or one lies where a branch can write.
pub fn policy(common: &Common, here: &Path) -> Result<Option<(PathBuf, PolicyFile)>, Stop> {
    let path = match &common.policy {
        Some(path) => Some(here.join(path)),
        None => usual_policy()?,
    };
    let Some(path) = path else { return Ok(None) };
    if is_inside(&path, here) {
        let message = format!(
            "the policy {} lies in the work tree, where whatever it judges can change it",
            path.display()
        );
        return Err(
            Stop::usage(message).help("keep it outside, and name it with --policy or PAIRFORM_POLICY")
        );
    }
    let text = load::text_of(&path).map_err(|error| {
        Stop::usage(format!("the policy {} cannot be read: {}", path.display(), load::reason(&error)))
    })?;
    let policy = PolicyFile::read(&path, &text);
    Ok(Some((path, policy)))
}

/// The first policy that is there. One that cannot be looked for may be there, and narrow what is allowed.
fn usual_policy() -> Result<Option<PathBuf>, Stop> {
    for path in usual_policies() {
        match path.symlink_metadata() {
            Ok(_) => return Ok(Some(path)),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {}
            Err(error) => {
                let (path, why) = (path.display(), load::reason(&error));
                return Err(Stop::usage(format!("whether there is a policy {path} cannot be seen: {why}"))
                    .help("mend that, or name a policy with --policy or PAIRFORM_POLICY"));
            }
        }
    }
    Ok(None)
}

/// Where a policy is looked for when none is named.
#[must_use]
pub fn usual_policies() -> Vec<PathBuf> {
    let own = base_folder("XDG_CONFIG_HOME", ".config").map(|folder| folder.join(POLICY));
    own.into_iter().chain([PathBuf::from(SYSTEM_POLICY)]).collect()
}

/// A base folder of the user, as the XDG specification has it.
#[must_use]
pub fn base_folder(variable: &str, usual: &str) -> Option<PathBuf> {
    let named = env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    named.or_else(|| Some(env::home_dir().filter(|home| home.is_absolute())?.join(usual)))
}

/// Where a branch can write: in the work tree or the project, as it is written or where its links lead.
#[must_use]
pub fn is_inside(path: &Path, here: &Path) -> bool {
    let project = load::find_root(here);
    let trees = [git::work_tree(project.as_deref().unwrap_or(here)), project];
    let follow = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let written = path.parent().map(|folder| follow(folder).join(path.file_name().unwrap_or_default()));
    let lies = |tree: &PathBuf| {
        let tree = follow(tree);
        follow(path).starts_with(&tree) || written.as_ref().is_some_and(|path| path.starts_with(&tree))
    };
    trees.iter().flatten().any(lies)
}

/// Where what people answer is kept; none where it is not known who runs this.
fn answers() -> Option<PathBuf> {
    Some(base_folder("XDG_STATE_HOME", ".local/state")?.join(ANSWERS))
}

/// The file of the project around a folder; none where a branch could write there.
fn answers_of(here: &Path) -> Option<PathBuf> {
    let root = fs::canonicalize(load::find_root(here)?).ok()?;
    let name = digest_text(&root.to_string_lossy()).replace(':', "-");
    let file = answers()?.join(name);
    (!is_inside(&file, here)).then_some(file)
}

/// What was answered for the project around a folder. Most people never were asked, and nothing is looked for.
fn answered(here: &Path) -> Vec<Grant> {
    let file = answers().filter(|folder| folder.is_dir()).and_then(|_| answers_of(here));
    let Some(file) = file else { return Vec::new() };
    let text = load::text_of(&file).unwrap_or_default();
    let lines = text.lines().filter_map(|line| line.parse::<Line>().ok());
    lines.map(|line| Grant { line, from: Origin::Answer(file.clone()) }).collect()
}

/// Keeps an answer for the project around a folder.
///
/// # Errors
/// When it cannot be written, or only where a branch could write it too; when it would not be read as it is, such as a path
/// with a line break, whose rest would be a line of its own.
pub fn keep_answer(line: &Line, here: &Path) -> std::io::Result<()> {
    use std::io::Write as _;
    if line.to_string().parse().as_ref() != Ok(line) {
        return Err(std::io::Error::other("no line of text means just this"));
    }
    let nowhere = || std::io::Error::other("there is no folder outside the project to keep it in");
    let file = &answers_of(here).ok_or_else(nowhere)?;
    let known = load::text_of(file).ok();
    let root = load::find_root(here).unwrap_or_else(|| here.to_owned());
    let begun = || {
        format!(
            "# What was allowed at a terminal for {}; take a line out to be asked again.\n",
            root.display()
        )
    };
    let text = known.unwrap_or_else(begun) + &format!("{line}\n");
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut draft = Draft::at(file, None, Mode::Private)?;
    draft.write_all(text.as_bytes())?;
    draft.finish()
}
