//! Requests, and the starts of their expected responses.
//!
//! A response is correct if it starts with the data of the upstream's record, in the order of the query. The rest, such as the
//! cost of the operation, is not checked.

use sends_core::{SendAttempt, SendHistory};
use serde_json::{Value, json};

const SEND: &str = "sendId contactListIds segmentIds count runDate sendStatus reasonCode outcome \
                    reason { code name description remedy }";

#[derive(Clone, Debug)]
pub(crate) struct Activity {
    pub(crate) id: String,
    pub(crate) history: SendHistory,
}

impl Activity {
    pub(crate) fn answer(&self) -> String {
        let id = &self.id;
        let sends: Vec<String> = self.history.iter().map(send).collect();
        let sends = sends.join(",");
        format!(r#"{{"data":{{"campaignActivity":{{"id":"{id}","sendHistory":[{sends}]}}}}"#)
    }
}

/// Builds a query with the id in a variable, so that all requests have the same text.
pub(crate) fn with_variable(id: &str) -> Value {
    let query =
        format!("query Sends($id: ID!) {{ campaignActivity(id: $id) {{ id sendHistory {{ {SEND} }} }} }}");
    json!({ "query": query, "variables": { "id": id } })
}

/// Builds a query with the id in its text. The number makes each request unique.
pub(crate) fn in_text(id: &str, number: usize) -> Value {
    json!({ "query": text("Sends", id), "extensions": { "number": number } })
}

/// Builds a query with a unique operation name, so that no document repeats.
pub(crate) fn with_unique_text(id: &str, number: usize) -> Value {
    json!({ "query": text(&format!("Sends{number}"), id) })
}

fn text(name: &str, id: &str) -> String {
    format!(r#"query {name} {{ campaignActivity(id: "{id}") {{ id sendHistory {{ {SEND} }} }} }}"#)
}

fn send(send: &SendAttempt) -> String {
    let reason = send.reason().map(|reason| {
        format!(
            r#"{{"code":{},"name":{},"description":{},"remedy":{}}}"#,
            send.reason_code.map_or(0, sends_core::ReasonCode::get),
            json!(reason.name),
            json!(reason.meaning),
            json!(reason.remedy)
        )
    });
    let ids = |ids: Vec<String>| json!(ids).to_string();
    let fields = [
        ("sendId", json!(send.send_id).to_string()),
        (
            "contactListIds",
            ids(send.contact_list_ids.iter().map(ToString::to_string).collect()),
        ),
        (
            "segmentIds",
            ids(send.segment_ids.iter().map(ToString::to_string).collect()),
        ),
        ("count", json!(send.count).to_string()),
        (
            "runDate",
            json!(send.run_date.map(|date| format!("{date:.3}"))).to_string(),
        ),
        (
            "sendStatus",
            json!(send.send_status.as_deref().map(ToString::to_string)).to_string(),
        ),
        (
            "reasonCode",
            json!(send.reason_code.map(sends_core::ReasonCode::get)).to_string(),
        ),
        ("outcome", json!(send.outcome().as_str()).to_string()),
        ("reason", reason.unwrap_or_else(|| "null".to_owned())),
    ];
    let fields: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!(r#""{name}":{value}"#))
        .collect();
    format!("{{{}}}", fields.join(","))
}
