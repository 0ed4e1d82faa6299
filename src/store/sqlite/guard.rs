//! What is proved of a file before it is believed: where it lies, that it is whole, and that its tables are tables. A branch may
//! hold a file that was made to be opened. Nothing here reads a category.
#![expect(
    clippy::disallowed_methods,
    reason = "looks where the store's file lies, and at what lies beside it"
)]

use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Component, Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::{failure, layout};
use crate::store::error::StoreError;

/// The path by which a store is opened, with the flags that keep it there. In a folder that it must not leave, no link is left
/// in the path, and none is followed that somebody makes in the same moment.
pub(super) fn settle(
    path: &Path,
    within: Option<&Path>,
    shown: &str,
) -> Result<(PathBuf, OpenFlags), StoreError> {
    let file = |error: std::io::Error| failure::file(shown, &error);
    // Absolute, so that SQLite gives no meaning of its own to names such as `:memory:` or `file:…`.
    let full = std::path::absolute(path).map_err(file)?;
    let Some(within) = within else { return Ok((full, OpenFlags::empty())) };
    let outside = || StoreError::Outside { store: shown.to_owned() };
    let within = std::fs::canonicalize(within).map_err(file)?;
    let there = full.ancestors().find(|path| path.symlink_metadata().is_ok()).ok_or_else(outside)?;
    // A link that leads nowhere yet leads somewhere tomorrow.
    let real = there.canonicalize().map_err(|_| outside())?;
    let rest = full.strip_prefix(there).map_err(|_| outside())?;
    let is_plain = rest.components().all(|part| matches!(part, Component::Normal(_)));
    let settled = if rest.as_os_str().is_empty() { real } else { real.join(rest) };
    let is_git =
        |part: Component<'_>| matches!(part, Component::Normal(name) if name.eq_ignore_ascii_case(".git"));
    if settled.strip_prefix(&within).is_ok_and(|inside| inside.components().any(is_git)) {
        return Err(StoreError::Denied {
            store: shown.to_owned(),
            reason: "it would lie in the folder of git, and the project may not choose that".to_owned(),
        });
    }
    if is_plain && settled.starts_with(&within) {
        Ok((settled, OpenFlags::SQLITE_OPEN_NOFOLLOW))
    } else {
        Err(outside())
    }
}

/// Before a file is opened: SQLite reads and writes what lies beside it, through links too. It takes back what a journal says, and
/// then deletes the file that the journal names as its superior. Those of several databases have one; a store's never has.
pub(super) fn require_own_journal(path: &Path, shown: &str) -> Result<(), StoreError> {
    /// With these a journal begins, and the name of a superior ends.
    const MAGIC: [u8; 8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];
    let refused = |reason: &str| Err(StoreError::Open { store: shown.to_owned(), reason: reason.to_owned() });
    let beside = |ending: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    let is_other = |file: &Path| file.symlink_metadata().is_ok_and(|found| !found.is_file());
    if [beside("-journal"), beside("-wal"), beside("-shm")].iter().any(|file| is_other(file)) {
        return refused("the journal beside it is a link, or no file at all; remove it");
    }
    let journal = beside("-journal");
    match journal.symlink_metadata() {
        Err(_) => return Ok(()),
        Ok(found) if found.len() < 8 => return Ok(()),
        Ok(_) => {}
    }
    let mut end = [0; 8];
    let read = std::fs::File::open(&journal).and_then(|mut file| {
        file.seek(SeekFrom::End(-8))?;
        file.read_exact(&mut end)
    });
    match read {
        Ok(()) if end == MAGIC => {
            refused("the journal beside it names another file, which no pairform writes; remove both")
        }
        // Another process ended its save in the same moment, or it may not be read, which the opening will say.
        _ => Ok(()),
    }
}

/// A file that somebody made is not trusted to run anything, and views are not read.
pub(super) fn harden(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.execute_batch("PRAGMA cell_size_check = ON")
}

/// Proves that the file is as long as it says. SQLite itself takes no notice of a part of a page that is missing.
pub(super) fn require_whole(connection: &Connection, path: &Path, shown: &str) -> Result<(), StoreError> {
    let open = |error| failure::open(shown, &error);
    // Until its end nobody makes the file longer or shorter.
    let reading = connection.unchecked_transaction().map_err(open)?;
    let sql =
        "SELECT count(*), page_count * page_size FROM sqlite_schema, pragma_page_count, pragma_page_size";
    let said: Option<i64> = reading.query_row(sql, [], |row| row.get(1)).map_err(open)?;
    let said = said.unwrap_or_default().unsigned_abs();
    let found = std::fs::metadata(path).map_err(|error| failure::file(shown, &error))?.len();
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let has_log = std::fs::metadata(&log).is_ok_and(|log| log.len() > 0);
    if said == found || has_log || (said == 0 && found == 0) {
        return Ok(());
    }
    Err(StoreError::Open {
        store: shown.to_owned(),
        reason: format!(
            "the file is damaged; restore it from a backup (it has {found} bytes, and says that it has {said})"
        ),
    })
}

/// Proves that our tables are tables of plain columns, and that no trigger on them is another's, save where `own` allows it.
pub(super) fn require_ours(connection: &Connection, own: bool, shown: &str) -> Result<(), StoreError> {
    let open = |error| failure::open(shown, &error);
    let refused = |reason: String| StoreError::Open { store: shown.to_owned(), reason };
    let (tables, triggers) = layout::made();
    let sql = "SELECT type, lower(name), lower(tbl_name), coalesce(sql, ''), rootpage FROM sqlite_schema";
    let mut statement = connection.prepare(sql).map_err(open)?;
    let mut rows = statement.query([]).map_err(open)?;
    while let Some(row) = rows.next().map_err(open)? {
        let text = |column| row.get::<_, String>(column).map_err(open);
        let (kind, name, table, sql) = (text(0)?, text(1)?, text(2)?, text(3)?);
        let is_plain = || {
            let generated = "SELECT count(*) FROM pragma_table_xinfo(?1) WHERE hidden <> 0";
            let count: i64 = connection.query_row(generated, [&name], |row| row.get(0)).map_err(open)?;
            Ok::<_, StoreError>(count == 0)
        };
        let begins = |with: &str| sql.get(..with.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(with));
        let is_table = kind == "table" && begins("CREATE TABLE") && row.get::<_, i64>(4).map_err(open)? > 0;
        if tables.contains(&name) && kind != "index" && kind != "trigger" && !(is_table && is_plain()?) {
            let what = if kind == "view" { "a view" } else { "another kind of table" };
            return Err(refused(format!(
                "{what} stands in place of its table `{name}`, so nothing was read or written; restore it from a backup"
            )));
        }
        if kind == "trigger" && tables.contains(&table) && !own {
            let words = |sql: &str| sql.split_whitespace().collect::<Vec<_>>().join(" ");
            let is_ours = triggers.iter().any(|(known, made)| *known == name && words(made) == words(&sql));
            if !is_ours {
                return Err(refused(format!(
                    "its trigger `{name}` on `{table}` is not one that pairform made, so nothing was read or written; drop it, or \
                     say `--own-triggers` if it is yours"
                )));
            }
        }
    }
    Ok(())
}

/// Reads the whole file, before something is built on it.
pub(super) fn require_sound(connection: &Connection, shown: &str) -> Result<(), StoreError> {
    let found: String = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(|error| failure::open(shown, &error))?;
    if found == "ok" {
        return Ok(());
    }
    let found = found.lines().last().unwrap_or_default();
    Err(StoreError::Open {
        store: shown.to_owned(),
        reason: format!("the file is damaged, so nothing was written; restore it from a backup ({found})"),
    })
}
