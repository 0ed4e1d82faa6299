//! GitHub workflow commands: one annotation a line. A step shows ten errors, ten warnings and ten notices and loses
//! the rest, so the tenth tells all others, a line each.

use super::content::{Content, Item};
use super::{clean_text, count};

/// As many annotations of one kind as a step shows.
const SHOWN: usize = 10;

/// As many other places of one finding are named.
const NAMED: usize = 10;

/// As much as one annotation holds, in bytes, with room for how many it leaves out.
const LONGEST: usize = 60_000;

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
            out.push_str(&format!(
                "::{command}::{}\n",
                data(&rest(&all[shown..], severity, content.command))
            ));
        }
    }
    first + &out
}

/// All that has no annotation of its own, each with its place.
fn rest(remarks: &[&Item], severity: &str, command: &str) -> String {
    let mut text = count(remarks.len(), &format!("more {severity}"));
    for (at, remark) in remarks.iter().enumerate() {
        let others = match remark.others.len() {
            0 => String::new(),
            others => format!(" (the same in {})", count(others, "other place")),
        };
        let line = format!("\n{}:{} {}{others}", remark.path, remark.line, remark.message);
        if text.len() + line.len() > LONGEST {
            let left = remarks.len() - at;
            return format!(
                "{text}\nand {left} that have no room here; `pairform {command}` prints all of them"
            );
        }
        text.push_str(&line);
    }
    text
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
    let others: String = remark.elsewhere(NAMED).iter().map(|other| format!("\n{other}")).collect();
    format!(
        "::{command} file={},line={},endLine={end}{columns},title={}::{}\n",
        property(&remark.path),
        remark.line,
        property(&title),
        data(&format!("{}{help}{others}", remark.message))
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
