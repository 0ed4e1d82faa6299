//! The layouts of a store, which one migration after the other brings it to, and what its ledger of them says. Nothing here
//! knows a database.

use super::error::StoreError;
use crate::model;

/// The oldest layout that is read as it is, and the one since which there are marks; without them nothing is known to be up to date. A store
/// is brought up to date by whoever opens it to write.
pub(super) const READABLE: i64 = 3;
pub(super) const MARKED: i64 = 4;

/// What a store has that is of an older layout and is only read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Has {
    pub marks: bool,
    /// Recorded rules, and what the files said.
    pub rules: bool,
    /// What the reconciler keeps.
    pub reconcile: bool,
    /// How many acceptances it knew.
    pub accepts: bool,
}

/// The numbers of the layouts with which they came.
#[derive(Debug, Clone, Copy)]
pub(super) struct Came {
    pub rules: i64,
    pub reconcile: i64,
    pub accepts: i64,
}

impl Has {
    /// One that was brought up to date.
    pub const ALL: Has = Has { marks: true, rules: true, reconcile: true, accepts: true };

    /// What was found has.
    pub fn of(found: Found, came: Came) -> Self {
        match found {
            Found::Older(found) => Has {
                marks: found >= MARKED,
                rules: found >= came.rules,
                reconcile: found >= came.reconcile,
                accepts: found >= came.accepts,
            },
            Found::Empty | Found::Current => Has::ALL,
        }
    }
}

/// What a database holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// No table yet.
    Empty,
    /// A store whose layout is older than ours.
    Older(i64),
    Current,
}

/// Migrations with their numbers, which begin at 1.
pub(super) fn numbered<'a>(migrations: &'a [&'a str]) -> impl Iterator<Item = (i64, &'a str)> {
    (1..).zip(migrations.iter().copied())
}

/// The number of the newest layout.
pub(super) fn newest(migrations: &[&str]) -> i64 {
    i64::try_from(migrations.len()).unwrap_or(i64::MAX)
}

/// What a ledger of applied migrations, number and checksum, says.
///
/// # Errors
/// When it is of a newer pairform, or of migrations that are not these.
pub(super) fn judge(migrations: &[&str], ledger: &[(i64, String)], store: &str) -> Result<Found, StoreError> {
    let known = newest(migrations);
    let found = ledger.last().map_or(0, |(number, _)| *number);
    if found > known {
        return Err(StoreError::Newer { store: store.to_owned(), found, known });
    }
    for ((number, checksum), (expected, sql)) in ledger.iter().zip(numbered(migrations)) {
        if *number != expected || *checksum != model::digest_text(sql) {
            return Err(StoreError::Open {
                store: store.to_owned(),
                reason: format!("its layout {number} is not the one that this pairform knows by that number"),
            });
        }
    }
    Ok(match found {
        0 => Found::Empty,
        number if number < known => Found::Older(number),
        _ => Found::Current,
    })
}
