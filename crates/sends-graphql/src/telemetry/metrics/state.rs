//! What is not counted but looked up when the metrics are asked for.
//!
//! Whoever holds these numbers counts them for its own reasons and knows nothing of metrics.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};
use sends_client::pacing::PacerState;
use sends_store::{Health, Lookups, StoreError};

use crate::{bulkheads::Occupancy, sources::histories::AnswerCounts};

/// The state at one moment.
#[derive(Clone, Debug)]
pub struct State {
    /// The limits and what is used of them.
    pub pacer: PacerState,
    /// Whether the upstream is left alone because it has been failing.
    pub left_alone: bool,
    /// Where the store found what it was asked for.
    pub lookups: Lookups,
    /// What went wrong with the store.
    pub store: Health,
    /// Where the answers came from.
    pub answers: AnswerCounts,
    /// What the bulkheads hold.
    pub bulkheads: Vec<Occupancy>,
}

#[derive(Clone, Copy, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Problem {
    problem: &'static str,
}

#[derive(Clone, Copy, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Failure {
    failure: &'static str,
}

#[derive(Clone, Copy, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Source {
    source: &'static str,
}

#[derive(Clone, Copy, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Named {
    name: &'static str,
}

impl State {
    pub(super) fn register(&self, registry: &mut Registry) {
        let Lookups {
            memory,
            disk,
            missing,
        } = self.lookups;
        registry.register(
            "store_lookups",
            "Answers looked for in the store, by where they were found",
            counters([("memory", memory), ("disk", disk), ("missing", missing)]),
        );
        register_store(registry, &self.store);
        let AnswerCounts {
            store,
            upstream,
            shared,
            stale,
            failed,
        } = self.answers;
        registry.register(
            "answers",
            "Histories asked for, by where the answer came from",
            counters([
                ("store", store),
                ("upstream", upstream),
                ("shared_call", shared),
                ("stale", stale),
                ("failed", failed),
            ]),
        );
        self.register_bulkheads(registry);
        let pacer = &self.pacer;
        let queue_length = i64::try_from(pacer.queue_length).unwrap_or(i64::MAX);
        gauge(
            registry,
            "queue_length",
            "Calls that wait for their turn",
            queue_length,
        );
        let used = i64::try_from(pacer.used_today).unwrap_or(i64::MAX);
        gauge(registry, "budget_used", "Calls of the day (UTC) so far", used);
        if let Some(left) = pacer.remaining_today {
            let left = i64::try_from(left).unwrap_or(i64::MAX);
            gauge(registry, "budget_left", "Calls left of the day (UTC)", left);
        }
        let paused = i64::from(pacer.pause.is_some());
        gauge(registry, "upstream_paused", "1 while no call may leave", paused);
        let left_alone = i64::from(self.left_alone);
        gauge(
            registry,
            "upstream_down",
            "1 while Constant Contact is left alone because it fails",
            left_alone,
        );
    }
}

impl State {
    fn register_bulkheads(&self, registry: &mut Registry) {
        let in_use = Family::<Named, Gauge>::default();
        let limit = Family::<Named, Gauge>::default();
        let refused = Family::<Named, Counter>::default();
        for bulkhead in &self.bulkheads {
            let name = Named { name: bulkhead.name };
            let of = |size: usize| i64::try_from(size).unwrap_or(i64::MAX);
            in_use.get_or_create(&name).set(of(bulkhead.in_use));
            limit.get_or_create(&name).set(of(bulkhead.limit));
            refused.get_or_create(&name).inc_by(bulkhead.refused);
        }
        registry.register(
            "bulkhead_in_use",
            "What is in use of a bound, a number or bytes",
            in_use,
        );
        registry.register("bulkhead_limit", "What can be in use at once", limit);
        registry.register("bulkhead_refused", "Requests for room that were refused", refused);
    }
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
    let present = Family::<Problem, Gauge>::default();
    for (problem, is_present) in problems {
        present.get_or_create(&Problem { problem }).set(is_present.into());
    }
    registry.register(
        "store_problem",
        "1 while the store's file is gone, damaged, without room or failing",
        present,
    );
    let failures = Family::<Failure, Counter>::default();
    for (failure, count) in [
        ("read", health.failed_reads),
        ("write", health.failed_writes),
        ("damage", health.damaged),
    ] {
        failures.get_or_create(&Failure { failure }).inc_by(count);
    }
    registry.register(
        "store_failures",
        "Reads and writes of the store that failed, and those of them that met damage",
        failures,
    );
}

fn gauge(registry: &mut Registry, name: &str, help: &str, value: i64) {
    let gauge = Gauge::<i64>::default();
    gauge.set(value);
    registry.register(name, help, gauge);
}

fn counters<const N: usize>(counts: [(&'static str, u64); N]) -> Family<Source, Counter> {
    let family = Family::<Source, Counter>::default();
    for (source, count) in counts {
        family.get_or_create(&Source { source }).inc_by(count);
    }
    family
}
