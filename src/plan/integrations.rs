//! The integrations of a plan. Where much of a large fleet changes they are more than fits into memory: those are packed,
//! some at a time, and unpacked again while one goes through them. How, nobody outside has to know: they are walked with
//! [`Integrations::for_each`], and with [`Integrations::map_each`] where each of them is work. What is asked of all of them
//! is counted as they come. Nothing here looks for one by its name.

use std::borrow::Cow;
use std::fmt;
use std::ops::ControlFlow;
use std::sync::mpsc;

use rayon::prelude::*;
use serde::de::{SeqAccess, Visitor};
use serde::ser::SerializeSeq as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::data::Integration;
use super::tally::Tally;
use crate::model::sorted::to_canonical;

/// Integrations in a block, which are packed together: what they have in common takes little room.
const BLOCK: usize = 64;

/// The first so many changes of a plan are kept as they are, and so are integrations that have fewer than one each.
const PACK_AFTER_CHANGES: usize = 100_000;

/// Of zstd: fast.
const COMPRESSION_LEVEL: i32 = 1;

/// Blocks that are made ready while one is taken.
const BLOCKS_AHEAD: usize = 2;

/// As many as are collected before they are packed.
const COLLECTED: usize = 512;

/// Integrations, sorted by name; they change only by being collected anew.
#[derive(Debug, Clone, Default)]
pub struct Integrations {
    blocks: Vec<Block>,
    tally: Tally,
}

#[derive(Debug, Clone)]
enum Block {
    Plain(Vec<Integration>),
    Packed(Packed),
}

/// A line of canonical JSON for each integration, compressed.
#[derive(Debug, Clone)]
struct Packed {
    bytes: Vec<u8>,
    /// Of the lines, in bytes.
    size: usize,
}

impl Integrations {
    #[must_use]
    pub fn len(&self) -> usize {
        self.tally.summary.integrations
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Walks them, one after the other.
    pub fn for_each(&self, take: &mut dyn FnMut(&Integration)) {
        let _ = self.try_for_each(&mut |one| {
            take(one);
            ControlFlow::Continue(())
        });
    }

    /// As [`Integrations::for_each`], until one breaks off.
    pub fn try_for_each(&self, take: &mut dyn FnMut(&Integration) -> ControlFlow<()>) -> ControlFlow<()> {
        self.ahead(|block| block, &mut |block: Cow<'_, [Integration]>| block.iter().try_for_each(&mut *take))
    }

    /// Hands out what `work` makes of each, in their order. It is made on all processors and ahead of what is taken.
    pub fn map_each<T: Send>(&self, work: impl Fn(&Integration) -> T + Sync, take: &mut dyn FnMut(T)) {
        let made = |block: Cow<'_, [Integration]>| block.par_iter().map(&work).collect::<Vec<T>>();
        let _ = self.ahead(made, &mut |made| {
            made.into_iter().for_each(&mut *take);
            ControlFlow::Continue(())
        });
    }

    /// Walks those that an apply writes something of, or notes something of, in groups of this size; the last may be smaller.
    pub fn for_each_group(&self, size: usize, take: &mut dyn FnMut(&[&Integration])) {
        let mut take = |group: &[Cow<'_, Integration>]| {
            take(&group.iter().map(|one| &**one).collect::<Vec<&Integration>>());
        };
        let mut waiting: Vec<Cow<'_, Integration>> = Vec::new();
        let _ = self.ahead(written, &mut |some| {
            waiting.extend(some);
            while waiting.len() >= size {
                let group: Vec<_> = waiting.drain(..size).collect();
                take(&group);
            }
            ControlFlow::Continue(())
        });
        if !waiting.is_empty() {
            take(&waiting);
        }
    }

    /// Changes each of them.
    pub fn edit(&mut self, edit: &mut dyn FnMut(&mut Integration)) {
        let edited = std::mem::take(self).into_iter().map(|mut one| {
            edit(&mut one);
            one
        });
        *self = edited.collect();
    }

    /// Hands out what `work` makes of each block, in their order, until one breaks off; it makes the next ones in the
    /// background.
    fn ahead<'a, T: Send>(
        &'a self,
        work: impl Fn(Cow<'a, [Integration]>) -> T + Sync,
        take: &mut dyn FnMut(T) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let mut blocks = self.blocks.iter().map(|block| match block {
            Block::Plain(integrations) => Cow::Borrowed(&**integrations),
            Block::Packed(packed) => Cow::Owned(packed.unpack()),
        });
        if self.blocks.len() < 2 {
            return blocks.map(work).try_for_each(take);
        }
        let (send, receive) = mpsc::sync_channel(BLOCKS_AHEAD);
        std::thread::scope(|scope| {
            let work = &work;
            // Where nobody takes any more there is nothing to do.
            scope.spawn(move || blocks.try_for_each(|block| send.send(work(block))));
            receive.into_iter().try_for_each(take)
        })
    }

    /// The canonical JSON of all, separated by commas, piece by piece.
    pub fn canonical(&self, take: &mut dyn FnMut(&str)) {
        for (at, block) in self.blocks.iter().enumerate() {
            take(if at == 0 { "" } else { "," });
            take(&match block {
                Block::Plain(some) => lines(some).replace('\n', ","),
                Block::Packed(packed) => packed.lines().replace('\n', ","),
            });
        }
    }

    /// Adds integrations whose names come after those that are there.
    pub fn append(&mut self, integrations: Vec<Integration>) {
        self.append_beyond(integrations, PACK_AFTER_CHANGES);
    }

    fn append_beyond(&mut self, integrations: Vec<Integration>, pack_after_changes: usize) {
        let mut rest = integrations.into_iter();
        let blocks = std::iter::from_fn(|| {
            let some: Vec<Integration> = rest.by_ref().take(BLOCK).collect();
            (!some.is_empty()).then_some(some)
        });
        let blocks: Vec<Vec<Integration>> = blocks.collect();
        let tallies: Vec<Tally> = blocks.par_iter().map(|some| Tally::of(some)).collect();
        let is_much: Vec<bool> = tallies
            .into_iter()
            .map(|tally| {
                let changes = tally.changes();
                self.tally.add(tally);
                self.tally.changes() > pack_after_changes && changes >= BLOCK
            })
            .collect();
        let blocks = blocks.into_par_iter().zip(is_much).map(|(some, is_much)| match is_much {
            true => Packed::of(&lines(&some)).map_or(Block::Plain(some), Block::Packed),
            false => Block::Plain(some),
        });
        self.blocks.par_extend(blocks);
    }
}

/// Those of a block of which something is written or noted.
fn written(block: Cow<'_, [Integration]>) -> Vec<Cow<'_, Integration>> {
    let is_it = |one: &Integration| one.is_applied() || one.is_agreed();
    match block {
        Cow::Borrowed(some) => some.iter().filter(|one| is_it(one)).map(Cow::Borrowed).collect(),
        Cow::Owned(some) => some.into_iter().filter(is_it).map(Cow::Owned).collect(),
    }
}

/// No text in JSON holds a line end.
fn lines(integrations: &[Integration]) -> String {
    let lines: Vec<String> =
        integrations.par_iter().map(|one| to_canonical(one).unwrap_or_default()).collect();
    lines.join("\n")
}

impl Packed {
    /// None where there is no room.
    fn of(lines: &str) -> Option<Self> {
        let mut bytes = zstd::bulk::compress(lines.as_bytes(), COMPRESSION_LEVEL).ok()?;
        // It was made for a text that cannot be compressed.
        bytes.shrink_to_fit();
        Some(Packed { bytes, size: lines.len() })
    }

    #[expect(clippy::expect_used, reason = "what is read here was written here")]
    fn lines(&self) -> String {
        let bytes = zstd::bulk::decompress(&self.bytes, self.size).expect("lines were packed");
        String::from_utf8(bytes).expect("lines were packed")
    }

    #[expect(clippy::expect_used, reason = "what is read here was written here")]
    fn unpack(&self) -> Vec<Integration> {
        let text = self.lines();
        let lines: Vec<&str> = text.lines().collect();
        let one = |line: &&str| serde_json::from_str(line).expect("integrations were packed");
        lines.par_iter().map(one).collect()
    }
}

/// For those that make other integrations of them, and collect these.
impl IntoIterator for Integrations {
    type Item = Integration;
    type IntoIter = Box<dyn Iterator<Item = Integration>>;

    fn into_iter(self) -> Self::IntoIter {
        Box::new(self.blocks.into_iter().flat_map(|block| match block {
            Block::Plain(integrations) => integrations,
            Block::Packed(packed) => packed.unpack(),
        }))
    }
}

impl FromIterator<Integration> for Integrations {
    fn from_iter<I: IntoIterator<Item = Integration>>(integrations: I) -> Self {
        let mut all = Integrations::default();
        let mut rest = integrations.into_iter();
        loop {
            let some: Vec<Integration> = rest.by_ref().take(COLLECTED).collect();
            if some.is_empty() {
                return all;
            }
            all.append(some);
        }
    }
}

impl Serialize for Integrations {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut all = serializer.serialize_seq(Some(self.len()))?;
        let mut failed = None;
        let _ = self.try_for_each(&mut |one| match all.serialize_element(one) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        });
        failed.map_or_else(|| all.end(), Err)
    }
}

impl<'de> Deserialize<'de> for Integrations {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;

        impl<'de> Visitor<'de> for Collect {
            type Value = Integrations;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("integrations")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut rest: A) -> Result<Integrations, A::Error> {
                let mut all = Integrations::default();
                loop {
                    let mut some = Vec::new();
                    while some.len() < COLLECTED
                        && let Some(one) = rest.next_element()?
                    {
                        some.push(one);
                    }
                    if some.is_empty() {
                        return Ok(all);
                    }
                    all.append(some);
                }
            }
        }
        deserializer.deserialize_seq(Collect)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model;
    use crate::plan::back;
    use crate::plan::data::{Mode, Readiness};
    use crate::plan::deployed::Current;

    /// An integration with some changes, whose texts and values are the unusual ones.
    fn one(number: usize) -> Integration {
        let before = json!({"a": "old\nline", "é": 1.5, "gone": [1, "2"], "x": {"secret": "env/A", "fingerprint": null}});
        let after = json!({"a": "new \"line\"", "é": 2, "map": {"Klarna!": "30", "Klarna": number}});
        let settings = model::from_json(&before);
        let current = Current { revision: 1, applied: settings.clone(), settings };
        Integration {
            integration: format!("shop-{number:04}"),
            renamed_from: number.is_multiple_of(3).then(|| "old".to_owned()),
            pair: "a-b".into(),
            recorded_pair: None,
            unmanaged: Vec::new(),
            title: "A ↔ B".into(),
            mode: Mode::Live,
            deployed_mode: Some(Mode::Onboarding),
            readiness: Readiness { required: 2, set: 1 },
            live_depends_on: [("general".to_owned(), 2)].into(),
            link: None,
            categories: vec![back::category("stock", "Stock", &current, &model::from_json(&after))],
            effects: None,
        }
    }

    fn text(integrations: &Integrations) -> String {
        let mut text = String::new();
        integrations.canonical(&mut |piece| text.push_str(piece));
        text
    }

    #[test]
    fn what_is_packed_is_as_it_was() {
        let all: Vec<Integration> = (0..200).map(one).collect();
        let plain: Integrations = all.iter().cloned().collect();
        let mut packed = Integrations::default();
        for some in all.chunks(70) {
            packed.append_beyond(some.to_vec(), 400);
        }
        let is_packed = |block: &Block| matches!(block, Block::Packed(_));
        assert!(!plain.blocks.iter().any(is_packed));
        assert!(packed.blocks.iter().any(is_packed) && !packed.blocks.iter().all(is_packed));
        let json = |all: &Integrations| serde_json::to_string(all).unwrap();
        assert_eq!(json(&packed), json(&plain));
        assert_eq!(text(&packed), text(&plain));
        assert_eq!(format!("{:?}", packed.tally), format!("{:?}", plain.tally));
        // However one goes through them, all come in their order.
        let names: Vec<String> = all.iter().map(|one| one.integration.clone()).collect();
        let mut edited = packed.clone();
        edited.edit(&mut |_| {});
        for all in [&plain, &packed, &edited] {
            let (mut walked, mut mapped, mut groups) = (Vec::new(), Vec::new(), Vec::new());
            all.for_each(&mut |one| walked.push(one.integration.clone()));
            all.map_each(|one| one.integration.clone(), &mut |name| mapped.push(name));
            all.for_each_group(30, &mut |group| {
                groups.push(group.iter().map(|one| one.integration.clone()).collect::<Vec<_>>());
            });
            assert!(walked == names && mapped == names && groups.concat() == names);
            assert_eq!(groups.iter().map(Vec::len).collect::<Vec<_>>(), [30, 30, 30, 30, 30, 30, 20]);
            let mut first = Vec::new();
            let _ = all.try_for_each(&mut |one| {
                first.push(one.integration.clone());
                if first.len() < 70 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            });
            assert_eq!(first, names[..70]);
        }
        // And from their JSON they are collected again.
        let read: Integrations = serde_json::from_str(&json(&packed)).unwrap();
        assert_eq!(text(&read), text(&plain));
    }
}
