//! The rows of a PostgreSQL store as they lie in its tables, out and in; see [`crate::store::copy`].

use std::collections::BTreeMap;

use tokio_postgres::types::ToSql;

use super::client::{Client, Result};
use super::text::{decode, encode};
use crate::store::copy::{Cell, GiveRows, NUMBER, Row, STAYS, TakeRow, is_own};
use crate::store::error::StoreError;

/// How many rows are written by one statement.
const TOGETHER: usize = 500;

/// What goes wrong: with the server, or with whoever gives or takes rows.
pub(super) enum Broken {
    Server(super::client::Fault),
    Other(StoreError),
}

impl From<super::client::Fault> for Broken {
    fn from(fault: super::client::Fault) -> Self {
        Broken::Server(fault)
    }
}

/// A column and the type that it has.
struct Column {
    name: String,
    kind: String,
    /// The server counts it.
    is_counted: bool,
}

/// The tables whose rows are copied, with their columns.
fn tables(client: &mut Client) -> Result<BTreeMap<String, Vec<Column>>> {
    let sql = "SELECT table_name::text, column_name::text, data_type::text, is_identity = 'YES' FROM information_schema.columns
               WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position";
    let mut tables: BTreeMap<String, Vec<Column>> = BTreeMap::new();
    for row in client.query(sql, &[])? {
        let (table, name, kind): (String, String, String) = (row.get(0), row.get(1), row.get(2));
        if !STAYS.contains(&table.as_str()) && super::owners::TABLES.contains(&table.as_str()) {
            tables.entry(table).or_default().push(Column { name, kind, is_counted: row.get(3) });
        }
    }
    Ok(tables)
}

/// See `Store::dump`.
pub(super) fn dump(client: &mut Client, take: &mut TakeRow<'_>) -> std::result::Result<(), Broken> {
    client.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
    let done = dump_within(client, take);
    let ended = client.batch_execute("ROLLBACK");
    done?;
    Ok(ended?)
}

fn dump_within(client: &mut Client, take: &mut TakeRow<'_>) -> std::result::Result<(), Broken> {
    for (table, columns) in tables(client)? {
        let select = columns.iter().map(|Column { name, kind, .. }| match kind.as_str() {
            "boolean" => format!("\"{name}\"::int::bigint"),
            "bytea" => format!("\"{name}\""),
            "bigint" | "integer" => format!("\"{name}\"::bigint"),
            _ => format!("\"{name}\"::text"),
        });
        let select = select.collect::<Vec<_>>().join(", ");
        let order = if columns.iter().any(|column| column.name == NUMBER) { "ORDER BY number" } else { "" };
        let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
        let mut stopped = None;
        client.each(&format!("SELECT {select} FROM \"{table}\" {order}"), &[], &mut |row| {
            let cells = columns.iter().enumerate().map(|(at, column)| match column.kind.as_str() {
                "boolean" | "bigint" | "integer" => {
                    row.get::<_, Option<i64>>(at).map_or(Cell::Nothing, Cell::Number)
                }
                "bytea" => row.get::<_, Option<Vec<u8>>>(at).map_or(Cell::Nothing, Cell::Bytes),
                _ => row.get::<_, Option<String>>(at).map_or(Cell::Nothing, |text| Cell::Text(decode(text))),
            });
            let row = Row { table: &table, columns: &names, cells: cells.collect() };
            stopped = if is_own(&row) { None } else { take(row).err() };
            stopped.is_none()
        })?;
        if let Some(error) = stopped {
            return Err(Broken::Other(error));
        }
    }
    Ok(())
}

/// See `Store::fill`.
pub(super) fn fill(
    client: &mut Client,
    shown: &str,
    epoch: u64,
    give: &mut GiveRows<'_>,
) -> std::result::Result<(), Broken> {
    client.batch_execute("BEGIN")?;
    let done = fill_within(client, shown, epoch, give);
    let ended = client.batch_execute(if done.is_ok() { "COMMIT" } else { "ROLLBACK" });
    done?;
    Ok(ended?)
}

fn fill_within(
    client: &mut Client,
    shown: &str,
    epoch: u64,
    give: &mut GiveRows<'_>,
) -> std::result::Result<(), Broken> {
    let tables = tables(client)?;
    for table in tables.keys() {
        // What is copied happened elsewhere. It keeps other writers out, too.
        client.batch_execute(&format!("ALTER TABLE \"{table}\" DISABLE TRIGGER USER"))?;
        let but = if table == "meta" { "WHERE key <> 'identity'" } else { "" };
        client.batch_execute(&format!("DELETE FROM \"{table}\" {but}"))?;
    }
    // Whoever works in it finds that the lock is lost.
    client.batch_execute("UPDATE lock SET id = NULL, token = token + 1")?;
    let mut batch = Batch::default();
    let mut broken = None;
    let given = give(&mut |row: Row<'_>| {
        let fits = tables
            .get(row.table)
            .filter(|known| row.columns.iter().all(|column| known.iter().any(|known| known.name == *column)));
        let Some(known) = fits else {
            let reason = format!("it has no table `{}` with the same columns", row.table);
            return Err(StoreError::Failed { store: shown.to_owned(), reason });
        };
        batch.take(client, row, known).map_err(|fault| {
            broken = Some(fault);
            // Not told: what went wrong is.
            StoreError::Failed { store: shown.to_owned(), reason: String::new() }
        })
    });
    if let Some(fault) = broken {
        return Err(Broken::Server(fault));
    }
    given.map_err(Broken::Other)?;
    batch.write(client)?;
    client.execute("INSERT INTO meta (key, value) VALUES ('epoch', $1)", &[&epoch.to_string()])?;
    for (table, columns) in &tables {
        for column in columns.iter().filter(|column| column.is_counted) {
            let name = &column.name;
            let next = format!("SELECT coalesce(max(\"{name}\"), 0) + 1 FROM \"{table}\"");
            let next: i64 = client.query_one(&next, &[])?.get(0);
            client.batch_execute(&format!("ALTER TABLE \"{table}\" ALTER \"{name}\" RESTART WITH {next}"))?;
        }
        client.batch_execute(&format!("ALTER TABLE \"{table}\" ENABLE TRIGGER USER"))?;
    }
    Ok(())
}

/// Rows of one table, not written yet.
#[derive(Default)]
struct Batch {
    table: String,
    /// Name and type.
    columns: Vec<(String, String)>,
    /// By column, as texts.
    cells: Vec<Vec<Option<String>>>,
}

impl Batch {
    fn take(&mut self, client: &mut Client, row: Row<'_>, known: &[Column]) -> Result<()> {
        if self.table != row.table || self.cells.first().is_some_and(|column| column.len() >= TOGETHER) {
            self.write(client)?;
            let kind = |name: &String| known.iter().find(|column| column.name == *name);
            self.table = row.table.to_owned();
            self.columns = row
                .columns
                .iter()
                .map(|name| (name.clone(), kind(name).map(|column| column.kind.clone()).unwrap_or_default()))
                .collect();
            self.cells = vec![Vec::new(); row.columns.len()];
        }
        for (column, cell) in self.cells.iter_mut().zip(row.cells) {
            column.push(match cell {
                Cell::Nothing => None,
                Cell::Number(number) => Some(number.to_string()),
                Cell::Text(text) => Some(encode(&text).into_owned()),
                Cell::Bytes(bytes) => Some(crate::model::hex(&bytes)),
            });
        }
        Ok(())
    }

    fn write(&mut self, client: &mut Client) -> Result<()> {
        if self.cells.first().is_none_or(Vec::is_empty) {
            return Ok(());
        }
        let names: Vec<String> = self.columns.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        let parameters: Vec<String> =
            (1..=self.columns.len()).map(|number| format!("${number}::text[]")).collect();
        let values = self.columns.iter().enumerate().map(|(at, (_, kind))| match kind.as_str() {
            "boolean" => format!("c{at}::int::boolean"),
            "bytea" => format!("decode(c{at}, 'hex')"),
            kind => format!("c{at}::{kind}"),
        });
        let values: Vec<String> = values.collect();
        let aliases: Vec<String> = (0..self.columns.len()).map(|at| format!("c{at}")).collect();
        let sql = format!(
            "INSERT INTO \"{}\" ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM unnest({}) AS given ({})",
            self.table,
            names.join(", "),
            values.join(", "),
            parameters.join(", "),
            aliases.join(", ")
        );
        let cells: Vec<&(dyn ToSql + Sync)> =
            self.cells.iter().map(|column| column as &(dyn ToSql + Sync)).collect();
        client.execute(&sql, &cells)?;
        self.cells.iter_mut().for_each(Vec::clear);
        Ok(())
    }
}
