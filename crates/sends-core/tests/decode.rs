//! What is read as a send history, what is tolerated in it, and what is said about everything else.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helper functions too"
)]

use insta::assert_snapshot;
use sends_core::{ListId, ReasonCode, SegmentId, SendAttempt, SendHistory, SendStatus};

/// Reads one record by both doors, which must not differ.
fn read(record: &str) -> SendAttempt {
    let attempt: SendAttempt = serde_json::from_str(record).unwrap();
    let history = SendHistory::from_json(format!("[{record}]").as_bytes()).unwrap();
    assert_eq!(history.sends(), std::slice::from_ref(&attempt));
    attempt
}

fn refusal(json: impl AsRef<[u8]>) -> String {
    let error = SendHistory::from_json(json.as_ref()).unwrap_err();
    assert!(error.to_string().ends_with(error.reason()));
    format!("{} <- {error}", error.path())
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
fn a_list_id_that_is_no_uuid_is_kept() {
    let attempt = read(r#"{"send_id": 1, "contact_list_ids": ["General Interest"]}"#);
    assert_eq!(attempt.contact_list_ids, [ListId::from("General Interest")]);
}

#[test]
fn numbers_may_have_sixty_four_bits() {
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
fn open_values_are_kept_as_they_came() {
    let attempt = read(r#"{"send_id": 1, "send_status": "In Review ", "reason_code": -2147483648}"#);
    assert_eq!(attempt.send_status, Some(SendStatus::Other("In Review ".into())));
    assert_eq!(attempt.reason_code, Some(ReasonCode::new(i32::MIN)));
    assert_eq!(
        read(r#"{"send_id": 1, "send_status": "completed"}"#).send_status,
        Some(SendStatus::Completed)
    );
    assert_eq!(
        read(r#"{"send_id": 1, "send_status": "Errored"}"#).send_status,
        Some(SendStatus::Errored)
    );
}

#[test]
fn a_date_is_normalised_to_utc() {
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
fn unknown_fields_are_passed_over_however_deep() {
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
fn a_send_id_outside_the_documented_range_is_kept() {
    assert_eq!(read(r#"{"send_id": 0}"#).send_id, 0);
    assert_eq!(read(r#"{"send_id": -2147483648}"#).send_id, i32::MIN);
}

#[test]
fn a_record_without_a_send_id_is_named() {
    assert_snapshot!(refusal(r#"[{"send_id": 1}, {"count": 5}]"#), @"[1].send_id <- record 2 of the send history, field send_id: it is missing or null");
    assert_snapshot!(refusal(r#"[{"send_id": null}]"#), @"[0].send_id <- record 1 of the send history, field send_id: it is missing or null");
    assert_snapshot!(serde_json::from_str::<SendAttempt>("{}").unwrap_err(), @"missing field `send_id`");
}

#[test]
fn a_field_of_another_type_is_named() {
    assert_snapshot!(refusal(r#"[{"send_id": "1"}]"#), @r#"[0].send_id <- record 1 of the send history, field send_id: invalid type: string "1", expected i32 at line 1 column 16"#);
    assert_snapshot!(refusal(r#"[{"send_id": 2147483648}]"#), @"[0].send_id <- record 1 of the send history, field send_id: invalid value: integer `2147483648`, expected i32 at line 1 column 23");
    assert_snapshot!(refusal(r#"[{"send_id": 1}, {"send_id": 2, "contact_list_ids": ["a", 7]}]"#), @"[1].contact_list_ids[1] <- record 2 of the send history, field contact_list_ids[1]: invalid type: integer `7`, expected a string at line 1 column 59");
    assert_snapshot!(refusal(r#"[{"send_id": 1, "run_date": "yesterday"}]"#), @r#"[0].run_date <- record 1 of the send history, field run_date: "yesterday" is not an RFC 3339 date-time with its offset at line 1 column 40"#);
    assert_snapshot!(refusal(r#"[{"send_id": 1, "run_date": "2019-04-18T20:03:08"}]"#), @r#"[0].run_date <- record 1 of the send history, field run_date: "2019-04-18T20:03:08" is not an RFC 3339 date-time with its offset at line 1 column 50"#);
    assert_snapshot!(refusal(r#"[{"send_id": 1, "run_date": 1555617788}]"#), @"[0].run_date <- record 1 of the send history, field run_date: invalid type: integer `1555617788`, expected a string at line 1 column 38");
}

#[test]
fn what_is_not_an_array_of_objects_is_said_to_be_none() {
    assert_snapshot!(refusal(r#"{"error_key": "unauthorized"}"#), @". <- not a send history: invalid type: map, expected an array of send records at line 1 column 0");
    assert_snapshot!(refusal("null"), @". <- not a send history: invalid type: null, expected an array of send records at line 1 column 4");
    assert_snapshot!(refusal("[[1]]"), @"[0] <- record 1 of the send history: invalid type: sequence, expected a send record, which is an object at line 1 column 1");
    assert_snapshot!(refusal("[null]"), @"[0] <- record 1 of the send history: invalid type: null, expected a send record, which is an object at line 1 column 5");
}

#[test]
fn what_is_not_json_is_said_to_be_none_with_the_position() {
    assert_snapshot!(refusal(""), @". <- not a send history: the JSON is cut off: EOF while parsing a value at line 1 column 0");
    assert_snapshot!(refusal("<html>"), @". <- not a send history: not valid JSON: expected value at line 1 column 1");
    assert_snapshot!(refusal(r#"[{"send_id": 1"#), @"[0] <- record 1 of the send history: the JSON is cut off: EOF while parsing an object at line 1 column 14");
    assert_snapshot!(refusal(r#"[{"send_id": 1}] []"#), @". <- not a send history: not valid JSON: trailing characters at line 1 column 18");
    assert_snapshot!(refusal(b"[{\"send_status\": \"\xff\"}]"), @"[0].send_status <- record 1 of the send history, field send_status: not valid JSON: invalid unicode code point at line 1 column 19");
}

#[test]
fn nesting_cannot_exhaust_the_stack() {
    assert_snapshot!(refusal("[".repeat(1_000_000)), @"[0] <- record 1 of the send history: invalid type: sequence, expected a send record, which is an object at line 1 column 1");
    assert_snapshot!(refusal(r#"[{"send_id":"#.to_owned() + &r#"{"a":"#.repeat(1_000_000)), @"[0].send_id <- record 1 of the send history, field send_id: invalid type: map, expected i32 at line 1 column 12");
}

#[test]
fn an_error_carries_a_short_excerpt_only() {
    let long = "ä\u{1b}".repeat(100_000);
    for json in [
        format!(r#"[{{"send_id": {}}}]"#, serde_json::to_string(&long).unwrap()),
        format!(
            r#"[{{"send_id": 1, "run_date": {}}}]"#,
            serde_json::to_string(&long).unwrap()
        ),
        format!("[{{{}: nothing}}]", serde_json::to_string(&long).unwrap()),
        serde_json::to_string(&long).unwrap(),
    ] {
        let error = SendHistory::from_json(json.as_bytes()).unwrap_err();
        for text in [error.to_string(), error.path().to_owned(), format!("{error:?}")] {
            assert!(text.len() < 1_500, "{} bytes: {text}", text.len());
            assert!(!text.contains('\u{1b}'), "{text}");
        }
    }
}

#[test]
fn any_format_names_record_and_field() {
    let value = serde_json::json!([{"send_id": 1}, {"send_id": 2, "segment_ids": [1, "x"]}]);
    assert_snapshot!(serde_json::from_value::<SendHistory>(value).unwrap_err(), @r#"record 2 of the send history, field segment_ids[1]: invalid type: string "x", expected i64"#);
    assert_snapshot!(serde_json::from_str::<SendHistory>("[{}]").unwrap_err(), @"record 1 of the send history, field send_id: it is missing or null");
    assert_snapshot!(serde_json::from_str::<SendHistory>(r#"[{"send_id": true}]"#).unwrap_err(), @"record 1 of the send history, field send_id: invalid type: boolean `true`, expected i32 at line 1 column 17");
}
