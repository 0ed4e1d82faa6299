//! The command line. Doc comments are the help texts.

use std::path::PathBuf;

pub use super::args_reconcile::{Reconcile, ReconcileCommand, RoundArgs};
pub use super::args_serve::{Serve, StoreArgs, StoreCommand, TokenArgs, TokenCommand, TokenCreate};
use super::complete;
use crate::ops::check::Force;
use crate::report::content;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser as _};
use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};
use clap_complete::engine::ArgValueCompleter;

/// Integration configuration as code: validate it, see what would change, apply it category by category.
#[derive(Debug, Parser)]
#[command(name = "pairform", version, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub command: Command,
}

/// The command line as it is shown, where each command offers the forms that it has; it reads the same.
#[must_use]
pub fn command() -> clap::Command {
    let command = Cli::command();
    let names: Vec<String> = command.get_subcommands().map(|one| one.get_name().to_owned()).collect();
    let output = command.get_arguments().find(|one| one.get_id() == "output").cloned();
    let Some(output) = output else { return command };
    names.into_iter().fold(command, |command, name| {
        let offered = Form::of(&name);
        // Another form is read all the same, so that it is refused by name.
        let value = |form: &Form| PossibleValue::new(form.name()).hide(!offered.contains(form));
        let values: Vec<PossibleValue> = Form::value_variants().iter().map(value).collect();
        let parser = PossibleValuesParser::new(values).try_map(|name| Form::from_str(&name, false));
        let output = output.clone().value_parser(parser);
        if offered.len() == Form::value_variants().len() {
            return command;
        }
        command.mut_subcommand(name, |one| one.arg(output))
    })
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Options of every command")]
pub struct Common {
    /// The environment whose store is read and written.
    #[arg(long, global = true, value_name = "NAME", env = "PAIRFORM_ENV", add = ArgValueCompleter::new(complete::environments))]
    pub env: Option<String>,
    /// The store, in place of the environment's: sqlite:PATH, postgres://USER@HOST/DATABASE or `https://HOST`. One that is an environment's
    /// own means that environment.
    #[arg(long, global = true, value_name = "URL", env = "PAIRFORM_STORE", hide_env_values = true)]
    pub store: Option<String>,
    /// How long the store may say nothing before it is taken for gone, from 1s to 24h. Waiting for a lock is not silence.
    #[arg(long, global = true, value_name = "TIME", env = "PAIRFORM_STORE_TIMEOUT", default_value = "30s", value_parser = silence)]
    pub store_timeout: std::time::Duration,
    /// Accept triggers in a store of SQLite that pairform did not make.
    #[arg(long, global = true)]
    pub own_triggers: bool,
    /// Only this integration (repeatable); in names, `*` stands for any characters and `?` for one.
    #[arg(long, global = true, value_name = "NAME", env = "PAIRFORM_INTEGRATION", value_delimiter = ',', add = ArgValueCompleter::new(complete::integrations))]
    pub integration: Vec<String>,
    /// Only integrations of this pair (repeatable).
    #[arg(long, global = true, value_name = "PAIR", env = "PAIRFORM_PAIR", value_delimiter = ',', add = ArgValueCompleter::new(complete::pairs))]
    pub pair: Vec<String>,
    /// Only this category (repeatable).
    #[arg(long, global = true, value_name = "CATEGORY", env = "PAIRFORM_CATEGORY", value_delimiter = ',', add = ArgValueCompleter::new(complete::categories))]
    pub category: Vec<String>,
    /// Not this integration (repeatable).
    #[arg(long, global = true, value_name = "NAME", env = "PAIRFORM_EXCLUDE", value_delimiter = ',', add = ArgValueCompleter::new(complete::integrations))]
    pub exclude: Vec<String>,
    /// Read this revision of the repository (a branch, a tag, a commit), not the working tree.
    #[arg(long, global = true, value_name = "REF", env = "PAIRFORM_REV", add = ArgValueCompleter::new(complete::revisions))]
    pub rev: Option<String>,
    /// Only integrations whose compiled result can have changed since this revision.
    #[arg(long, global = true, value_name = "REF", env = "PAIRFORM_CHANGED_SINCE", add = ArgValueCompleter::new(complete::revisions))]
    pub changed_since: Option<String>,
    /// The form of the result.
    #[arg(short, long, global = true, value_name = "FORM", env = "PAIRFORM_OUTPUT", default_value = "text")]
    pub output: Form,
    /// When to colour.
    #[arg(long, global = true, value_name = "WHEN", env = "PAIRFORM_COLOR", default_value = "auto")]
    pub color: Color,
    /// What may be reached out to, whatever a branch says: a file outside the repository; else pairform/policy.yaml below
    /// $XDG_CONFIG_HOME, else /etc/pairform/policy.yaml.
    #[arg(long, global = true, value_name = "FILE", env = "PAIRFORM_POLICY")]
    pub policy: Option<PathBuf>,
    /// Allow this too (repeatable), such as woocommerce=shop.example.com or approved=origin/main. The variable PAIRFORM_ALLOW
    /// holds such lines, parted as a shell parts words.
    #[arg(long, global = true, value_name = "LINE")]
    pub allow: Vec<String>,
    /// Connectors, categories, pairs and VAT rates in the place of what is known here: an archive that `schema pack` made, outside the
    /// repository, or `built-in`; else the one that `schema update` took.
    #[arg(long, global = true, value_name = "FILE", env = "PAIRFORM_CATALOGUE")]
    pub catalogue: Option<PathBuf>,
    /// Judge what strangers wrote: no secret, store, platform or program is used.
    #[arg(long, global = true, env = "PAIRFORM_UNTRUSTED", value_parser = clap::builder::FalseyValueParser::new())]
    pub untrusted: bool,
    /// Print to the terminal as it comes, not by the pager that PAGER names (else less).
    #[arg(long, global = true, env = "PAIRFORM_NO_PAGER", value_parser = clap::builder::FalseyValueParser::new())]
    pub no_pager: bool,
    /// Never ask; what would need an answer is refused.
    #[arg(long, global = true, env = "PAIRFORM_NO_INPUT", value_parser = clap::builder::FalseyValueParser::new())]
    pub no_input: bool,
    /// Judge anew what `validate` judged before.
    #[arg(long, global = true, env = "PAIRFORM_NO_CACHE", value_parser = clap::builder::FalseyValueParser::new())]
    pub no_cache: bool,
    /// Work in this folder.
    #[arg(short = 'C', global = true, value_name = "DIR")]
    pub directory: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// For people.
    Text,
    /// One JSON value.
    Json,
    /// The comment of a pull request.
    Markdown,
    /// One self-contained page.
    Html,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// A test report.
    Junit,
    /// GitHub workflow commands.
    Github,
    /// GitLab's code quality report.
    Gitlab,
}

impl Form {
    /// Those of a command, by its name.
    #[must_use]
    pub fn of(command: &str) -> &'static [Form] {
        match command {
            "validate" | "plan" | "diff" | "apply" | "show" | "drift" => Form::value_variants(),
            "reconcile status" => &[Form::Text, Form::Json, Form::Html],
            _ => &[Form::Text, Form::Json],
        }
    }

    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Form::Text => "text",
            Form::Json => "json",
            Form::Markdown => "markdown",
            Form::Html => "html",
            Form::Sarif => "sarif",
            Form::Junit => "junit",
            Form::Github => "github",
            Form::Gitlab => "gitlab",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR or TERM=dumb says otherwise.
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Begin a repository, or an integration of a pair with its required settings first; overwrites nothing.
    Init(Init),
    /// Report everything that is wrong, in one run and without a network.
    Validate(Validate),
    /// Compare the files with what is deployed; writes nothing.
    Plan(Plan),
    /// List the integrations: pair, mode, flows, readiness, last applied.
    List(List),
    /// Compare two revisions of the repository, compiled, by setting; reads no store.
    Diff(Diff),
    /// Save what the plan says, category by category.
    Apply(Apply),
    /// Make the mends that findings offer, such as the renames of a schema, after showing the difference.
    Fix(Fix),
    /// Lay out the project's YAML; comments, order and quotes stay, and so does the meaning.
    Fmt(Fmt),
    /// Take what was changed outside into the files, or adopt a deployed integration; keeps comments and order.
    Pull(Pull),
    /// Show what was changed in the store and not in the files, and by whom; writes nothing.
    Drift(Drift),
    /// List what was saved, when, by whom and from which commit.
    History(History),
    /// Acknowledge what left the files: it stays as it is deployed, and is told no more.
    Release(Release),
    /// Go back to what was deployed before: in the files, or as a plan; saves nothing itself.
    Revert(Revert),
    /// Export or verify the record of all saves.
    Audit(Audit),
    /// Release a lock that was left behind, or list the locks.
    Unlock(Unlock),
    /// Print a saved plan, or an integration's compiled configuration with the origin of each value.
    Show(Show),
    /// Print a diagnostic's page, or a setting's documentation.
    Explain(Explain),
    /// List connectors, categories and pairs, or print a pair's linked schema.
    Schema(Schema),
    /// Fetch dropdown values, look at them, compare them with what is used, clear their cache.
    Options(Options),
    /// What is allowed here and from where; what is wrong in a policy file.
    Policy(Policy),
    /// Serve the Configure section over HTTP: an API over what is deployed.
    Serve(Box<Serve>),
    /// Pull git and keep the deployed state at what it says, by the rules of pairform.yaml.
    Reconcile(Reconcile),
    /// Make, list and revoke the tokens by which a server knows who asks.
    Token(TokenArgs),
    /// Copy a store into another one.
    Store(StoreArgs),
    /// Print a completion script for a shell.
    Completions(Completions),
    /// Print the manual page, or write those of all commands.
    Man(ManPages),
    /// Print the version.
    Version,
}

impl Command {
    /// Whether it has something to do with the catalogue that is in force.
    #[must_use]
    pub fn knows_platforms(&self) -> bool {
        match self {
            Command::Completions(_) | Command::Man(_) => false,
            // What is in force may be what these are to mend.
            Command::Schema(args) => {
                !matches!(args.command, SchemaCommand::Update { .. } | SchemaCommand::Pack { .. })
            }
            _ => true,
        }
    }

    /// The command's name, as JSON results carry it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Command::Init(_) => "init",
            Command::List(_) => "list",
            Command::Validate(_) => "validate",
            Command::Plan(_) => "plan",
            Command::Diff(_) => "diff",
            Command::Apply(_) => "apply",
            Command::Fix(_) => "fix",
            Command::Fmt(_) => "fmt",
            Command::Pull(_) => "pull",
            Command::Drift(_) => "drift",
            Command::History(_) => "history",
            Command::Release(_) => "release",
            Command::Revert(_) => "revert",
            Command::Audit(_) => "audit",
            Command::Unlock(_) => "unlock",
            Command::Show(_) => "show",
            Command::Explain(_) => "explain",
            Command::Schema(_) => "schema",
            Command::Policy(args) => match args.command {
                PolicyCommand::Show => "policy show",
                PolicyCommand::Check { .. } => "policy check",
            },
            Command::Options(args) => match args.command {
                OptionsCommand::Refresh(_) => "options refresh",
                OptionsCommand::List(_) => "options list",
                OptionsCommand::Check { .. } => "options check",
                OptionsCommand::Clear(_) => "options clear",
            },
            Command::Serve(_) => "serve",
            Command::Reconcile(args) => match args.command {
                None => "reconcile",
                Some(ReconcileCommand::Status) => "reconcile status",
                Some(ReconcileCommand::Accept { .. }) => "reconcile accept",
                Some(ReconcileCommand::Next { .. }) => "reconcile next",
                Some(ReconcileCommand::Restart { .. }) => "reconcile restart",
            },
            Command::Token(args) => match args.command {
                TokenCommand::Create(_) => "token create",
                TokenCommand::List => "token list",
                TokenCommand::Revoke { .. } => "token revoke",
            },
            Command::Store(args) => match args.command {
                StoreCommand::Copy { .. } => "store copy",
            },
            Command::Completions(_) => "completions",
            Command::Man(_) => "man",
            Command::Version => "version",
        }
    }
}

#[derive(Debug, Args)]
pub struct Init {
    /// The pair to begin an integration of.
    #[arg(value_name = "PAIR", add = ArgValueCompleter::new(complete::pairs))]
    pub pair: Option<String>,
    /// The integration's id; the pair's when left out.
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
}

#[derive(Debug, Args)]
pub struct Validate {
    /// Files or folders of the project; all of it when none is given. With --schema: the files to judge.
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Judge any YAML or JSON files by any JSON Schema instead.
    #[arg(long, value_name = "SCHEMA", requires = "paths")]
    pub schema: Option<PathBuf>,
    /// Judge by the levels of this branch too, and tell first what was changed since of all that judges.
    #[arg(long, value_name = "REF", env = "PAIRFORM_BASE", add = ArgValueCompleter::new(complete::revisions))]
    pub base: Option<String>,
    /// Judge anew whenever a file changes, until it is interrupted.
    #[arg(long, conflicts_with = "schema")]
    pub watch: bool,
}

/// How a plan is laid out.
#[derive(Debug, Default, Args)]
pub struct Layout {
    /// Tell identical changes once with all that they reach (change), or integration by integration. Drift is told by
    /// integration unless it is asked for otherwise.
    #[arg(long, value_name = "WHAT")]
    pub by: Option<By>,
}

impl Layout {
    /// What was asked for, or what the command does without being asked.
    #[must_use]
    pub fn by(&self, usual: content::By) -> content::By {
        match self.by {
            None => usual,
            Some(By::Change) => content::By::Change,
            Some(By::Integration) => content::By::Integration,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum By {
    Change,
    Integration,
}

#[derive(Debug, Args)]
pub struct Plan {
    /// Save the plan. Who applies it plans again and saves only what comes to the same.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Sign the saved plan with a private key of SSH that is not encrypted (ed25519, or ecdsa with 256 or 384 bits).
    #[arg(long, value_name = "KEY", requires = "out")]
    pub sign: Option<PathBuf>,
    /// Exit with 2 when there is something to save, or something left the files that nobody acknowledged.
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// Judge by dropdown values that are younger, such as 12h: older ones are fetched. Without it, by the committed lists.
    #[arg(long, value_name = "AGE", value_parser = age)]
    pub max_age: Option<std::time::Duration>,
    /// Take secrets whose values are not at hand here as unchanged, in place of unknown and perhaps changed.
    #[arg(long, env = "PAIRFORM_ASSUME_SECRETS", value_parser = clap::builder::FalseyValueParser::new())]
    pub assume_secrets: bool,
    /// Judge by the rules of this branch too, and tell first what was changed since of all that judges.
    #[arg(long, value_name = "REF", env = "PAIRFORM_BASE", add = ArgValueCompleter::new(complete::revisions))]
    pub base: Option<String>,
    /// Plan anew whenever a file changes, until it is interrupted.
    #[arg(long, conflicts_with = "out")]
    pub watch: bool,
    #[command(flatten)]
    pub layout: Layout,
}

#[derive(Debug, Args)]
pub struct Diff {
    /// The revision to compare with; else origin/HEAD, origin/main, main, origin/master or master.
    #[arg(long, value_name = "REF", env = "PAIRFORM_BASE", add = ArgValueCompleter::new(complete::revisions))]
    pub base: Option<String>,
    /// The revision to compare; else the working tree.
    #[arg(long, value_name = "REF", add = ArgValueCompleter::new(complete::revisions))]
    pub head: Option<String>,
    /// Compare with the base as it is, not with the commit where head left it.
    #[arg(long)]
    pub exact: bool,
    /// Name the commit and the author that last touched each changed setting's line.
    #[arg(long)]
    pub blame: bool,
    /// Exit with 2 when a setting changes, or a rule.
    #[arg(long)]
    pub detailed_exitcode: bool,
    #[command(flatten)]
    pub layout: Layout,
}

#[derive(Debug, Args)]
pub struct Apply {
    /// A saved plan; without one, pairform plans, shows the plan and asks.
    #[arg(value_name = "PLAN")]
    pub plan: Option<PathBuf>,
    /// Apply without asking.
    #[arg(long, alias = "auto-approve")]
    pub yes: bool,
    /// Leave to change integrations in live mode, where the project requires it.
    #[arg(long)]
    pub allow_live: bool,
    /// Lift one safety check, and say why: "max_reset: Klarna leaves" (repeatable). It is kept in the store.
    #[arg(long, value_name = "CHECK: REASON", value_parser = str::parse::<Force>)]
    pub force: Vec<Force>,
    /// How long to wait for an integration that somebody else is applying.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub lock_timeout: u64,
    /// Take secrets whose values are not at hand here as unchanged, in place of unknown and perhaps changed. A saved
    /// plan knows it already.
    #[arg(long, env = "PAIRFORM_ASSUME_SECRETS", value_parser = clap::builder::FalseyValueParser::new())]
    pub assume_secrets: bool,
    /// Record the rules that the files say (safety, owners, windows, levels), so that they count at once, and save no setting.
    #[arg(long, conflicts_with_all = ["plan", "force", "allow_live"])]
    pub record_only: bool,
    #[command(flatten)]
    pub layout: Layout,
}

#[derive(Debug, Args)]
pub struct Unlock {
    /// The lock's id; without one, the locks that are held are listed.
    #[arg(value_name = "ID")]
    pub id: Option<String>,
}

#[derive(Debug, Args)]
pub struct Drift {
    /// Exit with 2 when something was changed outside the files.
    #[arg(long)]
    pub detailed_exitcode: bool,
    #[command(flatten)]
    pub layout: Layout,
}

#[derive(Debug, Args)]
pub struct History {
    /// An integration; all of them when none is given.
    #[arg(value_name = "INTEGRATION", add = ArgValueCompleter::new(complete::integrations))]
    pub what: Option<String>,
    /// Only saves that changed this setting, such as payment_methods.map.Klarna.
    #[arg(long, value_name = "SETTING", add = ArgValueCompleter::new(complete::settings))]
    pub setting: Option<String>,
    /// Only saves of this commit (its first digits are enough).
    #[arg(long, value_name = "COMMIT")]
    pub commit: Option<String>,
    /// Only saves by people whose name holds this.
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
    /// At most so many, the newest.
    #[arg(long, value_name = "NUMBER")]
    pub limit: Option<usize>,
}

#[derive(Debug, Args)]
pub struct Release {
    /// Integrations that left the files, wholly or in part (--category names which categories, else all that left).
    #[arg(value_name = "INTEGRATION", required = true, add = ArgValueCompleter::new(complete::integrations))]
    pub integrations: Vec<String>,
    /// Why; it is kept in the store.
    #[arg(long, value_name = "REASON")]
    pub reason: String,
}

#[derive(Debug, Args)]
pub struct Revert {
    /// The integration whose categories go back; --category names which, else all of them.
    #[arg(value_name = "INTEGRATION", add = ArgValueCompleter::new(complete::integrations))]
    pub what: String,
    /// To this revision; with exactly one --category.
    #[arg(long, value_name = "REVISION", group = "target")]
    pub revision: Option<u64>,
    /// To what was deployed at this time (RFC 3339).
    #[arg(long, value_name = "TIME", group = "target")]
    pub time: Option<String>,
    /// To what was deployed after the last save of this commit (its first digits are enough).
    #[arg(long, value_name = "COMMIT", group = "target")]
    pub commit: Option<String>,
    /// Write it into the files, in place and with their comments, in place of planning it; shows the difference and asks.
    #[arg(long, conflicts_with_all = ["out", "sign"])]
    pub write: bool,
    /// Edit a base or an environment where it owns the value, in place of overriding it in the integration.
    #[arg(long, requires = "write")]
    pub into_base: bool,
    /// Write without asking.
    #[arg(long, requires = "write")]
    pub yes: bool,
    /// How long the plan, once applied, holds against an apply of files that do not say the same yet; 0d not at all.
    #[arg(long, value_name = "TIME", default_value = "14d", value_parser = age, conflicts_with = "write")]
    pub hold: std::time::Duration,
    /// Save the plan. Who applies it plans again and saves only what comes to the same.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Sign the saved plan with a private key of SSH that is not encrypted (ed25519, or ecdsa with 256 or 384 bits).
    #[arg(long, value_name = "KEY", requires = "out")]
    pub sign: Option<PathBuf>,
    #[command(flatten)]
    pub layout: Layout,
}

#[derive(Debug, Args)]
pub struct Audit {
    #[command(subcommand)]
    pub command: AuditCommand,
}

#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Print every save and every note as JSON lines, each chained to the one before by its hash.
    Export,
    /// Prove that an export is whole and unchanged, and that the store had every save to export.
    Verify {
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Prove too that all of this earlier export is in it.
        #[arg(long, value_name = "EARLIER")]
        after: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub struct List {
    /// Who sets this, and to what: CATEGORY.SETTING, or CATEGORY.SETTING=VALUE for those that set it to VALUE.
    #[arg(long, value_name = "SETTING[=VALUE]", add = ArgValueCompleter::new(complete::settings))]
    pub setting: Option<String>,
    /// Only settings that an integration or its environment sets to something else than its bases do.
    #[arg(long)]
    pub differs_from_base: bool,
    /// Only values that are going away: switched off in the platform, vanished, or rates that have ended.
    #[arg(long)]
    pub going_away: bool,
}

#[derive(Debug, Args)]
pub struct Fix {
    /// Files or folders of the project; all of it when none is given.
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Only findings of this code, such as E0309 (repeatable).
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    pub code: Vec<String>,
    /// Also mends that may not be what was meant, such as the nearest key to a misspelt one.
    #[arg(long)]
    pub guesses: bool,
    /// Write without asking.
    #[arg(long, visible_alias = "auto-approve")]
    pub yes: bool,
}

#[derive(Debug, Args)]
pub struct Fmt {
    /// Files or folders of the project; all of it when none is given.
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Write nothing; list what would change and exit with 2.
    #[arg(long)]
    pub check: bool,
}

#[derive(Debug, Args)]
pub struct Pull {
    /// The integrations to take in; all that have files when none is named. One that has no file is adopted, with the pair
    /// that it was last applied with, or that --pair says.
    #[arg(value_name = "INTEGRATION", add = ArgValueCompleter::new(complete::integrations))]
    pub integrations: Vec<String>,
    /// A folder with a file per category, in place of one file (when adopting).
    #[arg(long)]
    pub split: bool,
    /// Edit a base or an environment where it owns the value, in place of overriding it in the integration.
    #[arg(long)]
    pub into_base: bool,
    /// Also take settings that were changed in the files too; the files' values are given up.
    #[arg(long)]
    pub conflicts: bool,
    /// Write without asking.
    #[arg(long)]
    pub yes: bool,
}

#[derive(Debug, Args)]
pub struct Show {
    /// A plan file, or an integration's name.
    #[arg(value_name = "PLAN|INTEGRATION", add = ArgValueCompleter::new(complete::integrations))]
    pub what: String,
    #[command(flatten)]
    pub layout: Layout,
}

#[derive(Debug, Args)]
pub struct Explain {
    /// A code such as E0312, a pair, or an integration.
    #[arg(value_name = "CODE|PAIR|INTEGRATION", required_unless_present = "list", add = ArgValueCompleter::new(complete::explained))]
    pub what: Option<String>,
    /// With a pair or an integration: a setting, such as order.exclude_before.
    #[arg(value_name = "SETTING", add = ArgValueCompleter::new(complete::settings))]
    pub setting: Option<String>,
    /// List the codes of all findings, each with what it means.
    #[arg(long, conflicts_with = "what")]
    pub list: bool,
}

#[derive(Debug, Args)]
pub struct Schema {
    #[command(subcommand)]
    pub command: SchemaCommand,
}

#[derive(Debug, Subcommand)]
pub enum SchemaCommand {
    /// List the connectors, categories and pairs, or with --facts what they state of platforms and VAT.
    List {
        /// Each fact with how sure it is, and where and when it was read.
        #[arg(long)]
        facts: bool,
        /// Only facts that were read longer ago than this, such as 180d, or never.
        #[arg(long, value_name = "AGE", requires = "facts", value_parser = age)]
        older_than: Option<std::time::Duration>,
    },
    /// Print a pair's settings, or with --json its linked JSON Schema.
    Show {
        #[arg(value_name = "PAIR", add = ArgValueCompleter::new(complete::pairs))]
        pair: String,
        /// One self-contained JSON Schema (draft 2020-12).
        #[arg(long)]
        json: bool,
    },
    /// Write a reference page per pair: every setting, its default, allowed values and when it is required.
    Docs {
        /// The folder that gets PAIR.md and PAIR.html; made when it is not there.
        #[arg(value_name = "DIR", default_value = "docs/settings")]
        folder: PathBuf,
    },
    /// Take another version of the catalogue (connectors, categories, pairs, flows, VAT rates) in the place of the one that is built
    /// in; it has to fit this program.
    Update {
        /// An archive that `schema pack` made, outside the repository.
        #[arg(value_name = "FILE", required_unless_present = "built_in")]
        file: Option<PathBuf>,
        /// Take no archive but the one with this digest, sha256:HEX.
        #[arg(long, value_name = "DIGEST", conflicts_with = "built_in")]
        digest: Option<String>,
        /// Go back to what is built in.
        #[arg(long, conflicts_with = "file")]
        built_in: bool,
    },
    /// Make an archive of a catalogue for `schema update`: of the connectors, categories, pairs, flows and VAT rates below a folder.
    Pack {
        #[arg(value_name = "FOLDER")]
        folder: PathBuf,
        /// What this version is called, such as 2027.1.
        #[arg(long, value_name = "NAME")]
        name: String,
        /// The archive.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Write JSON Schemas for editors, and point the project's files at them.
    Export {
        /// The folder that gets the schemas; made when it is not there.
        #[arg(value_name = "DIR", default_value = "schemas/linked")]
        folder: PathBuf,
        /// Write nothing; exit with 2 when a schema or a file's first line is not as it would be written.
        #[arg(long)]
        check: bool,
    },
}

#[derive(Debug, Args)]
pub struct Completions {
    #[arg(value_name = "SHELL")]
    pub shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub struct ManPages {
    /// Write a page for each command into this folder.
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Policy {
    #[command(subcommand)]
    pub command: PolicyCommand,
}

#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Print what is allowed here and from where, and what the files reach out to.
    Show,
    /// Judge a policy file; the one that is in force when none is named.
    Check {
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub struct Options {
    #[command(subcommand)]
    pub command: OptionsCommand,
}

#[derive(Debug, Subcommand)]
pub enum OptionsCommand {
    /// Fetch the option sets in use from the platforms and write them to options/.
    Refresh(Fetch),
    /// Print values and labels, and when they were fetched.
    List(Sets),
    /// Compare the committed lists, the platforms and the configuration; writes nothing.
    Check {
        #[command(flatten)]
        fetch: Fetch,
        /// Exit with 2 when something moved in a platform.
        #[arg(long)]
        detailed_exitcode: bool,
        /// Report committed lists that are older [default: what pairform.yaml says under options, else 30d].
        #[arg(long, value_name = "AGE", value_parser = age)]
        max_list_age: Option<std::time::Duration>,
    },
    /// Clear cache: drop the cached dropdown values, so that they are fetched anew.
    Clear(Sets),
}

#[derive(Debug, Args)]
pub struct Sets {
    /// Only this connector (repeatable).
    #[arg(long, value_name = "CONNECTOR", value_delimiter = ',')]
    pub connector: Vec<String>,
    /// Only this option set, such as terms_of_payment (repeatable).
    #[arg(long, value_name = "SET", value_delimiter = ',')]
    pub set: Vec<String>,
}

#[derive(Debug, Args)]
pub struct Fetch {
    #[command(flatten)]
    pub sets: Sets,
    /// Take cached values that are younger, such as 15m, 12h or 7d, in place of fetching them.
    #[arg(long, value_name = "AGE", default_value = "0s", value_parser = age)]
    pub max_age: std::time::Duration,
    /// How long to wait for one answer of a platform.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = age)]
    pub timeout: std::time::Duration,
}

/// A number with `ms`, `s`, `m`, `h` or `d`.
fn age(text: &str) -> Result<std::time::Duration, String> {
    let at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let unit = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err("a time is a number and `s`, `m`, `h` or `d`, such as `12h`".to_owned()),
    };
    let number: u64 = number.parse().map_err(|_| "a time begins with a number, such as `12h`".to_owned())?;
    Ok(std::time::Duration::from_millis(number.saturating_mul(unit)))
}

/// As [`age`], from a second to a day.
fn silence(text: &str) -> Result<std::time::Duration, String> {
    let time = age(text)?;
    let fits = (1..=86_400).contains(&time.as_secs());
    if fits { Ok(time) } else { Err("it is from `1s` to `24h`".to_owned()) }
}
