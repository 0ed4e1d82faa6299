//! The rows of a SQLite store as they lie in its tables, out and in; see [`crate::store::copy`].

use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, TransactionBehavior, params_from_iter};

use super::{failure, layout};
use crate::store::copy::{Cell, GiveRows, NUMBER, Row, STAYS, TakeRow, is_own};
use crate::store::error::StoreError;

/// The tables whose rows are copied, with their columns.
fn tables(connection: &Connection) -> rusqlite::Result<Vec<(String, Vec<String>)>> {
    let names = layout::made().0.iter().filter(|name| !STAYS.contains(&name.as_str()));
    let mut tables = Vec::new();
    for name in names {
        let mut columns = connection.prepare("SELECT name FROM pragma_table_info(?1) ORDER BY cid")?;
        let mut columns: Vec<String> =
            columns.query_map([name], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        if name == "history" {
            columns.push(NUMBER.to_owned());
        }
        tables.push((name.clone(), columns));
    }
    Ok(tables)
}

/// What a column is called in a statement: the history is numbered by its rows.
fn called(table: &str, column: &str) -> String {
    if table == "history" && column == NUMBER { "rowid".to_owned() } else { format!("\"{column}\"") }
}

fn list(table: &str, columns: &[String]) -> String {
    columns.iter().map(|column| called(table, column)).collect::<Vec<_>>().join(", ")
}

/// See `Store::dump`.
pub(super) fn dump(
    connection: &mut Connection,
    shown: &str,
    take: &mut TakeRow<'_>,
) -> Result<(), StoreError> {
    let failed = |error| failure::failed(shown, &error);
    // Of one moment.
    let transaction = connection.transaction().map_err(failed)?;
    for (table, columns) in tables(&transaction).map_err(failed)? {
        let sql = format!("SELECT {} FROM \"{table}\" ORDER BY rowid", list(&table, &columns));
        let mut statement = transaction.prepare(&sql).map_err(failed)?;
        let mut rows = statement.query([]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            let cell = |at| {
                Ok(match row.get_ref(at)? {
                    ValueRef::Null => Cell::Nothing,
                    ValueRef::Integer(number) => Cell::Number(number),
                    ValueRef::Blob(bytes) => Cell::Bytes(bytes.to_vec()),
                    ValueRef::Real(number) => Cell::Text(number.to_string()),
                    ValueRef::Text(text) => Cell::Text(String::from_utf8_lossy(text).into_owned()),
                })
            };
            let cells = (0..columns.len()).map(cell).collect::<rusqlite::Result<_>>().map_err(failed)?;
            let row = Row { table: &table, columns: &columns, cells };
            if !is_own(&row) {
                take(row)?;
            }
        }
    }
    Ok(())
}

/// See `Store::fill`.
pub(super) fn fill(
    connection: &mut Connection,
    shown: &str,
    epoch: u64,
    give: &mut GiveRows<'_>,
) -> Result<(), StoreError> {
    let failed = |error| failure::failed(shown, &error);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let triggers = take_triggers(&transaction).map_err(failed)?;
    let tables = tables(&transaction).map_err(failed)?;
    for (table, _) in &tables {
        let but = if table == "meta" { "WHERE key <> 'identity'" } else { "" };
        transaction.execute(&format!("DELETE FROM \"{table}\" {but}"), []).map_err(failed)?;
    }
    // Whoever works in it finds that the lock is lost.
    transaction.execute("UPDATE lock SET id = NULL, token = token + 1", []).map_err(failed)?;
    give(&mut |row: Row<'_>| {
        let known = tables.iter().find(|(table, _)| table == row.table);
        let fits = known.is_some_and(|(_, known)| row.columns.iter().all(|column| known.contains(column)));
        if !fits {
            let reason = format!("it has no table `{}` with the same columns", row.table);
            return Err(StoreError::Failed { store: shown.to_owned(), reason });
        }
        let places = vec!["?"; row.columns.len()].join(", ");
        let columns = list(row.table, row.columns);
        let sql = format!("INSERT INTO \"{}\" ({columns}) VALUES ({places})", row.table);
        let values = row.cells.into_iter().map(|cell| match cell {
            Cell::Nothing => Value::Null,
            Cell::Number(number) => Value::Integer(number),
            Cell::Text(text) => Value::Text(text),
            Cell::Bytes(bytes) => Value::Blob(bytes),
        });
        let mut statement = transaction.prepare_cached(&sql).map_err(failed)?;
        statement.execute(params_from_iter(values)).map(|_| ()).map_err(failed)
    })?;
    let sql = "INSERT INTO meta (key, value) VALUES ('epoch', ?1)";
    transaction.execute(sql, [epoch.to_string()]).map_err(failed)?;
    transaction.execute_batch(&triggers).map_err(failed)?;
    transaction.commit().map_err(|error| failure::committing(shown, &error))
}

/// Drops all triggers until the end of the transaction: what is copied happened elsewhere. What makes them again is given back.
fn take_triggers(connection: &Connection) -> rusqlite::Result<String> {
    let mut statement = connection.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")?;
    let triggers = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
    let triggers: Vec<(String, String)> = triggers.collect::<rusqlite::Result<_>>()?;
    for (name, _) in &triggers {
        connection.execute(&format!("DROP TRIGGER \"{}\"", name.replace('"', "\"\"")), [])?;
    }
    Ok(triggers.into_iter().map(|(_, sql)| sql + ";\n").collect())
}
