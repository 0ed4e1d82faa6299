//! One file of a project: its path, and its text once somebody asks for it.

use std::sync::OnceLock;

use super::blob::Blob;
use super::content::{Content, ReadFault};
use super::on_disk::OnDisk;

/// One file: its path (relative to the project, forward slashes) and its text. Small, since there are thousands of which
/// nothing but the path is asked for.
#[derive(Debug)]
pub struct SourceFile {
    pub path: String,
    /// Where the text is read from when somebody asks for it; `None`: it was given.
    place: Option<ReadFrom>,
    content: OnceLock<Box<Content>>,
    line_starts: OnceLock<Box<[u32]>>,
    /// How many characters stand before every [`STEP`]th byte: what columns of a long line are counted from.
    characters: OnceLock<Box<[u32]>>,
}

/// A column is counted over no more bytes than this, however long its line.
const STEP: usize = 1024;

/// Where a text is read from.
#[derive(Debug)]
pub(super) enum ReadFrom {
    Disk(Box<OnDisk>),
    Blob(Blob),
}

impl ReadFrom {
    fn read(&self) -> Content {
        match self {
            ReadFrom::Disk(file) => file.read(),
            ReadFrom::Blob(blob) => blob.read(),
        }
    }
}

impl SourceFile {
    #[must_use]
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        SourceFile::of(path.into(), Content { text: text.into(), fault: None })
    }

    #[must_use]
    pub fn with_fault(path: impl Into<String>, text: impl Into<String>, fault: ReadFault) -> Self {
        SourceFile::of(path.into(), Content { text: text.into(), fault: Some(fault) })
    }

    pub(super) fn of(path: String, content: Content) -> Self {
        SourceFile {
            path,
            place: None,
            content: Box::new(content).into(),
            line_starts: OnceLock::new(),
            characters: OnceLock::new(),
        }
    }

    /// The same, read.
    #[must_use]
    pub fn copy(&self) -> Self {
        SourceFile::of(self.path.clone(), self.content().clone())
    }

    /// A file that is read when somebody asks for its text, and then just once.
    pub(super) fn unread(path: String, place: ReadFrom) -> Self {
        SourceFile {
            path,
            place: Some(place),
            content: OnceLock::new(),
            line_starts: OnceLock::new(),
            characters: OnceLock::new(),
        }
    }

    pub(super) fn content(&self) -> &Content {
        self.content.get_or_init(|| Box::new(self.place.as_ref().map(ReadFrom::read).unwrap_or_default()))
    }

    /// The id under which git keeps it, where it is read from git.
    pub(super) fn blob(&self) -> Option<git2::Oid> {
        match &self.place {
            Some(ReadFrom::Blob(blob)) => Some(blob.id),
            _ => None,
        }
    }

    /// Whether two files hold the same; nothing is taken out of git where its ids tell.
    #[must_use]
    pub fn same_content(&self, other: &SourceFile) -> bool {
        match (&self.place, &other.place) {
            (Some(ReadFrom::Blob(one)), Some(ReadFrom::Blob(two))) => one.id == two.id,
            (Some(ReadFrom::Disk(_)), Some(ReadFrom::Blob(blob))) if blob.is(self.content()) => true,
            (Some(ReadFrom::Blob(blob)), Some(ReadFrom::Disk(_))) if blob.is(other.content()) => true,
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
    pub fn with_text<T>(&self, look: impl FnOnce(&str, Option<&ReadFault>) -> T) -> T {
        if let (None, Some(ReadFrom::Disk(file))) = (self.content.get(), &self.place) {
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
    pub fn fault(&self) -> Option<&ReadFault> {
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
    pub(super) fn line(&self, offset: usize) -> usize {
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
        // A byte-order mark is no column that an editor shows.
        let marks = usize::from(start == 0 && text[..offset].starts_with('\u{feff}'));
        let before = if offset - start <= STEP {
            begun(&text.as_bytes()[start..offset])
        } else {
            self.characters_before(offset) - self.characters_before(start)
        };
        (line, before - marks + 1)
    }

    fn characters_before(&self, offset: usize) -> usize {
        let bytes = self.text().as_bytes();
        let counted = self.characters.get_or_init(|| {
            let steps = bytes.chunks(STEP).scan(0, |all, step| {
                let before = *all;
                *all += begun(step);
                Some(u32::try_from(before).unwrap_or(u32::MAX))
            });
            steps.collect()
        });
        let step = (offset / STEP).min(counted.len().saturating_sub(1));
        counted.get(step).map_or(0, |before| *before as usize) + begun(&bytes[step * STEP..offset])
    }
}

/// How many characters begin in a piece of UTF-8.
fn begun(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte & 0xc0 != 0x80).count()
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
    fn columns_of_a_long_line_are_those_of_a_short_one() {
        let text = format!("{}\n{}", "aÅ👩e\u{301}".repeat(700), "xÖ".repeat(3000));
        let file = SourceFile::new("a.yaml", text.as_str());
        for (offset, _) in text.char_indices().chain([(text.len(), ' ')]) {
            let line = text[..offset].matches('\n').count() + 1;
            let start = text[..offset].rfind('\n').map_or(0, |at| at + 1);
            assert_eq!(file.line_column(offset), (line, text[start..offset].chars().count() + 1));
        }
    }

    #[test]
    fn an_offset_inside_a_character_is_moved_to_its_start() {
        assert_eq!(SourceFile::new("a", "Å").line_column(1), (1, 1));
    }
}
