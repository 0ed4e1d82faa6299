//! One line of what is allowed: how it is written, and what it covers. Where lines come from is not told here.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use globset::{GlobBuilder, GlobMatcher};

use super::need::{Endpoint, HTTPS, Need};

/// What one line allows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Line {
    /// `CONNECTOR=HOST[:PORT]`
    Host { connector: String, at: Pattern },
    /// `store=HOST[:PORT][!plain]`
    Store { place: Pattern, plain: bool },
    /// `store=PATH`, absolute
    StoreFile(PathBuf),
    /// `vault=HOST[:PORT]`
    Vault(Pattern),
    /// `secret=GLOB`: references, such as `env/NORDIC_*`
    Secret(Glob),
    /// `file=GLOB`: paths
    File(Glob),
    /// `program=[VARIABLE…] /PATH [ARGUMENT…]`, each argument a glob
    Program { variables: Vec<String>, command: Vec<Glob> },
    /// `approved=REF`
    Approved(String),
}

/// Hosts and ports.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pattern {
    /// A host, or `*.DOMAIN`: everything below a domain.
    host: String,
    /// The usual one of what is asked for where none is named.
    port: Option<u16>,
}

/// A pattern of texts, read once. It is its text: that alone is compared.
#[derive(Debug, Clone)]
pub struct Glob {
    text: String,
    /// None allows nothing.
    matcher: Option<Box<GlobMatcher>>,
    /// What it means of a file that a reference `file/…` names; only of patterns of references.
    of_file: Option<Box<GlobMatcher>>,
}

/// Why a text is no line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    #[error(
        "`{0}` allows nothing: a line is NAME=WHAT, such as `woocommerce=shop.example.com` or `store=db.internal`"
    )]
    NoLine(String),
    #[error("`{0}` is no host: write it as `shop.example.com`, `shop.example.com:8443` or `*.example.com`")]
    NoHost(String),
    #[error("`{0}` is no pattern of references: write `env/NORDIC_*`, `vault/team/**` or `file/secrets/*`")]
    NoReference(String),
    #[error("`{0}` is no pattern of paths")]
    NoPath(String),
    #[error(
        "`{0}` names no program by its whole path: write `/usr/bin/op read *`, variables that it may see before it"
    )]
    NoProgram(String),
    #[error("`{0}` is not how a store is allowed: write `store=HOST`, `store=HOST!plain` or `store=/PATH`")]
    NoStore(String),
    #[error("a quotation mark is not closed")]
    Open,
    #[error(
        "`{0}` holds a control character: a line is plain text, and `*` in a pattern stands for any character"
    )]
    Control(String),
}

impl Line {
    /// The line that would allow something, as people write it: the usual port is not named.
    #[must_use]
    pub fn of(need: &Need) -> Self {
        match need {
            Need::Host { connector, at, .. } => {
                Line::Host { connector: connector.clone(), at: Pattern::of(at, HTTPS) }
            }
            Need::Store { at, usual } => Line::Store { place: Pattern::of(at, *usual), plain: false },
            Need::StoreFile(path) => Line::StoreFile(path.clone()),
            Need::Vault(at) => Line::Vault(Pattern::of(at, HTTPS)),
            Need::Secret(reference) => Line::Secret(Glob::just(reference)),
            Need::File { path, .. } => Line::File(Glob::just(&path.display().to_string())),
            Need::Program(command) => {
                let command = command.iter().map(|word| Glob::just(word)).collect();
                Line::Program { variables: Vec::new(), command }
            }
        }
    }

    /// The line that allows something and nothing else, with its port.
    #[must_use]
    pub fn only(need: &Need) -> Self {
        match need {
            Need::Host { connector, at, .. } => {
                Line::Host { connector: connector.clone(), at: Pattern::only(at) }
            }
            Need::Store { at, .. } => Line::Store { place: Pattern::only(at), plain: false },
            Need::Vault(at) => Line::Vault(Pattern::only(at)),
            Need::StoreFile(_) | Need::Secret(_) | Need::File { .. } | Need::Program(_) => Line::of(need),
        }
    }

    /// Whether it allows something.
    #[must_use]
    pub fn allows(&self, need: &Need) -> bool {
        match (self, need) {
            (Line::Host { connector, at: pattern }, Need::Host { connector: of, at, .. }) => {
                connector == of && pattern.covers(at, HTTPS)
            }
            (Line::Store { place, .. }, Need::Store { at, usual }) => place.covers(at, *usual),
            (Line::StoreFile(allowed), Need::StoreFile(path)) => allowed == path,
            (Line::Vault(pattern), Need::Vault(at)) => pattern.covers(at, HTTPS),
            (Line::Secret(glob), Need::Secret(reference)) => glob.is_match(reference),
            (Line::Secret(glob), Need::File { path, .. }) => means(glob.of_file.as_deref(), path),
            (Line::File(glob), Need::File { path, .. }) => means(glob.matcher.as_deref(), path),
            (Line::Program { command, .. }, Need::Program(words)) => {
                command.len() == words.len()
                    && command.iter().zip(words).all(|(glob, word)| glob.is_match(word))
            }
            _ => false,
        }
    }

    /// It allows a server without TLS.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        matches!(self, Line::Store { plain: true, .. })
    }

    /// Lines as a variable holds them: parted as a shell parts words.
    ///
    /// # Errors
    /// The first that is none.
    pub fn read_list(text: &str) -> Result<Vec<Line>, LineError> {
        let words = shlex::split(text).ok_or(LineError::Open)?;
        words.iter().map(|word| word.parse()).collect()
    }

    /// As it stands among others in a variable.
    #[must_use]
    pub fn quoted(&self) -> String {
        quoted(&self.to_string())
    }
}

/// A text as one word of a shell. What cannot be one has no meaning to a shell either.
fn quoted(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=@,+%".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) {
        return text.to_owned();
    }
    shlex::try_quote(text).map_or_else(|_| text.replace('\0', ""), std::borrow::Cow::into_owned)
}

impl FromStr for Line {
    type Err = LineError;

    fn from_str(text: &str) -> Result<Self, LineError> {
        let nothing = || LineError::NoLine(text.to_owned());
        let (name, what) = text.trim().split_once('=').ok_or_else(nothing)?;
        // A line break would part it in two where lines are kept, and no variable holds a NUL.
        if text.trim().contains(char::is_control) {
            return Err(LineError::Control(text.to_owned()));
        }
        if what.is_empty() || name.is_empty() {
            return Err(nothing());
        }
        Ok(match name {
            "store" if what.starts_with('/') => Line::StoreFile(PathBuf::from(what)),
            "store" => {
                let (host, plain) = match what.split_once('!') {
                    Some((host, "plain")) => (host, true),
                    Some(_) => return Err(LineError::NoStore(text.to_owned())),
                    None => (what, false),
                };
                Line::Store { place: host.parse()?, plain }
            }
            "vault" => Line::Vault(what.parse()?),
            "secret" => {
                let is_some = ["env/", "vault/", "file/"].iter().any(|kind| what.starts_with(kind));
                let glob = Glob::read(what, true).filter(|_| is_some || what == "**");
                Line::Secret(glob.ok_or_else(|| LineError::NoReference(what.to_owned()))?)
            }
            "file" => {
                let glob = Glob::read(what, true);
                Line::File(glob.ok_or_else(|| LineError::NoPath(what.to_owned()))?)
            }
            "program" => program(what)?,
            "approved" => Line::Approved(what.to_owned()),
            connector => {
                let is_id = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
                if !connector.bytes().all(is_id) {
                    return Err(nothing());
                }
                Line::Host { connector: connector.to_owned(), at: what.parse()? }
            }
        })
    }
}

/// The variables that it may see, the program by its whole path, and a pattern for each argument.
fn program(what: &str) -> Result<Line, LineError> {
    let wrong = || LineError::NoProgram(what.to_owned());
    let words = shlex::split(what).ok_or(LineError::Open)?;
    let at = words.iter().position(|word| word.starts_with('/')).ok_or_else(wrong)?;
    let (variables, command) = words.split_at(at);
    let is_name = |name: &String| {
        name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            && !name.starts_with(|c: char| c.is_ascii_digit())
    };
    // `*` takes slashes too, as an argument is no path.
    let command: Option<Vec<Glob>> = command.iter().map(|word| Glob::read(word, false)).collect();
    match command {
        Some(command) if variables.iter().all(is_name) => {
            Ok(Line::Program { variables: variables.to_vec(), command })
        }
        _ => Err(wrong()),
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Line::Host { connector, at } => write!(f, "{connector}={at}"),
            Line::Store { place, plain } => write!(f, "store={place}{}", if *plain { "!plain" } else { "" }),
            Line::StoreFile(path) => write!(f, "store={}", path.display()),
            Line::Vault(at) => write!(f, "vault={at}"),
            Line::Secret(glob) => write!(f, "secret={}", glob.text),
            Line::File(glob) => write!(f, "file={}", glob.text),
            Line::Program { variables, command } => {
                let words = variables.iter().chain(command.iter().map(|glob| &glob.text));
                let words = words.map(|word| quoted(word));
                write!(f, "program={}", words.collect::<Vec<_>>().join(" "))
            }
            Line::Approved(name) => write!(f, "approved={name}"),
        }
    }
}

impl Pattern {
    /// This one, with its port where that is not the usual one.
    fn of(at: &Endpoint, usual: u16) -> Self {
        Pattern { host: at.host.clone(), port: (at.port != usual).then_some(at.port) }
    }

    /// This one and no other.
    fn only(at: &Endpoint) -> Self {
        Pattern { host: at.host.clone(), port: Some(at.port) }
    }

    /// Whether a host and its port are meant; `usual` is the port that nobody names.
    #[must_use]
    pub fn covers(&self, at: &Endpoint, usual: u16) -> bool {
        let is_host = match self.host.strip_prefix('*') {
            Some(domain) => at.host.strip_suffix(domain).is_some_and(|below| !below.is_empty()),
            None => self.host == at.host,
        };
        is_host && self.port.unwrap_or(usual) == at.port
    }
}

impl FromStr for Pattern {
    type Err = LineError;

    fn from_str(text: &str) -> Result<Self, LineError> {
        let wrong = || LineError::NoHost(text.to_owned());
        let after = if text.starts_with('[') { text.find(']').ok_or_else(wrong)? } else { 0 };
        let (host, port) = match text[after..].rsplit_once(':') {
            Some((_, port)) => {
                let port: u16 = port.parse().map_err(|_| wrong())?;
                (&text[..text.len() - port_length(text, after)], Some(port))
            }
            None => (text, None),
        };
        let name = host.strip_prefix("*.").unwrap_or(host);
        // As an address is read, so that both are written alike.
        let read = url::Host::parse(name).map_err(|_| wrong())?.to_string();
        let is_domain = name.len() == host.len() || (!name.starts_with('[') && read.contains('.'));
        if name.is_empty() || name.contains('*') || !is_domain {
            return Err(wrong());
        }
        let host = if name.len() == host.len() { read } else { format!("*.{read}") };
        Ok(Pattern { host, port })
    }
}

/// The length of `:PORT` at the end.
fn port_length(text: &str, after: usize) -> usize {
    text[after..].rfind(':').map_or(0, |at| text.len() - after - at)
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => write!(f, "{}:{port}", self.host),
            None => f.write_str(&self.host),
        }
    }
}

impl Glob {
    /// None where a text is no pattern. Where it is one of paths, `*` stays between slashes and `**` does not.
    fn read(text: &str, of_paths: bool) -> Option<Self> {
        let glob = Glob::of(text.to_owned(), of_paths);
        glob.matcher.is_some().then_some(glob)
    }

    /// One that means just this text.
    fn just(text: &str) -> Self {
        Glob::of(escaped(text), false)
    }

    fn of(text: String, of_paths: bool) -> Self {
        let matcher = |text: &str| {
            let glob = GlobBuilder::new(text).literal_separator(of_paths).backslash_escape(true).build();
            Some(Box::new(glob.ok()?.compile_matcher()))
        };
        let of_file = text.strip_prefix("file/").and_then(matcher);
        Glob { matcher: matcher(&text), of_file, text }
    }

    fn is_match(&self, text: &str) -> bool {
        self.matcher.as_ref().is_some_and(|matcher| matcher.is_match(text))
    }
}

impl PartialEq for Glob {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Glob {}

impl PartialOrd for Glob {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Glob {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.text.cmp(&other.text)
    }
}

/// Whether a pattern means a path; one that climbs is none that it means.
fn means(pattern: Option<&GlobMatcher>, path: &Path) -> bool {
    let climbs = path.components().any(|part| part == std::path::Component::ParentDir);
    !climbs && pattern.is_some_and(|pattern| pattern.is_match(path))
}

/// A text as a pattern that means just this.
fn escaped(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for one in text.chars() {
        if matches!(one, '*' | '?' | '[' | ']' | '{' | '}' | '\\') {
            pattern.push('\\');
        }
        pattern.push(one);
    }
    pattern
}
