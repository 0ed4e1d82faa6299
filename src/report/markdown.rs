//! Markdown: the comment of a pull request. The verdict in one line, what is risky, then integration by integration,
//! folded; never longer than a forge takes, and saying what it left out.

use super::content::Content;
use super::groups::Groups;
use super::outline::{Budget, arranged, outline, policy_first};
use super::template::{TemplateError, fill};

/// The name of the template, in the project's `templates/` too.
pub const TEMPLATE: &str = "comment.md";
/// The longest comment that forges take, in characters; counted in bytes here, which are never fewer.
pub const LONGEST: usize = 65_535;

const BUILT_IN: &str = include_str!("templates/comment.md");

/// The comment; `own` is the project's template.
///
/// # Errors
/// When the project's template is wrong.
pub fn render(content: &Content<'_>, own: Option<&str>) -> Result<String, TemplateError> {
    let template = own.unwrap_or(BUILT_IN);
    let (content, groups) = &arranged(content, own);
    let (whole, _) = filled(content, groups, template, usize::MAX)?;
    if whole.len() <= LONGEST {
        return Ok(whole);
    }
    // What changes is worth more than the way to its line.
    let content = &Content { lines: None, ..*content };
    let with = |budget: usize| filled(content, groups, template, budget);
    let (whole, units) = with(usize::MAX)?;
    if whole.len() <= LONGEST {
        return Ok(whole);
    }
    // The most units that fit.
    let (mut fits, mut too_many) = (0, units);
    let mut best = with(0)?.0;
    while too_many - fits > 1 {
        let middle = fits + (too_many - fits) / 2;
        let text = with(middle)?.0;
        if text.len() <= LONGEST {
            (fits, best) = (middle, text);
        } else {
            too_many = middle;
        }
    }
    // Only a template of the project can be longer than this with nothing in it.
    if best.len() > LONGEST {
        return Err(TemplateError {
            name: TEMPLATE.to_owned(),
            line: None,
            reason: format!("it alone is longer than the {LONGEST} characters that a comment may have"),
        });
    }
    Ok(best)
}

/// The comment with so many units, and how many there are.
fn filled(
    content: &Content<'_>,
    groups: &Groups,
    template: &str,
    budget: usize,
) -> Result<(String, usize), TemplateError> {
    let (mut outline, units) = outline(content, groups, Budget(budget));
    policy_first(&mut outline, template);
    Ok((fill(TEMPLATE, template, &outline)?, units))
}
