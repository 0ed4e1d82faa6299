//! One store's rows for another: as they lie in its tables, whatever they mean. Who works in a store at the moment, what its tables
//! are and which store it is are not copied.

use super::error::StoreError;

/// A value as it lies in a table; flags are numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    Nothing,
    Number(i64),
    Text(String),
    Bytes(Vec<u8>),
}

/// A row, a cell for each column.
#[derive(Debug)]
pub struct Row<'a> {
    pub table: &'a str,
    pub columns: &'a [String],
    pub cells: Vec<Cell>,
}

/// Takes one row after the other.
pub type TakeRow<'a> = dyn FnMut(Row<'_>) -> Result<(), StoreError> + 'a;

/// Hands out rows to who takes them.
pub type GiveRows<'a> = dyn FnMut(&mut TakeRow<'_>) -> Result<(), StoreError> + 'a;

/// Tables of which nothing is copied.
pub(super) const STAYS: [&str; 2] = ["lock", "migration"];

/// The column by which rows of the history are numbered.
pub(super) const NUMBER: &str = "number";

/// Whether a row says which store it is of, which stays what it is.
pub(super) fn is_own(row: &Row<'_>) -> bool {
    let says = |key: &str| row.cells.first() == Some(&Cell::Text(key.to_owned()));
    row.table == "meta" && (says("identity") || says("epoch"))
}
