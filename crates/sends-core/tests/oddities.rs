//! Isolation of malformed values, each of which may affect only itself or its record. Every malformed variant of every field is
//! tested next to valid records. Combinations are tested at random.

#![allow(clippy::unwrap_used, reason = "tests and their helpers fail by panicking")]

use std::fmt::Debug;

use proptest::prelude::*;
use proptest::sample::Index;
use sends_core::{
    AccountSummary, ActivityDetail, ActivityStats, Campaign, CampaignDetail, CampaignStats, CampaignSummary,
    ContactList, Decoded, FromJson, FromJsonOf as _, NextLink, Page, Privileges, Schedule, Segment,
    SendHistory,
};
use serde_json::{Value, json};

const CAMPAIGN: &str = "cafe1ead-0000-4000-8000-000000000001";
const OTHER_CAMPAIGN: &str = "cafe1ead-0000-4000-8000-000000000002";
const ACTIVITY: &str = "1ead98be-dfa0-4e04-81f7-5f1534d42e9c";
const OTHER_ACTIVITY: &str = "1ead98be-dfa0-4e04-81f7-000000000002";

/// Decodes a history with a malformed field next to a valid record. Returns the encoded value of the field and the numbers of
/// unreadable values and records.
fn send_field(name: &str, odd: &str) -> (Value, usize, usize) {
    let good =
        r#""count": 5, "run_date": "2019-04-18T20:03:08Z", "send_status": "COMPLETED", "reason_code": 0"#;
    let id = if name == "send_id" { "" } else { r#""send_id": 1,"# };
    let json = format!(r#"[{{{id} "{name}": {odd}}}, {{"send_id": 9, {good}}}]"#);
    let history = SendHistory::from_json(json.as_bytes()).unwrap();
    let written = serde_json::to_value(&history).unwrap();
    let sends = written.as_array().unwrap();
    let neighbour: Value = serde_json::from_str(&format!(r#"{{"send_id": 9, {good}}}"#)).unwrap();
    assert_eq!(sends.last(), Some(&neighbour), "{name} {odd}");
    let read = if sends.len() == 2 {
        sends[0].get(name).cloned().unwrap_or_default()
    } else {
        Value::Null
    };
    (read, history.unreadable_values(), history.unreadable_sends())
}

#[test]
fn unambiguous_value_of_a_send_is_read() {
    for (name, odd, read) in [
        ("count", r#""2""#, json!(2)),
        ("count", "2.0", json!(2)),
        ("send_id", r#""2""#, json!(2)),
        ("send_id", "2.0", json!(2)),
        ("reason_code", r#""12""#, json!(12)),
        ("segment_ids", r#"["14", 15.0]"#, json!([14, 15])),
        (
            "run_date",
            r#""2019-04-18T20:03:08.123456789012Z""#,
            json!("2019-04-18T20:03:08.123456789Z"),
        ),
        (
            "run_date",
            r#""2019-04-18 16:03:08-0400""#,
            json!("2019-04-18T20:03:08Z"),
        ),
        ("send_status", r#""Half \ud83d""#, json!("Half \u{fffd}")),
        ("send_status", r#""completed""#, json!("completed")),
    ] {
        assert_eq!(send_field(name, odd), (read, 0, 0), "{name} {odd}");
    }
}

#[test]
fn ambiguous_value_of_a_send_is_omitted_and_counted() {
    for (name, odd, read) in [
        ("run_date", r#""""#, Value::Null),
        ("run_date", r#""2019-04-18T20:03:08""#, Value::Null),
        ("run_date", "1555617788000", Value::Null),
        ("run_date", r#"{"date": "2019-04-18T20:03:08Z"}"#, Value::Null),
        ("count", r#""many""#, Value::Null),
        ("count", "2.5", Value::Null),
        ("count", "true", Value::Null),
        ("count", "1e999", Value::Null),
        ("count", "NaN", Value::Null),
        ("count", "-Infinity", Value::Null),
        ("count", "-1", Value::Null),
        ("run_date", "NaN", Value::Null),
        ("send_status", "Infinity", Value::Null),
        ("segment_ids", "[14, NaN, 15]", json!([14, 15])),
        ("contact_list_ids", r#"["a", NaN]"#, json!(["a"])),
        ("count", "[2]", Value::Null),
        ("count", r#"2, "count": 2"#, Value::Null),
        ("reason_code", "99999999999", Value::Null),
        ("reason_code", "{}", Value::Null),
        ("send_status", "7", Value::Null),
        ("segment_ids", "14", Value::Null),
        ("segment_ids", r#"{"0": 14}"#, Value::Null),
        ("segment_ids", r#"[14, "x", 15]"#, json!([14, 15])),
        (
            "contact_list_ids",
            r#""f4ab800a-5adf-11e9-ba6a-fa163e6b01c1""#,
            Value::Null,
        ),
        ("contact_list_ids", r#"["a", 7, "b"]"#, json!(["a", "b"])),
        ("contact_list_ids", r#"["a", null]"#, json!(["a"])),
    ] {
        assert_eq!(send_field(name, odd), (read, 1, 0), "{name} {odd}");
    }
    // Member names are case-sensitive.
    assert_eq!(send_field("Count", "2"), (Value::Null, 0, 0));
}

#[test]
fn send_without_a_readable_number_is_omitted_and_counted() {
    for odd in [
        "null",
        r#""""#,
        r#""one""#,
        "1.5",
        "2147483648",
        "true",
        "NaN",
        "[1]",
        "{}",
    ] {
        assert_eq!(send_field("send_id", odd), (Value::Null, 0, 1), "{odd}");
    }
}

#[test]
fn malformed_value_of_a_listed_record_affects_only_itself() {
    let campaigns = |odd: &str| {
        let json = format!(
            r#"{{"campaigns": [{{"campaign_id": "{CAMPAIGN}", {odd}}}, {{"campaign_id": "{OTHER_CAMPAIGN}", "name": "Good"}}]}}"#
        );
        let decoded = Page::<Campaign>::decode(json.as_bytes()).unwrap();
        let [campaign, good] = <[Campaign; 2]>::try_from(decoded.value.records).unwrap();
        assert_eq!(good.name.as_deref(), Some("Good"));
        (campaign, decoded.oddities.values)
    };
    let (campaign, odd) = campaigns(r#""created_at": "", "updated_at": "2019-04-18T20:03:08Z""#);
    assert_eq!(
        (campaign.created_at, campaign.updated_at.is_some(), odd),
        (None, true, 1)
    );
    let (campaign, odd) = campaigns(r#""name": "Sale \ud83d now", "type_code": "10", "type": "NEWSLETTER""#);
    assert_eq!(
        (campaign.name.as_deref(), campaign.type_code, odd),
        (Some("Sale \u{fffd} now"), Some(10), 0)
    );
    let (campaign, odd) =
        campaigns(r#""name": {"en": "Sale"}, "type_code": 99999999999, "current_status": true"#);
    assert_eq!(
        (campaign.name, campaign.type_code, campaign.status, odd),
        (None, None, None, 3)
    );

    let (campaign, odd) = campaigns(r#""name": NaN, "type_code": Infinity, "type": "NaN""#);
    assert_eq!(
        (
            campaign.name,
            campaign.type_code,
            campaign.campaign_type.as_deref(),
            odd
        ),
        (None, None, Some("NaN"), 2)
    );

    let lists = |odd: &str| {
        let json = format!(r#"{{"lists": [{{"list_id": "l", "name": "L", {odd}}}]}}"#);
        let decoded = Page::<ContactList>::decode(json.as_bytes()).unwrap();
        (
            decoded.value.records.into_iter().next().unwrap(),
            decoded.oddities.values,
        )
    };
    for (deleted_at, is_deleted, odd) in [
        (r#""2019-04-18T20:03:08Z""#, Some(true), 0),
        ("null", Some(false), 0),
        (r#""""#, Some(false), 1),
        (r#""last week""#, None, 1),
        ("1555617788", None, 1),
    ] {
        let (list, values) = lists(&format!(r#""deleted_at": {deleted_at}"#));
        assert_eq!(
            (list.is_deleted, values, list.name.as_deref()),
            (is_deleted, odd, Some("L")),
            "{deleted_at}"
        );
        assert_eq!(list.deleted_at.is_some(), is_deleted == Some(true));
    }
    let (list, odd) = lists(r#""favorite": NaN, "membership_count": -1"#);
    assert_eq!((list.favorite, list.membership_count, odd), (None, None, 2));
    let (list, odd) = lists(r#""favorite": "true", "membership_count": "327""#);
    assert_eq!((list.favorite, list.membership_count, odd), (None, Some(327), 1));
}

#[test]
fn invalid_bytes_and_control_characters_in_a_name_are_replaced() {
    let json = [
        b"\xef\xbb\xbf{\"campaigns\": [{\"campaign_id\": \"".as_slice(),
        CAMPAIGN.as_bytes(),
        b"\", \"name\": \"A\xffB\x01C\nD\", \"type\": \"NEWSLETTER\"}]}",
    ]
    .concat();
    let decoded = Page::<Campaign>::decode(&json).unwrap();
    let campaign = &decoded.value.records[0];
    assert_eq!(campaign.name.as_deref(), Some("A\u{fffd}B\u{fffd}C\u{fffd}D"));
    assert_eq!(
        (campaign.campaign_type.as_deref(), decoded.value.unreadable),
        (Some("NEWSLETTER"), 0)
    );
}

#[test]
fn malformed_activity_of_a_campaign_is_omitted_and_counted() {
    for odd in [
        "{}",
        r#"{"campaign_activity_id": "82ee2c37-c8f8-4974-9560-ef93ad51d58z"}"#,
        "null",
        "[]",
    ] {
        let json = format!(
            r#"{{"campaign_id": "{CAMPAIGN}", "name": "N", "campaign_activities": [{odd}, {{"campaign_activity_id": "{ACTIVITY}", "role": "Resend"}}]}}"#
        );
        let detail = CampaignDetail::decode_of(CAMPAIGN.parse().unwrap(), json.as_bytes())
            .unwrap()
            .value;
        assert_eq!(
            (detail.activities.len(), detail.unreadable_activities),
            (1, 1),
            "{odd}"
        );
        assert_eq!(detail.activities[0].role.as_ref().unwrap().verbatim(), "Resend");
        assert_eq!(detail.campaign.name.as_deref(), Some("N"));
    }
}

#[test]
fn missing_activity_list_differs_from_an_empty_list() {
    for (list, unreadable) in [
        (r#", "campaign_activities": []"#, 0),
        (r#", "campaign_activities": null"#, 1),
        (r#", "campaign_activities": 7"#, 1),
        (r#", "campaign_activities": {}"#, 1),
        ("", 1),
    ] {
        let json = format!(r#"{{"campaign_id": "{CAMPAIGN}"{list}}}"#);
        let detail = CampaignDetail::decode_of(CAMPAIGN.parse().unwrap(), json.as_bytes());
        let detail = detail.unwrap().value;
        assert_eq!(
            (detail.activities.len(), detail.unreadable_activities),
            (0, unreadable),
            "{list}"
        );
    }
}

#[test]
fn malformed_statistics_affect_only_themselves() {
    let read = |odd: &str| {
        let json = format!(
            r#"{{"results": [{{"campaign_activity_id": "{ACTIVITY}", {odd}}}, {{"campaign_activity_id": "{OTHER_ACTIVITY}", "stats": {{"em_sends": 7}}}}]}}"#
        );
        let decoded = Page::<ActivityStats>::decode(json.as_bytes()).unwrap();
        let [odd, good] = <[ActivityStats; 2]>::try_from(decoded.value.records).unwrap();
        assert_eq!(good.stats.sends, Some(7));
        (odd, decoded.oddities.values)
    };
    let (stats, odd) =
        read(r#""last_refresh_time": "never", "stats": {"em_sends": "3000000000", "em_opens.all": []}"#);
    assert_eq!(
        (
            stats.last_refresh_time,
            stats.stats.sends,
            stats.stats.opens_all,
            odd
        ),
        (None, Some(3_000_000_000), None, 2)
    );
    let (stats, odd) = read(
        r#""stats": {"em_opens.all": 5, "em_opens_all": null, "em_clicks.all": 5, "em_clicks_all": "5"}"#,
    );
    assert_eq!(
        (stats.stats.opens_all, stats.stats.clicks_all, odd),
        (Some(5), Some(5), 0)
    );
    let (stats, odd) = read(
        r#""stats": {"em_opens.all": 5, "em_opens_all": 6, "em_sends": 1, "em_sends": 1, "em_clicks": 2}"#,
    );
    assert_eq!(
        (stats.stats.opens_all, stats.stats.sends, stats.stats.clicks, odd),
        (None, None, Some(2), 2)
    );
    let (stats, odd) = read(r#""stats": {"em_sends": -15, "em_opens": NaN, "em_clicks": 0}"#);
    assert_eq!(
        (stats.stats.sends, stats.stats.opens, stats.stats.clicks, odd),
        (None, None, Some(0), 2)
    );
    for without in [
        r#""stats": [1]"#,
        r#""stats": null"#,
        r#""stats": NaN"#,
        r#""campaign_id": null"#,
    ] {
        let (stats, odd) = read(without);
        assert_eq!((stats.unreadable_values, odd), (1, 1), "{without}");
    }
}

#[test]
fn schedule_entry_without_a_readable_date_is_counted() {
    let json = br#"[{"scheduled_date": ""}, {"scheduled_date": "2022-05-17T16:37:59.091Z"}, {}]"#;
    let decoded = Schedule::decode(json).unwrap();
    assert_eq!((decoded.value.0.len(), decoded.oddities.values), (1, 2));
}

#[test]
fn trailing_bytes_are_counted_and_change_no_value() {
    for (model, read) in MODELS {
        let json = model().to_string();
        let whole = read(json.as_bytes()).unwrap();
        let followed = read((json + "\0]").as_bytes()).unwrap();
        assert_eq!(followed.lines().count(), whole.lines().count(), "{followed}");
        // The model's own count of unreadable values is one higher.
        let differing = whole
            .lines()
            .zip(followed.lines())
            .filter(|(one, other)| one != other);
        assert!(differing.count() <= 1, "{followed}");
    }
    let page = Page::<Campaign>::decode((campaigns().to_string() + "\0").as_bytes()).unwrap();
    assert_eq!((page.value.unreadable, page.oddities.values), (0, 1));
}

#[test]
fn bare_array_of_records_is_the_last_page() {
    let bare = campaigns()["campaigns"].to_string();
    let page = Page::<Campaign>::from_json(bare.as_bytes()).unwrap();
    assert_eq!((page.records.len(), page.unreadable), (2, 0));
    assert_eq!(page.next, NextLink::None);
    let page = Page::<Campaign>::from_json(bare.replacen('{', "{}, {", 1).as_bytes()).unwrap();
    assert_eq!((page.records.len(), page.unreadable), (2, 1));
    // An error response is an array as well.
    for other in ["[]", r#"[{"error_key": "x", "error_message": "y"}]"#] {
        assert!(Page::<Campaign>::from_json(other.as_bytes()).is_err(), "{other}");
    }
}

#[test]
fn page_without_its_list_differs_from_a_page_with_an_unreadable_record() {
    for (json, unreadable, lacks_list) in [
        (r#"{"campaigns": []}"#, 0, false),
        (r#"{"campaigns": [{}]}"#, 1, false),
        (r#"{"campaigns": null}"#, 1, true),
        (r#"{"campaigns": {}}"#, 1, true),
        ("{}", 1, true),
    ] {
        let page = Page::<Campaign>::from_json(json.as_bytes()).unwrap();
        assert_eq!(
            (page.unreadable, page.lacks_list),
            (unreadable, lacks_list),
            "{json}"
        );
    }
}

/// Path of a value within a document.
type Place = Vec<String>;

/// Collects the paths of all values within the document.
fn places(value: &Value, at: &Place, found: &mut Vec<Place>) {
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(members) => members.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(elements) => elements
            .iter()
            .enumerate()
            .map(|(index, value)| (index.to_string(), value))
            .collect(),
        _ => Vec::new(),
    };
    for (step, value) in inner {
        let place = [&at[..], &[step]].concat();
        found.push(place.clone());
        places(value, &place, found);
    }
}

fn pointer(place: &Place) -> String {
    place.iter().flat_map(|step| ["/", step]).collect()
}

/// Generates a replacement for a value.
fn any_odd_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        Just(json!("")),
        Just(json!("2019-04-18T20:03:08")),
        Just(json!([])),
        Just(json!({})),
        Just(json!(["a", 1])),
        Just(json!({"a": {"b": []}})),
        "\\PC*".prop_map(Into::into),
    ]
}

/// Replaces one value of the document by means of a unique marker.
fn with_oddity(document: &Value, place: &Place, odd: &Value, kind: usize) -> Vec<u8> {
    let mut document = document.clone();
    let marker = "\u{1}odd\u{1}";
    *document.pointer_mut(&pointer(place)).unwrap() = marker.into();
    let quoted = serde_json::to_string(marker).unwrap();
    let odd = match kind {
        0 => odd.to_string().into_bytes(),
        // JSON that `Value` cannot represent.
        1 => b"1e999".to_vec(),
        2 => br#""\ud83d""#.to_vec(),
        3 => b"\"\xff\x02\"".to_vec(),
        _ => b"[[[[[[[[1]]]]]]]]".to_vec(),
    };
    let text = serde_json::to_string(&document).unwrap();
    let (before, after) = text.split_once(&quoted).unwrap();
    [before.as_bytes(), &odd, after.as_bytes()].concat()
}

fn history() -> Value {
    json!([
        {"send_id": 1, "contact_list_ids": ["a", "b"], "count": 2, "run_date": "2019-04-18T20:03:08.000Z", "send_status": "COMPLETED", "reason_code": 0},
        {"send_id": 2, "segment_ids": [14, 15], "count": 0, "run_date": "2019-05-07T14:42:57.000Z", "send_status": "Completed", "reason_code": 12},
        {"send_id": 3, "contact_lists_ids": ["c"], "send_status": "ERRORED", "reason_code": 7}
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn malformed_value_in_a_history_affects_only_itself(place: Index, odd in any_odd_value(), kind in 0_usize..8) {
        let document = history();
        let mut all = Vec::new();
        places(&document, &Vec::new(), &mut all);
        let place = place.get(&all);
        let json = with_oddity(&document, place, &odd, kind.saturating_sub(3));
        let read = SendHistory::from_json(&json).unwrap();
        prop_assert!(read.unreadable_sends() <= 1);
        let good: SendHistory = serde_json::from_value(document).unwrap();
        let odd_index: usize = place[0].parse().unwrap();
        for (index, expected) in good.iter().enumerate() {
            let number = expected.send_id;
            if index != odd_index {
                prop_assert!(read.sends().contains(expected), "{}", String::from_utf8_lossy(&json));
                continue;
            }
            // The other values of the malformed record must be unchanged.
            let affects_number = place.get(1).is_none_or(|field| field == "send_id");
            let found = read.iter().find(|send| send.send_id == number);
            prop_assert!(affects_number || found.is_some());
            if let (Some(found), Some(field)) = (found, place.get(1)) && !affects_number {
                let written = |send| match serde_json::to_value(send).unwrap() {
                    Value::Object(mut members) => {
                        // The encoder writes both spellings of the list field as one member.
                        members.remove(field.replace("lists", "list").as_str());
                        members
                    }
                    _ => unreachable!("a record is an object"),
                };
                prop_assert_eq!(written(found), written(expected));
            }
        }
    }

    #[test]
    fn malformed_value_in_any_other_response_affects_only_itself(model in 0..MODELS.len(), place: Index, odd in any_odd_value(), kind in 0_usize..8) {
        let (document, read) = MODELS[model];
        let document = document();
        let mut all = Vec::new();
        places(&document, &Vec::new(), &mut all);
        let place = place.get(&all);
        let json = with_oddity(&document, place, &odd, kind.saturating_sub(3));
        let good = read(&serde_json::to_vec(&document).unwrap()).unwrap();
        let Ok(read) = read(&json) else {
            // Decoding fails only if the response has another id than the request.
            prop_assert!(place.len() == 1 && place[0].ends_with("_id"), "{}", String::from_utf8_lossy(&json));
            return Ok(());
        };
        let (good, read) = (without_counts(&good), without_counts(&read));
        // The text before and after the malformed value is unchanged, so the difference is a single run of lines.
        let same_before = good.iter().zip(&read).take_while(|(one, other)| one == other).count();
        let same_after = good.iter().rev().zip(read.iter().rev()).take_while(|(one, other)| one == other).count();
        // A record without its id is omitted.
        let is_id = place.last().is_some_and(|field| field.ends_with("_id") || field.ends_with("_name"));
        let lost = if is_id { &place[..place.len() - 1] } else { &place[..] }.to_vec();
        let differing = good.len().saturating_sub(same_before + same_after);
        prop_assert!(differing <= lines_of(document.pointer(&pointer(&lost)).unwrap()), "{differing} lines differ for {}", String::from_utf8_lossy(&json));
    }
}

/// Returns the lines of a model's debug text without the counts of unreadable values. A count is a number, or a list with one
/// number per record of a page.
fn without_counts(debug: &str) -> Vec<&str> {
    let mut is_in_list = false;
    let is_relevant = |line: &&str| {
        let line = line.trim();
        if is_in_list {
            is_in_list = !line.starts_with(']');
            return false;
        }
        let is_count = line.starts_with("unreadable");
        is_in_list = is_count && line.ends_with('[');
        !is_count
    };
    debug.lines().filter(is_relevant).collect()
}

/// Returns the maximum number of lines of debug text for a value.
fn lines_of(value: &Value) -> usize {
    match value {
        Value::Array(elements) => elements.iter().map(lines_of).sum::<usize>() + 40,
        // A record has up to three lines per possible field.
        Value::Object(members) => members.values().map(lines_of).sum::<usize>() + 80,
        _ => 8,
    }
}

type Model = (fn() -> Value, fn(&[u8]) -> Result<String, String>);

fn shown<T: Debug>(decoded: Result<Decoded<T>, sends_core::DecodeError>) -> Result<String, String> {
    decoded
        .map(|decoded| format!("{:#?}", decoded.value))
        .map_err(|error| error.to_string())
}

const MODELS: &[Model] = &[
    (campaigns, |json| shown(Page::<Campaign>::decode(json))),
    (summaries, |json| shown(Page::<CampaignSummary>::decode(json))),
    (lists, |json| shown(Page::<ContactList>::decode(json))),
    (segments, |json| shown(Page::<Segment>::decode(json))),
    (activity_stats, |json| shown(Page::<ActivityStats>::decode(json))),
    (campaign_stats, |json| shown(Page::<CampaignStats>::decode(json))),
    (campaign, |json| {
        shown(CampaignDetail::decode_of(CAMPAIGN.parse().unwrap(), json))
    }),
    (activity, |json| {
        shown(ActivityDetail::decode_of(ACTIVITY.parse().unwrap(), json))
    }),
    (schedule, |json| shown(Schedule::decode(json))),
    (account, |json| shown(AccountSummary::decode(json))),
    (privileges, |json| shown(Privileges::decode(json))),
];

fn campaigns() -> Value {
    json!({
        "campaigns": [
            {"campaign_id": CAMPAIGN, "created_at": "2018-02-06T22:09:15.000Z", "updated_at": "2018-02-06T22:09:15.000Z", "current_status": "Done", "name": "December", "type": "NEWSLETTER", "type_code": 10},
            {"campaign_id": OTHER_CAMPAIGN, "created_at": "2018-02-07T22:09:15.000Z", "current_status": "Draft", "name": "January", "type_code": 11}
        ],
        "_links": {"next": {"href": "/v3/emails?limit=50&cursor=bGltaXQ9"}}
    })
}

fn summaries() -> Value {
    let summary = |id, sends| json!({"campaign_id": id, "campaign_type": "Newsletter", "last_sent_date": "2022-04-25T11:08:00.000Z", "unique_counts": {"sends": sends, "opens": "1672", "clicks": 256}});
    json!({"bulk_email_campaign_summaries": [summary(CAMPAIGN, 3129), summary(OTHER_CAMPAIGN, 12)], "_links": {"next": {"href": null}}})
}

fn lists() -> Value {
    let list = |id| json!({"list_id": id, "name": "Purchases", "description": "All", "favorite": false, "created_at": "2016-03-03T10:56:29-05:00", "updated_at": "2016-03-03T10:56:29-05:00", "deleted_at": "2017-03-03T10:56:29-05:00", "membership_count": 327});
    json!({"lists": [list("a"), list("b")], "_links": {}})
}

fn segments() -> Value {
    let segment = |id| json!({"segment_id": id, "name": "Lapsed", "created_at": "2016-03-03T10:56:29-05:00", "edited_at": "2016-03-03T10:56:29-05:00"});
    json!({"segments": [segment(14), segment(15)], "_links": {"next": {"href": "/v3/segments?cursor=x"}}})
}

fn activity_stats() -> Value {
    let stats = |id| json!({"campaign_id": CAMPAIGN, "campaign_activity_id": id, "last_refresh_time": "2020-09-24T16:26:56.000Z", "stats": {"em_sends": 15, "em_opens": 6, "em_opens.all.mobile": "2"}});
    json!({"errors": [], "results": [stats(ACTIVITY), stats(OTHER_ACTIVITY)]})
}

fn campaign_stats() -> Value {
    let stats = |id| json!({"campaign_id": id, "last_refresh_time": "2020-09-24T16:26:56.000Z", "stats": {"em_sends": 15, "em_bounces_vacation": 6}});
    json!({"errors": [], "results": [stats(CAMPAIGN), stats(OTHER_CAMPAIGN)]})
}

fn campaign() -> Value {
    json!({
        "campaign_id": CAMPAIGN, "name": "December", "current_status": "Done", "type": "NEWSLETTER", "type_code": 10, "updated_at": "2018-02-06T22:09:15.000Z",
        "campaign_activities": [{"campaign_activity_id": ACTIVITY, "role": "primary_email"}, {"campaign_activity_id": OTHER_ACTIVITY, "role": "permalink"}]
    })
}

fn activity() -> Value {
    json!({
        "campaign_activity_id": ACTIVITY, "campaign_id": CAMPAIGN, "role": "primary_email", "contact_list_ids": ["a", "b"], "segment_ids": [14],
        "current_status": "DONE", "format_type": 5, "from_email": "a@example.com", "from_name": "A", "reply_to_email": "a@example.com", "subject": "Holiday", "preheader": "Soon"
    })
}

fn schedule() -> Value {
    json!([{"scheduled_date": "2022-05-17T16:37:59.091Z"}, {"scheduled_date": "2023-05-17T16:37:59.091Z"}])
}

fn account() -> Value {
    json!({"encoded_account_id": "p07e1l", "organization_name": "A & B", "time_zone_id": "US/Eastern"})
}

fn privileges() -> Value {
    json!([{"privilege_id": 30, "privilege_name": "campaign:create"}, {"privilege_id": 31, "privilege_name": "campaign:read"}])
}
