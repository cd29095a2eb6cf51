//! Decoding of a send history: accepted deviations from the documentation, and errors.

#![allow(clippy::unwrap_used, reason = "tests and their helpers fail by panicking")]

use insta::assert_snapshot;
use sends_core::{
    FromJson as _, ListId, ReasonCode, SegmentId, SendAttempt, SendHistory, SendStatus, Verbatim,
};

/// Decodes a record with both decoders and asserts that the results are equal.
fn read(record: &str) -> SendAttempt {
    let attempt: SendAttempt = serde_json::from_str(record).unwrap();
    let history = SendHistory::from_json(format!("[{record}]").as_bytes()).unwrap();
    assert_eq!(history.sends(), std::slice::from_ref(&attempt));
    attempt
}

fn decode_error(json: impl AsRef<[u8]>) -> String {
    SendHistory::from_json(json.as_ref()).unwrap_err().to_string()
}

fn oddities(json: impl AsRef<[u8]>) -> String {
    let decoded = SendHistory::decode(json.as_ref()).unwrap();
    let (records, values) = (decoded.oddities.records, decoded.oddities.values);
    let history = decoded.value;
    assert_eq!(
        (history.unreadable_sends(), history.unreadable_values()),
        (records, values)
    );
    format!(
        "{} read, {records} records and {values} values unreadable: {}",
        history.len(),
        decoded.oddities
    )
}

#[test]
fn lists_and_segments_may_be_absent_null_or_empty() {
    let bare = read(r#"{"send_id": 1}"#);
    assert!(bare.contact_list_ids.is_empty() && bare.segment_ids.is_empty());
    for spelling in ["contact_list_ids", "contact_lists_ids", "segment_ids"] {
        for empty in ["null", "[]"] {
            assert_eq!(read(&format!(r#"{{"send_id": 1, "{spelling}": {empty}}}"#)), bare);
        }
    }
    let nulls =
        r#"{"send_id": 1, "count": null, "run_date": null, "send_status": null, "reason_code": null}"#;
    assert_eq!(read(nulls), bare);
}

#[test]
fn both_spellings_of_the_lists_are_read_and_merged() {
    let lists = |record: &str| -> Vec<String> {
        read(record)
            .contact_list_ids
            .iter()
            .map(ToString::to_string)
            .collect()
    };
    assert_eq!(
        lists(r#"{"send_id": 1, "contact_lists_ids": ["b", "a"]}"#),
        ["b", "a"]
    );
    assert_eq!(
        lists(r#"{"contact_lists_ids": ["c", "a"], "send_id": 1, "contact_list_ids": ["b", "a"]}"#),
        ["b", "a", "c"]
    );
}

#[test]
fn list_id_that_is_not_a_uuid_is_preserved() {
    let attempt = read(r#"{"send_id": 1, "contact_list_ids": ["General Interest"]}"#);
    assert_eq!(attempt.contact_list_ids, [ListId::from("General Interest")]);
}

#[test]
fn counts_and_segment_ids_have_64_bits() {
    let attempt = read(
        r#"{"send_id": 1, "count": 9223372036854775807, "segment_ids": [9223372036854775807, -9223372036854775808]}"#,
    );
    assert_eq!(attempt.count, Some(i64::MAX));
    assert_eq!(
        attempt.segment_ids,
        [SegmentId::new(i64::MAX), SegmentId::new(i64::MIN)]
    );
}

#[test]
fn open_enum_values_keep_the_upstreams_spelling() {
    let attempt = read(r#"{"send_id": 1, "send_status": "In Review ", "reason_code": -2147483648}"#);
    assert_eq!(
        attempt.send_status.as_deref(),
        Some(&SendStatus::Other("In Review ".into()))
    );
    assert_eq!(attempt.reason_code, Some(ReasonCode::new(i32::MIN)));
    for (text, status) in [
        ("completed", SendStatus::Completed),
        ("Errored", SendStatus::Errored),
    ] {
        let read = read(&format!(r#"{{"send_id": 1, "send_status": "{text}"}}"#))
            .send_status
            .unwrap();
        assert_eq!((&*read, read.verbatim()), (&status, text));
        assert_ne!(read, Verbatim::from(status));
    }
}

#[test]
fn date_is_normalised_to_utc() {
    for (written, normalised) in [
        ("2019-04-18T20:03:08.000Z", "2019-04-18T20:03:08Z"),
        ("2019-04-18T20:03:08Z", "2019-04-18T20:03:08Z"),
        ("2022-05-17T16:37:59.108Z", "2022-05-17T16:37:59.108Z"),
        (
            "2022-05-17T16:37:59.123456789+00:00",
            "2022-05-17T16:37:59.123456789Z",
        ),
        ("2016-03-03T22:56:29-05:00", "2016-03-04T03:56:29Z"),
        ("2016-03-04T05:56:29.5+05:30", "2016-03-04T00:26:29.5Z"),
    ] {
        let attempt = read(&format!(r#"{{"send_id": 1, "run_date": "{written}"}}"#));
        assert_eq!(attempt.run_date.unwrap().to_string(), normalised);
    }
}

#[test]
fn unknown_fields_are_ignored_at_any_depth() {
    let deep = format!(
        r#"{{"x": {}{}, "send_id": 1}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    assert_eq!(
        read(&deep),
        read(r#"{"send_id": 1, "send_name": {"a": [1, 2.5, null]}}"#)
    );
}

#[test]
fn send_id_outside_the_documented_range_is_accepted() {
    assert_eq!(read(r#"{"send_id": 0}"#).send_id, 0);
    assert_eq!(read(r#"{"send_id": -2147483648}"#).send_id, i32::MIN);
}

#[test]
fn record_without_a_send_id_is_omitted_and_described() {
    assert_snapshot!(oddities(r#"[{"send_id": 1}, {"count": 5}]"#), @"1 read, 1 records and 0 values unreadable: record 2 of the send history is not a send record, field send_id: missing or null");
    assert_snapshot!(oddities(r#"[{"send_id": null}, {"send_id": "one"}, {"send_id": 2147483648}, {"send_id": 7}]"#), @r#"1 read, 3 records and 0 values unreadable: record 1 of the send history is not a send record, field send_id: missing or null; record 2 of the send history is not a send record, field send_id: "one" is not a 32-bit integer; record 3 of the send history is not a send record, field send_id: 2147483648 is not a 32-bit integer"#);
    assert_snapshot!(oddities(r#"[[1], null, {"send_id": 7}, "x", {"send_id": 1, "send_id": 1}]"#), @r#"1 read, 4 records and 0 values unreadable: record 1 of the send history is not a send record: [1] is not an object; record 2 of the send history is not a send record: null is not an object; record 4 of the send history is not a send record: "x" is not an object; and 1 more"#);
    assert_snapshot!(serde_json::from_str::<SendAttempt>("{}").unwrap_err(), @"not a send record, field send_id: missing or null");
}

#[test]
fn input_other_than_an_array_is_rejected() {
    assert_snapshot!(decode_error(r#"{"error_key": "unauthorized"}"#), @"not a send history: invalid type: map, expected a sequence at line 1 column 0");
    assert_snapshot!(decode_error("null"), @"not a send history: invalid type: null, expected a sequence at line 1 column 4");
    assert_snapshot!(decode_error(""), @"not a send history: the response is empty");
    assert_snapshot!(decode_error("<html>"), @"not a send history: an HTML or XML page instead of JSON");
    assert_snapshot!(decode_error(r#"[{"send_id": 1"#), @"not a send history: the JSON is cut off: EOF while parsing an object at line 1 column 14");
    assert_snapshot!(serde_json::from_str::<SendHistory>(r#"{"a": 1}"#).unwrap_err(), @"not a send history: invalid type: map, expected a sequence at line 1 column 0");
    assert!(
        SendHistory::from_json(br#"[{"send_id": 1"#)
            .unwrap_err()
            .is_cut_off()
    );
    assert!(!SendHistory::from_json(b"<html>").unwrap_err().is_cut_off());
}

#[test]
fn trailing_bytes_are_ignored_and_counted() {
    for after in ["\0", " []", "}", "garbage", "\u{fffd}"] {
        let json = format!("[{{\"send_id\": 1}}]{after}");
        let history = SendHistory::from_json(json.as_bytes()).unwrap();
        assert_eq!(
            (
                history.len(),
                history.unreadable_sends(),
                history.unreadable_values()
            ),
            (1, 0, 1),
            "{json}"
        );
    }
    for after in ["[{\"send_id\": 2}]", ",{\"send_id\": 2}", "{"] {
        let json = format!("[{{\"send_id\": 1}}]{after}");
        let history = SendHistory::from_json(json.as_bytes()).unwrap();
        assert_eq!((history.len(), history.unreadable_sends()), (1, 1), "{json}");
    }
    assert_snapshot!(oddities("[{\"send_id\": 1}]\0"), @"1 read, 0 records and 1 values unreadable: a send history is followed by other bytes");
    assert_snapshot!(oddities("[{\"send_id\": 1}]\r\n "), @"1 read, 0 records and 0 values unreadable: ");
}

#[test]
fn deep_nesting_does_not_overflow_the_stack() {
    let deep = |open: &str, close: &str| open.repeat(100_000) + &close.repeat(100_000);
    for odd in [deep("[", "]"), format!(r#"{{"send_id": {}}}"#, deep("[", "]"))] {
        let history = SendHistory::from_json(format!(r#"[{{"send_id": 1}}, {odd}]"#).as_bytes()).unwrap();
        assert_eq!((history.len(), history.unreadable_sends()), (1, 1));
    }
    assert!(
        SendHistory::from_json("[".repeat(1_000_000).as_bytes())
            .unwrap_err()
            .is_cut_off()
    );
    assert!(
        SendHistory::from_json((r#"[{"send_id":"#.to_owned() + &r#"{"a":"#.repeat(1_000_000)).as_bytes())
            .is_err()
    );
}

#[test]
fn messages_contain_only_a_short_excerpt() {
    let long = serde_json::to_string(&"ä\u{1b}".repeat(100_000)).unwrap();
    for odd in [
        format!(r#"{{"send_id": {long}}}"#),
        format!(r#"{{"send_id": 1, "run_date": {long}}}"#),
        long.clone(),
    ] {
        let text = oddities(format!("[{}]", vec![odd; 5].join(",")));
        assert!(
            text.len() < 1_500 && !text.contains('\u{1b}'),
            "{} bytes: {text}",
            text.len()
        );
    }
    for json in [format!("[{{{long}: nothing}}]"), long] {
        let text = decode_error(json);
        assert!(
            text.len() < 1_500 && !text.contains('\u{1b}'),
            "{} bytes: {text}",
            text.len()
        );
    }
}
