//! From events to the tree: documents, keys, aliases and merges, within bounds.
//!
//! Events come from granit-parser; nothing outside this folder knows it. What a syntax error means is told in
//! [`super::syntax`]; here the tree is only kept as far as the text was sound.

use std::collections::{HashMap, HashSet};

use granit_parser::{Event, Parser, ScalarStyle, ScanError, StructureStyle, Tag};

use super::limits::{DEPTH_LIMIT, EXPANSION_LIMIT, FINDING_LIMIT};
use super::text::{clamp, excerpt, odd};
use super::tree::{Entry, Key, Map, Node, NodeKind};
use super::{expression, scalar};
use crate::diagnostic::Finding;
use crate::diagnostic::codes::yaml as codes;
use crate::source::{FileId, Span};

/// How strictly a file is judged beyond the grammar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// One document, known tags only.
    Configuration,
    /// Any number of documents, foreign tags are looked through.
    Stream,
}

/// What reading gave: the documents as far as they were sound, and what stopped the reading.
#[derive(Debug)]
pub(super) struct Reading {
    pub documents: Vec<Node>,
    pub findings: Vec<Finding>,
    pub stop: Option<Stop>,
}

/// Where and why the grammar gave up, with what was open there.
#[derive(Debug)]
pub(super) struct Stop {
    pub error: ScanError,
    /// End of the last thing that was read.
    pub read_to: usize,
    pub open: Vec<Open>,
}

impl Stop {
    pub fn place(&self) -> usize {
        offset(*self.error.marker())
    }
}

/// A list or map that was open.
#[derive(Debug, Clone, Copy)]
pub(super) struct Open {
    pub start: usize,
    pub flow: bool,
}

/// Reads all events; `strict` is the indentation of the standard, else what other tools forgive.
pub(super) fn read(text: &str, file: FileId, mode: Mode, strict: bool) -> Reading {
    let mut builder = Builder::new(text, file, mode);
    let mut stop = None;
    for next in parser(text, strict) {
        match next {
            Ok((event, place)) => builder.event(event, place),
            Err(error) => {
                stop = Some(builder.stop(error));
                break;
            }
        }
        if builder.ended {
            break;
        }
    }
    builder.cut(stop.as_ref().map(Stop::place));
    Reading { documents: builder.documents, findings: builder.findings, stop }
}

fn parser(text: &str, strict: bool) -> Parser<'_, granit_parser::StrInput<'_>> {
    let options = granit_parser::options! {
        strict_indentation: strict,
        emit_comments: false,
        emit_unresolved_aliases: true,
        emit_anchor_events: true,
    };
    Parser::new_from_str_with_options(text, options)
}

/// The anchors that some alias names. Only these are kept, so that anchors cost nothing where none is used; and
/// most files have no alias, which a look for its sign tells.
fn aliased(text: &str) -> HashSet<usize> {
    if !text.contains('*') || !text.contains('&') {
        return HashSet::new();
    }
    let events = parser(text, false).map_while(Result::ok);
    events.filter_map(|(event, _)| event.alias_id()).collect()
}

/// A finished node with what bounds need to know of it.
#[derive(Debug, Clone)]
struct Built {
    node: Node,
    /// The text of a scalar, for when it serves as a key.
    text: Option<Box<str>>,
    weight: usize,
    height: usize,
}

#[derive(Debug)]
enum Anchor {
    /// Its node is still being read: an alias now would hold itself.
    Open,
    Kept(Box<Built>),
    /// So large that expanding it would pass the bound.
    TooLarge,
}

#[derive(Debug)]
enum Pending {
    Key(Key),
    Merge,
    /// A key that a finding speaks of; its value is read and dropped.
    Bad,
}

#[derive(Debug)]
enum Content {
    List(Vec<Node>),
    Map { map: Map, pending: Option<Pending>, merged: Option<Span>, merges: Vec<Node> },
}

#[derive(Debug)]
struct Frame {
    content: Content,
    start: usize,
    flow: bool,
    anchor: usize,
    weight: usize,
    height: usize,
    /// Holds a mistake that makes the whole of it something else than was meant.
    spoiled: bool,
}

struct Builder<'a> {
    text: &'a str,
    file: FileId,
    mode: Mode,
    documents: Vec<Node>,
    findings: Vec<Finding>,
    stack: Vec<Frame>,
    anchors: HashMap<usize, Anchor>,
    names: Vec<(Box<str>, Span)>,
    name_of: HashMap<usize, usize>,
    aliased: HashSet<usize>,
    /// Weight of what aliases brought in, and of what is kept for them.
    expanded: usize,
    kept: usize,
    over: bool,
    /// End of the last thing read.
    end: usize,
    begun: bool,
    ended: bool,
}

impl<'a> Builder<'a> {
    fn new(text: &'a str, file: FileId, mode: Mode) -> Self {
        Builder {
            text,
            file,
            mode,
            documents: Vec::new(),
            findings: Vec::new(),
            stack: Vec::new(),
            anchors: HashMap::new(),
            names: Vec::new(),
            name_of: HashMap::new(),
            aliased: aliased(text),
            expanded: 0,
            kept: 0,
            over: false,
            end: 0,
            begun: false,
            ended: false,
        }
    }

    fn span(&self, start: usize, end: usize) -> Span {
        clamp(self.text, self.file, start, end)
    }

    fn report(&mut self, finding: Finding) {
        if self.findings.len() < FINDING_LIMIT {
            self.findings.push(finding);
        }
    }

    fn event(&mut self, event: Event<'_>, place: granit_parser::Span) {
        let (start, end) = (offset(place.start), offset(place.end));
        match event {
            Event::DocumentStart(..) => self.document(start, end),
            Event::Anchor(id, name) => {
                self.name_of.insert(id, self.names.len());
                self.names.push((name.into(), self.span(start, end)));
            }
            Event::Scalar(text, style, anchor, tag) => {
                let tag = tag.as_deref().map(|tag| (tag, tag_span(self, &place)));
                self.scalar(&text, style, anchor, tag, start, end);
            }
            Event::SequenceStart(style, anchor, tag) => {
                let tag = tag.as_deref().map(|tag| (tag, tag_span(self, &place)));
                self.collection_tag(tag, "seq");
                self.open(Content::List(Vec::new()), style, anchor, start);
            }
            Event::MappingStart(style, anchor, tag) => {
                let tag = tag.as_deref().map(|tag| (tag, tag_span(self, &place)));
                let mut map = Map::new();
                if tag.is_some_and(|(tag, _)| is_replace_tag(tag)) {
                    map.set_replaces();
                } else {
                    self.collection_tag(tag, "map");
                }
                let content = Content::Map { map, pending: None, merged: None, merges: Vec::new() };
                self.open(content, style, anchor, start);
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(end),
            Event::Alias(id) => self.alias(id, start, end),
            Event::UnresolvedAlias(name) => self.unknown_alias(&name, start, end),
            _ => {}
        }
    }

    fn document(&mut self, start: usize, end: usize) {
        if self.begun && self.mode == Mode::Configuration {
            let at = self.span(start, end.max(start));
            self.report(codes::several_documents(at));
            self.ended = true;
        }
        self.begun = true;
        self.end = self.end.max(end);
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<(&Tag, Span)>,
        start: usize,
        end: usize,
    ) {
        let plain = style == ScalarStyle::Plain;
        let absent = plain && start == end;
        let text = if absent { "" } else { text };
        let span = match style {
            ScalarStyle::Literal | ScalarStyle::Folded => self.block_span(start, end),
            _ if absent && tag.is_none() && anchor == 0 => {
                let at = self.absent_place(start);
                self.span(at, at)
            }
            _ => self.span(start, end),
        };
        self.end = self.end.max(span.end as usize);
        let known = tag.filter(|(tag, span)| self.known_tag(tag, *span));
        let foreign = tag.is_some() && known.is_none();
        let tag = known;
        let at_key = self.at_key();
        // An alias may bring a key's text back as a value, and a value's as a key.
        let kept = self.is_kept(anchor);
        let kind = match tag {
            None if foreign && self.mode == Mode::Configuration => NodeKind::Hole,
            _ if at_key && !kept => NodeKind::Null,
            Some((tag, tag_span)) if !at_key => self.tagged(tag, tag_span, text, plain, span),
            _ if plain => scalar::resolve(text),
            _ => NodeKind::Text(text.into()),
        };
        let as_key = (at_key || kept).then(|| text.into());
        let built = Built { node: Node { span, kind }, text: as_key, weight: weigh(text), height: 0 };
        self.keep(anchor, &built);
        if at_key && plain && tag.is_none() && text == "<<" {
            return self.merge_key(span);
        }
        if at_key && plain && self.mode == Mode::Configuration && text.starts_with(odd) {
            return self.odd_key(text, span);
        }
        self.place(built);
    }

    /// A block scalar from its first character to its last, without the line break and the indentation around.
    fn block_span(&self, start: usize, end: usize) -> Span {
        let span = self.span(start, end);
        let text = &self.text[span.range()];
        let blank = |c: char| matches!(c, ' ' | '\t' | '\r' | '\n');
        let before = text.len() - text.trim_start_matches(blank).len();
        let length = text.trim_matches(blank).len();
        if length == 0 {
            return self.span(start, start);
        }
        self.span(start + before, start + before + length)
    }

    /// granit places an absent value at the end of its key; people look behind the colon.
    fn absent_place(&self, start: usize) -> usize {
        if !matches!(self.stack.last(), Some(Frame { content: Content::Map { pending: Some(_), .. }, .. })) {
            return start;
        }
        let rest = self.text.get(start..).unwrap_or("");
        let mut at = start;
        for line in rest.split_inclusive('\n') {
            let code = line.trim_start_matches([' ', '\t', '\r', '\n']);
            if code.starts_with(':') {
                return at + line.len() - code.len() + 1;
            }
            if !code.is_empty() && !code.starts_with('#') {
                return start;
            }
            at += line.len();
        }
        start
    }

    fn at_key(&self) -> bool {
        matches!(self.stack.last(), Some(Frame { content: Content::Map { pending: None, .. }, .. }))
    }

    fn known_tag(&mut self, tag: &Tag, span: Span) -> bool {
        let known = tag.core_suffix().is_some() || is_plain_text_tag(tag);
        if !known && self.mode == Mode::Configuration {
            self.report(codes::unknown_tag(&excerpt(&tag.original()), span));
        }
        known
    }

    fn collection_tag(&mut self, tag: Option<(&Tag, Span)>, expected: &str) {
        let Some((tag, span)) = tag else { return };
        if self.known_tag(tag, span) && !is_plain_text_tag(tag) && tag.core_suffix() != Some(expected) {
            self.report(codes::wrong_tag(
                &excerpt(&tag.original()),
                if expected == "map" { "map" } else { "list" },
                span,
            ));
        }
    }

    /// A scalar under a tag of the core schema.
    fn tagged(&mut self, tag: &Tag, tag_span: Span, text: &str, plain: bool, span: Span) -> NodeKind {
        let resolved = scalar::resolve(text);
        match tag.core_suffix() {
            Some("null") if matches!(resolved, NodeKind::Null) => resolved,
            Some("bool") if matches!(resolved, NodeKind::Bool(_)) => resolved,
            Some("int") if scalar::is_integer(text) => resolved,
            Some("float") if matches!(resolved, NodeKind::Number(_)) => resolved,
            Some("str") => NodeKind::Text(text.into()),
            None if is_plain_text_tag(tag) => NodeKind::Text(text.into()),
            None if plain => resolved,
            None => NodeKind::Text(text.into()),
            Some(_) => {
                self.report(codes::wrong_tag(&excerpt(&tag.original()), &excerpt(text), tag_span.to(span)));
                NodeKind::Hole
            }
        }
    }

    fn open(&mut self, content: Content, style: StructureStyle, anchor: usize, start: usize) {
        if self.stack.len() >= DEPTH_LIMIT {
            let at = self.span(start, start + 1);
            self.report(codes::too_deep(DEPTH_LIMIT, at));
            self.ended = true;
            return;
        }
        if self.aliased.contains(&anchor) {
            self.anchors.insert(anchor, Anchor::Open);
        }
        let flow = style == StructureStyle::Flow;
        let bracket = matches!(self.text.as_bytes().get(start), Some(b'[' | b'{'));
        self.end = self.end.max(start + usize::from(flow && bracket));
        self.stack.push(Frame { content, start, flow, anchor, weight: 1, height: 0, spoiled: false });
    }

    fn close(&mut self, end: usize) {
        let Some(frame) = self.stack.pop() else { return };
        if frame.flow {
            self.end = self.end.max(end);
        }
        // A block collection without any text in it has no place of its own.
        let span = self.span(frame.start, if frame.flow { end } else { self.end.max(frame.start) });
        let kind = match frame.content {
            _ if frame.spoiled => NodeKind::Hole,
            Content::List(items) => NodeKind::List(items),
            Content::Map { map, merges, merged, .. } => NodeKind::Map(self.merge(map, merges, merged)),
        };
        let built =
            Built { node: Node { span, kind }, text: None, weight: frame.weight, height: frame.height + 1 };
        self.keep(frame.anchor, &built);
        self.place(built);
    }

    /// Puts a finished node where it belongs: into the open list or map, or as the document.
    fn place(&mut self, built: Built) {
        let Built { node, text, weight, height } = built;
        let Some(frame) = self.stack.last_mut() else {
            self.documents.push(node);
            return;
        };
        frame.weight += weight;
        // What is merged becomes part of the map itself, so the map, and a list of maps, add no depth.
        let merging = matches!(&frame.content, Content::Map { pending: Some(Pending::Merge), .. });
        let levels = if node.as_list().is_some() { 2 } else { 1 };
        let below = if merging { height.saturating_sub(levels) } else { height };
        frame.height = frame.height.max(below);
        match &mut frame.content {
            Content::List(items) => items.push(node),
            Content::Map { map, pending, merges, .. } => match pending.take() {
                None => {
                    *pending = Some(Pending::Bad);
                    self.key(node, text);
                }
                Some(Pending::Key(key)) => map.append(Entry { key, value: node }),
                Some(Pending::Merge) => merges.push(node),
                Some(Pending::Bad) => {}
            },
        }
    }

    fn key(&mut self, node: Node, text: Option<Box<str>>) {
        let span = node.span;
        let finding = match text {
            None if node.is_hole() => return,
            None => Some(self.structured_key(&node)),
            Some(text) => {
                let Some(Frame { content: Content::Map { map, pending, .. }, .. }) = self.stack.last_mut()
                else {
                    return;
                };
                match map.get(&text) {
                    Some(first) => {
                        let last = map.entries().last().map_or(0, |last| last.value.span.end);
                        // Several in a row are what a lost line leaves behind: told once.
                        let above = self.findings.last_mut().filter(|told| {
                            told.code == &codes::DUPLICATE_KEY && told.primary.span.start >= last
                        });
                        let Some(above) = above else {
                            let finding = codes::duplicate_key(&excerpt(&text), span, first.key.span);
                            return self.report(finding);
                        };
                        codes::duplicate_too(above, &excerpt(&text), span);
                        return;
                    }
                    None => {
                        *pending = Some(Pending::Key(Key { text, span }));
                        None
                    }
                }
            }
        };
        if let Some(finding) = finding {
            self.report(finding);
        }
    }

    fn structured_key(&mut self, node: &Node) -> Finding {
        let before = self.text.get(..node.span.start as usize).unwrap_or("");
        let here = self.text.get(node.span.range()).unwrap_or("");
        let expression = before.ends_with('{') && here.starts_with('{');
        if let Some(frame) = self.stack.last_mut() {
            frame.spoiled |= expression;
            if let Content::Map { map, .. } = &mut frame.content {
                map.set_cut();
            }
        }
        if expression {
            return expression::unquoted(self.text, self.file, before.len() - 1);
        }
        codes::key_not_text(node.kind_name(), node.span)
    }

    /// A key that begins with a space that is none; its map may lack what the key was to say.
    fn odd_key(&mut self, text: &str, span: Span) {
        let odd: usize = text.chars().take_while(|c| odd(*c)).map(char::len_utf8).sum();
        let at = self.span(span.start as usize, span.start as usize + odd);
        if let Some(character) = text.chars().next() {
            self.report(codes::odd_space(character, at));
        }
        if let Some(Frame { content: Content::Map { map, pending, .. }, .. }) = self.stack.last_mut() {
            map.set_cut();
            *pending = Some(Pending::Bad);
        }
    }

    fn merge_key(&mut self, span: Span) {
        let Some(Frame { content: Content::Map { pending, merged, .. }, .. }) = self.stack.last_mut() else {
            return;
        };
        match *merged {
            Some(first) => {
                *pending = Some(Pending::Bad);
                self.report(codes::second_merge(span, first));
            }
            None => {
                *merged = Some(span);
                *pending = Some(Pending::Merge);
            }
        }
    }

    /// Adds what `<<` brings: own keys win, and of several maps the earlier one.
    fn merge(&mut self, mut map: Map, merges: Vec<Node>, mark: Option<Span>) -> Map {
        for node in merges {
            match node.kind {
                NodeKind::Map(other) => inherit(&mut map, other),
                NodeKind::List(items) => {
                    // A list of what cannot be merged is one mistake.
                    let mut is_told = false;
                    for item in items {
                        match item.kind {
                            NodeKind::Map(other) => inherit(&mut map, other),
                            NodeKind::Hole => map.set_cut(),
                            _ => {
                                map.set_cut();
                                if !std::mem::replace(&mut is_told, true) {
                                    self.report(codes::bad_merge(item.kind_name(), item.span, mark));
                                }
                            }
                        }
                    }
                }
                NodeKind::Hole => map.set_cut(),
                _ => {
                    map.set_cut();
                    self.report(codes::bad_merge(node.kind_name(), node.span, mark));
                }
            }
        }
        map
    }

    /// True of an anchor that some alias names.
    fn is_kept(&self, anchor: usize) -> bool {
        anchor != 0 && self.aliased.contains(&anchor)
    }

    fn keep(&mut self, anchor: usize, built: &Built) {
        if !self.is_kept(anchor) {
            return;
        }
        // Each kept anchor is expanded at least once, so what is kept can be held to the same bound.
        self.kept = self.kept.saturating_add(built.weight);
        let anchored = if self.kept > EXPANSION_LIMIT {
            Anchor::TooLarge
        } else {
            Anchor::Kept(Box::new(built.clone()))
        };
        self.anchors.insert(anchor, anchored);
    }

    fn alias(&mut self, id: usize, start: usize, end: usize) {
        let span = self.span(start, end);
        self.end = self.end.max(end);
        let hole =
            |weight| Built { node: Node { span, kind: NodeKind::Hole }, text: None, weight, height: 0 };
        let name = self.text.get(span.range()).unwrap_or("").trim_start_matches('*');
        let anchor = self.name_of.get(&id).and_then(|at| self.names.get(*at)).map(|(_, span)| *span);
        let built = match self.anchors.get(&id) {
            Some(Anchor::Open) => {
                let finding = codes::recursive_anchor(&excerpt(name), span, anchor);
                self.report(finding);
                hole(1)
            }
            Some(Anchor::Kept(built)) if self.expanded.saturating_add(built.weight) <= EXPANSION_LIMIT => {
                if self.stack.len() + built.height > DEPTH_LIMIT {
                    self.report(codes::too_deep(DEPTH_LIMIT, span));
                    hole(1)
                } else {
                    self.expanded += built.weight;
                    Built::clone(built)
                }
            }
            _ => {
                if !self.over {
                    self.over = true;
                    self.report(codes::too_many_aliases(EXPANSION_LIMIT, span, anchor));
                }
                // Heavy, so that an anchor around it is not kept either.
                hole(EXPANSION_LIMIT)
            }
        };
        self.place(built);
    }

    fn unknown_alias(&mut self, name: &str, start: usize, end: usize) {
        let span = self.span(start, end);
        self.end = self.end.max(end);
        let known = self.names.iter().rev().take(100).map(|(name, _)| &**name);
        let near = crate::diagnostic::nearest(name, known).map(str::to_owned);
        self.report(codes::undefined_alias(&excerpt(name), near.as_deref(), span));
        self.place(Built { node: Node { span, kind: NodeKind::Hole }, text: None, weight: 1, height: 0 });
    }

    fn stop(&self, error: ScanError) -> Stop {
        let open = self.stack.iter().map(|frame| Open { start: frame.start, flow: frame.flow }).collect();
        Stop { error, read_to: self.end, open }
    }

    /// Ends a document that was open when reading stopped: what was finished stays, what was open is a hole.
    fn cut(&mut self, stopped: Option<usize>) {
        // What ends where the mistake is, or on its line, was surely meant otherwise.
        let tainted =
            stopped.is_some_and(|at| self.text.get(self.end..at).is_none_or(|gap| !gap.contains('\n')));
        if self.stack.is_empty() {
            if let Some(last) = self.documents.last_mut().filter(|_| tainted) {
                last.kind = NodeKind::Hole;
            }
            return;
        }
        let end = self.end;
        let spoil = |node: &mut Node| {
            if tainted && node.span.end as usize >= end {
                node.kind = NodeKind::Hole;
            }
        };
        let mut open = std::mem::take(&mut self.stack).into_iter();
        let Some(root) = open.next() else { return };
        let span = self.span(root.start, self.end.max(root.start));
        let hole_start = open.next().map_or(self.end, |frame| frame.start);
        let hole = Node { span: self.span(hole_start, self.end.max(hole_start)), kind: NodeKind::Hole };
        let kind = match root.content {
            Content::List(mut items) => {
                items.last_mut().into_iter().for_each(spoil);
                items.push(hole);
                NodeKind::List(items)
            }
            Content::Map { map, pending, merges, merged } => {
                let mut map = map;
                if let Some(last) = map.entries_mut().last_mut() {
                    spoil(&mut last.value);
                }
                if let Some(Pending::Key(key)) = pending {
                    map.insert(Entry { key, value: hole });
                }
                map = self.merge(map, merges, merged);
                map.set_cut();
                NodeKind::Map(map)
            }
        };
        self.documents.push(Node { span, kind });
    }
}

fn inherit(map: &mut Map, other: Map) {
    if other.is_cut() {
        map.set_cut();
    }
    for entry in other.into_entries() {
        if map.get(&entry.key.text).is_none() {
            map.insert(entry);
        }
    }
}

/// Long texts weigh more, so that the bound on aliases also bounds memory.
fn weigh(text: &str) -> usize {
    1 + text.len() / 64
}

/// `!replace`, by which a map says that it does not merge.
fn is_replace_tag(tag: &Tag) -> bool {
    tag.handle() == "!" && tag.suffix() == "replace"
}

/// `!` alone says: text, whatever it looks like.
fn is_plain_text_tag(tag: &Tag) -> bool {
    tag.handle().is_empty() && tag.suffix() == "!"
}

fn tag_span(builder: &Builder<'_>, place: &granit_parser::Span) -> Span {
    match place.tag_span() {
        Some(tag) => builder.span(offset(tag.start), offset(tag.end)),
        None => builder.span(offset(place.start), offset(place.end)),
    }
}

fn offset(marker: granit_parser::Marker) -> usize {
    marker.byte_offset().unwrap_or(0)
}
