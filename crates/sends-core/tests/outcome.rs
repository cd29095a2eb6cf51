//! Outcomes for all combinations of status, code and count.

use proptest::prelude::*;
use sends_core::Outcome::{Failed, NoRecipients, PartiallySent, Sent, Staged, Unknown};
use sends_core::{Outcome, ReasonCode, SendAttempt, SendStatus};

/// Returns the statuses in the order of the columns.
fn statuses() -> [Option<SendStatus>; 4] {
    [
        Some(SendStatus::Completed),
        Some(SendStatus::Errored),
        Some(SendStatus::from("PAUSED")),
        None,
    ]
}

const COUNTS: [Option<i64>; 7] = [
    None,
    Some(i64::MIN),
    Some(-1),
    Some(0),
    Some(1),
    Some(250_000),
    Some(i64::MAX),
];

fn attempt(status: Option<SendStatus>, code: Option<i32>, count: Option<i64>) -> SendAttempt {
    SendAttempt {
        send_id: 1,
        contact_list_ids: Vec::new(),
        segment_ids: Vec::new(),
        count,
        run_date: None,
        send_status: status.map(Into::into),
        reason_code: code.map(ReasonCode::new),
    }
}

/// Checks a code with all statuses and counts. `completed` returns the outcome expected for `COMPLETED` with a count.
fn check(code: Option<i32>, completed: impl Fn(Option<i64>) -> Outcome, others: [Outcome; 3]) {
    for count in COUNTS {
        let expected = [completed(count), others[0], others[1], others[2]];
        for (status, expected) in statuses().into_iter().zip(expected) {
            let attempt = attempt(status, code, count);
            assert_eq!(attempt.outcome(), expected, "{attempt:?}");
        }
    }
}

#[test]
fn every_code_status_and_count_has_its_outcome() {
    //            COMPLETED   [ERRORED, another, absent]
    check(Some(0), completed_without_error, [Failed, Unknown, Unknown]);
    for failure in [1, 2, 3, 4, 7, 8, 9, 10, 11] {
        check(Some(failure), |_| Failed, [Failed, Failed, Failed]);
    }
    check(Some(5), |_| Staged, [Staged, Staged, Staged]);
    check(
        Some(6),
        |_| PartiallySent,
        [PartiallySent, PartiallySent, PartiallySent],
    );
    check(
        Some(12),
        |_| NoRecipients,
        [NoRecipients, NoRecipients, NoRecipients],
    );
    for unknown in [None, Some(13), Some(-1), Some(i32::MIN), Some(i32::MAX)] {
        check(unknown, |_| Unknown, [Failed, Unknown, Unknown]);
    }
}

fn completed_without_error(count: Option<i64>) -> Outcome {
    match count {
        None | Some(1..) => Sent,
        Some(0) => NoRecipients,
        Some(_) => Unknown,
    }
}

#[test]
fn only_contradictory_records_are_reported() {
    for status in statuses() {
        for code in [None].into_iter().chain((-1..=13).map(Some)) {
            for count in COUNTS {
                let attempt = attempt(status.clone(), code, count);
                let expected = match (status.as_ref(), code) {
                    (Some(SendStatus::Completed), Some(1..=4 | 7..=11))
                    | (Some(SendStatus::Errored), Some(0)) => true,
                    (_, Some(12)) => matches!(count, Some(1..)),
                    _ => false,
                };
                assert_eq!(attempt.is_contradictory(), expected, "{attempt:?}");
            }
        }
    }
}

fn any_status() -> impl Strategy<Value = Option<SendStatus>> {
    let text = prop_oneof![
        Just("completed".to_owned()),
        Just("Errored".to_owned()),
        any::<String>()
    ];
    proptest::option::of(text.prop_map(SendStatus::from))
}

proptest! {
    #[test]
    fn every_record_has_an_outcome(
        status in any_status(),
        code in proptest::option::of(prop_oneof![-2..15, any::<i32>()]),
        count: Option<i64>,
    ) {
        let completed = status == Some(SendStatus::Completed);
        let attempt = attempt(status, code, count);
        let outcome = attempt.outcome();

        prop_assert!(Outcome::ALL.contains(&outcome));
        prop_assert_eq!(attempt.reason().map(|reason| reason.code.get()), code);
        if outcome == Sent {
            prop_assert!(completed && code == Some(0) && count.is_none_or(|count| count > 0));
        }
        if attempt.is_contradictory() {
            prop_assert!(matches!(outcome, Failed | NoRecipients));
        }
    }
}
