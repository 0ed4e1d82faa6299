//! Stage 05: dropdown values, as far as the committed lists know them.

use super::declare::codes;
use crate::diagnostic::{Finding, Label};
use crate::source::Span;

codes! {
    UNKNOWN_OPTION = "E0501" "unknown-option" "a dropdown value that the platform does not have";
    LABEL_FOR_CODE = "E0502" "label-for-code" "a dropdown's label is written in place of its value";
    INACTIVE_OPTION = "W0503" "inactive-option" "a dropdown value that is switched off in the platform";
    VANISHED_OPTION = "E0504" "vanished-option" "a dropdown value that the platform had and has no longer";
    UNMAPPED_SOURCE = "W0505" "unmapped-source" "a value of the shop that a mapping and no default covers";
    UNKNOWN_SOURCE = "W0506" "unknown-source" "a mapping's key that the platform does not have and that is near one it has";
    OPTION_LIST_OLD = "W0507" "option-list-old" "a committed list of dropdown values that is older than allowed";
    OPTION_LIST_MISSING = "N0508" "option-list-missing" "a set of dropdown values that was never fetched";
    OPTION_RENAMED = "N0509" "option-renamed" "a dropdown value in use has another label now";
    NEARLY_KNOWN = "W0510" "nearly-known-option" "a value that may be any text, and is nearly one that the platform has";
}

/// `list` is "Fortnox terms of payment", `fetched` a date; `shown` are values with their labels, `meant` tells that the
/// only one of them is what was meant.
#[must_use]
pub fn unknown_option(
    name: &str,
    value: &str,
    list: &str,
    fetched: &str,
    shown: &[String],
    meant: bool,
    at: Span,
) -> Finding {
    let finding = Finding::new(
        &UNKNOWN_OPTION,
        format!("`{name}` is {value}, which is not among the {list}"),
        Label::new(at, "not in the list"),
    )
    .note(format!("the list was fetched {fetched}"));
    match shown {
        [] => finding.help("fetch the list anew if the value is new in the platform"),
        [one] if meant => finding.help(format!("write {}", one.replacen(' ', " (", 1) + ")")),
        many => finding
            .help(format!("write one of {}; or fetch the list anew if the value is new", many.join(", "))),
    }
}

#[must_use]
pub fn label_for_code(name: &str, label: &str, value: &str, list: &str, at: Span) -> Finding {
    Finding::new(
        &LABEL_FOR_CODE,
        format!("`{name}` is the label {label}, not the value"),
        Label::new(at, format!("its value is {value}")),
    )
    .note(format!("from the {list}"))
    .help(format!("write {value}"))
    .fix(format!("write {value}"), at, value)
}

#[must_use]
pub fn inactive_option(name: &str, value: &str, list: &str, fetched: &str, at: Span) -> Finding {
    Finding::new(
        &INACTIVE_OPTION,
        format!("`{name}` is {value}, which is switched off in the platform"),
        Label::new(at, "inactive"),
    )
    .note(format!("from the {list}, fetched {fetched}"))
    .help("choose an active value, or activate this one in the platform")
}

/// `since` is the day on which the value was missed.
#[must_use]
pub fn vanished_option(
    name: &str,
    value: &str,
    label: &str,
    list: &str,
    since: &str,
    others: &[String],
    at: Span,
) -> Finding {
    let labelled = if label.is_empty() { value.to_owned() } else { format!("{value} {label}") };
    let finding = Finding::new(
        &VANISHED_OPTION,
        format!("`{name}` is {labelled}, which the platform no longer has"),
        Label::new(at, "gone"),
    )
    .note(format!("it was among the {list} and was missed on {since}"));
    let advice = "or bring it back in the platform and fetch the list anew";
    if others.is_empty() {
        return finding.help(format!("choose another value, {advice}"));
    }
    finding.help(format!("choose one of {}; {advice}", others.join(", ")))
}

/// `sources` are the shop's values that nothing covers; `line` is a line to add.
#[must_use]
pub fn unmapped_source(
    name: &str,
    sources: &[String],
    list: &str,
    fetched: &str,
    line: Option<&str>,
    at: Span,
) -> Finding {
    let which = crate::diagnostic::list_words(sources, "and");
    Finding::new(
        &UNMAPPED_SOURCE,
        format!("`{name}` does not cover {which}"),
        Label::new(at, "no row and no default"),
    )
    .note(format!("active among the {list}, fetched {fetched}"))
    .help(match line {
        Some(line) => format!("add a row such as {line}"),
        None => {
            "add a row with a value that no other row has; where none is free, there is nothing to map it to"
                .to_owned()
        }
    })
}

/// `near` is the key that is probably meant; `None` when the key was there and is gone.
#[must_use]
pub fn unknown_source(
    name: &str,
    key: &str,
    near: Option<&str>,
    list: &str,
    fetched: &str,
    at: Span,
) -> Finding {
    let finding = Finding::new(
        &UNKNOWN_SOURCE,
        format!("`{name}` maps {key}, which is not among the {list}"),
        Label::new(at, "nothing has this name"),
    )
    .note(format!("the list was fetched {fetched}"));
    match near {
        Some(near) => finding.help(format!("did you mean {near}?")),
        None => finding.help("remove the row, or rename it to what the value is called now"),
    }
}

/// Any text may stand there; `near` is one that is known.
#[must_use]
pub fn nearly_known(name: &str, value: &str, near: &str, list: &str, fetched: &str, at: Span) -> Finding {
    Finding::new(
        &NEARLY_KNOWN,
        format!("`{name}` is {value}, which is not among the {list}"),
        Label::new(at, format!("did you mean {near}?")),
    )
    .note(format!("any text may stand here; the list was fetched {fetched}"))
    .help(format!("write {near}; if {value} is meant, leave it and allow this code"))
}

#[must_use]
pub fn option_list_old(list: &str, fetched: &str, days: u64, allowed: u64, at: Span) -> Finding {
    Finding::new(
        &OPTION_LIST_OLD,
        format!("the {list} were fetched {fetched}, {days} days ago"),
        Label::new(at, format!("older than {allowed} days")),
    )
    .note("checks without a network judge by this list")
    .help("run `pairform options refresh` and commit what it writes")
}

#[must_use]
pub fn option_list_missing(list: &str, account: &str, at: Span) -> Finding {
    Finding::new(
        &OPTION_LIST_MISSING,
        format!("the {list} of {account} were never fetched"),
        Label::new(at, "uses them"),
    )
    .note("without the list its values are not judged and have no labels")
    .help("run `pairform options refresh` and commit what it writes")
}

#[must_use]
pub fn option_renamed(name: &str, value: &str, before: &str, after: &str, list: &str, at: Span) -> Finding {
    Finding::new(
        &OPTION_RENAMED,
        format!("`{name}` is {value}, which is called {after} now"),
        Label::new(at, format!("was {before}")),
    )
    .note(format!("from the {list}"))
    .help("see whether the value still means what it was chosen for, then run `pairform options refresh`")
}
