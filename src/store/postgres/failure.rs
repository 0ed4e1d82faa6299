//! What PostgreSQL and the way to it report, in words for whoever ran the command. A password is in none of them: the
//! driver puts no parameter into its messages.

use std::error::Error as _;

use tokio_postgres::error::SqlState;

use super::client::Fault;
use super::wire::Refused;
use crate::store::error::StoreError;

/// The reason of a [`StoreError::Failed`] after a unique key was violated.
pub(super) const DUPLICATE: &str = "somebody saved the same category in the same moment";

/// A failure while a connection is made or the layout is read.
pub(super) fn open(store: &str, fault: &Fault) -> StoreError {
    match failed(store, fault) {
        StoreError::Failed { store, reason } => StoreError::Open { store, reason },
        other => other,
    }
}

/// A failure of a statement.
pub(super) fn failed(store: &str, fault: &Fault) -> StoreError {
    let store = store.to_owned();
    let reason = words(fault);
    let state = state(fault);
    let is = |states: &[SqlState]| state.is_some_and(|state| states.contains(state));
    if let Fault::Silent(silence) = fault {
        StoreError::Silent { store, seconds: silence.as_secs() }
    } else if is(&[SqlState::QUERY_CANCELED, SqlState::LOCK_NOT_AVAILABLE, SqlState::T_R_DEADLOCK_DETECTED]) {
        StoreError::Busy { store, reason, whole: false }
    } else if is(&[
        SqlState::INVALID_PASSWORD,
        SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
        SqlState::INSUFFICIENT_PRIVILEGE,
    ]) || is_missing_password(fault)
        || matches!(fault, Fault::Refused(Refused::Password(_)) | Fault::Foreign(_))
    {
        StoreError::Denied { store, reason }
    } else if is(&[SqlState::UNIQUE_VIOLATION]) {
        StoreError::Failed { store, reason: DUPLICATE.to_owned() }
    } else {
        StoreError::Failed { store, reason }
    }
}

/// True when the connection is gone, so that another one may do better. One that is silent is not: another one waits as long.
pub(super) fn is_broken(fault: &Fault) -> bool {
    match fault {
        Fault::Driver(error) => match error.code() {
            Some(state) => {
                state.code().starts_with("08")
                    || [SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN, SqlState::CANNOT_CONNECT_NOW]
                        .contains(state)
            }
            None => error.is_closed() || error.source().is_some_and(|source| source.is::<std::io::Error>()),
        },
        Fault::Socket(_) => true,
        Fault::Refused(_) | Fault::Foreign(_) | Fault::Silent(_) | Fault::Other(_) => false,
    }
}

/// True when nothing is known of what became of a statement that was on its way.
pub(super) fn is_lost(fault: &Fault) -> bool {
    is_broken(fault) || matches!(fault, Fault::Silent(_))
}

/// True when somebody kept something locked for longer than we wait.
pub(super) fn is_locked(fault: &Fault) -> bool {
    state(fault) == Some(&SqlState::LOCK_NOT_AVAILABLE)
}

fn state(fault: &Fault) -> Option<&SqlState> {
    match fault {
        Fault::Driver(error) => error.code(),
        _ => None,
    }
}

fn is_missing_password(fault: &Fault) -> bool {
    let Fault::Driver(error) = fault else { return false };
    error.code().is_none() && error.source().is_some_and(|source| source.to_string().contains("password"))
}

pub(super) fn words(fault: &Fault) -> String {
    if let Fault::Driver(error) = fault
        && let Some(told) = error.as_db_error()
    {
        return match told.code() {
            state if *state == SqlState::QUERY_CANCELED => {
                "a statement took longer than the store's statement_timeout; nothing was saved by it"
                    .to_owned()
            }
            state if *state == SqlState::LOCK_NOT_AVAILABLE => {
                "somebody else keeps a row locked; nothing was saved".to_owned()
            }
            state if *state == SqlState::DISK_FULL => {
                "the server's disk is full; nothing was saved".to_owned()
            }
            state if *state == SqlState::READ_ONLY_SQL_TRANSACTION => {
                "it is read-only; is the server a replica?".to_owned()
            }
            // Each transaction got another connection.
            state
                if [SqlState::DUPLICATE_PSTATEMENT, SqlState::INVALID_SQL_STATEMENT_NAME].contains(state) =>
            {
                "a pooler lends connections for a transaction alone; let it lend them for a session (PgBouncer: pool_mode = session)"
                    .to_owned()
            }
            _ => told.message().to_owned(),
        };
    }
    if is_missing_password(fault) {
        return "it wants a password: write one into ~/.pgpass, or set PAIRFORM_STORE_PASSWORD and allow the server by a line `store=HOST` of the policy or PAIRFORM_ALLOW".to_owned();
    }
    // The innermost cause says most: "connection refused", "invalid peer certificate: UnknownIssuer".
    let mut text = fault.to_string();
    let mut cause = fault.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text
}
