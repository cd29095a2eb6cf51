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
        left_alone: true,
        lookups: sends_store::Lookups {
            memory: 5,
            disk: 2,
            missing: 1,
        },
        answers: crate::histories::AnswerCounts::default(),
    }
}

/// The text without the many buckets, sorted, since the series of a family have no order.
fn without_buckets(text: &str) -> String {
    let mut lines: Vec<&str> = text.lines().filter(|line| !line.contains("_bucket{")).collect();
    lines.sort_unstable();
    lines.join("\n")
}

#[test]
fn everything_that_is_counted_is_in_the_text() {
    let metrics = Metrics::new();
    metrics.request_begins();
    metrics.operation_ended(Some("History"), Outcome::Partial, Duration::from_millis(250));
    metrics.waited(Endpoint::AccountSummary, Duration::from_secs(1));
    metrics.requested(&ObservedRequest {
        endpoint: Endpoint::AccountSummary,
        status: Some(StatusCode::IM_A_TEAPOT),
        failure: Some(FailureClass::Rejected),
        took: Duration::from_millis(500),
    });
    metrics.refused(Endpoint::AccountSummary, FailureClass::QueueFull);
    insta::assert_snapshot!(without_buckets(&metrics.text(&state()).unwrap()), @"");
}

#[test]
fn names_beyond_the_limit_are_one() {
    let metrics = Metrics::new();
    for number in 0..10 * names::NAMES {
        metrics.operation_ended(Some(&format!("Op{number}")), Outcome::Ok, Duration::ZERO);
    }
    metrics.operation_ended(Some(&"x".repeat(65)), Outcome::Ok, Duration::ZERO);
    metrics.operation_ended(Some("Op1"), Outcome::Ok, Duration::ZERO);
    let text = metrics.text(&state()).unwrap();
    let series = text
        .lines()
        .filter(|line| line.starts_with("sends_operations_total{"))
        .count();
    assert_eq!(series, names::NAMES + 1);
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
fn every_status_has_one_of_a_few_labels() {
    let mut labels: Vec<&str> = (100..1_000)
        .map(|status| status_label(StatusCode::from_u16(status).unwrap()))
        .collect();
    labels.sort_unstable();
    labels.dedup();
    assert_eq!(labels.len(), 15, "{labels:?}");
}
