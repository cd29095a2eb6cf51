//! Checks that the response to an example query contains data wherever the example promises data.

use serde_json::{Map, Value};

/// Statuses of unsent campaigns. Only for these campaigns, `latestSend` and `stats` are null.
const NOT_SENT: [&str; 2] = ["SCHEDULED", "DRAFT"];

/// Pairs of lists, one of which is empty because an email goes either to lists or to segments.
const AUDIENCES: [[&str; 2]; 2] = [["contactLists", "segments"], ["contactListIds", "segmentIds"]];

/// Panics, and reports every path of the response that shows no data: an error, a null, an empty list or string, a count of zero,
/// or an incomplete log.
#[track_caller]
pub(crate) fn assert_shows_something(query: &str, response: &Value) {
    assert!(response.get("errors").is_none(), "{query}\n{response}");
    let mut gaps = Vec::new();
    walk(&response["data"], "data", false, &mut gaps);
    assert!(
        gaps.is_empty(),
        "{query}\nshows nothing at {gaps:#?}\n{response:#}"
    );
}

fn walk(value: &Value, path: &str, not_sent: bool, gaps: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            let status = fields.get("status").and_then(Value::as_str);
            let not_sent = status.map_or(not_sent, |status| NOT_SENT.contains(&status));
            for (name, value) in fields {
                if !is_meant(fields, name, value, not_sent) {
                    walk(value, &format!("{path}.{name}"), not_sent, gaps);
                }
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (place, item) in items.iter().enumerate() {
                walk(item, &format!("{path}[{place}]"), not_sent, gaps);
            }
        }
        Value::Array(_) | Value::Null => gaps.push(path.to_owned()),
        Value::String(text) if text.is_empty() => gaps.push(path.to_owned()),
        Value::Number(count) if path.ends_with(".totalCount") && count.as_u64() == Some(0) => {
            gaps.push(path.to_owned());
        }
        Value::Bool(false) if path.ends_with(".isComplete") => gaps.push(path.to_owned()),
        Value::String(_) | Value::Number(_) | Value::Bool(_) => {}
    }
}

fn is_meant(fields: &Map<String, Value>, name: &str, value: &Value, not_sent: bool) -> bool {
    let is_empty = |value: &Value| value.as_array().is_some_and(Vec::is_empty);
    let other = AUDIENCES.iter().find_map(|pair| {
        let place = pair.iter().position(|one| *one == name)?;
        fields.get(pair[1 - place])
    });
    let is_of_the_other_kind = is_empty(value) && other.is_some_and(|other| !is_empty(other));
    let was_never_sent = matches!(name, "latestSend" | "stats") && value.is_null() && not_sent;
    is_of_the_other_kind || was_never_sent
}

#[test]
fn paths_without_data_are_found() {
    let response = serde_json::json!({ "data": {
        "sends": { "totalCount": 0, "nodes": [], "coverage": { "isComplete": false } },
        "campaigns": [
            { "status": "DRAFT", "latestSend": null, "stats": null, "name": null },
            { "status": "DONE", "latestSend": null, "stats": null },
            { "contactLists": [], "segments": [{ "name": "" }] },
            { "contactLists": [] },
        ],
    } });
    let mut gaps = Vec::new();
    walk(&response["data"], "data", false, &mut gaps);
    gaps.sort();
    assert_eq!(
        gaps,
        [
            "data.campaigns[0].name",
            "data.campaigns[1].latestSend",
            "data.campaigns[1].stats",
            "data.campaigns[2].segments[0].name",
            "data.campaigns[3].contactLists",
            "data.sends.coverage.isComplete",
            "data.sends.nodes",
            "data.sends.totalCount",
        ]
    );
}
