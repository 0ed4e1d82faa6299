//! A pipeline that may ask a server, as the policy file says it: whose tokens are believed, what they have to say, and what that
//! gives. What a token says is read elsewhere.

use std::collections::BTreeMap;

use globset::Glob;

use super::access::{Right, Role};
use crate::yaml::Node;

/// Pipelines that may do the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pipeline {
    /// `https://token.actions.githubusercontent.com`, to the letter.
    pub issuer: String,
    /// For whom the token has to be.
    pub audience: String,
    /// `repo:nordic/integrations:ref:refs/heads/main`; `*` stands for anything in one of the parts between colons.
    pub subject: String,
    /// What else it has to say, to the letter.
    pub claims: BTreeMap<String, String>,
    pub role: Role,
    pub rights: Vec<Right>,
    /// Patterns of those that it is for; none: all.
    pub categories: Vec<String>,
    pub integrations: Vec<String>,
}

impl Pipeline {
    /// Reads one whose form was judged; `None` where it does not have it.
    #[must_use]
    pub fn read(node: &Node) -> Option<Self> {
        let text = |key: &str| node.get(key).and_then(Node::as_text).map(str::to_owned);
        let all = |key: &str| -> Vec<String> {
            let items = node.get(key).and_then(Node::as_list).unwrap_or_default();
            items.iter().filter_map(Node::as_text).map(str::to_owned).collect()
        };
        let claims = node.get("claims").and_then(Node::as_map);
        let claims = claims.into_iter().flat_map(|claims| claims.entries());
        Some(Pipeline {
            issuer: text("issuer")?,
            audience: text("audience")?,
            subject: text("subject")?,
            claims: claims
                .filter_map(|claim| Some((claim.key.text.to_string(), claim.value.as_text()?.to_owned())))
                .collect(),
            role: text("role")?.parse().ok()?,
            rights: all("rights").iter().filter_map(|right| right.parse().ok()).collect(),
            categories: all("categories"),
            integrations: all("integrations"),
        })
    }

    /// Whether it is for a subject. Each part between colons has to fit, so that a pattern of branches is none of pull requests.
    #[must_use]
    pub fn is_subject(&self, subject: &str) -> bool {
        let (patterns, parts): (Vec<&str>, Vec<&str>) =
            (self.subject.split(':').collect(), subject.split(':').collect());
        let fits = |(pattern, part): (&&str, &&str)| match pattern.contains('*') {
            // Nothing but `*` has a meaning.
            true => {
                let escaped: Vec<String> = pattern.split('*').map(globset::escape).collect();
                Glob::new(&escaped.join("*")).is_ok_and(|glob| glob.compile_matcher().is_match(part))
            }
            false => pattern == part,
        };
        patterns.len() == parts.len() && patterns.iter().zip(&parts).all(fits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_fits_part_by_part() {
        let main = "repo:nordic/integrations:ref:refs/heads/main";
        for (pattern, subject, expected) in [
            (main, main, true),
            (main, "repo:nordic/integrations:ref:refs/heads/main2", false),
            (main, "repo:nordic/integrations:pull_request", false),
            ("repo:nordic/*:ref:refs/heads/main", main, true),
            ("repo:nordic/*:ref:refs/heads/main", "repo:evil/x:ref:refs/heads/main", false),
            ("repo:nordic/integrations:*", "repo:nordic/integrations:pull_request", true),
            ("repo:nordic/integrations:*", main, false),
            ("repo:*:ref:refs/heads/main", "repo:evil:ref:x:ref:refs/heads/main", false),
            ("repo:nordic/[a]*:ref:refs/heads/main", main, false),
            ("repo:nordic/integration?:ref:refs/heads/main", main, false),
            ("*", main, false),
            ("", "", true),
        ] {
            let pipeline = Pipeline {
                issuer: String::new(),
                audience: String::new(),
                subject: pattern.to_owned(),
                claims: BTreeMap::new(),
                role: Role::Applier,
                rights: Vec::new(),
                categories: Vec::new(),
                integrations: Vec::new(),
            };
            assert_eq!(pipeline.is_subject(subject), expected, "{pattern} {subject}");
        }
    }
}
