//! Encoding in the upstream's format, and decoding without panics.

#![allow(clippy::unwrap_used, reason = "tests and their helpers fail by panicking")]

use insta::assert_snapshot;
use jiff::Timestamp;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use sends_core::{ListId, ReasonCode, SegmentId, SendAttempt, SendHistory, SendStatus, Verbatim};

#[test]
fn upstream_field_names_are_serialised() {
    let full = SendAttempt {
        send_id: 1,
        contact_list_ids: vec![ListId::from("f4ab800a-5adf-11e9-ba6a-fa163e6b01c1")],
        segment_ids: vec![SegmentId::new(14)],
        count: Some(2),
        run_date: Some("2019-04-18T16:03:08.5-04:00".parse().unwrap()),
        send_status: Some(SendStatus::Completed.into()),
        reason_code: Some(ReasonCode::new(0)),
    };
    assert_snapshot!(serde_json::to_string(&full).unwrap(), @r#"{"send_id":1,"contact_list_ids":["f4ab800a-5adf-11e9-ba6a-fa163e6b01c1"],"segment_ids":[14],"count":2,"run_date":"2019-04-18T20:03:08.5Z","send_status":"COMPLETED","reason_code":0}"#);
}

#[test]
fn absent_fields_are_not_serialised() {
    let history = SendHistory::from_json(br#"[{"send_id": 7, "segment_ids": [], "count": null}]"#).unwrap();
    assert_snapshot!(serde_json::to_string(&history).unwrap(), @r#"[{"send_id":7}]"#);
}

/// Generates dates from 1970 on, because earlier dates are not decoded.
fn any_date() -> impl Strategy<Value = Timestamp> {
    (0..=Timestamp::MAX.as_nanosecond())
        .prop_map(|nanosecond| Timestamp::from_nanosecond(nanosecond).unwrap())
}

prop_compose! {
    fn any_attempt()(
        send_id: i32,
        lists in vec(any::<String>().prop_map(ListId::from), 0..4),
        segments in vec(any::<i64>().prop_map(SegmentId::new), 0..4),
        count in option::of(0..i64::MAX),
        run_date in option::of(any_date()),
        status in option::of(prop_oneof![Just("COMPLETED".to_owned()), any::<String>()]),
        code: Option<i32>,
    ) -> SendAttempt {
        SendAttempt {
            send_id,
            contact_list_ids: lists,
            segment_ids: segments,
            count,
            run_date,
            send_status: status.map(Verbatim::from),
            reason_code: code.map(ReasonCode::new),
        }
    }
}

/// Generates JSON with a few levels, or a history with arbitrary field values.
fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        "\\PC*".prop_map(Into::into),
    ];
    let json = leaf.prop_recursive(3, 32, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Into::into),
            vec(("\\PC*", inner), 0..6).prop_map(|fields| fields.into_iter().collect()),
        ]
    });
    let name = "send_id|contact_lists?_ids|segment_ids|count|run_date|send_status|reason_code";
    let record =
        (any_attempt(), option::weighted(0.3, (name, json.clone()))).prop_map(|(attempt, odd_field)| {
            let mut record = serde_json::to_value(attempt).unwrap();
            if let Some((name, value)) = odd_field {
                record[name] = value;
            }
            record
        });
    prop_oneof![json, vec(record, 0..4).prop_map(Into::into)]
}

/// Calls all methods of a history.
fn exhaust(history: &SendHistory) {
    let summary = history.summary();
    assert_eq!(summary.attempts, history.len());
    assert!(summary.contacts_reached >= 0);
    assert!(summary.first_run_date <= summary.last_run_date);
    for send in history {
        let _ = (send.outcome(), send.reason(), send.is_contradictory());
    }
}

proptest! {
    #[test]
    fn history_round_trips_through_json(sends in vec(any_attempt(), 0..5)) {
        let history = SendHistory::new(sends);
        exhaust(&history);
        let json = serde_json::to_vec(&history).unwrap();
        prop_assert_eq!(SendHistory::from_json(&json), Ok(history.clone()));
        let value = serde_json::to_value(&history).unwrap();
        prop_assert_eq!(serde_json::from_value::<SendHistory>(value).unwrap(), history);
    }

    #[test]
    fn arbitrary_bytes_do_not_panic(bytes in vec(any::<u8>(), 0..200)) {
        if let Ok(history) = SendHistory::from_json(&bytes) {
            exhaust(&history);
        }
    }

    #[test]
    fn truncated_history_is_rejected(sends in vec(any_attempt(), 1..3), cut: prop::sample::Index) {
        let json = serde_json::to_vec(&SendHistory::new(sends)).unwrap();
        prop_assert!(SendHistory::from_json(&json[..cut.index(json.len())]).is_err());
    }

    #[test]
    fn both_decoders_agree_on_any_json(value in any_json()) {
        let json = serde_json::to_vec(&value).unwrap();
        match (SendHistory::from_json(&json), serde_json::from_value::<SendHistory>(value)) {
            (Ok(read), Ok(converted)) => {
                exhaust(&read);
                prop_assert_eq!(read, converted);
            }
            (Err(error), Err(_)) => prop_assert!(error.to_string().chars().count() < 2_000),
            (read, converted) => prop_assert!(false, "{:?} differs from {:?}", read, converted),
        }
    }
}
