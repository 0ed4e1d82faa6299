//! What SQLite reports, in words for whoever ran the command. Nothing here recovers from anything.

use rusqlite::{Error, ErrorCode, ffi};

use crate::store::error::StoreError;

/// Five seconds: longer than any save, shorter than a person's patience.
pub(super) const BUSY_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(5);

/// Between two looks whether another writer is done. SQLite's own waiting doubles its pauses, so that who waited longest
/// looks least often, and of ten writers some never get their turn.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(2);

/// Waits for other writers, as often as [`BUSY_TIMEOUT`] has pauses.
pub(super) fn wait_for_others(waited: i32) -> bool {
    let goes_on =
        u128::try_from(waited).is_ok_and(|waited| waited < BUSY_TIMEOUT.as_millis() / PAUSE.as_millis());
    if goes_on {
        std::thread::sleep(PAUSE);
    }
    goes_on
}

/// A failure while the store is opened.
pub(super) fn open(store: &str, error: &Error) -> StoreError {
    match failed(store, error) {
        StoreError::Failed { store, reason } => StoreError::Open { store, reason },
        other => other,
    }
}

/// A failure while the store is read or written.
pub(super) fn failed(store: &str, error: &Error) -> StoreError {
    let store = store.to_owned();
    match code(error) {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Busy {
            store,
            reason: format!(
                "another process has been using it for {} seconds; try again when that is done",
                BUSY_TIMEOUT.as_secs()
            ),
            whole: true,
        },
        code => StoreError::Failed { store, reason: words(code, error) },
    }
}

/// A failure while a save is made durable: what was written before may be there when the file is opened again.
pub(super) fn committing(store: &str, error: &Error) -> StoreError {
    match (failed(store, error), code(error)) {
        (StoreError::Failed { store, reason }, Some(ErrorCode::SystemIoFailure)) => {
            StoreError::InDoubt { store, reason }
        }
        (other, _) => other,
    }
}

/// A file that cannot be reached at all.
pub(super) fn file(store: &str, error: &std::io::Error) -> StoreError {
    let reason = match error.kind() {
        std::io::ErrorKind::PermissionDenied => {
            "permission denied; check the permissions of its folder".to_owned()
        }
        std::io::ErrorKind::NotADirectory => "a part of its path is a file, not a folder".to_owned(),
        _ => error.to_string(),
    };
    StoreError::Open { store: store.to_owned(), reason }
}

/// True when a reader meets what a crash in the middle of a save left: only a writer can take that back.
pub(super) fn needs_recovery(error: &Error) -> bool {
    native(error).is_some_and(|native| {
        matches!(native.extended_code, ffi::SQLITE_READONLY_ROLLBACK | ffi::SQLITE_READONLY_RECOVERY)
    })
}

/// SQLite's own words are left out where ours say it all: they may hold the machine's paths.
fn words(code: Option<ErrorCode>, error: &Error) -> String {
    match code {
        Some(ErrorCode::NotADatabase) => "it is not an SQLite database, so it is no pairform store".to_owned(),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            "it cannot be written; check the permissions of the file and of its folder".to_owned()
        }
        Some(ErrorCode::CannotOpen) => {
            "the file, or the journal beside it, cannot be opened; check the permissions of the file and of its folder"
                .to_owned()
        }
        Some(ErrorCode::DiskFull) => "the disk is full".to_owned(),
        Some(ErrorCode::DatabaseCorrupt) => format!("the file is damaged; restore it from a backup ({error})"),
        Some(ErrorCode::SystemIoFailure) => format!("the disk could not be read or written ({error})"),
        _ => error.to_string(),
    }
}

fn code(error: &Error) -> Option<ErrorCode> {
    native(error).map(|native| native.code)
}

fn native(error: &Error) -> Option<&ffi::Error> {
    match error {
        Error::SqliteFailure(native, _) | Error::SqlInputError { error: native, .. } => Some(native),
        _ => None,
    }
}
