//! What the machine needs at least for the same files: reading them, and scanning their YAML events. Nothing is built.

use std::fs;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder.join("integrations")).expect("the fleet");
    entries.filter_map(|entry| Some(entry.ok()?.path())).collect()
}

/// Reads every file; the bytes read.
pub fn read(folder: &Path) -> usize {
    files(folder).par_iter().map(|path| fs::read(path).expect("a file").len()).sum()
}

/// Reads every file and scans its events; how many there are.
pub fn scan(folder: &Path) -> usize {
    let events = |path: &PathBuf| {
        let text = fs::read_to_string(path).expect("a file");
        saphyr_parser::Parser::new_from_str(&text).filter(Result::is_ok).count()
    };
    files(folder).par_iter().map(events).sum()
}
