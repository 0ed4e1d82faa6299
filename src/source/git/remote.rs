//! Fetching and pushing by the system's git, with its credentials, helpers and proxies, which are the machine's own business. What a
//! branch can write tells it nothing.
#![expect(clippy::disallowed_methods, reason = "asks where git's own folders lead")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::GitError;
use super::history::History;
use super::system::{self, Ran};
use crate::source::program::NotEnded;

/// Refs of a remote that nobody but the reconciler moves are below this, so that it waits for nobody's fetch and disturbs none.
const REFS: &str = "refs/pairform/reconcile";

/// A branch of a remote, as this clone names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteBranch {
    pub remote: String,
    pub branch: String,
}

impl RemoteBranch {
    /// # Errors
    /// When one of the two cannot be a name.
    pub fn new(remote: &str, branch: &str) -> Result<Self, GitError> {
        let is_branch = git2::Branch::name_is_valid(branch).unwrap_or(false);
        let is_remote = git2::Remote::is_valid_name(remote) && !remote.starts_with('-');
        for (what, name, is_valid) in [("remote", remote, is_remote), ("branch", branch, is_branch)] {
            if !is_valid || name.is_empty() {
                let message = format!("`{name}` cannot be the name of a {what}");
                let help = match what {
                    "remote" => "name one that `git remote` lists",
                    _ => "name a branch of the remote, such as main",
                };
                return Err(GitError { message, help: Some(help.to_owned()) });
            }
        }
        Ok(RemoteBranch { remote: remote.to_owned(), branch: branch.to_owned() })
    }

    /// The names by which others know it in this clone.
    #[must_use]
    pub fn names(&self) -> [String; 3] {
        let RemoteBranch { remote, branch } = self;
        ["", "remotes/", "refs/remotes/"].map(|below| format!("{below}{remote}/{branch}"))
    }

    /// The ref in this clone that holds what was fetched last.
    #[must_use]
    pub fn local_ref(&self) -> String {
        format!("{REFS}/{}/{}", self.remote, self.branch)
    }
}

impl History {
    /// The branch of a remote that is meant where none is named: the one that it begins with as far as this clone knows, else the one
    /// that is checked out.
    #[must_use]
    pub fn usual_branch(&self, remote: &str) -> String {
        let named = |reference: &str, below: &str| {
            let reference = self.repository.find_reference(reference).ok()?;
            let target = reference.symbolic_target().ok()??;
            target.strip_prefix(below).map(str::to_owned)
        };
        named(&format!("refs/remotes/{remote}/HEAD"), &format!("refs/remotes/{remote}/"))
            .or_else(|| named("HEAD", "refs/heads/"))
            .unwrap_or_else(|| "main".to_owned())
    }

    /// Fetches a branch of a remote into a ref of the reconciler's own, whatever was there before: what a force-push means is not
    /// git's to say.
    ///
    /// # Errors
    /// When git cannot be run, does not end in time, or has nothing to fetch.
    pub fn fetch(&self, branch: &RemoteBranch, patience: Duration) -> Result<(), GitError> {
        self.require_own(&format!("{}/{}", branch.remote, branch.branch))?;
        let refspec = format!("+refs/heads/{}:{}", branch.branch, branch.local_ref());
        let arguments = [
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-write-fetch-head",
            "--no-recurse-submodules",
            "--no-prune",
            // Branches of the remote that this clone has are for those who work in it to move.
            "--refmap=",
            "--end-of-options",
            &branch.remote,
            &refspec,
        ];
        self.git(&arguments, patience).map(|_| ())
    }

    /// Pushes a branch of this clone to a remote under its own name; nothing that is there is moved but forward.
    ///
    /// # Errors
    /// When git cannot be run, does not end in time, or the remote refuses.
    pub fn push_branch(&self, remote: &str, branch: &str, patience: Duration) -> Result<(), GitError> {
        let branch = RemoteBranch::new(remote, branch)?;
        let refspec = format!("refs/heads/{0}:refs/heads/{0}", branch.branch);
        let arguments =
            ["push", "--quiet", "--no-verify", "--no-follow-tags", "--end-of-options", remote, &refspec];
        self.git(&arguments, patience).map(|_| ())
    }

    /// Whether all of a commit's history is in that of another one, or it is that one.
    ///
    /// # Errors
    /// When one of the two is not known here, so that nobody can tell.
    pub fn is_ancestor(&self, commit: &str, of: &str) -> Result<bool, GitError> {
        let id = |text: &str| git2::Oid::from_str(text);
        let told = |error: git2::Error| GitError {
            message: format!(
                "git cannot tell whether {commit} is in the history of {of}: {}",
                error.message()
            ),
            help: None,
        };
        let (commit, of) = (id(commit).map_err(told)?, id(of).map_err(told)?);
        if commit == of {
            return Ok(true);
        }
        // What a force-push left behind may be here no more.
        if self.repository.find_commit(commit).is_err() {
            return Ok(false);
        }
        self.repository.graph_descendant_of(of, commit).map_err(told)
    }

    /// The signature of a commit in the form of SSH or OpenPGP, and what it is of; none where it has none.
    #[must_use]
    pub fn signature(&self, commit: &str) -> Option<(String, Vec<u8>)> {
        let id = git2::Oid::from_str(commit).ok()?;
        let (signature, signed) = self.repository.extract_signature(&id, None).ok()?;
        Some((String::from_utf8_lossy(&signature).into_owned(), signed.to_vec()))
    }

    /// The fingerprints of the key with which a commit is signed in the form of OpenPGP, and of the one that it belongs to, by the
    /// keyring of this machine.
    ///
    /// # Errors
    /// When git does not find the signature good.
    pub fn openpgp_key(&self, commit: &str, patience: Duration) -> Result<[String; 2], GitError> {
        self.require_own_configuration(patience)?;
        let said = self.run_git(&["verify-commit", "--raw", commit], patience)?.stderr;
        good_signature(&said).ok_or_else(|| GitError {
            message: "git does not say with which one key it is signed".to_owned(),
            help: None,
        })
    }

    /// Runs git on this repository.
    fn git(&self, arguments: &[&str], patience: Duration) -> Result<String, GitError> {
        self.require_own_configuration(patience)?;
        Ok(self.run_git(arguments, patience)?.stdout)
    }

    fn run_git(&self, arguments: &[&str], patience: Duration) -> Result<Ran, GitError> {
        let what = arguments.first().copied().unwrap_or_default();
        let failed = |why: String| GitError { message: format!("git {what} failed: {why}"), help: None };
        let mut command = system::git(self.repository.path());
        command.args(arguments);
        let ran = system::run(command, patience).map_err(|error| match error {
            NotEnded::NotBegun(error) if error.kind() == std::io::ErrorKind::NotFound => GitError {
                message: "there is no git on the path, and it is what fetches".to_owned(),
                help: Some("install git, or put it on the PATH of this process".to_owned()),
            },
            other => failed(other.to_string()),
        })?;
        if !ran.status.success() {
            let status = ran.status;
            return Err(failed(words(&ran.stderr).unwrap_or_else(|| format!("it ended with {status}"))));
        }
        Ok(ran)
    }

    /// Proves that no file which came with the repository configures git: one that is included from the working tree would let whoever
    /// writes a branch run programs, and lead elsewhere.
    fn require_own_configuration(&self, patience: Duration) -> Result<(), GitError> {
        let Some(tree) = self.repository.workdir().and_then(|tree| tree.canonicalize().ok()) else {
            return Ok(());
        };
        let own = self.repository.path().canonicalize().unwrap_or_else(|_| self.repository.path().to_owned());
        let arguments = ["config", "--list", "--includes", "--show-origin", "--name-only", "-z"];
        let listed = self.run_git(&arguments, patience)?.stdout;
        let origins = listed.split('\0').filter_map(|part| part.strip_prefix("file:"));
        for origin in origins {
            let place = Path::new("/").join(origin);
            let place: PathBuf = place.canonicalize().unwrap_or(place);
            if place.starts_with(&tree) && !place.starts_with(&own) {
                return Err(GitError {
                    message: format!(
                        "git is configured by {}, a file of the working tree, so that whoever writes a branch could run programs with it",
                        place.display()
                    ),
                    help: Some(
                        "take it out of the configuration of git, or fetch from another clone".to_owned(),
                    ),
                });
            }
        }
        Ok(())
    }
}

/// The key of the one good signature that GnuPG tells of, and the one that it belongs to.
fn good_signature(said: &str) -> Option<[String; 2]> {
    const BAD: [&str; 6] = ["BADSIG", "ERRSIG", "EXPSIG", "EXPKEYSIG", "REVKEYSIG", "NODATA"];
    let lines = said.lines().filter_map(|line| line.strip_prefix("[GNUPG:] "));
    let lines: Vec<Vec<&str>> = lines.map(|line| line.split(' ').collect()).collect();
    let of = |kind: &str| lines.iter().filter(|words| words[0] == kind).collect::<Vec<_>>();
    let (good, valid) = (of("GOODSIG"), of("VALIDSIG"));
    let ([_], [valid]) = (good.as_slice(), valid.as_slice()) else { return None };
    let is_bad = BAD.iter().any(|kind| !of(kind).is_empty());
    // The last of ten words is the fingerprint of the primary key.
    let (key, primary) = (valid.get(1)?, valid.get(10).or(valid.get(1))?);
    (!is_bad).then(|| [key, primary].map(|text| (*text).to_owned()))
}

/// The last lines that git said, as one; no password stands in them.
fn words(said: &str) -> Option<String> {
    const LINES: usize = 3;
    let lines: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let last = &lines[lines.len().saturating_sub(LINES)..];
    (!last.is_empty()).then(|| without_credentials(&last.join("; ")))
}

/// A text without what stands before the `@` of an address in it.
fn without_credentials(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        plain.push_str(before);
        let end = after.find(|c: char| c.is_whitespace() || "/'\"".contains(c)).unwrap_or(after.len());
        let host = after[..end].rfind('@').map_or(0, |at| at + 1);
        rest = &after[host..];
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_credential_in_an_address_is_told() {
        for (text, plain) in [
            (
                "fatal: could not read 'https://bot:s3cr3t@git.example/x.git/'",
                "fatal: could not read 'https://git.example/x.git/'",
            ),
            ("a https://x@y b ssh://git@z/p", "a https://y b ssh://z/p"),
            ("no address", "no address"),
        ] {
            assert_eq!(without_credentials(text), plain);
        }
    }

    #[test]
    fn one_good_signature_names_its_key() {
        let of = |lines: &[&str]| {
            let lines: Vec<String> = lines.iter().map(|line| format!("[GNUPG:] {line}")).collect();
            good_signature(&lines.join("\n"))
        };
        let valid = "VALIDSIG AA 2026-11-30 1 0 4 0 22 10 00 BB";
        let two = Some(["AA".to_owned(), "BB".to_owned()]);
        assert_eq!(of(&["NEWSIG", "GOODSIG 1 ann", valid, "TRUST_UNDEFINED 0 pgp"]), two);
        for wrong in [
            &[valid][..],
            &["GOODSIG 1 ann"],
            &["GOODSIG 1 ann", valid, "GOODSIG 2 bo", valid],
            &["BADSIG 1 ann", valid],
            &["EXPKEYSIG 1 ann", valid],
            &["GOODSIG 1 ann", valid, "REVKEYSIG 2 bo"],
        ] {
            assert_eq!(of(wrong), None, "{wrong:?}");
        }
        assert_eq!(good_signature("[GNUPG:]GOODSIG 1 ann\nGOODSIG"), None);
    }

    #[test]
    fn no_flag_passes_for_a_name() {
        for (remote, branch) in
            [("--upload-pack=x", "main"), ("", "main"), ("origin", ""), ("origin", "-d"), ("origin", "a..b")]
        {
            assert!(RemoteBranch::new(remote, branch).is_err(), "{remote} {branch}");
        }
        let named = RemoteBranch::new("origin", "release/1").unwrap();
        assert_eq!(named.local_ref(), "refs/pairform/reconcile/origin/release/1");
    }
}
