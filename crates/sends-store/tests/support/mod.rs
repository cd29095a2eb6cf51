//! Generated histories, including extreme values of the model.

#![allow(clippy::unwrap_used, reason = "panics fail the test")]
#![allow(dead_code, reason = "each test file uses only some of the functions")]

use std::sync::Arc;

use jiff::Timestamp;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use sends_core::{ActivityId, ListId, ReasonCode, SegmentId, SendAttempt, SendHistory, SendStatus, Verbatim};
use sends_store::{Answer, StoredAnswer};

pub(crate) fn activity(number: u128) -> ActivityId {
    ActivityId::from_bytes(number.to_be_bytes())
}

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

pub(crate) fn stored(second: i64, send_id: i32) -> StoredAnswer {
    let json = format!(
        r#"[{{"send_id": {send_id}, "contact_list_ids": ["f4ab800a-5adf-11e9-ba6a-fa163e6b01c1"], "count": 2,
             "run_date": "2019-04-18T20:03:08.108Z", "send_status": "COMPLETED", "reason_code": 0}}]"#
    );
    StoredAnswer {
        fetched_at: at(second),
        answer: Answer::History(Arc::new(SendHistory::from_json(json.as_bytes()).unwrap())),
    }
}

pub(crate) fn not_found(second: i64) -> StoredAnswer {
    StoredAnswer {
        fetched_at: at(second),
        answer: Answer::NotFound,
    }
}

pub(crate) fn any_stored() -> impl Strategy<Value = StoredAnswer> {
    let history =
        (vec(any_send(), 0..6), 0..3_usize, 0..300_usize).prop_map(|(sends, unreadable, values)| {
            Answer::History(Arc::new(
                SendHistory::new(sends).with_unreadable(unreadable, values),
            ))
        });
    (
        any_timestamp(),
        prop_oneof![9 => history, 1 => Just(Answer::NotFound)],
    )
        .prop_map(|(fetched_at, answer)| StoredAnswer { fetched_at, answer })
}

fn any_send() -> impl Strategy<Value = SendAttempt> {
    (
        // A small range makes some ids repeat.
        prop_oneof![any::<i32>(), 0..3],
        vec(any_list_id(), 0..4),
        vec(any::<i64>().prop_map(SegmentId::new), 0..4),
        option::of(any::<i64>()),
        option::of(any_timestamp()),
        option::of(any_status()),
        option::of(prop_oneof![any::<i32>(), 0..13].prop_map(ReasonCode::new)),
    )
        .prop_map(
            |(send_id, contact_list_ids, segment_ids, count, run_date, send_status, reason_code)| {
                SendAttempt {
                    send_id,
                    contact_list_ids,
                    segment_ids,
                    count,
                    run_date,
                    send_status,
                    reason_code,
                }
            },
        )
}

fn any_list_id() -> impl Strategy<Value = ListId> {
    let uuid = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
    prop_oneof![
        8 => uuid.prop_map(ListId::from),
        1 => uuid.prop_map(|text| ListId::from(text.replace('-', ""))),
        1 => any::<String>().prop_map(ListId::from),
    ]
}

fn any_status() -> impl Strategy<Value = Verbatim<SendStatus>> {
    prop_oneof![
        Just(SendStatus::Completed.into()),
        Just(SendStatus::Errored.into()),
        Just(Verbatim::from("Completed")),
        any::<String>().prop_map(Verbatim::from),
    ]
}

fn any_timestamp() -> impl Strategy<Value = Timestamp> {
    let range = Timestamp::MIN.as_nanosecond()..=Timestamp::MAX.as_nanosecond();
    let now = 1_700_000_000_000_000_000..1_900_000_000_000_000_000_i128;
    prop_oneof![range, now].prop_map(|nanosecond| Timestamp::from_nanosecond(nanosecond).unwrap())
}
