//! Stage 02: the files of a project do not make up integrations.

use super::declare::codes;
use crate::diagnostic::{Code, Finding, Label, Severity};
use crate::source::Span;

codes! {
    NOT_A_MAP = "E0201" "not-a-map" "a file whose content is not a map of keys and values";
    UNKNOWN_BASE = "E0202" "unknown-base" "`extends` names a base that does not exist";
    BASE_CYCLE = "E0203" "base-cycle" "bases extend each other in a circle";
    UNKNOWN_PAIR = "E0204" "unknown-pair" "`pair` names a pair that does not exist";
    NAME_MISMATCH = "E0205" "name-mismatch" "an integration's id differs from the name of its file or folder";
    DUPLICATE_INTEGRATION = "E0206" "duplicate-integration" "two files declare the same integration, or are the same base";
    SET_IN_TWO_FILES = "E0207" "set-in-two-files" "a setting stands in two files of one integration";
    STRAY_FILE = "W0208" "stray-file" "a file that looks like one of the project's and is not read";
    UNUSED_BASE = "W0209" "unused-base" "a base that no integration extends";
    UNKNOWN_CODE = "E0210" "unknown-code" "`levels` names a code that does not exist";
    ERROR_LEVEL = "E0211" "error-level" "`levels` names an error, which always stays one";
    UNKNOWN_ENVIRONMENT = "E0212" "unknown-environment" "the default environment is not declared";
    UNKNOWN_PATCHED = "E0213" "unknown-patched-integration" "an environment changes an integration that does not exist";
    BAD_EXPRESSION = "E0214" "bad-expression" "an expression that cannot be worked out";
    UNKNOWN_VARIABLE = "E0215" "unknown-variable" "an expression names a variable that is not declared";
    NO_INTEGRATION_FILE = "E0216" "no-integration-file" "a folder has settings of an integration, but no `integration.yaml`";
    UNFIT_FORMER_NAME = "E0217" "unfit-former-name" "`renamed_from` names an integration that is still there, or that another takes over";
    UNKNOWN_IN_SAFETY = "W0218" "unknown-in-safety" "`safety`, `levels` or `reconcile` names an integration, a pair, a category or a setting that does not exist";
    LEVEL_LOWERED = "E0219" "level-lowered" "an integration lowers a level that the project does not let it lower";
    UNKNOWN_OWNED = "W0221" "unknown-owned" "`owners` names a category that does not exist, or CODEOWNERS a file or an owner";
    OTHER_VERSION = "E0222" "other-version" "`requires` asks for other versions of pairform than this one";
    FOREIGN_BASE = "E0223" "foreign-base" "an integration extends a base that is made for another pair";
    SHARED_STORE = "W0224" "shared-store" "two environments have one store";
    UNKNOWN_POLICY_LINE = "E0230" "unknown-policy-line" "a line of a policy that allows nothing";
}

#[must_use]
pub fn not_a_map(what: &str, is_list: bool, at: Span) -> Finding {
    Finding::new(
        &NOT_A_MAP,
        format!("{what} must be a map of keys and values"),
        Label::new(at, if is_list { "this is a list" } else { "this is something else" }),
    )
    .help(if is_list {
        "take the dashes away, so that each line is `key: value`"
    } else {
        "write `key: value` lines"
    })
}

#[must_use]
pub fn other_version(wanted: &str, version: &str, at: Span) -> Finding {
    Finding::new(
        &OTHER_VERSION,
        format!("this project requires pairform {wanted}"),
        Label::new(at, format!("this is pairform {version}")),
    )
    .note("nothing else was judged: another version could misread what it does not know")
    .help(format!(
        "install one that fits, such as with `pip install 'pairform{}'`, or change `requires`",
        pip(wanted)
    ))
}

/// As pip writes it, where `=0.2` is any 0.2.
fn pip(wanted: &str) -> String {
    let each = wanted.split(',').map(|one| {
        let one: String = one.split_whitespace().collect();
        match one.strip_prefix('=') {
            Some(version) if version.split('.').count() < 3 => format!("=={version}.*"),
            Some(version) => format!("=={version}"),
            None => one,
        }
    });
    each.collect::<Vec<_>>().join(",")
}

#[must_use]
pub fn unknown_policy_line(why: &str, at: Span) -> Finding {
    Finding::new(&UNKNOWN_POLICY_LINE, why, Label::new(at, "this allows nothing"))
        .note("whoever can write a branch can write its files; what is allowed stands in the policy alone")
        .help("write what is to be allowed as `NAME=WHAT`")
}

#[must_use]
pub fn unknown_base(name: &str, near: Option<&str>, known: &[&str], at: Span) -> Finding {
    let label = near.map_or_else(String::new, |near| format!("did you mean `{near}`?"));
    let finding = Finding::new(&UNKNOWN_BASE, format!("there is no base `{name}`"), Label::new(at, label))
        .note(format!("a base is a file below `bases/`: this would be `bases/{name}.yaml`"));
    match (near, known) {
        (Some(near), _) => {
            finding.fix(format!("write `{near}`"), at, near.to_owned()).help(format!("write `{near}`"))
        }
        (None, []) => finding.help("make the file, or take the name away; the project has no bases yet"),
        (None, known) => finding.help(format!("make the file, or write one of {}", known.join(", "))),
    }
}

/// A base's path is written in place of its name.
#[must_use]
pub fn path_for_base(written: &str, name: &str, at: Span) -> Finding {
    Finding::new(&UNKNOWN_BASE, format!("there is no base `{written}`"), Label::new(at, "a path, not a name"))
        .note("a base's name is its path below `bases/`, without the ending")
        .fix(format!("write `{name}`"), at, name)
        .help(format!("write `{name}`"))
}

#[must_use]
pub fn base_cycle(chain: &str, at: Span) -> Finding {
    Finding::new(&BASE_CYCLE, "bases extend each other in a circle", Label::new(at, chain))
        .help("take one of the names out of `extends`")
}

#[must_use]
pub fn bases_too_deep(limit: usize, at: Span) -> Finding {
    Finding::new(
        &BASE_CYCLE,
        format!("bases extend each other more than {limit} deep"),
        Label::new(at, "not followed any further"),
    )
    .help("take a few of them together")
}

#[must_use]
pub fn unknown_pair(name: &str, near: Option<&str>, known: &[String], at: Span) -> Finding {
    let label = near.map_or_else(String::new, |near| format!("did you mean `{near}`?"));
    let finding = Finding::new(&UNKNOWN_PAIR, format!("there is no pair `{name}`"), Label::new(at, label));
    match near {
        Some(near) => {
            finding.help(format!("write `{near}`")).fix(format!("write `{near}`"), at, near.to_owned())
        }
        None => finding
            .note("a pair's id is its two connectors in alphabetical order, joined by a hyphen")
            .help(format!(
                "write one of {}; `pairform schema list` lists all pairs",
                known[..known.len().min(12)].join(", ")
            )),
    }
}

/// `is_id`: whether the file could be renamed to it.
#[must_use]
pub fn name_mismatch(name: &str, is_id: bool, expected: &str, at: Span) -> Finding {
    Finding::new(
        &NAME_MISMATCH,
        format!("the integration is called `{name}` here and `{expected}` by its file"),
        Label::new(at, format!("the file's name says `{expected}`")),
    )
    .help(if is_id {
        format!("write `integration: {expected}`, or rename the file")
    } else {
        format!("write `integration: {expected}`")
    })
    .fix(format!("write `{expected}`"), at, expected)
}

/// The file's name itself is no id; `fitting` would be one.
#[must_use]
pub fn unfit_file_name(stem: &str, fitting: &str, at: Span) -> Finding {
    Finding::new(
        &NAME_MISMATCH,
        format!("the file's name `{stem}` cannot be an integration's id"),
        Label::new(at, "the id and the name of the file are the same"),
    )
    .note("an integration's id is lower-case letters, digits and hyphens")
    .help(format!("rename the file or folder to `{fitting}`, and write `integration: {fitting}`"))
}

/// `extends` is no list of names.
#[must_use]
pub fn unfit_extends(found: &str, name: Option<&str>, at: Span) -> Finding {
    let help = name.map_or_else(
        || "write the names of the bases in brackets, such as `extends: [swedish-shop]`".to_owned(),
        |name| format!("write `extends: [{name}]`"),
    );
    let finding = super::schema::wrong_type("extends", "a list of bases", found, at).help(help);
    match name {
        Some(name) => finding.fix("put it in brackets", at, format!("[{name}]")),
        None => finding,
    }
}

#[must_use]
pub fn extended_twice(name: &str, at: Span, first: Span) -> Finding {
    super::schema::unfit_list("extends", &format!("names `{name}` twice"), at)
        .related(first, "it stands here already")
        .help("take one of them away")
}

#[must_use]
pub fn duplicate_integration(name: &str, at: Span, first: Span) -> Finding {
    Finding::new(
        &DUPLICATE_INTEGRATION,
        format!("the integration `{name}` is declared twice"),
        Label::new(at, ""),
    )
    .related(first, "first declared here")
    .help("rename or remove one of the two")
}

/// `own`: it is the integration's own name.
#[must_use]
pub fn duplicate_base(name: &str, at: Span, first: Span) -> Finding {
    Finding::new(
        &DUPLICATE_INTEGRATION,
        format!("two files are the base `{name}`"),
        Label::new(at, "not read"),
    )
    .related(first, "this one is")
    .help("rename or remove one of the two")
}

/// A key that only an integration's own file has.
#[must_use]
pub fn not_of_a_part(key: &str, what: &str, at: Span) -> Finding {
    super::schema::unknown_key("key", key, what, at)
        .note("only an integration's own file says this")
        .help(format!("take `{key}` away, or write it in the integration"))
}

#[must_use]
pub fn former_name_in_use(name: &str, own: bool, at: Span) -> Finding {
    let label = if own { "its name now" } else { "still an integration of its own" };
    Finding::new(&UNFIT_FORMER_NAME, format!("`{name}` was not renamed"), Label::new(at, label))
        .note("what is deployed under a former id is taken over, and an id that is in use keeps its own")
        .help("write the id that it had before, or take `renamed_from` away")
}

#[must_use]
pub fn former_name_twice(name: &str, at: Span, first: Span) -> Finding {
    Finding::new(
        &UNFIT_FORMER_NAME,
        format!("two integrations say that they were called `{name}`"),
        Label::new(at, "said here"),
    )
    .related(first, "and here")
    .note("only one of them can take over what is deployed under that id")
    .help("keep one of the two")
}

#[must_use]
pub fn set_in_two_files(key: &str, at: Span, first: Span) -> Finding {
    Finding::new(
        &SET_IN_TWO_FILES,
        format!("`{key}` is set in two files of this integration"),
        Label::new(at, "set here"),
    )
    .related(first, "and here")
    .help("keep one of the two")
}

/// `folder` is below `integrations/`; `at` is the first of its files.
#[must_use]
pub fn no_integration_file(folder: &str, at: Span) -> Finding {
    Finding::new(
        &NO_INTEGRATION_FILE,
        format!("`integrations/{folder}/integration.yaml` is missing"),
        Label::new(at, "belongs to no integration"),
    )
    .note("a folder is an integration by its `integration.yaml`, which says everything but the settings")
    .help(format!("write it, with at least `integration:` and `pair:`, or move the files out of `integrations/{folder}/`"))
}

#[must_use]
pub fn stray_file(path: &str, at: Span) -> Finding {
    Finding::new(&STRAY_FILE, format!("`{path}` is not read"), Label::new(at, "this file has no effect"))
        .note("an integration's folder holds `integration.yaml` and `settings/CATEGORY.yaml`")
        .help("move it to one of those names, or out of `integrations/`")
}

/// A file that lies or is called nearly as those that are read; `why` and `help` say what is read.
#[must_use]
pub fn unread_file(path: &str, why: &str, help: &str, at: Span) -> Finding {
    Finding::new(&STRAY_FILE, format!("`{path}` is not read"), Label::new(at, "this file has no effect"))
        .note(why)
        .help(help)
}

/// A folder of several files that is called nearly as one that is read.
#[must_use]
pub fn unread_folder(folder: &str, why: &str, help: &str, at: Span) -> Finding {
    Finding::new(
        &STRAY_FILE,
        format!("`{folder}/` is not read"),
        Label::new(at, "no file in it has an effect"),
    )
    .note(why)
    .help(help)
}

/// As [`unread_folder`], where something in it is needed: `code` is what its absence is told as.
#[must_use]
pub fn folder_needed(code: &'static Code, folder: &str, why: &str, help: &str, at: Span) -> Finding {
    Finding::new(code, format!("`{folder}/` is not read"), Label::new(at, "no file in it has an effect"))
        .note(why)
        .help(help)
}

/// Settings of an integration in its folder, under a name that is nearly the one that is read: what they say would be missing.
#[must_use]
pub fn settings_elsewhere(what: &str, help: &str, at: Span) -> Finding {
    Finding::new(&STRAY_FILE, format!("`{what}` is not read"), Label::new(at, "has no effect"))
        .with_severity(Severity::Error)
        .note("an integration's folder holds `integration.yaml` and `settings/CATEGORY.yaml`")
        .help(help)
}

/// The file of an integration's folder under a name that is nearly `integration.yaml`.
#[must_use]
pub fn integration_misnamed(folder: &str, path: &str, at: Span) -> Finding {
    Finding::new(
        &NO_INTEGRATION_FILE,
        format!("`integrations/{folder}/integration.yaml` is missing"),
        Label::new(at, "this file is called otherwise"),
    )
    .note("a folder is an integration by its `integration.yaml`, which says everything but the settings")
    .help(format!("rename `{path}` to `integrations/{folder}/integration.yaml`"))
}

/// A file that says that it is an integration which another file is; `fitting` would be its own id.
#[must_use]
pub fn copy_of_integration(name: &str, fitting: Option<&str>, at: Span, first: Span) -> Finding {
    let finding = Finding::new(
        &DUPLICATE_INTEGRATION,
        format!("the integration `{name}` is declared twice"),
        Label::new(at, "a copy by its name"),
    )
    .related(first, "first declared here");
    finding.help(match fitting {
        Some(id) => format!(
            "take this file away; if it is another integration, name the file `{id}.yaml`, and write `integration: {id}`"
        ),
        None => "take this file away".to_owned(),
    })
}

/// A list of dropdown values of a platform that does not exist.
#[must_use]
pub fn list_of_no_connector(connector: &str, near: Option<&str>, at: Span) -> Finding {
    let label = near.map_or_else(|| "no connector".to_owned(), |near| format!("did you mean `{near}`?"));
    Finding::new(
        &STRAY_FILE,
        format!("this list is of `{connector}`, and is not read"),
        Label::new(at, label),
    )
    .note("so values are not judged by it")
    .help(match near {
        Some(near) => format!("write `{near}`"),
        None => "write the id of a connector, or take the file away".to_owned(),
    })
}

/// A list of dropdown values that says another account than its name does.
#[must_use]
pub fn list_of_another_account(path: &str, account: &str, meant: &str, at: Span) -> Finding {
    Finding::new(
        &STRAY_FILE,
        format!("`{path}` is the list of the account `{account}`"),
        Label::new(at, "the file's name is that of another account"),
    )
    .note("an account's values are judged by the list that names it; where none does they are not judged")
    .help(format!("write the account that the file's name says, or rename the file to `{meant}`"))
}

/// A list of dropdown values from which no setting is chosen.
#[must_use]
pub fn unused_list(name: &str, near: Option<&str>, at: Span) -> Finding {
    let label = near
        .map_or_else(|| "no setting is chosen from it".to_owned(), |near| format!("did you mean `{near}`?"));
    Finding::new(&STRAY_FILE, format!("the list `{name}` is not read"), Label::new(at, label))
        .note("so values are not judged by it")
        .help(match near {
            Some(near) => format!("write `{near}`"),
            None => "write the name of one of the connector's lists, or take it away".to_owned(),
        })
}

/// `owners` names what nobody owns.
#[must_use]
pub fn unknown_owned(name: &str, near: Option<&str>, at: Span) -> Finding {
    let label = near.map_or_else(String::new, |near| format!("did you mean `{near}`?"));
    Finding::new(
        &UNKNOWN_OWNED,
        format!("`owners` names the category `{name}`, which does not exist"),
        Label::new(at, label),
    )
    .note("so nobody is asked for its changes")
    .help(match near {
        Some(near) => format!("write `{near}`"),
        None => "write the id of a category, or take the line away".to_owned(),
    })
}

/// A line of CODEOWNERS for a file of the project that is not there.
#[must_use]
pub fn nothing_owned(path: &str, near: Option<&str>, at: Span) -> Finding {
    let label = near.map_or_else(|| "no such file".to_owned(), |near| format!("did you mean `{near}`?"));
    Finding::new(
        &UNKNOWN_OWNED,
        format!("CODEOWNERS names `{path}`, which does not exist"),
        Label::new(at, label),
    )
    .note("so nobody is asked for its changes")
    .help(match near {
        Some(near) => format!("write `/{near}`"),
        None => "write the path of a file, or take the line away".to_owned(),
    })
}

/// Whom CODEOWNERS names is an account, a team or an address.
#[must_use]
pub fn no_owner(owner: &str, at: Span) -> Finding {
    Finding::new(
        &UNKNOWN_OWNED,
        format!("CODEOWNERS names the owner `{owner}`, whom no forge knows"),
        Label::new(at, "no `@` in it"),
    )
    .note("so nobody is asked for these changes")
    .help(format!("write `@{owner}`, or the address of an account"))
}

/// A file below `schemas/` that no part is.
#[must_use]
pub fn stray_part(path: &str, at: Span) -> Finding {
    Finding::new(&STRAY_FILE, format!("`{path}` is not read"), Label::new(at, "this file has no effect"))
}

#[must_use]
pub fn unused_base(name: &str, at: Span) -> Finding {
    Finding::new(&UNUSED_BASE, format!("no integration extends the base `{name}`"), Label::new(at, ""))
        .help("extend it or remove it; its settings are not checked until something extends it")
}

#[must_use]
pub fn unknown_code(name: &str, at: Span) -> Finding {
    Finding::new(&UNKNOWN_CODE, format!("there is no code `{name}`"), Label::new(at, ""))
        .help("write a code as findings show it, such as W0404")
}

#[must_use]
pub fn error_level(id: &str, at: Span) -> Finding {
    Finding::new(&ERROR_LEVEL, format!("{id} is an error and has no level"), Label::new(at, ""))
        .note("codes that begin with E are mistakes that would reach the books; they cannot be allowed")
        .help("take the line away")
}

/// `of_project` is the level that the project sets, and where; `excepted` are those that its line would have to name.
#[must_use]
pub fn level_lowered(
    code: &Code,
    level: &str,
    of_project: Option<(&str, Span)>,
    excepted: &[&str],
    at: Span,
) -> Finding {
    let id = code.id;
    let why = match of_project {
        Some(("deny", _)) => "the project takes it for an error",
        Some(("warn", _)) => "the project warns of it",
        _ if code.default_severity() == Severity::Warning => "it is a warning",
        _ => "it is a note",
    };
    let finding = Finding::new(
        &LEVEL_LOWERED,
        format!("{id} cannot be set to `{level}` here: {why}"),
        Label::new(at, "an integration raises a level; the project lowers it"),
    );
    let finding = match of_project {
        Some((_, line)) => finding.related(line, format!("what the project says of {id}")),
        None => finding.note(format!("`levels` in pairform.yaml says nothing of {id}")),
    };
    let kept = of_project.map(|(level, _)| format!("level: {level}, ")).unwrap_or_default();
    finding.help(format!(
        "take it away; or write in pairform.yaml, whose owners decide: `levels: {{{id}: {{{kept}except: [{}]}}}}`",
        excepted.join(", ")
    ))
}

/// Of the exceptions to a level.
#[must_use]
pub fn unknown_excepted(name: &str, near: Option<&str>, at: Span) -> Finding {
    let label = near.map_or_else(String::new, |near| format!("did you mean `{near}`?"));
    let message = format!("`levels` excepts the integration `{name}`, which does not exist");
    let finding = Finding::new(&UNKNOWN_IN_SAFETY, message, Label::new(at, label));
    finding.note("so this name lets nobody lower anything").help(match near {
        Some(near) => format!("write `{near}`"),
        None => "write the id of the integration, or take the name away".to_owned(),
    })
}

#[must_use]
pub fn unknown_environment(name: &str, near: Option<&str>, known: &[&str], at: Span) -> Finding {
    let label = near.map_or_else(String::new, |near| format!("did you mean `{near}`?"));
    Finding::new(&UNKNOWN_ENVIRONMENT, format!("there is no environment `{name}`"), Label::new(at, label))
        .help(match (near, known) {
            (Some(near), _) => format!("write `{near}`"),
            (None, []) => "declare it under `environments`".to_owned(),
            (None, known) => format!("write one of {}, or declare it under `environments`", known.join(", ")),
        })
}

/// `what` is an integration, a pair or a category.
#[must_use]
pub fn unknown_in_safety(what: &str, name: &str, near: Option<&str>, at: Span) -> Finding {
    let label = near.map_or_else(String::new, |near| format!("did you mean `{near}`?"));
    let finding = Finding::new(
        &UNKNOWN_IN_SAFETY,
        format!("`safety` names the {what} `{name}`, which does not exist"),
        Label::new(at, label),
    );
    finding.note("so this line protects nothing").help(match near {
        Some(near) => format!("write `{near}`"),
        None => format!("write the id of the {what}, or take the line away"),
    })
}

/// A protected setting that its category does not have.
#[must_use]
pub fn unknown_protected(name: &str, category: &str, near: Option<&str>, at: Span) -> Finding {
    let label = match near {
        Some(near) => format!("did you mean `{category}.{near}`?"),
        None => format!("`{category}` has no such setting"),
    };
    Finding::new(
        &UNKNOWN_IN_SAFETY,
        format!("`safety` names the setting `{name}`, which does not exist"),
        Label::new(at, label),
    )
    .note("so this line protects nothing")
    .help(match near {
        Some(near) => format!("write `{category}.{near}`"),
        None => format!("write `{category}`, which protects all of it"),
    })
}

/// A rule of reconciliation for what the project does not have.
#[must_use]
pub fn unknown_in_reconcile(what: &str, name: &str, near: Option<&str>, at: Span) -> Finding {
    let label = near.map_or_else(String::new, |near| format!("did you mean `{near}`?"));
    let finding = Finding::new(
        &UNKNOWN_IN_SAFETY,
        format!("`reconcile` names the {what} `{name}`, which does not exist"),
        Label::new(at, label),
    );
    finding.note("so these rules count nowhere").help(match near {
        Some(near) => format!("write `{near}`"),
        None => format!("write the id of the {what}, or take the rules away"),
    })
}

/// A patch for an integration that the project does not have.
#[must_use]
pub fn unknown_patched(name: &str, near: Option<&str>, at: Span) -> Finding {
    let label = near.map_or_else(String::new, |near| format!("did you mean `{near}`?"));
    let finding = Finding::new(
        &UNKNOWN_PATCHED,
        format!("the environment changes an integration `{name}`, which does not exist"),
        Label::new(at, label),
    );
    finding.help(match near {
        Some(near) => format!("write `{near}`"),
        None => "write the id of an integration, or take the entry away".to_owned(),
    })
}

/// `why` is what the expression language says, in words.
#[must_use]
pub fn bad_expression(why: &str, at: Span) -> Finding {
    Finding::new(&BAD_EXPRESSION, "this expression cannot be worked out", Label::new(at, why))
        .help("an expression is a variable, perhaps with filters: `\"{{ brand | upper }}\"`; see `pairform explain E0214`")
}

/// A key is taken as it is written: a payment method of a shop may have such a name, so that it is no error.
#[must_use]
pub fn expression_as_key(at: Span) -> Finding {
    Finding::new(
        &BAD_EXPRESSION,
        "this expression is not worked out",
        Label::new(at, "expressions stand in values, and this is a key"),
    )
    .with_severity(Severity::Warning)
    .help("write the key itself")
}

#[must_use]
pub fn shared_store(name: &str, first: &str, at: Span, first_at: Span) -> Finding {
    Finding::new(
        &SHARED_STORE,
        format!("the environments `{first}` and `{name}` have one store"),
        Label::new(at, format!("what is applied to `{name}` goes to `{first}`")),
    )
    .related(first_at, "the same store")
    .help(format!("write the store of `{name}`, or take one of the two environments away"))
}

/// `faults` settings of a base are refused in an integration of `pair`, and none in those of `of`.
#[must_use]
pub fn foreign_base(base: &str, of: &str, pair: &str, faults: usize, at: Span) -> Finding {
    Finding::new(
        &FOREIGN_BASE,
        format!("the base `{base}` is made for {of}, and this integration is of {pair}"),
        Label::new(at, format!("{faults} of its settings do not fit here")),
    )
    .note(format!("the integrations of {of} that extend it have no fault in it"))
    .help(format!(
        "take `{base}` out of `extends`, and write what is needed of it here, or in a base for {pair}"
    ))
}

/// What stands for a credential in the expressions of other programs.
#[must_use]
pub fn secret_in_expression(name: &str, variable: &str, at: Span) -> Finding {
    Finding::new(
        &UNKNOWN_VARIABLE,
        format!("there is no variable `{name}`"),
        Label::new(at, "an expression sees neither secrets nor what is set around the program"),
    )
    .help(format!(
        "write a credential as `{{secret: env/{variable}}}`, without quotes; declare what is none under `vars`"
    ))
}

#[must_use]
pub fn unknown_variable(name: &str, near: Option<&str>, known: &[&str], at: Span) -> Finding {
    let label = near.map_or_else(String::new, |near| format!("did you mean `{near}`?"));
    let finding =
        Finding::new(&UNKNOWN_VARIABLE, format!("there is no variable `{name}`"), Label::new(at, label));
    match near {
        Some(near) => finding.help(format!("write `{near}`")),
        None => finding
            .note(format!("variables here: {}", known.join(", ")))
            .help("declare it under `vars` in pairform.yaml, its environment, a base or the integration"),
    }
}
