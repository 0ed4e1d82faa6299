//! Pushing one commit as a new branch, by the system's git, which knows its user's credentials. Where to is given from outside:
//! git runs in a folder of its own that only borrows the objects, so that nothing that the repository is configured with (remotes,
//! other addresses, hooks, helpers) has a say in it. No branch that is there is moved.
#![expect(clippy::disallowed_methods, reason = "makes the folder that git runs on")]

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use super::history::History;
use super::system;
use crate::source::program::NotEnded;

/// A repository that branches are pushed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote(String);

/// Why a text is no such address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RemoteError {
    #[error(
        "write the address of a repository: https://HOST/PATH, ssh://USER@HOST/PATH, USER@HOST:PATH, or the whole path of a folder"
    )]
    NoAddress,
    #[error(
        "leave the password out of the address: git asks its credential helper, or a key is at hand for SSH"
    )]
    Password,
    #[error("what is pushed to http:// can be read on the way; write https://")]
    Plain,
}

impl FromStr for Remote {
    type Err = RemoteError;

    fn from_str(text: &str) -> Result<Self, RemoteError> {
        let is_plain = !text.is_empty()
            && !text.starts_with('-')
            && !text.contains("::")
            && text.chars().all(|c| !c.is_control() && !c.is_whitespace());
        if !is_plain {
            return Err(RemoteError::NoAddress);
        }
        if text.starts_with('/') {
            return Ok(Remote(text.to_owned()));
        }
        if text.contains("://") {
            let url = url::Url::parse(text).map_err(|_| RemoteError::NoAddress)?;
            let is_here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
            return match url.scheme() {
                _ if url.password().is_some() => Err(RemoteError::Password),
                "https" if !url.username().is_empty() => Err(RemoteError::Password),
                "https" | "ssh" | "file" => Ok(Remote(text.to_owned())),
                "http" if is_here => Ok(Remote(text.to_owned())),
                "http" => Err(RemoteError::Plain),
                _ => Err(RemoteError::NoAddress),
            };
        }
        // As scp writes it; a name alone would be the repository's own remote.
        let (host, path) = text.split_once(':').ok_or(RemoteError::NoAddress)?;
        let host = host.rsplit('@').next().unwrap_or_default();
        let fits = !host.is_empty() && !host.starts_with('-') && !host.contains('/') && !path.is_empty();
        if fits { Ok(Remote(text.to_owned())) } else { Err(RemoteError::NoAddress) }
    }
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a branch was not pushed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PushError {
    #[error("git cannot be run: {0}")]
    NoGit(String),
    #[error("there is a branch `{0}` already where it was to be pushed")]
    Exists(String),
    #[error("git took longer than {0} seconds to push")]
    TooSlow(u64),
    #[error("git could not push: {0}")]
    Failed(String),
}

impl History {
    /// Pushes a commit as a branch that is not there yet.
    ///
    /// # Errors
    /// When there is such a branch, or git fails or takes too long.
    pub fn push(
        &self,
        commit: &str,
        branch: &str,
        remote: &Remote,
        patience: Duration,
    ) -> Result<(), PushError> {
        let failed = |error: std::io::Error| PushError::Failed(error.to_string());
        let scratch = tempfile::Builder::new().prefix("pairform-push").tempdir().map_err(failed)?;
        self.borrow_objects(scratch.path()).map_err(failed)?;
        let reference = format!("refs/heads/{branch}");
        let mut command = system::git(scratch.path());
        command
            .args(["-c", "credential.interactive=false"])
            .args(["push", "--porcelain", "--no-verify", "--recurse-submodules=no", "--no-follow-tags"])
            // Only where nobody has it, whoever pushes at the same moment.
            .arg(format!("--force-with-lease={reference}:"))
            .arg("--")
            .arg(&remote.0)
            .arg(format!("{commit}:{reference}"))
            .env("GIT_ALLOW_PROTOCOL", "https:ssh:file:http");
        let ran = system::run(command, patience).map_err(|error| match error {
            NotEnded::NotBegun(error) => PushError::NoGit(error.to_string()),
            NotEnded::Late(patience) => PushError::TooSlow(patience.as_secs()),
            other => PushError::Failed(other.to_string()),
        })?;
        if ran.status.success() { Ok(()) } else { Err(why(branch, &ran.stdout, &ran.stderr)) }
    }

    /// Makes a folder a repository that has nothing of its own, and the objects of this one.
    fn borrow_objects(&self, folder: &Path) -> std::io::Result<()> {
        let own = fs::canonicalize(self.repository.commondir())?;
        fs::create_dir_all(folder.join("objects/info"))?;
        fs::create_dir_all(folder.join("refs"))?;
        fs::write(folder.join("HEAD"), "ref: refs/heads/none\n")?;
        fs::write(folder.join("config"), "[core]\n\trepositoryformatversion = 0\n\tbare = true\n")?;
        let objects: PathBuf = own.join("objects");
        let objects = objects.to_str().filter(|path| !path.contains('\n'));
        let objects =
            objects.ok_or_else(|| std::io::Error::other("the repository's path cannot be written"))?;
        fs::write(folder.join("objects/info/alternates"), format!("{objects}\n"))?;
        match fs::copy(own.join("shallow"), folder.join("shallow")) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// Why it failed, in a line.
fn why(branch: &str, told: &str, said: &str) -> PushError {
    let refused = told.lines().find(|line| line.starts_with('!'));
    let is_there = ["stale info", "already exists", "fetch first", "non-fast-forward"];
    if refused.is_some_and(|line| is_there.iter().any(|words| line.contains(words))) {
        return PushError::Exists(branch.to_owned());
    }
    let mut lines = said.lines().map(str::trim).filter(|line| !line.is_empty());
    let fatal = lines.clone().find(|line| line.starts_with("fatal:") || line.starts_with("remote:"));
    let line = fatal.or_else(|| lines.next()).or(refused).unwrap_or("it said nothing");
    let line: String = line.trim_start_matches("fatal:").trim().chars().take(300).collect();
    PushError::Failed(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remote_is_an_address_and_no_name_or_program() {
        for good in [
            "https://github.com/team/shops",
            "ssh://git@git.example.com:2222/team/shops.git",
            "git@github.com:team/shops.git",
            "host:shops",
            "file:///srv/git/shops",
            "/srv/git/shops",
            "http://127.0.0.1:3000/team/shops",
        ] {
            assert_eq!(good.parse::<Remote>().map(|remote| remote.to_string()), Ok(good.to_owned()));
        }
        for (bad, why) in [
            ("origin", RemoteError::NoAddress),
            ("", RemoteError::NoAddress),
            ("shops/other", RemoteError::NoAddress),
            ("--upload-pack=touch /tmp/x", RemoteError::NoAddress),
            ("-oProxyCommand=x:y", RemoteError::NoAddress),
            ("git@-oProxyCommand=x:y", RemoteError::NoAddress),
            ("ext::sh -c touch% /tmp/x", RemoteError::NoAddress),
            ("fd::17", RemoteError::NoAddress),
            ("a b:c", RemoteError::NoAddress),
            ("git@host:\nshops", RemoteError::NoAddress),
            ("git://host/shops", RemoteError::NoAddress),
            ("javascript://host/x", RemoteError::NoAddress),
            ("https://me:secret@host/shops", RemoteError::Password),
            ("https://token@host/shops", RemoteError::Password),
            ("http://host/shops", RemoteError::Plain),
            ("http://localhost.evil.example/shops", RemoteError::Plain),
        ] {
            assert_eq!(bad.parse::<Remote>(), Err(why), "{bad}");
        }
    }
}
