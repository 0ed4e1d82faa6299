//! What is counted of a reconciler, for Prometheus: by pair, never by integration.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric as _};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use crate::ops::reconcile::{OfPair, Rounds};

/// All of it, as it stands when it is asked for.
#[derive(Debug)]
pub struct Counted {
    rounds: Arc<Rounds>,
}

#[derive(EncodeLabelSet)]
struct Environment {
    environment: String,
}

#[derive(EncodeLabelSet)]
struct Rounded {
    environment: String,
    result: &'static str,
}

#[derive(EncodeLabelSet)]
struct Pair {
    environment: String,
    pair: String,
}

#[derive(EncodeLabelSet)]
struct Connector {
    environment: String,
    connector: String,
}

impl Counted {
    #[must_use]
    pub fn new(rounds: Arc<Rounds>) -> Self {
        Counted { rounds }
    }
}

/// Something that is counted of each pair: its name, what it is, and how much it is.
type OfEachPair = (&'static str, &'static str, fn(&OfPair) -> u64);

const OF_PAIRS: [OfEachPair; 5] = [
    ("reconcile_integrations", "Integrations of a pair", |of| of.integrations),
    ("reconcile_drifted_settings", "Settings that were changed outside git alone", |of| of.drift),
    ("reconcile_conflicting_settings", "Settings that were changed in git and outside", |of| of.conflicts),
    ("reconcile_missing_settings", "Required settings that are not set", |of| of.missing),
    ("reconcile_held", "Matters that wait for somebody", |of| of.held),
];

impl Collector for Counted {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let pace = self.rounds.pace();
        let environment = || pace.environment.clone();
        let here = Environment { environment: environment() };
        let mut gauge = |name: &str, help: &str, value: i64| -> fmt::Result {
            let gauge = ConstGauge::new(value);
            let mut family = encoder.encode_descriptor(name, help, None, gauge.metric_type())?;
            gauge.encode(family.encode_family(&here)?)
        };
        gauge(
            "reconcile_works",
            "Whether this process holds the lease (1) or waits (0)",
            i64::from(pace.works),
        )?;
        // Whoever waits made no round, and would tell a time that is long over.
        if let Some(at) = pace.last {
            gauge("reconcile_last_round_timestamp_seconds", "When a round was made last", at)?;
        }
        if let Some(at) = pace.measures.committed_at {
            gauge("reconcile_commit_timestamp_seconds", "When the commit was made that is reconciled", at)?;
        }
        let rounds = ConstCounter::new(0_u64);
        let mut family =
            encoder.encode_descriptor("reconcile_rounds", "Rounds by result", None, rounds.metric_type())?;
        for (result, number) in [("made", pace.made), ("failed", pace.failed)] {
            let labels = Rounded { environment: environment(), result };
            ConstCounter::new(number).encode(family.encode_family(&labels)?)?;
        }
        for (name, help, of) in OF_PAIRS {
            let mut family =
                encoder.encode_descriptor(name, help, None, ConstGauge::<i64>::new(0).metric_type())?;
            for (pair, counted) in &pace.measures.pairs {
                let labels = Pair { environment: environment(), pair: pair.clone() };
                ConstGauge::new(i64::try_from(of(counted)).unwrap_or(i64::MAX))
                    .encode(family.encode_family(&labels)?)?;
            }
        }
        let (name, help) = (
            "reconcile_oldest_list_timestamp_seconds",
            "When the oldest list of dropdown values was fetched",
        );
        let mut family =
            encoder.encode_descriptor(name, help, None, ConstGauge::<i64>::new(0).metric_type())?;
        for (connector, day) in &pace.measures.lists {
            let Some(at) = begin_of(day) else { continue };
            let labels = Connector { environment: environment(), connector: connector.clone() };
            ConstGauge::new(at).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

/// When a day begins, in seconds since 1970 UTC.
fn begin_of(day: &str) -> Option<i64> {
    let day: jiff::civil::Date = day.parse().ok()?;
    Some(day.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second())
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text::encode;
    use prometheus_client::registry::Registry;

    use super::*;
    use crate::ops::reconcile::Measures;

    #[test]
    fn what_is_counted_has_pairs_and_no_shop() {
        let rounds = Arc::new(Rounds::default());
        let mut measures = Measures { committed_at: Some(1_700_000_000), ..Measures::default() };
        let of_pair = OfPair { integrations: 3, drift: 2, ..OfPair::default() };
        measures.pairs.insert("fortnox-shopify".to_owned(), of_pair);
        measures.lists.insert("fortnox".to_owned(), "1970-01-02".to_owned());
        rounds.begin(Some("live"));
        rounds.holds(true);
        rounds.made(1_700_000_060, Some(&measures));
        rounds.made(1_700_000_120, None);
        rounds.failed();
        let mut registry = Registry::with_prefix("pairform");
        registry.register_collector(Box::new(Counted::new(Arc::clone(&rounds))));
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        for line in [
            "pairform_reconcile_works{environment=\"live\"} 1",
            "pairform_reconcile_last_round_timestamp_seconds{environment=\"live\"} 1700000120",
            "pairform_reconcile_commit_timestamp_seconds{environment=\"live\"} 1700000000",
            "pairform_reconcile_rounds_total{environment=\"live\",result=\"made\"} 2",
            "pairform_reconcile_rounds_total{environment=\"live\",result=\"failed\"} 1",
            "pairform_reconcile_drifted_settings{environment=\"live\",pair=\"fortnox-shopify\"} 2",
            "pairform_reconcile_oldest_list_timestamp_seconds{environment=\"live\",connector=\"fortnox\"} 86400",
        ] {
            assert!(text.lines().any(|one| one == line), "{line}\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
        assert!(rounds.pace().is_stuck);
        rounds.made(1_700_000_180, None);
        assert!(!rounds.pace().is_stuck);
    }
}
