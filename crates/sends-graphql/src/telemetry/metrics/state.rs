//! Metrics that are read at each scrape from other modules, which are independent of metrics.

use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};
use sends_client::pacing::PacerState;
use sends_store::{Health, Lookups, StoreError};

use crate::{bulkheads::Occupancy, sources::histories::AnswerCounts};

#[derive(Clone, Debug)]
pub struct State {
    pub pacer: PacerState,
    /// Whether the circuit breaker is open.
    pub is_upstream_down: bool,
    pub lookups: Lookups,
    pub store: Health,
    pub answers: AnswerCounts,
    pub bulkheads: Vec<Occupancy>,
}

type Label = [(&'static str, &'static str); 1];

impl State {
    pub(super) fn register(&self, registry: &mut Registry) {
        let Lookups {
            memory,
            disk,
            missing,
        } = self.lookups;
        registry.register(
            "store_lookups",
            "Lookups of histories in the store, by the layer of the result",
            counters(
                "source",
                [("memory", memory), ("disk", disk), ("missing", missing)],
            ),
        );
        register_store(registry, &self.store);
        let AnswerCounts {
            store,
            upstream,
            shared,
            stale,
            failed,
        } = self.answers;
        let sources = [
            ("store", store),
            ("upstream", upstream),
            ("shared_call", shared),
            ("stale", stale),
            ("failed", failed),
        ];
        registry.register(
            "answers",
            "Reads of histories, by the source of the result",
            counters("source", sources),
        );
        register_bulkheads(registry, &self.bulkheads);
        let pacer = &self.pacer;
        let mut gauge = |name: &str, help: &str, value: u64| {
            let gauge = Gauge::<i64>::default();
            gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
            registry.register(name, help, gauge);
        };
        gauge(
            "queue_length",
            "Calls in the queue for Constant Contact",
            pacer.queue_length as u64,
        );
        gauge("budget_used", "Calls of the UTC day", pacer.used_today);
        if let Some(left) = pacer.remaining_today {
            gauge("budget_left", "Calls left in the UTC day", left);
        }
        gauge(
            "upstream_paused",
            "1 while calls to Constant Contact are paused",
            pacer.pause.is_some().into(),
        );
        gauge(
            "upstream_down",
            "1 while the circuit breaker stops calls to Constant Contact",
            self.is_upstream_down.into(),
        );
    }
}

fn register_bulkheads(registry: &mut Registry, bulkheads: &[Occupancy]) {
    let in_use = Family::<Label, Gauge>::default();
    let limit = Family::<Label, Gauge>::default();
    let refused = Family::<Label, Counter>::default();
    for bulkhead in bulkheads {
        let label = [("name", bulkhead.name)];
        let signed = |size: usize| i64::try_from(size).unwrap_or(i64::MAX);
        in_use.get_or_create(&label).set(signed(bulkhead.in_use));
        limit.get_or_create(&label).set(signed(bulkhead.limit));
        refused.get_or_create(&label).inc_by(bulkhead.refused);
    }
    registry.register(
        "bulkhead_in_use",
        "Resources in use, as a count or in bytes",
        in_use,
    );
    registry.register("bulkhead_limit", "Limit of the resources in use", limit);
    registry.register("bulkhead_refused", "Rejected requests for a resource", refused);
}

fn register_store(registry: &mut Registry, health: &Health) {
    let is_full = |failure: &Option<StoreError>| matches!(failure, Some(StoreError::DiskFull { .. }));
    let is_other = |failure: &Option<StoreError>| failure.is_some() && !is_full(failure);
    let problems = [
        ("gone", health.gone.is_some()),
        ("damaged", health.damage.is_some()),
        ("disk_full", is_full(&health.write_failure)),
        (
            "failing",
            is_other(&health.write_failure) || is_other(&health.read_failure),
        ),
    ];
    let present = Family::<Label, Gauge>::default();
    for (problem, is_present) in problems {
        present
            .get_or_create(&[("problem", problem)])
            .set(is_present.into());
    }
    registry.register(
        "store_problem",
        "1 while the store is deleted, damaged, out of disk space or failing",
        present,
    );
    let failures = [
        ("read", health.failed_reads),
        ("write", health.failed_writes),
        ("damage", health.damaged),
    ];
    registry.register(
        "store_failures",
        "Failed reads and writes of the store, and failures due to damage",
        counters("failure", failures),
    );
}

fn counters<const N: usize>(label: &'static str, counts: [(&'static str, u64); N]) -> Family<Label, Counter> {
    let family = Family::<Label, Counter>::default();
    for (value, count) in counts {
        family.get_or_create(&[(label, value)]).inc_by(count);
    }
    family
}
