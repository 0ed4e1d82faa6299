//! The targets of `fuzz/` on their kept corpora, and on changes of these: a short look in every run. `fuzz/run` looks for hours,
//! led by coverage.

use std::panic::AssertUnwindSafe;
use std::path::Path;

#[path = "../../fuzz/targets.rs"]
mod targets;

/// How many changes of each kept input are tried; more with `PAIRFORM_TEST_LONG`.
const ROUNDS: usize = 30;

/// Pieces that mean something to one reader or another.
const PIECES: &[&str] = &[
    "\n", "  ", "- ", ": ", "{", "}", "[", "]", "\"", "'", "#", "&a ", "*a", "!!str ", "|\n", ">-\n",
    "---\n", "...\n", "<<: ", "\t", "\r\n", "\r", "\0", "\u{feff}", "\u{2028}", "e\u{301}", "\u{202e}",
    "null", "0x", "1e999", "-0", "\\u0000", "\\ud800", "${", "}}", "{{", "@", "/**", "![",
];

struct Dice(u64);

impl Dice {
    fn roll(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound.max(1)
    }

    /// An input with a few changes: a piece put in, a part taken away, a part of another input, a bit turned.
    fn change(&mut self, input: &[u8], other: &[u8]) -> Vec<u8> {
        let mut changed = input.to_vec();
        for _ in 0..=self.roll(4) {
            let at = self.roll(changed.len() + 1);
            let end = (at + self.roll(16)).min(changed.len());
            match self.roll(4) {
                0 => drop(changed.splice(at..at, PIECES[self.roll(PIECES.len())].bytes())),
                1 => drop(changed.drain(at..end)),
                2 => {
                    let from = self.roll(other.len() + 1);
                    let to = (from + self.roll(40)).min(other.len());
                    changed.splice(at..end, other[from..to].iter().copied());
                }
                _ if at < changed.len() => changed[at] ^= 1 << self.roll(8),
                _ => {}
            }
        }
        changed
    }
}

#[test]
fn no_input_breaks_a_reader() {
    let rounds = if std::env::var_os("PAIRFORM_TEST_LONG").is_some() { ROUNDS * 100 } else { ROUNDS };
    for (name, target) in targets::ALL {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
        let mut files: Vec<_> =
            std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        assert!(!files.is_empty(), "{name}: there is no corpus");
        let inputs: Vec<Vec<u8>> = files.iter().map(|file| std::fs::read(file).unwrap()).collect();
        let attempt = |input: &[u8], of: &Path| {
            let done = std::panic::catch_unwind(AssertUnwindSafe(|| target(input)));
            assert!(done.is_ok(), "{name}, from {}: {:?}", of.display(), String::from_utf8_lossy(input));
        };
        let mut dice = Dice(7);
        for (input, file) in inputs.iter().zip(&files) {
            attempt(input, file);
            for _ in 0..rounds {
                let other = &inputs[dice.roll(inputs.len())];
                attempt(&dice.change(input, other), file);
            }
        }
    }
}

/// Each target has a corpus, and each corpus a target.
#[test]
fn corpora_and_targets_belong_together() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let mut corpora: Vec<String> = std::fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    corpora.sort();
    let mut names: Vec<&str> = targets::ALL.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    assert_eq!(corpora, names);
}
