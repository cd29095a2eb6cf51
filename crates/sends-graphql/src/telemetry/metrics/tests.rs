use jiff::Timestamp;
use sends_client::pacing::{Limits, PacerState};

use super::*;

fn state() -> State {
    let limits = Limits::default();
    State {
        pacer: PacerState {
            per_second_limit: Some(limits.rate_per_second),
            per_day_limit: Some(limits.rate_per_day),
            used_today: 7,
            remaining_today: Some(9_993),
            remaining_for_background: Some(9_493),
            resets_at: Timestamp::UNIX_EPOCH,
            queue_length: 3,
            queue_limit: limits.queue_limit,
            pause: None,
        },
        is_upstream_down: true,
        lookups: sends_store::Lookups {
            memory: 5,
            disk: 2,
            missing: 1,
        },
        store: sends_store::Health {
            damage: Some(sends_store::StoreError::NotADatabase {
                file: "sends.db".into(),
            }),
            failed_reads: 4,
            damaged: 3,
            ..sends_store::Health::default()
        },
        answers: crate::sources::histories::AnswerCounts::default(),
        bulkheads: vec![crate::bulkheads::Occupancy {
            name: "bodies",
            in_use: 3,
            limit: 10,
            refused: 2,
        }],
    }
}

/// Returns the text excluding buckets, sorted because the series of a family are unordered.
fn without_buckets(text: &str) -> String {
    let mut lines: Vec<&str> = text.lines().filter(|line| !line.contains("_bucket{")).collect();
    lines.sort_unstable();
    lines.join("\n")
}

#[test]
fn text_contains_every_metric() {
    let metrics = Metrics::new();
    metrics.request_begins();
    metrics.operation_ended(Some("History"), Outcome::Partial, Duration::from_millis(250));
    metrics.waited(&Endpoint::AccountSummary, Duration::from_secs(1));
    metrics.requested(&ObservedRequest {
        endpoint: Endpoint::AccountSummary,
        status: Some(StatusCode::IM_A_TEAPOT),
        failure: Some(FailureClass::Rejected),
        took: Duration::from_millis(500),
    });
    metrics.refused(&Endpoint::AccountSummary, FailureClass::QueueFull);
    insta::assert_snapshot!(without_buckets(&metrics.text(&state()).unwrap()), @r#"
    # HELP sends_answers_total Reads of histories, by the source of the result.
    # HELP sends_budget_left Calls left in the UTC day.
    # HELP sends_budget_used Calls of the UTC day.
    # HELP sends_bulkhead_in_use Resources in use, as a count or in bytes.
    # HELP sends_bulkhead_limit Limit of the resources in use.
    # HELP sends_bulkhead_refused_total Rejected requests for a resource.
    # HELP sends_operation_duration_seconds Time from a GraphQL request's head to its response.
    # HELP sends_operations_in_progress GraphQL requests in progress.
    # HELP sends_operations_total GraphQL requests by operation and outcome.
    # HELP sends_pacer_wait_seconds Time of calls in the queue for Constant Contact.
    # HELP sends_queue_length Calls in the queue for Constant Contact.
    # HELP sends_response_cache_hits_total GraphQL requests served from the response cache.
    # HELP sends_store_failures_total Failed reads and writes of the store, and failures due to damage.
    # HELP sends_store_lookups_total Lookups of histories in the store, by the layer of the result.
    # HELP sends_store_problem 1 while the store is deleted, damaged, out of disk space or failing.
    # HELP sends_upstream_down 1 while the circuit breaker stops calls to Constant Contact.
    # HELP sends_upstream_paused 1 while calls to Constant Contact are paused.
    # HELP sends_upstream_refusals_total Calls that ended without a request, or without a retry.
    # HELP sends_upstream_request_duration_seconds Time from sending a request to Constant Contact to the end of its response.
    # HELP sends_upstream_requests_total Requests sent to Constant Contact.
    # TYPE sends_answers_total counter
    # TYPE sends_budget_left gauge
    # TYPE sends_budget_used gauge
    # TYPE sends_bulkhead_in_use gauge
    # TYPE sends_bulkhead_limit gauge
    # TYPE sends_bulkhead_refused_total counter
    # TYPE sends_operation_duration_seconds histogram
    # TYPE sends_operations_in_progress gauge
    # TYPE sends_operations_total counter
    # TYPE sends_pacer_wait_seconds histogram
    # TYPE sends_queue_length gauge
    # TYPE sends_response_cache_hits_total counter
    # TYPE sends_store_failures_total counter
    # TYPE sends_store_lookups_total counter
    # TYPE sends_store_problem gauge
    # TYPE sends_upstream_down gauge
    # TYPE sends_upstream_paused gauge
    # TYPE sends_upstream_refusals_total counter
    # TYPE sends_upstream_request_duration_seconds histogram
    # TYPE sends_upstream_requests_total counter
    sends_answers_total{source="failed"} 0
    sends_answers_total{source="shared_call"} 0
    sends_answers_total{source="stale"} 0
    sends_answers_total{source="store"} 0
    sends_answers_total{source="upstream"} 0
    sends_budget_left 9993
    sends_budget_used 7
    sends_bulkhead_in_use{name="bodies"} 3
    sends_bulkhead_limit{name="bodies"} 10
    sends_bulkhead_refused_total{name="bodies"} 2
    sends_operation_duration_seconds_count{operation="History"} 1
    sends_operation_duration_seconds_sum{operation="History"} 0.25
    sends_operations_in_progress 1
    sends_operations_total{operation="History",outcome="partial"} 1
    sends_pacer_wait_seconds_count 1
    sends_pacer_wait_seconds_sum 1.0
    sends_queue_length 3
    sends_response_cache_hits_total 0
    sends_store_failures_total{failure="damage"} 3
    sends_store_failures_total{failure="read"} 4
    sends_store_failures_total{failure="write"} 0
    sends_store_lookups_total{source="disk"} 2
    sends_store_lookups_total{source="memory"} 5
    sends_store_lookups_total{source="missing"} 1
    sends_store_problem{problem="damaged"} 1
    sends_store_problem{problem="disk_full"} 0
    sends_store_problem{problem="failing"} 0
    sends_store_problem{problem="gone"} 0
    sends_upstream_down 1
    sends_upstream_paused 0
    sends_upstream_refusals_total{endpoint="account_summary",reason="queue_full"} 1
    sends_upstream_request_duration_seconds_count{endpoint="account_summary"} 1
    sends_upstream_request_duration_seconds_sum{endpoint="account_summary"} 0.5
    sends_upstream_requests_total{endpoint="account_summary",status="4xx",failure="rejected"} 1
    "#);
}

#[test]
fn names_beyond_the_limit_share_a_label() {
    let metrics = Metrics::new();
    for number in 0..10 * names::MAX_NAMES {
        metrics.operation_ended(Some(&format!("Op{number}")), Outcome::Ok, Duration::ZERO);
    }
    metrics.operation_ended(Some(&"x".repeat(65)), Outcome::Ok, Duration::ZERO);
    metrics.operation_ended(Some("Op1"), Outcome::Ok, Duration::ZERO);
    let text = metrics.text(&state()).unwrap();
    let series = text
        .lines()
        .filter(|line| line.starts_with("sends_operations_total{"))
        .count();
    assert_eq!(series, names::MAX_NAMES + 1);
    assert!(
        text.contains(r#"sends_operations_total{operation="other",outcome="ok"} 901"#),
        "{text}"
    );
    assert!(
        text.contains(r#"sends_operations_total{operation="Op1",outcome="ok"} 2"#),
        "{text}"
    );
}

#[test]
fn statuses_map_to_a_few_labels() {
    let mut labels: Vec<&str> = (100..1_000)
        .map(|status| status_label(StatusCode::from_u16(status).unwrap()))
        .collect();
    labels.sort_unstable();
    labels.dedup();
    assert_eq!(labels.len(), 15, "{labels:?}");
}
