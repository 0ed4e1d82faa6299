//! How a reconciler does, over HTTP where it stands alone: what is counted, and whether it is alive and ready. Nothing else is there.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;

use super::counted::Counted;
use super::listen::{end, take_connections};
use super::metrics::{CONTENT_TYPE, encoded, registry};
use crate::ops::reconcile::{Pace, Rounds};
use crate::ops::serving::Showing;
use crate::ops::{Error, ErrorKind, Result};

/// Shows it until it is to stop.
///
/// # Errors
/// When it cannot listen.
pub fn show(showing: Showing, stop: Arc<AtomicBool>) -> Result<()> {
    let failed = |error: std::io::Error| Error::new(ErrorKind::Internal, format!("cannot listen: {error}"));
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build().map_err(failed)?;
    runtime.block_on(async move {
        let Showing { listener, rounds } = showing;
        listener.set_nonblocking(true).map_err(failed)?;
        let listener = tokio::net::TcpListener::from_std(listener).map_err(failed)?;
        end(take_connections(&listener, None, &routes(rounds), &stop).await).await;
        Ok(())
    })
}

fn routes(rounds: Arc<Rounds>) -> Router {
    let mut registry = registry();
    registry.register_collector(Box::new(Counted::new(Arc::clone(&rounds))));
    let registry = Arc::new(registry);
    let metrics = async move || ([(header::CONTENT_TYPE, CONTENT_TYPE)], encoded(&registry));
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(async move || ready(&rounds.pace())))
        .route("/metrics", get(metrics))
}

/// Ready while rounds can be made, here or by whoever holds the lease.
fn ready(pace: &Pace) -> Response {
    if pace.is_stuck {
        return (StatusCode::SERVICE_UNAVAILABLE, "the last round could not be made\n").into_response();
    }
    "ready\n".into_response()
}
