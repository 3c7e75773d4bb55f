//! What the server counts about itself, in Prometheus' text format.

use std::sync::{Mutex, PoisonError};

use mastoc_domain::Timestamp;
use mastoc_domain::outbox::OutboxState;
use mastoc_storage::sync_status::SyncStatus;
use prometheus::{
    Encoder as _, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec,
    Opts, Registry, TextEncoder,
};

/// Seconds; from a cached answer to a large import.
const BUCKETS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0];

/// All counters of one server.
pub(crate) struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    seconds: HistogramVec,
    pub(crate) in_flight: IntGauge,
    pub(crate) cache_hits: IntCounter,
    pub(crate) cache_misses: IntCounter,
    cache_bytes: IntGauge,
    statements: IntCounter,
    /// How many of them `statements` tells already.
    told: Mutex<u64>,
    sync: SyncGauges,
}

/// How synchronising stands. What is not known has no value: a gauge at zero would lie.
struct SyncGauges {
    last_success: IntGaugeVec,
    lag: IntGaugeVec,
    outbox: IntGaugeVec,
    conflicts: IntGaugeVec,
}

impl SyncGauges {
    fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let gauge = |name: &str, help: &str, labels: &[&str]| {
            let gauge = IntGaugeVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };
        Ok(Self {
            last_success: gauge(
                "sync_last_success_timestamp_seconds",
                "When the last run ended that did all that could be done.",
                &[],
            )?,
            lag: gauge("sync_lag_seconds", "Age of the oldest complete look at a gym of Stokt.", &[])?,
            outbox: gauge("sync_outbox", "What waits in the outbox, by state.", &["state"])?,
            conflicts: gauge("sync_open_conflicts", "Conflicts that wait for a person.", &[])?,
        })
    }

    fn set(&self, status: Option<&SyncStatus>) {
        for gauge in [&self.last_success, &self.lag, &self.outbox, &self.conflicts] {
            gauge.reset();
        }
        let Some(status) = status else { return };
        let none: [&str; 0] = [];
        let ended = status.last_success.as_ref().and_then(|run| run.finished_at);
        if let Some(at) = ended {
            self.last_success.with_label_values(&none).set(at.as_utc().timestamp());
        }
        if let Some(seconds) = status.lag_seconds(Timestamp::now()) {
            self.lag.with_label_values(&none).set(seconds);
        }
        for state in OutboxState::ALL.iter().filter(|state| **state != OutboxState::Done) {
            self.outbox.with_label_values(&[state.as_str()]).set(status.outbox_in(&[*state]));
        }
        self.conflicts.with_label_values(&none).set(status.open_conflicts);
    }
}

impl Metrics {
    pub(crate) fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new_custom(Some("mastoc".to_owned()), None)?;
        let metrics = Self {
            sync: SyncGauges::register(&registry)?,
            registry,
            requests: IntCounterVec::new(
                Opts::new("http_requests_total", "Requests answered, by method, route and status."),
                &["method", "route", "status"],
            )?,
            seconds: HistogramVec::new(
                HistogramOpts::new("http_request_seconds", "Time until the answer's head, by route.")
                    .buckets(BUCKETS.to_vec()),
                &["route"],
            )?,
            in_flight: IntGauge::new("http_requests_in_flight", "Requests that wait for their answer.")?,
            cache_hits: IntCounter::new("answer_cache_hits_total", "Answers that were rendered before.")?,
            cache_misses: IntCounter::new("answer_cache_misses_total", "Answers that had to be rendered.")?,
            cache_bytes: IntGauge::new("answer_cache_bytes", "Memory that rendered answers take.")?,
            statements: IntCounter::new("database_statements_total", "Statements run since the start.")?,
            told: Mutex::default(),
        };
        let registry = &metrics.registry;
        registry.register(Box::new(metrics.requests.clone()))?;
        registry.register(Box::new(metrics.seconds.clone()))?;
        registry.register(Box::new(metrics.in_flight.clone()))?;
        registry.register(Box::new(metrics.cache_hits.clone()))?;
        registry.register(Box::new(metrics.cache_misses.clone()))?;
        registry.register(Box::new(metrics.cache_bytes.clone()))?;
        registry.register(Box::new(metrics.statements.clone()))?;
        Ok(metrics)
    }

    /// Counts one answered request. `route` is a pattern, so that the number of series stays small.
    pub(crate) fn answered(&self, method: &str, route: &str, status: u16, seconds: f64) {
        self.requests.with_label_values(&[method, route, status_text(status)]).inc();
        let histogram: Histogram = self.seconds.with_label_values(&[route]);
        histogram.observe(seconds);
    }

    /// Everything, as text. `sync`: how synchronising stands, if the database told.
    pub(crate) fn render(
        &self,
        statements: u64,
        cache_bytes: u64,
        sync: Option<&SyncStatus>,
    ) -> Result<Vec<u8>, prometheus::Error> {
        self.sync.set(sync);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        self.statements.inc_by(statements.saturating_sub(*told));
        *told = statements.max(*told);
        drop(told);
        self.cache_bytes.set(i64::try_from(cache_bytes).unwrap_or(i64::MAX));
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }
}

/// A status as text, without an allocation for the usual ones.
fn status_text(status: u16) -> &'static str {
    match status {
        200 => "200",
        201 => "201",
        204 => "204",
        304 => "304",
        400 => "400",
        401 => "401",
        403 => "403",
        404 => "404",
        405 => "405",
        413 => "413",
        422 => "422",
        500 => "500",
        503 => "503",
        other if other < 300 => "2xx",
        other if other < 400 => "3xx",
        other if other < 500 => "4xx",
        _ => "5xx",
    }
}
