//! The policy file: what is allowed from outside the repository, as YAML. Where it lies is the door's to say; what its lines
//! mean is told in [`crate::trust`].

use std::path::Path;

use super::section::Pipeline;
use crate::diagnostic::codes::compose as codes;
use crate::diagnostic::{Finding, Severity, sort_and_merge};
use crate::plan::policy::reconcile::Rules;
use crate::schema::validate::{Validator, Words};
use crate::source::{SourceFile, Sources};
use crate::trust::{Grant, Line, Origin, Signatures, Signer};
use crate::yaml::{self, Node};

/// A policy file that was read.
#[derive(Debug, Default)]
pub struct PolicyFile {
    /// What it allows, each line with its place.
    pub grants: Vec<Grant>,
    /// What is asked of plan files: whether they have to be signed, and whose signatures count.
    pub signatures: Signatures,
    /// What is done about differences, whatever the files say.
    pub reconcile: Rules,
    /// Who may ask a server by a forge's token.
    pub pipelines: Vec<Pipeline>,
    /// What is wrong in it, sorted.
    pub findings: Vec<Finding>,
    /// The file, for its findings.
    pub sources: Sources,
}

impl PolicyFile {
    /// Reads a policy; `path` is how findings and lines name it.
    #[must_use]
    pub fn read(path: &Path, text: &str) -> Self {
        let mut policy = PolicyFile::default();
        let shown = path.display().to_string();
        let file = policy.sources.add(SourceFile::new(&shown, text));
        let Some(root) = yaml::parse(&policy.sources, file, &mut policy.findings) else { return policy };
        let words = Words { document: Some("a policy"), ..Words::default() };
        policy.findings.extend(Validator::meta("policy").judge(&root, words));
        for item in list(&root, "allow") {
            let Some(text) = item.as_text() else { continue };
            match text.parse::<Line>() {
                Ok(line) => {
                    let number = policy.sources.line(item.span);
                    let from = Origin::Policy { file: path.to_owned(), line: number };
                    policy.grants.push(Grant { line, from });
                }
                Err(why) => policy.findings.push(codes::unknown_policy_line(&why.to_string(), item.span)),
            }
        }
        for item in list(&root, "signers") {
            let Some(text) = item.as_text() else { continue };
            match text.parse::<Signer>() {
                Ok(signer) => policy.signatures.signers.push(signer),
                Err(why) => policy.findings.push(codes::unknown_policy_line(&why.to_string(), item.span)),
            }
        }
        policy.pipelines = list(&root, "pipelines").iter().filter_map(Pipeline::read).collect();
        let required = root.get("require_signed").and_then(Node::as_bool);
        policy.signatures.required = required == Some(true);
        policy.reconcile = root.get("reconcile").map(|said| Rules::read(&said.to_json())).unwrap_or_default();
        sort_and_merge(&mut policy.findings, &policy.sources);
        policy
    }

    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Error)
    }
}

/// The items of a list at the top of a document.
fn list<'n>(root: &'n Node, key: &str) -> &'n [Node] {
    root.get(key).and_then(Node::as_list).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_says_what_is_allowed_and_where() {
        let text = "allow:\n  - store=db.internal\n  - approved=origin/main\nrequire_signed: true\nsigners: [\"karin ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti\"]\n";
        let policy = PolicyFile::read(Path::new("/etc/pairform/policy.yaml"), text);
        assert_eq!(policy.findings.len(), 0, "{:?}", policy.findings);
        let said: Vec<String> =
            policy.grants.iter().map(|grant| format!("{} {}", grant.line, grant.from)).collect();
        let expected = [
            "store=db.internal /etc/pairform/policy.yaml:2",
            "approved=origin/main /etc/pairform/policy.yaml:3",
        ];
        assert_eq!(said, expected);
        assert!(policy.signatures.required && policy.signatures.signers.len() == 1);
    }

    #[test]
    fn what_is_wrong_in_a_policy_is_found_at_its_place() {
        for (text, line) in [
            ("allow:\n  - store=db\n  - woocommerce\n", 3),
            ("allow: store=db\n", 1),
            ("alow: [store=db]\n", 1),
            ("allow:\n  - program=op read\n", 2),
            ("allow: [store=db\n", 1),
            ("require_signed: \"yes\"\n", 1),
            ("require_signed: true\nsigners:\n  - karin ssh-ed25519 AAAA\n", 3),
        ] {
            let policy = PolicyFile::read(Path::new("policy.yaml"), text);
            assert!(policy.has_errors(), "{text}");
            let lines: Vec<usize> =
                policy.findings.iter().map(|one| policy.sources.line(one.primary.span)).collect();
            assert_eq!(lines[0], line, "{text}: {:?}", policy.findings);
        }
    }
}
