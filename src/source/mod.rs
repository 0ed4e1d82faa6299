//! Texts and places in them: files, spans, lines and columns.
//!
//! This module does not parse and does not judge. [`load`] is the one door to a working tree
//! and to what git knows of it; everything else here is plain data.

pub mod git;
pub mod load;

use std::sync::OnceLock;

/// A file's number within [`Sources`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// A range of bytes within one file; `start <= end`, both on character boundaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    pub file: FileId,
    pub start: u32,
    pub end: u32,
}

impl Span {
    #[must_use]
    pub fn new(file: FileId, start: usize, end: usize) -> Self {
        let clamp = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        Span { file, start: clamp(start), end: clamp(end.max(start)) }
    }

    /// The smallest span that holds both; `self` when they lie in different files.
    #[must_use]
    pub fn to(self, other: Span) -> Span {
        if self.file != other.file {
            return self;
        }
        Span { file: self.file, start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    #[must_use]
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A span as people and reports say it: 1-based, columns counted in characters, the end exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    pub line: usize,
    pub column: usize,
    pub end_line: usize,
    pub end_column: usize,
}

/// Why a file's text is not, or not wholly, what stands on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Larger than the bound; the text was not read.
    TooLarge { bytes: u64, limit: u64 },
    /// The first byte that is no UTF-8, as an offset into the text; what follows was replaced.
    NotUtf8 { offset: usize },
    /// Could not be read, in the system's words.
    Unreadable(String),
}

/// One file: its path (relative to the project, forward slashes) and its text. Small, since there are thousands of which
/// nothing but the path is asked for.
#[derive(Debug)]
pub struct SourceFile {
    pub path: String,
    /// Where the text is read from when somebody asks for it; `None`: it was given.
    place: Option<Place>,
    content: OnceLock<Box<Content>>,
    line_starts: OnceLock<Box<[u32]>>,
}

/// Where a text is read from.
#[derive(Debug)]
enum Place {
    Disk(Box<load::OnDisk>),
    Blob(git::Blob),
}

impl Place {
    fn read(&self) -> Content {
        match self {
            Place::Disk(file) => file.read(),
            Place::Blob(blob) => blob.read(),
        }
    }
}

/// What a file holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Content {
    text: String,
    fault: Option<Fault>,
}

impl SourceFile {
    #[must_use]
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        SourceFile::of(path.into(), Content { text: text.into(), fault: None })
    }

    #[must_use]
    pub fn with_fault(path: impl Into<String>, text: impl Into<String>, fault: Fault) -> Self {
        SourceFile::of(path.into(), Content { text: text.into(), fault: Some(fault) })
    }

    fn of(path: String, content: Content) -> Self {
        SourceFile { path, place: None, content: Box::new(content).into(), line_starts: OnceLock::new() }
    }

    /// A file that is read when somebody asks for its text, and then just once.
    fn unread(path: String, place: Place) -> Self {
        SourceFile { path, place: Some(place), content: OnceLock::new(), line_starts: OnceLock::new() }
    }

    fn content(&self) -> &Content {
        self.content.get_or_init(|| Box::new(self.place.as_ref().map(Place::read).unwrap_or_default()))
    }

    /// Whether two files hold the same; nothing is taken out of git where its ids tell.
    #[must_use]
    pub fn same_content(&self, other: &SourceFile) -> bool {
        match (&self.place, &other.place) {
            (Some(Place::Blob(one)), Some(Place::Blob(two))) => one.id == two.id,
            (Some(Place::Disk(_)), Some(Place::Blob(blob))) if blob.is(self.content()) => true,
            (Some(Place::Blob(blob)), Some(Place::Disk(_))) if blob.is(other.content()) => true,
            _ => self.content() == other.content(),
        }
    }

    #[must_use]
    pub fn text(&self) -> &str {
        &self.content().text
    }

    /// Hands out the text, and why it is not wholly what stands on disk. Of a sound file in a working tree it is not kept: of
    /// thousands nobody asks again. Whoever does gets it from the disk once more, or a fault if it was changed in between;
    /// where that would not show, since it was changed just before, it is kept.
    pub fn with_text<T>(&self, look: impl FnOnce(&str, Option<&Fault>) -> T) -> T {
        if let (None, Some(Place::Disk(file))) = (self.content.get(), &self.place) {
            let content = file.read();
            if content.fault.is_none() && file.is_settled() {
                return look(&content.text, None);
            }
            self.content.get_or_init(|| Box::new(content));
        }
        let content = self.content();
        look(&content.text, content.fault.as_ref())
    }

    /// Whether reading it failed, as far as it was read.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.content.get().is_some_and(|content| content.fault.is_some())
    }

    /// Why the text is not, or not wholly, what stands on disk.
    #[must_use]
    pub fn fault(&self) -> Option<&Fault> {
        self.content().fault.as_ref()
    }

    /// A file from its bytes; what is no UTF-8 is replaced and noted as its fault.
    #[must_use]
    pub fn from_bytes(path: impl Into<String>, bytes: Vec<u8>) -> Self {
        SourceFile::of(path.into(), Content::from_bytes(bytes))
    }

    /// Byte offsets at which lines start; the first is 0.
    pub fn line_starts(&self) -> &[u32] {
        self.line_starts.get_or_init(|| {
            self.with_text(|text, _| {
                let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
                std::iter::once(0)
                    .chain(breaks.map(|(at, _)| u32::try_from(at + 1).unwrap_or(u32::MAX)))
                    .collect()
            })
        })
    }

    /// 1-based line of a byte offset; offsets past the end give the last.
    fn line(&self, offset: usize) -> usize {
        self.line_starts().partition_point(|start| *start as usize <= offset)
    }

    /// 1-based line and column (in characters) of a byte offset; offsets past the end give the end.
    #[must_use]
    pub fn line_column(&self, offset: usize) -> (usize, usize) {
        let text = self.text();
        let mut offset = offset.min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        let line = self.line(offset);
        let start = self.line_starts()[line - 1] as usize;
        let before = &text[start..offset];
        // A byte-order mark is no column that an editor shows.
        let marks = usize::from(start == 0 && before.starts_with('\u{feff}'));
        (line, before.chars().count() - marks + 1)
    }
}

impl Content {
    fn from_bytes(bytes: Vec<u8>) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) => Content { text, fault: None },
            Err(error) => {
                let offset = error.utf8_error().valid_up_to();
                let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
                Content { text, fault: Some(Fault::NotUtf8 { offset }) }
            }
        }
    }

    fn faulty(fault: Fault) -> Self {
        Content { text: String::new(), fault: Some(fault) }
    }
}

/// All texts of one run; a [`FileId`] is a place in it.
#[derive(Debug, Default)]
pub struct Sources {
    files: Vec<SourceFile>,
}

impl From<Vec<SourceFile>> for Sources {
    fn from(files: Vec<SourceFile>) -> Self {
        Sources { files }
    }
}

impl Sources {
    pub fn add(&mut self, file: SourceFile) -> FileId {
        self.files.push(file);
        FileId(u32::try_from(self.files.len() - 1).unwrap_or(u32::MAX))
    }

    /// Puts another file in the place of one.
    pub fn replace(&mut self, id: FileId, file: SourceFile) {
        self.files[id.0 as usize] = file;
    }

    #[must_use]
    pub fn file(&self, id: FileId) -> &SourceFile {
        &self.files[id.0 as usize]
    }

    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (FileId, &SourceFile)> {
        self.files.iter().enumerate().map(|(at, file)| (FileId(u32::try_from(at).unwrap_or(u32::MAX)), file))
    }

    #[must_use]
    pub fn by_path(&self, path: &str) -> Option<FileId> {
        self.iter().find(|(_, file)| file.path == path).map(|(id, _)| id)
    }

    #[must_use]
    pub fn path(&self, span: Span) -> &str {
        &self.file(span.file).path
    }

    #[must_use]
    pub fn text(&self, span: Span) -> &str {
        self.file(span.file).text().get(span.range()).unwrap_or("")
    }

    /// The line where a span begins; unlike [`Sources::position`] it keeps no text.
    #[must_use]
    pub fn line(&self, span: Span) -> usize {
        self.file(span.file).line(span.start as usize)
    }

    #[must_use]
    pub fn position(&self, span: Span) -> Position {
        let file = self.file(span.file);
        let (line, column) = file.line_column(span.start as usize);
        let (end_line, end_column) = file.line_column(span.end as usize);
        Position { line, column, end_line, end_column }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_lines_count_from_one() {
        let file = SourceFile::new("a.yaml", "namn: Åre\nort: Ö\n");
        assert_eq!(file.line_column(0), (1, 1));
        assert_eq!(file.line_column("namn: Å".len()), (1, 8));
        assert_eq!(file.line_column("namn: Åre\nort: ".len()), (2, 6));
        assert_eq!(file.line_column(10_000), (3, 1));
    }

    #[test]
    fn an_offset_inside_a_character_is_moved_to_its_start() {
        assert_eq!(SourceFile::new("a", "Å").line_column(1), (1, 1));
    }
}
