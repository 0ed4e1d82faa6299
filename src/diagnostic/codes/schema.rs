//! Stage 03: the document does not fit the schema of its pair, or of the schema it is judged by.

use super::declare::codes;
use crate::diagnostic::{Edit, Finding, Fix, Label, Severity, list_words};
use crate::source::Span;

codes! {
    UNKNOWN_KEY = "E0301" "unknown-key" "a key that the schema does not know";
    UNFIT_KEY = "E0302" "unfit-key" "a mapping's key that is not allowed there";
    WRONG_TYPE = "E0303" "wrong-type" "a value of another type than the setting has";
    VALUE_NOT_ALLOWED = "E0304" "value-not-allowed" "a value that is not one of the allowed ones";
    UNFIT_VALUE = "E0305" "unfit-value" "a value outside the range or the form that the setting has";
    MISSING_KEY = "E0306" "missing-key" "a key that has to stand beside the others is missing";
    UNFIT_COMBINATION = "E0307" "unfit-combination" "keys or values that do not go together";
    UNFIT_LIST = "E0308" "unfit-list" "a list or map with too few, too many or repeated items";
    SETTING_RENAMED = "E0309" "setting-renamed" "a setting is written under a name that it had before";
    REQUIRED_SETTING_UNSET = "E0312" "required-setting-unset" "a required setting is not set";
    LITERAL_CREDENTIAL = "E0320" "literal-credential" "a credential is written as a literal";
    LEADING_ZERO = "E0321" "leading-zero" "a code without quotes that is read as another number";
    PART_MISFIT = "E0340" "schema-part-misfit" "parts of a project's own schemas do not fit together";
    SCHEMA_UNUSABLE = "E0341" "schema-unusable" "the file given as a schema is not a usable JSON Schema";
    BUILT_IN_REPLACED = "N0342" "built-in-replaced" "a part of the project takes the place of a built-in one";
}

/// `kind` says what is being looked at: "setting", "category", "flow", …
#[must_use]
pub fn unknown_key(kind: &str, key: &str, within: &str, at: Span) -> Finding {
    Finding::new(&UNKNOWN_KEY, format!("unknown {kind} `{key}` in {within}"), Label::new(at, ""))
}

/// Keys that `<<` brings into a map that does not have them.
#[must_use]
pub fn unknown_keys_merged(kind: &str, names: &[String], within: &str, at: Span) -> Finding {
    let message = match names {
        [one] => format!("`<<` brings the unknown {kind} {one} into {within}"),
        _ => format!("`<<` brings {} unknown {kind}s into {within}", names.len()),
    };
    Finding::new(&UNKNOWN_KEY, message, Label::new(at, list_words(names, "and")))
        .help(format!("take `<<` away, or merge a map that holds nothing but {kind}s that are known here"))
}

/// What stands in one part of a document and is of another. `has`: the other part is there as well.
#[must_use]
pub fn part_lost(key: &str, part: &str, other: &str, has: bool, at: Span) -> Finding {
    if has {
        return Finding::new(
            &UNKNOWN_KEY,
            format!("`{key}` stands under `{part}`"),
            Label::new(at, format!("belongs to `{other}`")),
        )
        .help(format!("move it under `{other}`"));
    }
    Finding::new(
        &UNKNOWN_KEY,
        format!("`{other}:` is missing above `{key}`"),
        Label::new(at, format!("stands under `{part}` as it is")),
    )
    .note(format!("so what belongs to `{other}` is read as part of `{part}`"))
    .help(format!("write a line `{other}:` above it, in the column of `{part}:`"))
}

/// Settings of a category whose line is missing above them; `before` is the last key of the category that they are read in.
#[must_use]
pub fn category_lost(category: &str, outer: &str, before: Span, at: Span) -> Finding {
    Finding::new(
        &UNKNOWN_KEY,
        format!("`{category}:` is missing above its settings"),
        Label::new(at, format!("stands under `{outer}` as it is")),
    )
    .related(before, format!("the last setting of `{outer}`"))
    .note(format!("so what belongs to `{category}` is read as part of `{outer}`"))
    .help(format!("write a line `{category}:` above it, in the column of `{outer}:`"))
}

/// Whether a finding tells of a line that is missing or indented too far, so that names meet that do not belong together.
#[must_use]
pub fn is_line_slipped(finding: &Finding) -> bool {
    finding.code == &UNKNOWN_KEY
        && (finding.message.contains(":` is missing above ") || finding.primary.text == TOO_DEEP)
}

/// What is said of a line that is indented too far.
const TOO_DEEP: &str = "indented too far";

/// A category's name within the category. `in_file`: the file is the category.
#[must_use]
pub fn level_twice(key: &str, title: &str, in_file: bool, at: Span) -> Finding {
    let finding = Finding::new(
        &UNKNOWN_KEY,
        format!("unknown setting `{key}` in {title}"),
        Label::new(at, "a level too many"),
    );
    if in_file {
        finding.help("take this level away, and indent what is below it less: the file is the category")
    } else {
        finding
            .help(format!("take this level away, and indent what is below it less: `{key}` is written twice"))
    }
}

/// The name of a part of the document within that part.
#[must_use]
pub fn part_twice(part: &str, at: Span) -> Finding {
    Finding::new(&UNKNOWN_KEY, format!("`{part}` stands inside `{part}`"), Label::new(at, "a level too many"))
        .help(format!("take this level away, and indent what is below it less: `{part}` is written twice"))
}

/// The line that begins a part, indented as what stands in the part above it.
#[must_use]
pub fn too_deep_part(part: &str, outer: &str, at: Span) -> Finding {
    Finding::new(&UNKNOWN_KEY, format!("`{part}` stands inside `{outer}`"), Label::new(at, TOO_DEEP))
        .help(format!("write `{part}:` in the column of `{outer}:`"))
}

/// Fields of a connection that stand where its name should.
#[must_use]
pub fn connection_unnamed(field: &str, name: &str, connector: &str, at: Span) -> Finding {
    Finding::new(
        &UNKNOWN_KEY,
        format!("the name of a connection of {connector} is missing above `{field}`"),
        Label::new(at, "a field of a connection, not its name"),
    )
    .help(format!(
        "write a line `{name}:` above it, and indent what belongs to the connection below that line"
    ))
}

/// `settings` within a category. `in_file`: the file is the category.
#[must_use]
pub fn settings_within(title: &str, in_file: bool, at: Span) -> Finding {
    if in_file {
        return level_twice("settings", title, true, at);
    }
    Finding::new(
        &UNKNOWN_KEY,
        format!("unknown setting `settings` in {title}"),
        Label::new(at, "a level too many"),
    )
    .help("take this level away, and indent what is below it less: the category stands under `settings` already")
}

/// A connector within another.
#[must_use]
pub fn too_deep_connector(key: &str, outer: &str, at: Span) -> Finding {
    Finding::new(
        &UNKNOWN_KEY,
        format!("the connector `{key}` stands inside `{outer}`"),
        Label::new(at, TOO_DEEP),
    )
    .help(format!("indent it as `{outer}`, and what belongs to it two spaces more than that"))
}

/// A category within another.
#[must_use]
pub fn too_deep_category(key: &str, outer: &str, at: Span) -> Finding {
    Finding::new(
        &UNKNOWN_KEY,
        format!("the category `{key}` stands inside `{outer}`"),
        Label::new(at, TOO_DEEP),
    )
    .help(format!("indent it as `{outer}`, and its settings two spaces more than that"))
}

/// `free`: the name that it has now is not there too.
#[must_use]
pub fn setting_renamed(former: &str, name: &str, free: bool, at: Span) -> Finding {
    let finding = Finding::new(
        &SETTING_RENAMED,
        format!("`{former}` is called `{name}` now"),
        Label::new(at, format!("the schema calls it `{name}`")),
    );
    if free {
        finding
            .note("what is deployed under the former name counts as deployed under the new one")
            .help(format!("write `{name}`; `pairform fix` does it everywhere"))
            .fix(format!("write `{name}`"), at, name)
    } else {
        finding.help(format!("take `{former}` away; `{name}` is there already"))
    }
}

#[must_use]
pub fn unfit_key(key: &str, why: &str, at: Span) -> Finding {
    Finding::new(&UNFIT_KEY, format!("the key `{key}` is not allowed here"), Label::new(at, why))
}

#[must_use]
pub fn empty_text(name: &str, at: Span) -> Finding {
    Finding::new(&UNFIT_VALUE, format!("`{name}` cannot be empty"), Label::new(at, "an empty text"))
}

/// The reference may be the credential itself, so it is not quoted.
#[must_use]
pub fn unfit_reference(name: &str, at: Span) -> Finding {
    Finding::new(
        &UNFIT_VALUE,
        format!("`{name}` does not say where its secret is kept"),
        Label::new(at, "not `env/NAME`, `file/PATH`, `exec/NAME` or `vault/MOUNT/PATH#KEY`"),
    )
    .note("a credential is written as a reference, and its value is kept outside the repository")
    .help("write `env/` and the name of a variable, `file/` and a path, or `vault/MOUNT/PATH#KEY`; if this is the credential itself, revoke it")
}

/// A reference that no secret can be found by.
#[must_use]
pub fn unusable_reference(why: &str, at: Span) -> Finding {
    Finding::new(&UNFIT_VALUE, "no secret can be found by this reference", Label::new(at, why))
}

/// `expected` and `found` read after "is": "a toggle, `true` or `false`" and "the text `yes`".
#[must_use]
pub fn wrong_type(name: &str, expected: &str, found: &str, at: Span) -> Finding {
    Finding::new(
        &WRONG_TYPE,
        format!("{} must be {expected}", called(name)),
        Label::new(at, format!("this is {found}")),
    )
}

#[must_use]
pub fn value_not_allowed(name: &str, value: Option<&str>, why: &str, at: Span) -> Finding {
    Finding::new(&VALUE_NOT_ALLOWED, cannot_be(name, value), Label::new(at, why))
}

#[must_use]
pub fn unfit_value(name: &str, value: Option<&str>, why: &str, at: Span) -> Finding {
    Finding::new(&UNFIT_VALUE, cannot_be(name, value), Label::new(at, why))
}

fn cannot_be(name: &str, value: Option<&str>) -> String {
    match value {
        Some(value) => format!("{} cannot be {value}", called(name)),
        None => format!("{} cannot have this value", called(name)),
    }
}

/// A whole document has no name that anybody wrote.
fn called(name: &str) -> String {
    let is_whole = ["the document", "the integration", "the part"].contains(&name);
    if is_whole { name.to_owned() } else { format!("`{name}`") }
}

#[must_use]
pub fn missing_key(key: &str, within: &str, why: &str, at: Span) -> Finding {
    missing_keys(&[key], within, why, at)
}

/// All keys that one map lacks.
#[must_use]
pub fn missing_keys(keys: &[&str], within: &str, why: &str, at: Span) -> Finding {
    let names: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
    let names = list_words(&names, "and");
    let label = if why.is_empty() { format!("needs {names}") } else { why.to_owned() };
    let are = if keys.len() == 1 { "is" } else { "are" };
    Finding::new(&MISSING_KEY, format!("{names} {are} missing in {within}"), Label::new(at, label))
}

#[must_use]
pub fn unfit_combination(message: &str, why: &str, at: Span) -> Finding {
    Finding::new(&UNFIT_COMBINATION, message, Label::new(at, why))
}

#[must_use]
pub fn unfit_list(name: &str, why: &str, at: Span) -> Finding {
    Finding::new(&UNFIT_LIST, format!("`{name}` {why}"), Label::new(at, ""))
}

/// `needed` says why it is needed now: "while the `orders` flow is on".
#[must_use]
pub fn required_setting_unset(
    setting: &str,
    category_title: &str,
    needed: &str,
    live: bool,
    at: Span,
) -> Finding {
    let label = format!("{category_title} needs it{needed}");
    Finding::new(
        &REQUIRED_SETTING_UNSET,
        format!("required setting `{setting}` is not set"),
        Label::new(at, label),
    )
    .with_severity(if live { Severity::Error } else { Severity::Warning })
    .note("this setting is required and must be saved before syncing begins")
}

/// Several required settings of one category; `absent` is its id where it is not declared at all, with where it would be.
/// `helps` say what to add, one a setting.
#[must_use]
pub fn required_settings_unset(
    absent: Option<(&str, &str)>,
    title: &str,
    settings: &[String],
    needed: &str,
    helps: &[String],
    live: bool,
    at: Span,
) -> Finding {
    let names: Vec<String> = settings.iter().map(|name| format!("`{name}`")).collect();
    let helps = helps.join("; ");
    let mut finding = Finding::new(
        &REQUIRED_SETTING_UNSET,
        format!("required settings {} are not set", list_words(&names, "and")),
        Label::new(at, format!("{title} needs them{needed}")),
    )
    .with_severity(if live { Severity::Error } else { Severity::Warning })
    .note("these settings are required and must be saved before syncing begins")
    .help(match absent {
        Some((category, home)) => format!(
            "{home}, {helps}; or list `{category}` under `unmanaged` if people keep editing it elsewhere"
        ),
        None => helps,
    });
    finding.settings = settings.to_vec();
    finding
}

/// Whether a finding says that something is missing, which may only not have been read.
#[must_use]
pub fn is_of_absence(finding: &Finding) -> bool {
    finding.code == &MISSING_KEY
        || (finding.code == &UNFIT_COMBINATION && finding.message.ends_with("is incomplete"))
}

/// Says what is wrong without the value.
#[must_use]
pub fn literal_credential(name: &str, variable: &str, at: Span) -> Finding {
    Finding::new(
        &LITERAL_CREDENTIAL,
        format!("the credential `{name}` is written in the file"),
        Label::new(at, "anyone who can read the repository can read this"),
    )
    .note("a credential is written as a reference, and its value is kept outside the repository")
    .help(format!(
        "write `{name}: {{secret: env/{variable}}}`, set that variable where pairform applies, and revoke this credential if the file was ever shared"
    ))
}

/// As [`literal_credential`], within the URL of a store.
#[must_use]
pub fn credential_in_url(at: Span) -> Finding {
    Finding::new(
        &LITERAL_CREDENTIAL,
        "the store's URL holds a password".to_owned(),
        Label::new(at, "anyone who can read the repository can read this"),
    )
    .note("a credential is written as a reference, and its value is kept outside the repository")
    .help("take it out of the URL, write `password: {secret: env/STORE_PASSWORD}` beside `store`, and change the password if the file was ever shared")
}

/// A credential, by its form, where none belongs.
#[must_use]
pub fn stray_credential(name: &str, at: Span) -> Finding {
    Finding::new(
        &LITERAL_CREDENTIAL,
        format!("a credential is written as `{name}`"),
        Label::new(at, "anyone who can read the repository can read this"),
    )
    .note("its beginning is that of a credential; credentials stand under `connectors` alone, as references")
    .help("take it away, and revoke it if the file was ever shared")
}

#[must_use]
pub fn leading_zero(written: &str, read_as: &str, at: Span) -> Finding {
    let finding = Finding::new(
        &LEADING_ZERO,
        format!("the number {written} loses its leading zero"),
        Label::new(at, format!("YAML reads this as the number {read_as}")),
    )
    .help(format!("write \"{written}\" if the zero belongs to it, or {read_as} if it does not"));
    // Which of the two is meant is for its author to say.
    let fix = Fix {
        message: "quote it".to_owned(),
        edits: vec![Edit { span: at, text: format!("\"{written}\"") }],
        safe: false,
    };
    Finding { fix: Some(fix), ..finding }
}

/// A code that is another text once it was read as a number: `12E3`, `+46701234567`, `0x1F`, `1.0`.
#[must_use]
pub fn code_as_number(written: &str, read_as: &str, at: Span) -> Finding {
    let finding = Finding::new(
        &LEADING_ZERO,
        format!("without quotes {written} is a number, and would be saved as {read_as}"),
        Label::new(at, format!("YAML reads this as the number {read_as}")),
    )
    .help(format!("write \"{written}\""));
    let edits = vec![Edit { span: at, text: format!("\"{written}\"") }];
    Finding { fix: Some(Fix { message: "quote it".to_owned(), edits, safe: true }), ..finding }
}

/// As [`leading_zero`], of a number that nobody may see.
#[must_use]
pub fn leading_zero_of_secret(at: Span) -> Finding {
    let label = Label::new(at, "YAML reads a number without it");
    Finding::new(&LEADING_ZERO, "this number loses its leading zero", label)
        .help("put it in quotes if the zero belongs to it, and take the zero away if it does not")
}

/// As [`literal_credential`], as what a secret field of a part is by default.
#[must_use]
pub fn credential_in_part(field: &str, at: Span) -> Finding {
    Finding::new(
        &LITERAL_CREDENTIAL,
        format!("the credential `{field}` is written in the file"),
        Label::new(at, "anyone who can read the repository can read this"),
    )
    .note("a secret field has no default; integrations write a reference, and the value is kept outside the repository")
    .help("take it away, and revoke this credential if the file was ever shared")
}

#[must_use]
pub fn part_misfit(message: &str, at: Label) -> Finding {
    Finding::new(&PART_MISFIT, message, at)
}

#[must_use]
pub fn part_empty(at: Span) -> Finding {
    Finding::new(&PART_MISFIT, "the file is empty", Label::new(at, "a part of the schemas"))
        .help("write the part, or take the file away")
}

/// `what` is replaced by a part, in words: `connector shopify`, `VAT rates of SE and DK`.
#[must_use]
pub fn built_in_replaced(path: &str, what: &str, at: Span) -> Finding {
    Finding::new(
        &BUILT_IN_REPLACED,
        format!("{path} replaces the built-in {what}"),
        Label::new(at, "what pairform knows itself of this is not used"),
    )
    .note("settings are judged by it, and where a connector leads is where credentials are sent")
    .help("look whether this is meant; take the file away to get the built-in one again")
}

#[must_use]
pub fn schema_unusable(message: &str, at: Span) -> Finding {
    Finding::new(&SCHEMA_UNUSABLE, format!("this is not a usable JSON Schema: {message}"), Label::new(at, ""))
}

/// "write one of a, b or c", cut after a dozen.
#[must_use]
pub fn one_of(values: &[String]) -> String {
    const SHOWN: usize = 12;
    match values {
        [] => "take it away".to_owned(),
        [one] => format!("write {one}"),
        _ if values.len() > SHOWN => {
            format!("write one of {} and {} more", values[..SHOWN].join(", "), values.len() - SHOWN)
        }
        _ => format!("write one of {}", list_words(values, "or")),
    }
}
