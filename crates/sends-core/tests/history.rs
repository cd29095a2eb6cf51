//! Totals of a history, and filters.

#![allow(clippy::unwrap_used, reason = "tests and their helpers fail by panicking")]

use jiff::Timestamp;
use sends_core::{HistorySummary, Outcome, ReasonCode, SendFilter, SendHistory, SendStatus};

/// Builds a history from the `(reason_code, count)` of each attempt. All attempts are `COMPLETED` and numbered from 1.
fn history(sends: &[(i32, Option<i64>)]) -> SendHistory {
    let records = (1..).zip(sends).map(|(send_id, (code, count))| {
        serde_json::json!({"send_id": send_id, "count": count, "send_status": "COMPLETED", "reason_code": code})
    });
    serde_json::from_value(records.collect()).unwrap()
}

fn sample() -> SendHistory {
    SendHistory::from_json(
        br#"[
            {"send_id": 1, "contact_list_ids": ["f4ab800a-5adf-11e9-ba6a-fa163e6b01c1"], "count": 2,
             "run_date": "2019-04-18T20:03:08.000Z", "send_status": "COMPLETED", "reason_code": 0},
            {"send_id": 2, "contact_list_ids": ["f4ab800a-5adf-11e9-ba6a-fa163e6b01c1"], "count": 0,
             "run_date": "2019-05-07T14:42:57.000Z", "send_status": "COMPLETED", "reason_code": 12}
        ]"#,
    )
    .unwrap()
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn activity_without_sends_has_default_totals() {
    let history = SendHistory::from_json(b"[]").unwrap();
    assert!(history.is_empty() && history.latest().is_none());
    assert_eq!(history.summary(), HistorySummary::default());
    assert_eq!(history, SendHistory::default());
}

#[test]
fn totals_of_the_vendors_sample_are_correct() {
    assert_eq!(
        sample().summary(),
        HistorySummary {
            attempts: 2,
            failed_attempts: 0,
            unreadable_sends: 0,
            contacts_reached: 2,
            first_run_date: Some(time("2019-04-18T20:03:08Z")),
            last_run_date: Some(time("2019-05-07T14:42:57Z")),
            latest_outcome: Some(Outcome::NoRecipients),
            needs_attention: false,
        }
    );
}

#[test]
fn attempts_are_sorted_stably_by_number() {
    let json = br#"[{"send_id": 3}, {"send_id": 1, "count": 1}, {"send_id": 2}, {"send_id": 1, "count": 2}]"#;
    let history = SendHistory::from_json(json).unwrap();
    let order: Vec<_> = history.iter().map(|send| (send.send_id, send.count)).collect();
    assert_eq!(order, [(1, Some(1)), (1, Some(2)), (2, None), (3, None)]);
    assert_eq!(history.latest().map(|send| send.send_id), Some(3));
    assert_eq!(history.len(), 4);
    let mut reversed = history.clone().into_sends();
    reversed.swap(2, 3);
    assert_eq!(SendHistory::new(reversed), history);
}

#[test]
fn unreadable_sends_are_counted_and_explained() {
    let history = SendHistory::from_json(br#"[{"send_id": 1}, {}]"#).unwrap();
    assert_eq!(
        (history.summary().attempts, history.summary().unreadable_sends),
        (1, 1)
    );
    let explanation = history.explanation().to_string();
    assert!(
        explanation.contains("Sends in a form that cannot be read: 1."),
        "{explanation}"
    );
    let history = SendHistory::from_json(b"[{}]").unwrap();
    assert!(!history.explanation().to_string().contains("never sent"));
}

#[test]
fn sort_of_a_long_history_is_stable() {
    let records: Vec<_> = (0..1000_i64)
        .map(|count| serde_json::json!({"send_id": count % 3, "count": count, "send_status": "COMPLETED"}))
        .collect();
    let history: SendHistory = serde_json::from_value(records.into()).unwrap();
    assert!(
        history
            .sends()
            .is_sorted_by_key(|send| (send.send_id, send.count))
    );
}

#[test]
fn only_sent_attempts_count_as_reached() {
    let reached = |sends: &[(i32, Option<i64>)]| history(sends).summary().contacts_reached;
    assert_eq!(reached(&[(0, Some(100)), (0, None), (0, Some(20))]), 120);
    assert_eq!(
        reached(&[
            (6, Some(100)),
            (5, Some(100)),
            (1, Some(100)),
            (12, Some(100)),
            (99, Some(100))
        ]),
        0
    );
    assert_eq!(reached(&[(0, Some(-5)), (0, Some(3))]), 3);
    assert_eq!(reached(&[(0, Some(i64::MAX)), (0, Some(i64::MAX))]), i64::MAX);
}

#[test]
fn first_and_last_follow_the_date_and_latest_the_number() {
    let history = SendHistory::from_json(
        br#"[
            {"send_id": 1, "run_date": "2020-01-02T00:00:00Z", "send_status": "COMPLETED", "reason_code": 0},
            {"send_id": 2, "run_date": "2020-01-01T00:00:00Z", "send_status": "ERRORED", "reason_code": 1},
            {"send_id": 3, "send_status": "ERRORED", "reason_code": 3}
        ]"#,
    )
    .unwrap();
    let summary = history.summary();
    assert_eq!(summary.first_run_date, Some(time("2020-01-01T00:00:00Z")));
    assert_eq!(summary.last_run_date, Some(time("2020-01-02T00:00:00Z")));
    assert_eq!(summary.latest_outcome, Some(Outcome::Failed));
    assert_eq!(summary.failed_attempts, 2);
}

#[test]
fn latest_attempt_determines_whether_attention_is_needed() {
    const SENT: (i32, Option<i64>) = (0, Some(5));
    const NO_RECIPIENTS: (i32, Option<i64>) = (12, Some(0));
    const FAILED: (i32, Option<i64>) = (7, None);
    const STAGED: (i32, Option<i64>) = (5, None);
    const PARTIAL: (i32, Option<i64>) = (6, None);
    const UNKNOWN: (i32, Option<i64>) = (99, None);

    for (sends, expected) in [
        (&[SENT][..], false),
        (&[STAGED], false),
        (&[FAILED], true),
        (&[PARTIAL], true),
        (&[UNKNOWN], true),
        (&[NO_RECIPIENTS], true),
        (&[FAILED, SENT], false),
        (&[SENT, FAILED], true),
        (&[SENT, NO_RECIPIENTS], false),
        (&[SENT, NO_RECIPIENTS, NO_RECIPIENTS], false),
        (&[PARTIAL, NO_RECIPIENTS], false),
        (&[FAILED, NO_RECIPIENTS], true),
        (&[STAGED, NO_RECIPIENTS], true),
        (&[UNKNOWN, NO_RECIPIENTS], true),
    ] {
        assert_eq!(history(sends).summary().needs_attention, expected, "{sends:?}");
    }
}

/// Returns the numbers of the matching sends among the sends of the sample and a send without fields.
fn matching(filter: &SendFilter) -> Vec<i32> {
    let bare = SendHistory::from_json(br#"[{"send_id": 3}]"#).unwrap();
    let sends = sample().into_iter().chain(bare);
    sends
        .filter(|send| filter.matches(send))
        .map(|send| send.send_id)
        .collect()
}

#[test]
fn filter_without_conditions_matches_every_send() {
    assert_eq!(matching(&SendFilter::default()), [1, 2, 3]);
}

#[test]
fn all_conditions_of_a_filter_must_match() {
    let any = SendFilter::default;
    assert_eq!(
        matching(&SendFilter {
            statuses: vec![SendStatus::Completed],
            ..any()
        }),
        [1, 2]
    );
    assert_eq!(
        matching(&SendFilter {
            statuses: vec![SendStatus::Errored],
            ..any()
        }),
        [0; 0]
    );
    assert_eq!(
        matching(&SendFilter {
            outcomes: vec![Outcome::Sent, Outcome::Unknown],
            ..any()
        }),
        [1, 3]
    );
    assert_eq!(
        matching(&SendFilter {
            reason_codes: vec![ReasonCode::new(12)],
            ..any()
        }),
        [2]
    );
    let both = SendFilter {
        outcomes: vec![Outcome::Sent],
        reason_codes: vec![ReasonCode::new(12)],
        ..any()
    };
    assert_eq!(matching(&both), [0; 0]);
}

#[test]
fn period_includes_its_start_and_excludes_its_end() {
    let first = Some(time("2019-04-18T20:03:08Z"));
    let second = Some(time("2019-05-07T14:42:57Z"));
    let period = |from, until| {
        matching(&SendFilter {
            from,
            until,
            ..SendFilter::default()
        })
    };
    assert_eq!(period(first, None), [1, 2]);
    assert_eq!(period(second, None), [2]);
    assert_eq!(period(None, second), [1]);
    assert_eq!(period(None, first), [0; 0]);
    assert_eq!(period(first, second), [1]);
    assert_eq!(period(second, first), [0; 0]);
}
