//! A connection that is waited on: the driver's, with an end to every wait. It knows no table, and decides nothing about what is
//! tried again.

use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_core::Stream as _;
use tokio::runtime::{Handle, Runtime};
use tokio::time::{Instant, sleep_until};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Connection, Row, Statement};

use super::wire::{Refused, Wire};

/// What stopped a statement, or a connection on its way.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error(transparent)]
    Driver(tokio_postgres::Error),
    #[error(transparent)]
    Socket(#[from] std::io::Error),
    #[error(transparent)]
    Refused(Refused),
    /// Something in the store's schema is another's.
    #[error("{0}")]
    Foreign(String),
    /// For so long nothing came.
    #[error("no answer for {} seconds", .0.as_secs_f32())]
    Silent(Duration),
    #[error("{0}")]
    Other(String),
}

impl From<tokio_postgres::Error> for Fault {
    fn from(error: tokio_postgres::Error) -> Self {
        Fault::Driver(error)
    }
}

pub(super) type Result<T> = std::result::Result<T, Fault>;

/// A wait with answers in pieces may take so many times the silence that is borne.
const PIECES: u32 = 10;
const GOODBYE: Duration = Duration::from_secs(1);
/// Statements that a connection keeps prepared: more than there are in this program.
const STATEMENTS: usize = 256;

/// A connection. One statement after the other runs on it.
pub(super) struct Client {
    /// By their text: preparing one takes as long as asking it.
    prepared: HashMap<String, Statement>,
    // Dropped before the line, which then knows that nothing more is asked.
    statements: tokio_postgres::Client,
    line: Line,
}

/// What moves the bytes while a statement waits.
struct Line {
    /// `None` while it is being dropped.
    runtime: Option<Runs>,
    /// `None` once it has ended.
    connection: Option<Pin<Box<Connection<Wire, Wire>>>>,
    moved: Arc<AtomicU64>,
    silence: Duration,
}

/// What waits for what comes over a socket.
pub(super) enum Runs {
    /// Nobody but the connection.
    Own(Runtime),
    /// Whoever awaits some of its answers.
    Here(Handle),
}

impl Runs {
    pub fn block_on<T>(&self, what: impl Future<Output = T>) -> T {
        match self {
            Runs::Own(runtime) => runtime.block_on(what),
            Runs::Here(handle) => handle.block_on(what),
        }
    }

    /// A name may still be looked up.
    pub fn end(self) {
        if let Runs::Own(runtime) = self {
            runtime.shutdown_background();
        }
    }
}

impl Line {
    /// Waits for an answer, as long as something moves.
    fn wait<T>(
        &mut self,
        what: impl Future<Output = std::result::Result<T, tokio_postgres::Error>>,
    ) -> Result<T> {
        let Some(runtime) = self.runtime.take() else { return Err(Fault::Silent(self.silence)) };
        let ended = runtime.block_on(self.answer(what));
        self.runtime = Some(runtime);
        ended
    }

    /// An answer, as long as something moves.
    async fn answer<T>(
        &mut self,
        what: impl Future<Output = std::result::Result<T, tokio_postgres::Error>>,
    ) -> Result<T> {
        let (connection, moved, silence) = (&mut self.connection, &self.moved, self.silence);
        let mut what = pin!(what);
        let begun = Instant::now();
        let end = begun + silence * PIECES;
        let mut count = moved.load(Ordering::Relaxed);
        let mut timer = pin!(sleep_until(begun + silence));
        let ended = poll_fn(|cx| {
            let broken = match connection.as_mut().map(|connection| connection.as_mut().poll(cx)) {
                Some(Poll::Ready(ended)) => {
                    *connection = None;
                    ended.err()
                }
                Some(Poll::Pending) | None => None,
            };
            match (what.as_mut().poll(cx), broken) {
                (Poll::Ready(Ok(value)), _) => return Poll::Ready(Ok(value)),
                // Why the connection broke says more than that it is closed.
                (_, Some(why)) => return Poll::Ready(Err(fault(why))),
                (Poll::Ready(Err(why)), None) => return Poll::Ready(Err(fault(why))),
                (Poll::Pending, None) => {}
            }
            let now = moved.load(Ordering::Relaxed);
            if now != count {
                count = now;
                timer.as_mut().reset(end.min(Instant::now() + silence));
            }
            timer.as_mut().poll(cx).map(|()| Err(Fault::Silent(silence)))
        })
        .await;
        if matches!(ended, Err(Fault::Silent(_))) {
            // Nothing is said to it any more, not even goodbye.
            *connection = None;
        }
        ended
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let Some(runtime) = self.runtime.take() else { return };
        let connection = self.connection.take();
        if let Runs::Here(_) = runtime {
            // What else runs there is not kept waiting: goodbye is written as far as the socket takes it.
            if let Some(mut connection) = connection {
                let _ = connection.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            }
            return;
        }
        let end = move || {
            // Nothing can be asked any more; a pooler would take the connection for broken where nobody says goodbye.
            if let Some(connection) = connection {
                let _ = runtime.block_on(async { tokio::time::timeout(GOODBYE, connection).await });
            }
            runtime.end();
        };
        // Within the runtime of a server, which ends with its connections, this thread may not wait for another one.
        if tokio::runtime::Handle::try_current().is_ok() {
            let _ = std::thread::spawn(end).join();
        } else {
            end();
        }
    }
}

/// What the wire refused comes back from the driver as an error of reading.
fn fault(error: tokio_postgres::Error) -> Fault {
    use std::error::Error as _;
    let socket = error.source().and_then(|source| source.downcast_ref::<std::io::Error>());
    match socket.and_then(|error| error.get_ref()).and_then(|inner| inner.downcast_ref::<Refused>()) {
        Some(Refused::Password(how)) => Fault::Refused(Refused::Password(how)),
        Some(Refused::Rounds(rounds)) => Fault::Refused(Refused::Rounds(*rounds)),
        Some(Refused::Strange) => Fault::Refused(Refused::Strange),
        None => Fault::Driver(error),
    }
}

impl Client {
    /// Begins a session on a wire, until the server has let us in.
    pub async fn begin(
        wire: Wire,
        config: &tokio_postgres::Config,
    ) -> Result<(tokio_postgres::Client, Connection<Wire, Wire>)> {
        config.connect_raw(wire, super::wire::Begun).await.map_err(fault)
    }

    pub fn new(
        runtime: Runs,
        (statements, connection): (tokio_postgres::Client, Connection<Wire, Wire>),
        moved: Arc<AtomicU64>,
        silence: Duration,
    ) -> Client {
        let line = Line { runtime: Some(runtime), connection: Some(Box::pin(connection)), moved, silence };
        Client { prepared: HashMap::new(), statements, line }
    }

    pub fn batch_execute(&mut self, sql: &str) -> Result<()> {
        self.line.wait(self.statements.batch_execute(sql))
    }

    /// Proves that the connection answers.
    pub fn prove(&mut self) -> Result<()> {
        self.batch_execute("")
    }

    /// A statement, prepared the first time that it is asked for.
    fn prepare(&mut self, sql: &str) -> Result<Statement> {
        if let Some(known) = self.prepared.get(sql) {
            return Ok(known.clone());
        }
        let new = self.line.wait(self.statements.prepare(sql))?;
        if self.prepared.len() >= STATEMENTS {
            self.prepared.clear();
        }
        self.prepared.insert(sql.to_owned(), new.clone());
        Ok(new)
    }

    pub fn execute(&mut self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<u64> {
        let statement = self.prepare(sql)?;
        self.line.wait(self.statements.execute(&statement, parameters))
    }

    pub fn query(&mut self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>> {
        let statement = self.prepare(sql)?;
        self.line.wait(self.statements.query(&statement, parameters))
    }

    /// As [`Client::query`], several in one round trip: all are sent before the first is answered, and the server does one after the other.
    pub fn query_all(&mut self, asked: &[(&str, &[&(dyn ToSql + Sync)])]) -> Result<Vec<Vec<Row>>> {
        let statements: Vec<Statement> =
            asked.iter().map(|(sql, _)| self.prepare(sql)).collect::<Result<_>>()?;
        let asking = &self.statements;
        let mut answers: Vec<_> = statements
            .iter()
            .zip(asked)
            .map(|(statement, (_, parameters))| (Box::pin(asking.query(statement, parameters)), None))
            .collect();
        self.line.wait(poll_fn(|cx| {
            let mut is_waiting = false;
            for (answer, rows) in answers.iter_mut().filter(|(_, rows)| rows.is_none()) {
                match answer.as_mut().poll(cx) {
                    Poll::Ready(Ok(found)) => *rows = Some(found),
                    // The first that failed: what comes after it in a transaction fails for that alone.
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Pending => is_waiting = true,
                }
            }
            if is_waiting { Poll::Pending } else { Poll::Ready(Ok(())) }
        }))?;
        Ok(answers.into_iter().filter_map(|(_, rows)| rows).collect())
    }

    /// As [`Client::query`], for whoever runs what this connection runs on; none where that is nobody else, or it was never asked before.
    pub fn query_awaited(&mut self, sql: &str) -> Option<impl Future<Output = Result<Vec<Row>>> + Send> {
        let is_here = matches!(self.line.runtime, Some(Runs::Here(_)));
        let statement = self.prepared.get(sql).filter(|_| is_here)?.clone();
        let (line, statements) = (&mut self.line, &self.statements);
        Some(async move { line.answer(statements.query(&statement, &[])).await })
    }

    pub fn query_one(&mut self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Row> {
        let statement = self.prepare(sql)?;
        self.line.wait(self.statements.query_one(&statement, parameters))
    }

    pub fn query_opt(&mut self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Option<Row>> {
        let statement = self.prepare(sql)?;
        self.line.wait(self.statements.query_opt(&statement, parameters))
    }

    /// All or nothing of what is done.
    pub fn in_transaction<T>(&mut self, what: impl FnOnce(&mut Client) -> Result<T>) -> Result<T> {
        self.batch_execute("BEGIN")?;
        let done = what(self);
        let ended = self.batch_execute(if done.is_ok() { "COMMIT" } else { "ROLLBACK" });
        done.and_then(|value| ended.map(|()| value))
    }

    /// Hands out rows as they come, until `take` says that it wants no more.
    pub fn each(
        &mut self,
        sql: &str,
        parameters: &[&(dyn ToSql + Sync)],
        take: &mut dyn FnMut(&Row) -> bool,
    ) -> Result<()> {
        let statement = self.prepare(sql)?;
        let rows = self.line.wait(self.statements.query_raw(&statement, parameters.iter().copied()))?;
        let mut rows = pin!(rows);
        while let Some(row) =
            self.line.wait(poll_fn(|cx| rows.as_mut().poll_next(cx).map(Option::transpose)))?
        {
            if !take(&row) {
                break;
            }
        }
        Ok(())
    }
}
