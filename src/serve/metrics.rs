//! What is counted, for Prometheus: requests and what became of them. No integration is a label, and no setting's value is
//! anywhere.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::counted::Counted;

/// What Prometheus is told that it gets.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// An empty registry, whose names begin alike.
#[must_use]
pub fn registry() -> Registry {
    Registry::with_prefix("pairform")
}

/// As Prometheus reads it.
#[must_use]
pub fn encoded(registry: &Registry) -> String {
    let mut text = String::new();
    let _ = encode(&mut text, registry);
    text
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    method: String,
    /// As the route has it: `/api/v1/integrations/{id}`.
    route: String,
    status: u16,
}

/// What is counted.
pub struct Metrics {
    registry: Registry,
    requests: Family<Request, Counter>,
    seconds: Histogram,
}

impl Metrics {
    #[must_use]
    pub fn new(reconciler: Option<Counted>) -> Self {
        let mut registry = registry();
        if let Some(counted) = reconciler {
            registry.register_collector(Box::new(counted));
        }
        let requests = Family::<Request, Counter>::default();
        registry.register("requests", "Requests by method, route and status", requests.clone());
        let bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
        let seconds = Histogram::new(bounds);
        registry.register("request_seconds", "How long requests took", seconds.clone());
        Metrics { registry, requests, seconds }
    }

    pub fn count(&self, method: &str, route: &str, status: u16, took: Duration) {
        let request = Request { method: method.to_owned(), route: route.to_owned(), status };
        self.requests.get_or_create(&request).inc();
        self.seconds.observe(took.as_secs_f64());
    }

    /// As Prometheus reads it.
    #[must_use]
    pub fn text(&self) -> String {
        encoded(&self.registry)
    }
}
