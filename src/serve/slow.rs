//! A connection whose other end does not read: what is written to it waits for so long, and then the connection is given up, as its place is
//! somebody else's. While anything moves, however slowly, it goes on.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// How long nothing may move.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    pub usual: Duration,
    /// Once the server is to stop.
    pub at_the_end: Duration,
    /// How often it is looked whether it is.
    pub look: Duration,
}

/// A connection that is not waited for without an end.
pub struct Impatient<S> {
    socket: S,
    patience: Patience,
    stop: Arc<AtomicBool>,
    /// Since when nothing moves, and when that is looked at next.
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl<S> Impatient<S> {
    pub fn new(socket: S, patience: Patience, stop: Arc<AtomicBool>) -> Self {
        Impatient { socket, patience, stop, waiting: None }
    }

    /// Hands on what became of a write; one that waits too long has failed.
    fn judge<T>(&mut self, done: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if done.is_ready() {
            self.waiting = None;
            return done;
        }
        let Patience { usual, at_the_end, look } = self.patience;
        let (since, timer) =
            self.waiting.get_or_insert_with(|| (Instant::now(), Box::pin(sleep(look.min(usual)))));
        loop {
            ready!(timer.as_mut().poll(cx));
            let patience = if self.stop.load(Ordering::SeqCst) { at_the_end } else { usual };
            if since.elapsed() >= patience {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            timer.as_mut().reset(Instant::now() + look);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Impatient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(cx, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Impatient<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.socket).poll_write(cx, from);
        self.judge(done, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        from: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.socket).poll_write_vectored(cx, from);
        self.judge(done, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let done = Pin::new(&mut self.socket).poll_flush(cx);
        self.judge(done, cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let done = Pin::new(&mut self.socket).poll_shutdown(cx);
        self.judge(done, cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    const FOREVER: Duration = Duration::from_secs(3_600);
    const SHORT: Duration = Duration::from_millis(5);

    fn run<T>(what: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(what)
    }

    #[test]
    fn whoever_does_not_read_is_given_up_and_at_the_end_sooner() {
        for (usual, at_the_end, stops) in [(SHORT, FOREVER, false), (FOREVER, SHORT, true)] {
            let (own, _other) = tokio::io::duplex(8);
            let patience = Patience { usual, at_the_end, look: SHORT };
            let mut socket = Impatient::new(own, patience, Arc::new(AtomicBool::new(stops)));
            let failed = run(async { socket.write_all(&[0; 64]).await }).unwrap_err();
            assert_eq!(failed.kind(), io::ErrorKind::TimedOut);
        }
    }

    #[test]
    fn whoever_reads_gets_all_of_it() {
        let (own, mut other) = tokio::io::duplex(8);
        let patience = Patience { usual: FOREVER, at_the_end: FOREVER, look: SHORT };
        let mut socket = Impatient::new(own, patience, Arc::default());
        let read = run(async {
            let write = async {
                socket.write_all(&[7; 640]).await.unwrap();
                socket.shutdown().await.unwrap();
            };
            let mut read = Vec::new();
            let (_, taken) = tokio::join!(write, other.read_to_end(&mut read));
            taken.unwrap();
            read
        });
        assert_eq!(read, [7; 640]);
    }
}
