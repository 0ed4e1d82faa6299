//! Stage 01: text that is not one well-formed document of YAML or JSON.

use super::declare::codes;
use crate::diagnostic::{Finding, Label, nearest};
use crate::source::Span;

codes! {
    SYNTAX = "E0101" "yaml-syntax" "the text is not well-formed YAML";
    TAB = "E0102" "tab-indentation" "a line is indented with a tab";
    CONTROL_CHARACTER = "E0103" "control-character" "the text holds a character that cannot be seen and is not allowed";
    SEVERAL_DOCUMENTS = "E0104" "several-documents" "a file holds more than one document";
    DUPLICATE_KEY = "E0105" "duplicate-key" "a key stands twice in one map";
    UNDEFINED_ALIAS = "E0106" "undefined-alias" "an alias names an anchor that does not stand above it";
    RECURSIVE_ANCHOR = "E0107" "recursive-anchor" "an alias stands inside the value that it names";
    TOO_MANY_ALIASES = "E0108" "too-many-aliases" "the aliases of a file expand to more than the bound";
    TOO_DEEP = "E0109" "too-deep" "lists and maps are nested deeper than the bound";
    KEY_NOT_TEXT = "E0110" "key-not-text" "a key is a list or a map";
    BAD_MERGE = "E0111" "bad-merge" "`<<` stands before something that is no map";
    UNKNOWN_TAG = "E0112" "unknown-tag" "a value has a tag that is not known";
    WRONG_TAG = "E0113" "wrong-tag" "a tag does not fit its value";
    TOO_LARGE = "E0114" "file-too-large" "a file is larger than the bound";
    NOT_UTF8 = "E0115" "not-utf8" "a file is not UTF-8 text";
    UNREADABLE = "E0116" "file-unreadable" "a file cannot be read";
    JSON_SYNTAX = "E0117" "json-syntax" "the text is not well-formed JSON";
    UNQUOTED_EXPRESSION = "E0118" "unquoted-expression" "an expression stands without quotes";
    ODD_SPACE = "E0119" "odd-space" "a special space stands where YAML needs a plain one";
    MERGE_CONFLICT = "E0120" "merge-conflict" "a merge conflict that nobody resolved";
    CREDENTIAL_IN_TEXT = "W0121" "credential-in-text" "a credential stands in a comment, a key, a variable, a longer text or a file's name";
    FOREIGN_MARKS = "W0122" "foreign-marks" "a value holds quotes, a placeholder or a line break that are taken as they are";
}

/// Anything that the grammar refuses; `why` is the label at the place.
#[must_use]
pub fn syntax(message: impl Into<String>, why: impl Into<String>, at: Span) -> Finding {
    Finding::new(&SYNTAX, message, Label::new(at, why))
}

/// Anything that the grammar of JSON refuses.
#[must_use]
pub fn json_syntax(message: impl Into<String>, why: impl Into<String>, at: Span) -> Finding {
    Finding::new(&JSON_SYNTAX, message, Label::new(at, why))
}

#[must_use]
pub fn credential_in_text(at: Span) -> Finding {
    let label = Label::new(at, "anyone who can read the repository can read this");
    in_the_open(Finding::new(&CREDENTIAL_IN_TEXT, "a credential is written in a comment or in a text", label))
}

/// A variable that is called as credentials are, or holds an address with a password.
#[must_use]
pub fn credential_in_variable(name: &str, at: Span) -> Finding {
    Finding::new(
        &CREDENTIAL_IN_TEXT,
        format!("a credential is written as the variable `{name}`"),
        Label::new(at, "anyone who can read the repository can read this"),
    )
    .note("whatever a variable is put into shows it, and git keeps what was ever committed")
    .help("take it away, write `{secret: env/NAME}` where the credential is needed, and revoke it if the file was ever shared")
}

/// A value with marks that mean something to other programs; `what` is the label at the place.
#[must_use]
pub fn foreign_marks(name: &str, what: &str, help: &str, at: Span) -> Finding {
    Finding::new(
        &FOREIGN_MARKS,
        format!("`{name}` is saved with marks that were hardly meant"),
        Label::new(at, what),
    )
    .help(help)
}

/// The name itself shows wherever the file is spoken of.
#[must_use]
pub fn credential_in_name(at: Span) -> Finding {
    in_the_open(Finding::new(&CREDENTIAL_IN_TEXT, "a file's name holds a credential", Label::new(at, "")))
}

fn in_the_open(finding: Finding) -> Finding {
    finding
        .note("its form is that of a credential, and git keeps what was ever committed")
        .help("take it away, and revoke it if the file was ever shared")
}

#[must_use]
pub fn tab(at: Span) -> Finding {
    Finding::new(&TAB, "a tab stands where only spaces may indent", Label::new(at, "tab"))
        .note("YAML reads the structure from the number of spaces, and a tab has no fixed width")
        .help("replace it by spaces, and let your editor insert spaces for the tab key")
}

#[must_use]
pub fn odd_space(character: char, at: Span) -> Finding {
    let point = format!("U+{:04X}", u32::from(character));
    Finding::new(&ODD_SPACE, format!("a special space ({point}) stands where YAML needs a plain one"), Label::new(at, "not a plain space"))
        .note("it looks like a space, but YAML takes it for a letter; it often comes from copying out of a web page or a document")
        .help("delete it and type plain spaces")
}

#[must_use]
pub fn control_character(character: char, at: Span) -> Finding {
    let point = format!("U+{:04X}", u32::from(character));
    Finding::new(
        &CONTROL_CHARACTER,
        format!("the text holds the invisible character {point}"),
        Label::new(at, point.clone()),
    )
    .note("such characters come from copying out of other programs, and neither YAML nor JSON allows them")
    .help(format!("delete it; if it is meant, write it inside double quotes as {}", escape(character)))
}

fn escape(character: char) -> String {
    let point = u32::from(character);
    if point <= 0xffff { format!("`\\u{point:04X}`") } else { format!("`\\U{point:08X}`") }
}

/// The three marks that git writes.
#[must_use]
pub fn merge_conflict(ours: Span, between: Span, theirs: Span) -> Finding {
    Finding::new(
        &MERGE_CONFLICT,
        "a merge conflict is not resolved",
        Label::new(ours, "one side begins here"),
    )
    .related(between, "the other side begins here")
    .related(theirs, "and ends here")
    .note("git could not decide between two changes of the same lines, and left both")
    .help("keep what is right of the two sides, and take the three marked lines away")
}

/// One of the marks that git writes, where the others were taken away.
#[must_use]
pub fn conflict_mark(at: Span) -> Finding {
    Finding::new(&MERGE_CONFLICT, "a line of a merge conflict is left", Label::new(at, "git wrote this"))
        .note("git could not decide between two changes of the same lines, and marked them")
        .help("look whether what stands around it is right, and take this line away")
}

#[must_use]
pub fn several_documents(at: Span) -> Finding {
    Finding::new(
        &SEVERAL_DOCUMENTS,
        "a second document begins here",
        Label::new(at, "begins another document"),
    )
    .note("a file describes one thing; what follows this line is not read")
    .help("move what follows into a file of its own, or remove the line")
}

#[must_use]
pub fn duplicate_key(key: &str, at: Span, first: Span) -> Finding {
    Finding::new(&DUPLICATE_KEY, format!("the key `{key}` is set twice"), Label::new(at, "set again here"))
        .related(first, "first set here")
        .help("keep one of the two: YAML would silently drop the other")
}

/// Another key of the same map that is there already, below the one that is told.
pub fn duplicate_too(told: &mut Finding, key: &str, at: Span) {
    const MOST: usize = 5;
    if told.related.len() < MOST {
        told.related.push(Label::new(at, format!("`{key}` is set again, too")));
    }
    told.help = Some(
        "write the line that is missing above them, with the name of what they belong to; if none is missing, keep one of each"
            .to_owned(),
    );
}

#[must_use]
pub fn undefined_alias(name: &str, near: Option<&str>, at: Span) -> Finding {
    let finding = Finding::new(
        &UNDEFINED_ALIAS,
        format!("the alias `*{name}` names nothing above it"),
        Label::new(at, "stands for a value that is not there"),
    )
    .note("`*name` stands for the value that was marked with `&name` higher up in the same file");
    match near {
        Some(near) => finding.help(format!("did you mean `*{near}`? If it is plain text, put it in quotes")),
        None => {
            finding.help("if it is plain text, put it in quotes; else mark the value above with the name")
        }
    }
}

#[must_use]
pub fn recursive_anchor(name: &str, at: Span, anchor: Option<Span>) -> Finding {
    let finding = Finding::new(
        &RECURSIVE_ANCHOR,
        format!("`*{name}` stands inside the value that it names"),
        Label::new(at, "would contain itself"),
    );
    let finding = match anchor {
        Some(anchor) => finding.related(anchor, "the value begins here"),
        None => finding,
    };
    finding.help("remove the alias, or move the anchor to the part that is meant")
}

#[must_use]
pub fn too_many_aliases(limit: usize, at: Span, anchor: Option<Span>) -> Finding {
    let finding = Finding::new(
        &TOO_MANY_ALIASES,
        format!("the aliases of this file expand to more than {limit} values"),
        Label::new(at, "this one passes the bound"),
    );
    let finding = match anchor {
        Some(anchor) => finding.related(anchor, "the value that it repeats"),
        None => finding,
    };
    finding
        .note("aliases of aliases multiply; the bound keeps a small file from filling the memory")
        .help("write the values out, or move what is shared into a base (`extends`)")
}

#[must_use]
pub fn too_deep(limit: usize, at: Span) -> Finding {
    Finding::new(
        &TOO_DEEP,
        format!("lists and maps are nested more than {limit} deep"),
        Label::new(at, "one level too many"),
    )
    .help("flatten the structure; look for brackets that were opened too often")
}

#[must_use]
pub fn key_not_text(kind: &str, at: Span) -> Finding {
    Finding::new(
        &KEY_NOT_TEXT,
        format!("a {kind} stands where a key is expected"),
        Label::new(at, format!("this {kind} is used as a key")),
    )
    .note("a key is the text before a colon")
    .help("if it is text that begins with a bracket, put it in quotes")
}

/// `mark` is where `<<` stands; what an alias brings stands elsewhere.
#[must_use]
pub fn bad_merge(kind: &str, value: Span, mark: Option<Span>) -> Finding {
    let kind = article(kind);
    let what = format!("`<<` takes a map, and this is {kind}");
    let finding = match mark.filter(|mark| value.end <= mark.start) {
        Some(mark) => Finding::new(&BAD_MERGE, what, Label::new(mark, "cannot be merged"))
            .related(value, format!("{kind} stands here")),
        None => Finding::new(&BAD_MERGE, what, Label::new(value, "cannot be merged")),
    };
    finding
        .note("`<<: *name` copies the keys of another map into this one")
        .help("name a map, or a list of maps; if a key named `<<` is meant, put it in quotes")
}

#[must_use]
pub fn second_merge(at: Span, first: Span) -> Finding {
    Finding::new(&DUPLICATE_KEY, "the key `<<` is set twice", Label::new(at, "set again here"))
        .related(first, "first set here")
        .help("name all maps in one list: `<<: [*one, *two]`")
}

fn article(kind: &str) -> String {
    match kind {
        "text" | "nothing" | "true or false" => kind.to_owned(),
        _ => format!("a {kind}"),
    }
}

#[must_use]
pub fn unknown_tag(tag: &str, at: Span) -> Finding {
    if tag == "!replace" {
        return Finding::new(
            &UNKNOWN_TAG,
            "`!replace` is for maps alone",
            Label::new(at, "before something else than a map"),
        )
        .note(
            "a map that is tagged so takes the place of what lies beneath it; everything else does so anyway",
        )
        .help("take the tag away; to replace a map by nothing, write `!replace {}`");
    }
    Finding::new(&UNKNOWN_TAG, format!("the tag `{tag}` is not known"), Label::new(at, "`!` at the start of a value makes it a tag"))
        .note("known tags are `!replace` before a map, and `!!str`, `!!int`, `!!float`, `!!bool`, `!!null` and `!`, which all but never are needed")
        .help(match nearest(tag, ["!replace"]) {
            Some(near) => format!("write `{near}`"),
            None => "if it is plain text, put the value in quotes; else remove the tag".to_owned(),
        })
}

#[must_use]
pub fn wrong_tag(tag: &str, value: &str, at: Span) -> Finding {
    Finding::new(
        &WRONG_TAG,
        format!("`{value}` is not what the tag `{tag}` announces"),
        Label::new(at, "tag and value disagree"),
    )
    .help("remove the tag, or write a value of its kind")
}

#[must_use]
pub fn too_large(bytes: u64, limit: u64, at: Span) -> Finding {
    let mega = |bytes: u64| format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000);
    Finding::new(
        &TOO_LARGE,
        format!("the file has {}, more than the bound of {}", mega(bytes), mega(limit)),
        Label::new(at, "not read"),
    )
    .help("split it, or keep data that is no configuration out of this folder")
}

#[must_use]
pub fn not_utf8(at: Span) -> Finding {
    Finding::new(&NOT_UTF8, "the file is not UTF-8 text", Label::new(at, "the first byte that is not UTF-8"))
        .note("letters such as å, ä and ö were saved in another encoding, often Windows-1252")
        .help("save the file again with the encoding UTF-8")
}

#[must_use]
pub fn utf16(at: Span) -> Finding {
    Finding::new(&NOT_UTF8, "the file is UTF-16 text", Label::new(at, "two bytes a letter"))
        .note("some editors and PowerShell's `>` write UTF-16; pairform reads UTF-8 only")
        .help("save it as UTF-8")
}

#[must_use]
pub fn unreadable(reason: &str, at: Span) -> Finding {
    Finding::new(&UNREADABLE, format!("the file cannot be read: {reason}"), Label::new(at, ""))
        .help("check that the file is there and that you may read it")
}

#[must_use]
pub fn unquoted_expression(at: Span) -> Finding {
    Finding::new(
        &UNQUOTED_EXPRESSION,
        "an expression stands without quotes",
        Label::new(at, "YAML reads `{` at the start of a value as a map"),
    )
    .help("put quotes round the whole value: \"{{ … }}\"")
}
