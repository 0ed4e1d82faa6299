//! All texts of one run.

use std::collections::BTreeMap;

use super::file::SourceFile;
use super::span::{FileId, Position, Span};

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

    /// The same files, some with another text, and new ones in their place by path; each with its fault, where its text stays.
    #[must_use]
    pub fn with_texts(&self, texts: &BTreeMap<String, String>) -> Sources {
        let others = texts.iter().map(|(path, text)| SourceFile::new(path, text));
        self.with_files(&|path| texts.contains_key(path), others)
    }

    /// The same files without some, and others in their place by path.
    #[must_use]
    pub fn with_files(
        &self,
        is_gone: &dyn Fn(&str) -> bool,
        others: impl Iterator<Item = SourceFile>,
    ) -> Sources {
        let kept = self.files.iter().filter(|file| !is_gone(&file.path));
        let mut files: Vec<SourceFile> = kept.map(SourceFile::copy).collect();
        files.extend(others);
        files.sort_by(|a, b| a.path.cmp(&b.path));
        files.into()
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
