//! GitHub workflow commands: one annotation a line. A step shows ten errors, ten warnings and ten notices and loses
//! the rest, so the tenth says how many more there are.

use super::content::{Content, Item};
use super::{clean_text, count};

/// As many annotations of one kind as a step shows.
const SHOWN: usize = 10;

/// One command a line.
#[must_use]
pub fn render(content: &Content<'_>) -> String {
    let remarks = content.remarks();
    let (mut first, mut out) = (String::new(), String::new());
    for (severity, command) in [("error", "error"), ("warning", "warning"), ("note", "notice")] {
        // Changes of policy are the first of all, so that none of them is among those that a step loses.
        let all: Vec<&Item> = remarks.iter().filter(|remark| remark.severity == severity).collect();
        let shown = if all.len() > SHOWN { SHOWN - 1 } else { all.len() };
        for remark in &all[..shown] {
            let to = if remark.is_policy() { &mut first } else { &mut out };
            to.push_str(&line(command, remark));
        }
        if all.len() > shown {
            let more = format!(
                "{} not shown here; run `pairform {}` for all of them",
                count(all.len() - shown, &format!("more {severity}")),
                content.command
            );
            out.push_str(&format!("::{command}::{}\n", data(&more)));
        }
    }
    first + &out
}

fn line(command: &str, remark: &Item) -> String {
    let title = match remark.name.as_str() {
        "" => remark.code.clone(),
        name if name == remark.code => name.to_owned(),
        name => format!("{} {name}", remark.code),
    };
    let end = remark.end_line.max(remark.line);
    // Columns hold only within one line.
    let columns = if end == remark.line && remark.end_column > remark.column {
        format!(",col={},endColumn={}", remark.column, remark.end_column)
    } else {
        String::new()
    };
    let help = if remark.help.is_empty() { String::new() } else { format!("\nhelp: {}", remark.help) };
    format!(
        "::{command} file={},line={},endLine={end}{columns},title={}::{}\n",
        property(&remark.path),
        remark.line,
        property(&title),
        data(&format!("{}{help}", remark.message))
    )
}

/// A command's text: what would end the line or begin an escape is escaped.
fn data(text: &str) -> String {
    clean_text(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A command's property, in which `:` and `,` are marks too.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
