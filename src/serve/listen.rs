//! Listening, TLS, and the end: connections are taken until the server is to stop, and each answer that was begun is finished.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::api;
use super::app::App;
use super::ask::Peer;
use super::slow::{Impatient, Patience};
use super::{feed, pages};
use crate::ops::serving::{Hosts, Serving, Told};
use crate::ops::{Error, ErrorKind, Result};

/// A head of a request, and a handshake, take no longer.
const HEAD: Duration = Duration::from_secs(10);
/// Answers that were begun are waited for so long when the server stops.
const END: Duration = Duration::from_secs(30);
/// Nothing of an answer may wait for longer to be taken.
const UNREAD: Patience = Patience {
    usual: Duration::from_secs(20),
    at_the_end: Duration::from_secs(3),
    look: Duration::from_secs(1),
};
/// How often it is looked whether the server is to stop.
const LOOK: Duration = Duration::from_millis(50);
/// Connections at once; more wait to be taken. Usually a process may have 1024 files open.
const CONNECTIONS: usize = 512;

/// Serves until `stop` is true.
///
/// # Errors
/// When it cannot listen, or the store cannot be opened.
pub fn run(mut serving: Serving, hosts: Hosts, stop: Arc<AtomicBool>) -> Result<()> {
    require_private(&serving)?;
    let tls = serving.tls.as_ref().map(|(certificate, key)| acceptor(certificate, key)).transpose()?;
    let failed = |error: std::io::Error| Error::new(ErrorKind::Internal, format!("cannot serve: {error}"));
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_io().enable_time().build().map_err(failed)?;
    runtime.block_on(async move {
        let listener = TcpListener::bind(serving.listen).await.map_err(|error| {
            Error::new(ErrorKind::Usage, format!("cannot listen on {}: {error}", serving.listen))
        })?;
        let address = listener.local_addr().map_err(failed)?;
        // Port 0 took one that was free.
        serving.listen = address;
        let app = Arc::new(App::new(serving, hosts));
        // A store that cannot be opened is better told now than to the first who asks.
        let number =
            app.run(|work| Ok(work.store.last_number()?)).await.map_err(|problem| problem.into_error())?;
        app.saved(number);
        tokio::spawn(feed::look(Arc::clone(&app)));
        let scheme = if tls.is_some() { "https" } else { "http" };
        (app.serving.tell)(&Told::Listening(&format!("{scheme}://{address}")));
        let of_app = Arc::clone(&app);
        app.run(move |work| pages::offer_link(&of_app, work))
            .await
            .map_err(|problem| problem.into_error())?;
        let routes = api::router(Arc::clone(&app));
        let connections = take_connections(&listener, tls, &routes, &stop).await;
        app.stopping.send_replace(true);
        end(connections).await;
        Ok(())
    })
}

/// Takes connections until the server is to stop; those that are open then are left to be ended.
pub async fn take_connections(
    listener: &TcpListener,
    tls: Option<TlsAcceptor>,
    routes: &Router,
    stop: &Arc<AtomicBool>,
) -> GracefulShutdown {
    let graceful = GracefulShutdown::new();
    let room = Arc::new(tokio::sync::Semaphore::new(CONNECTIONS));
    let mut look = tokio::time::interval(LOOK);
    loop {
        let take = async {
            let room = Arc::clone(&room).acquire_owned().await;
            (room, listener.accept().await)
        };
        let (room, taken) = tokio::select! {
            taken = take => taken,
            _ = look.tick() => {
                if stop.load(Ordering::SeqCst) {
                    return graceful;
                }
                continue;
            }
        };
        let (Ok(room), Ok((socket, from))) = (room, taken) else {
            // Too many open files, say: the next may be taken a little later.
            tokio::time::sleep(LOOK).await;
            continue;
        };
        let routes = routes.clone().layer(axum::Extension(Peer(from.ip())));
        let (tls, watcher) = (tls.clone(), graceful.watcher());
        let _ = socket.set_nodelay(true);
        let socket = Impatient::new(socket, UNREAD, Arc::clone(stop));
        tokio::spawn(async move {
            serve_one(socket, tls, routes, watcher).await;
            drop(room);
        });
    }
}

/// Ends connections once what was begun on them is answered.
pub async fn end(connections: GracefulShutdown) {
    let _ = tokio::time::timeout(END, connections.shutdown()).await;
}

async fn serve_one(socket: Impatient<TcpStream>, tls: Option<TlsAcceptor>, routes: Router, watcher: Watcher) {
    match tls {
        None => connection(socket, routes, watcher).await,
        Some(tls) => {
            if let Ok(Ok(socket)) = tokio::time::timeout(HEAD, tls.accept(socket)).await {
                connection(socket, routes, watcher).await;
            }
        }
    }
}

async fn connection(
    socket: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    routes: Router,
    watcher: Watcher,
) {
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_headers(64)
        .serve_connection(TokioIo::new(socket), TowerToHyperService::new(routes));
    let _ = watcher.watch(served).await;
}

/// Refuses to send tokens and settings over a network in the clear.
fn require_private(serving: &Serving) -> Result<()> {
    if serving.listen.ip().is_loopback() || serving.tls.is_some() || serving.proxy.is_some() {
        return Ok(());
    }
    let why =
        format!("{} is reached from other machines, and nothing would protect what is sent", serving.listen);
    Err(Error::new(ErrorKind::Refused, why)
        .help("give it a certificate and its key, or name the trusted proxy in front of it"))
}

fn acceptor(certificate: &Path, key: &Path) -> Result<TlsAcceptor> {
    let unfit = |path: &Path, why: String| {
        Error::new(ErrorKind::Usage, format!("{} cannot be used for TLS: {why}", path.display()))
    };
    let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(|error| unfit(certificate, error.to_string()))?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| unfit(key, error.to_string()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| unfit(certificate, error.to_string()))?
        .with_no_client_auth()
        .with_single_cert(certificates, private)
        .map_err(|error| unfit(certificate, error.to_string()))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
