//! Which file of a crate imports which, read from their text, and which of them import each other in a circle.
//!
//! A path is an import of the file in which what it names is written, also where a parent passes that on by `use`. What a
//! module takes from the modules inside of it is none: they are its parts, and it is what they have in common. Macros are
//! not expanded.

use std::collections::{BTreeMap, BTreeSet};

use crate::tokens::{Token, tokens, word};

type Names = Vec<String>;

/// The files of a crate and what they import of each other: file, other file, path and the line where it is first written.
#[derive(Default)]
pub struct Imports {
    modules: BTreeMap<Names, Module>,
    of: BTreeMap<String, BTreeMap<String, BTreeMap<String, usize>>>,
}

#[derive(Default)]
struct Module {
    file: String,
    /// What is written in it.
    items: BTreeSet<String>,
    /// What it has by `use`: the name that it has here, and the path that was written.
    used: BTreeMap<String, Names>,
    /// The modules of which it has everything.
    globs: Vec<Names>,
}

/// A path as it is written in a module.
struct Path {
    file: String,
    module: Names,
    line: usize,
    words: Names,
}

impl Imports {
    /// Of files with their text, by their paths from the folder above `src`.
    pub fn read(files: &[(String, String)]) -> Imports {
        let mut imports = Imports::default();
        let mut paths = Vec::new();
        for (file, text) in files {
            let Some(module) = module_of(file) else { continue };
            let tokens: Vec<Token<'_>> = tokens(text).into_iter().filter(|token| !token.is_text).collect();
            let mut reader =
                Reader { imports: &mut imports, paths: &mut paths, file, tokens: &tokens, at: 0 };
            reader.module(module);
        }
        for path in paths {
            let Some(target) = imports.absolute(&path.module, &path.words) else { continue };
            let other = imports.file_of(&target, 0).to_owned();
            let is_part = module_of(&path.file).zip(module_of(&other));
            if is_part.is_some_and(|(own, other)| other.starts_with(&own)) {
                continue;
            }
            let places = imports.of.entry(path.file).or_default().entry(other).or_default();
            places.entry(path.words.join("::")).or_insert(path.line);
        }
        imports
    }

    /// A written path from the root of the crate; none where it leads into another crate or is no path of a module.
    fn absolute(&self, module: &[String], words: &[String]) -> Option<Names> {
        let (first, rest) = words.split_first()?;
        let beside = |module: &[String]| [module, rest].concat();
        match first.as_str() {
            "crate" => Some(rest.to_vec()),
            "self" => Some(beside(module)),
            "super" => {
                let supers = words.iter().take_while(|word| *word == "super").count();
                let above = module.len().checked_sub(supers)?;
                Some([&module[..above], &words[supers..]].concat())
            }
            _ if self.modules.contains_key(&[module, std::slice::from_ref(first)].concat()) => {
                Some([module, words].concat())
            }
            _ => {
                let used = self.modules.get(module)?.used.get(first)?;
                // What is used under the name of a crate is that crate.
                (used.first() != Some(first))
                    .then(|| self.absolute(module, used))
                    .flatten()
                    .map(|target| [&target, rest].concat())
            }
        }
    }

    /// The file in which what an absolute path names is written.
    fn file_of(&self, path: &[String], depth: usize) -> &str {
        let known =
            (0..=path.len()).rev().find(|length| self.modules.contains_key(&path[..*length])).unwrap();
        let (name, module) = (path.get(known), &self.modules[&path[..known]]);
        let Some(name) = name.filter(|name| !module.items.contains(*name) && depth < 8) else {
            return &module.file;
        };
        let passed_on = module.used.get(name).and_then(|used| self.absolute(&path[..known], used));
        if let Some(target) = passed_on {
            return self.file_of(&[&target, &path[known + 1..]].concat(), depth + 1);
        }
        let holder = module.globs.iter().find_map(|glob| {
            let target = self.absolute(&path[..known], glob)?;
            let is_there = self.modules.get(&target)?.items.contains(name);
            is_there.then(|| self.file_of(&target, depth + 1))
        });
        holder.unwrap_or(&module.file)
    }

    /// Each circle: its files, and by what they are tied.
    pub fn circles(&self) -> Vec<String> {
        let reached: BTreeMap<&str, BTreeSet<&str>> =
            self.of.keys().map(|file| (file.as_str(), self.reached_from(file))).collect();
        let mut told = BTreeSet::new();
        let mut circles = Vec::new();
        for (file, others) in &reached {
            if !others.contains(file) || !told.insert(*file) {
                continue;
            }
            let mut files = vec![*file];
            files.extend(others.iter().filter(|other| {
                *other != file && reached.get(**other).is_some_and(|back| back.contains(file))
            }));
            told.extend(&files);
            let mut text = format!("{} files import each other in a circle:", files.len());
            for one in &files {
                let ties = self.of[*one].iter().filter(|(other, _)| files.contains(&other.as_str()));
                for (other, places) in ties {
                    let places: Vec<String> =
                        places.iter().map(|(path, line)| format!("{path} (line {line})")).collect();
                    text.push_str(&format!("\n  {one} imports {other}: {}", places.join(", ")));
                }
            }
            circles.push(text);
        }
        circles
    }

    fn reached_from(&self, file: &str) -> BTreeSet<&str> {
        let mut reached = BTreeSet::new();
        let mut open = vec![file];
        while let Some(others) = open.pop().map(|file| self.of.get(file)) {
            for other in others.into_iter().flatten().map(|(other, _)| other.as_str()) {
                if reached.insert(other) {
                    open.push(other);
                }
            }
        }
        reached
    }
}

/// `src/schema/link.rs` is `schema::link`, `src/schema/mod.rs` is `schema`; `src/main.rs` is a crate of its own.
fn module_of(file: &str) -> Option<Names> {
    let inside = file.strip_prefix("src/")?.strip_suffix(".rs").filter(|inside| *inside != "main")?;
    let inside = inside.strip_suffix("/mod").unwrap_or(inside);
    Some(if inside == "lib" { Vec::new() } else { inside.split('/').map(str::to_owned).collect() })
}

/// Reads the modules of one file.
struct Reader<'a, 'i> {
    imports: &'i mut Imports,
    paths: &'i mut Vec<Path>,
    file: &'a str,
    tokens: &'a [Token<'a>],
    at: usize,
}

const ITEMS: [&str; 8] = ["fn", "struct", "enum", "trait", "type", "const", "static", "macro_rules"];

impl<'a> Reader<'a, '_> {
    fn peek(&self, ahead: usize) -> &'a str {
        self.tokens.get(self.at + ahead).map_or("", |token| token.text)
    }

    fn is_word(&self, ahead: usize) -> bool {
        word(self.peek(ahead)) > 0 && !self.peek(ahead).starts_with(|c: char| c.is_ascii_digit())
    }

    /// A module, to its closing brace or the end of the file.
    fn module(&mut self, path: Names) {
        let file = self.file.to_owned();
        self.imports.modules.entry(path.clone()).or_default().file = file;
        let mut depth = 0_usize;
        while self.at < self.tokens.len() {
            match self.peek(0) {
                "{" => depth += 1,
                "}" if depth == 0 => break,
                "}" => depth -= 1,
                "mod" if self.is_word(1) && self.peek(2) == "{" => {
                    let inner = [path.clone(), vec![self.peek(1).to_owned()]].concat();
                    self.at += 3;
                    self.module(inner);
                }
                "use" if depth == 0 || self.is_statement() => {
                    self.at += 1;
                    self.tree(&path, &[]);
                }
                // `pub(in crate::x)` imports nothing.
                "in" if self.at > 0 && self.tokens[self.at - 1].text == "(" => self.skip_path(),
                item if depth == 0 && ITEMS.contains(&item) => {
                    let name = usize::from(self.peek(1) == "!") + 1;
                    if self.is_word(name) {
                        let name = self.peek(name).to_owned();
                        self.items(&path).insert(name);
                    }
                }
                _ if self.is_word(0) && self.peek(1) == "::" && self.begins_a_path() => {
                    let line = self.tokens[self.at].line;
                    let words = self.path_here();
                    self.add(&path, line, words);
                    continue;
                }
                _ => {}
            }
            self.at += 1;
        }
    }

    fn items(&mut self, module: &[String]) -> &mut BTreeSet<String> {
        &mut self.imports.modules.get_mut(module).unwrap().items
    }

    fn before(&self) -> &'a str {
        self.at.checked_sub(1).map_or("", |before| self.tokens[before].text)
    }

    /// A `use` inside of a function, and no name of something.
    fn is_statement(&self) -> bool {
        matches!(self.before(), "{" | "}" | ";" | "]")
    }

    fn begins_a_path(&self) -> bool {
        !matches!(self.before(), "::" | "." | "$")
    }

    fn skip_path(&mut self) {
        while self.is_word(1) || self.peek(1) == "::" {
            self.at += 1;
        }
    }

    /// The words of a path, of which generics are no part; stands behind it then.
    fn path_here(&mut self) -> Names {
        let mut words = vec![self.peek(0).to_owned()];
        self.at += 1;
        while self.peek(0) == "::" && self.is_word(1) {
            words.push(self.peek(1).to_owned());
            self.at += 2;
        }
        words
    }

    fn add(&mut self, module: &[String], line: usize, words: Names) {
        let (file, module) = (self.file.to_owned(), module.to_vec());
        self.paths.push(Path { file, module, line, words });
    }

    /// What a `use` brings, below the words that stand before it; stands before what ends it then.
    fn tree(&mut self, module: &[String], before: &[String]) {
        let mut words = before.to_vec();
        let line = self.tokens.get(self.at).map_or(0, |token| token.line);
        loop {
            match self.peek(0) {
                "{" => {
                    self.at += 1;
                    while !matches!(self.peek(0), "}" | "") {
                        self.tree(module, &words);
                        if self.peek(0) == "," {
                            self.at += 1;
                        }
                    }
                    self.at += 1;
                    return;
                }
                "*" => {
                    self.at += 1;
                    self.imports.modules.get_mut(module).unwrap().globs.push(words.clone());
                    return self.add(module, line, words);
                }
                "self" if !words.is_empty() => self.at += 1,
                "::" => {
                    self.at += 1;
                    continue;
                }
                _ if self.is_word(0) => {
                    words.push(self.peek(0).to_owned());
                    self.at += 1;
                }
                // Nothing of Rust: it is passed over.
                _ => {
                    self.at += 1;
                    return;
                }
            }
            if self.peek(0) != "::" {
                break;
            }
        }
        let mut name = words.last().cloned().unwrap_or_default();
        if self.peek(0) == "as" {
            name = self.peek(1).to_owned();
            self.at += 2;
        }
        self.imports.modules.get_mut(module).unwrap().used.insert(name, words.clone());
        self.add(module, line, words);
    }
}

/// The circles of a small tree of files, told without their ties, and the ties of all files.
fn told(files: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
    let files: Vec<(String, String)> =
        files.iter().map(|(path, text)| (format!("src/{path}"), (*text).to_owned())).collect();
    let imports = Imports::read(&files);
    let circles = imports.circles().into_iter().map(|circle| {
        let files: BTreeSet<&str> =
            circle.lines().skip(1).map(|line| line.split(' ').nth(2).unwrap()).collect();
        files.into_iter().map(|file| &file["src/".len()..]).collect::<Vec<_>>().join(" ")
    });
    let ties = imports.of.iter().flat_map(|(file, others)| {
        others.iter().map(move |(other, paths)| {
            let paths: Vec<&str> = paths.keys().map(String::as_str).collect();
            format!("{} > {}: {}", &file["src/".len()..], &other["src/".len()..], paths.join(" "))
        })
    });
    (circles.collect(), ties.collect())
}

#[test]
fn two_files_that_import_each_other_are_a_circle_in_every_form_of_a_path() {
    for (one, other) in [
        ("use crate::m::b::B;", "use crate::m::a::A;"),
        ("use super::b::{self, B as C};", "use super::{a::{A}, c};"),
        ("fn f() { crate::m::b::f::<u8>() }", "fn g(a: &super::a::A) {}"),
        ("use super::b;\nfn f() { b::f() }", "fn f() { use super::a::*; }"),
        ("mod inner { use super::super::b::B; }", "use super::a::A;"),
        ("use super::{b::B};", "use crate::{m::{a}};"),
    ] {
        let (circles, ties) = told(&[
            ("lib.rs", "mod m;"),
            ("m/mod.rs", "mod a;\nmod b;\nmod c;"),
            ("m/a.rs", one),
            ("m/b.rs", other),
            ("m/c.rs", ""),
        ]);
        assert_eq!(circles, ["m/a.rs m/b.rs"], "{one} {other}: {ties:?}");
    }
    // In another folder, and where a module's file stands beside its folder.
    let (circles, _) =
        told(&[("m.rs", "mod a;"), ("m/a.rs", "use crate::n::N;"), ("n/mod.rs", "use crate::m::a::A;")]);
    assert_eq!(circles, ["m/a.rs n/mod.rs"]);
}

#[test]
fn a_name_is_imported_from_where_it_is_written_and_not_from_who_passes_it_on() {
    // By name, by another name, with all there is, and in two steps.
    for passed_on in [
        "mod a;\nmod b;\npub use a::A;\npub use b::B;",
        "mod a;\nmod b;\npub(crate) use self::{a::Other as A, b::B};",
        "mod a;\nmod b;\npub use a::*;\npub use b::*;",
        "mod a;\nmod b;\nmod c;\npub use c::{A, B};",
    ] {
        let (circles, ties) = told(&[
            ("m/mod.rs", passed_on),
            ("m/a.rs", "use super::B;\npub struct A;"),
            ("m/b.rs", "use crate::m::A;\npub struct B;"),
            ("m/c.rs", "pub use super::a::A;\npub use super::b::B;"),
        ]);
        assert_eq!(circles, ["m/a.rs m/b.rs"], "{passed_on}: {ties:?}");
    }
    // What is passed on of others leads there, wherever it is asked for.
    let (circles, ties) = told(&[
        ("m/mod.rs", "mod a;\npub use a::A;"),
        ("m/a.rs", "use crate::n::N;\npub struct A;"),
        ("n.rs", "use crate::m;\nfn f(a: m::A) {}"),
    ]);
    assert_eq!(circles, ["m/a.rs n.rs"], "{ties:?}");
    assert_eq!(ties, ["m/a.rs > n.rs: crate::n::N", "n.rs > m/a.rs: m::A", "n.rs > m/mod.rs: crate::m"]);
}

#[test]
fn a_circle_through_what_a_parent_holds_is_found() {
    let (circles, ties) = told(&[
        ("m/mod.rs", "mod a;\nuse crate::n::N;\npub struct M(N);"),
        ("m/a.rs", "use super::M;\npub fn a(m: M) {}"),
        ("n.rs", "pub struct N;\nfn f() { crate::m::a::a() }"),
    ]);
    assert_eq!(circles, ["m/a.rs m/mod.rs n.rs"], "{ties:?}");
}

#[test]
fn what_ties_no_circle_is_told_as_none() {
    // A parent and its parts, one way between two, declarations, other crates, comments and texts.
    let (circles, ties) = told(&[
        ("lib.rs", "pub mod m;\npub mod n;\nuse m::M;"),
        ("main.rs", "use pairform::m::M;"),
        ("m/mod.rs", "mod a;\nmod b;\npub struct M;\npub use a::A;\nfn f() -> b::B { a::a() }"),
        ("m/a.rs", "use super::{M, b::B};\npub(in crate::m) fn a() {}"),
        (
            "m/b.rs",
            "// use super::a::A;\n/* crate::m::a /* a::A */ */\nuse serde::a::A;\nuse ::a::B;\nconst T: (&str, &str, char) = (\"\\\"super::a::A\", r#\"\"crate::m::a::A\"#, '\"');\nmacro_rules! m { () => { $crate::m::a::A } }\nfn f<'a>(s: &'a super::M) { s.a::<A>() }",
        ),
        ("n.rs", "use crate::m::M;\nuse std::fmt;"),
    ]);
    assert_eq!(circles, [""; 0], "{ties:?}");
    assert_eq!(
        ties,
        [
            "m/a.rs > m/b.rs: super::b::B",
            "m/a.rs > m/mod.rs: super::M",
            "m/b.rs > m/mod.rs: super::M",
            "n.rs > m/mod.rs: crate::m::M"
        ]
    );
}

#[test]
fn a_circle_is_told_with_its_files_and_the_imports_that_tie_it() {
    let files = [
        ("src/a.rs", "use crate::b::{B, b};\nfn f() { b() }\n"),
        ("src/b.rs", "use crate::c;\n\nfn f() { c::c() }\n"),
        ("src/c.rs", "fn c() { crate::a::a(); crate::d::d() }\n"),
        ("src/d.rs", "pub fn d() {}\n"),
    ];
    let imports = Imports::read(&files.map(|(path, text)| (path.to_owned(), text.to_owned())));
    assert_eq!(
        imports.circles(),
        ["3 files import each other in a circle:
  src/a.rs imports src/b.rs: crate::b::B (line 1), crate::b::b (line 1)
  src/b.rs imports src/c.rs: c::c (line 3), crate::c (line 1)
  src/c.rs imports src/a.rs: crate::a::a (line 1)"]
    );
}
