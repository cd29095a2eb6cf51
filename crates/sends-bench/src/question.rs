//! What is asked, and what the right answer begins with.
//!
//! An answer is right when it begins with the data that the upstream's own record demands, in the order of the query; what
//! the service adds behind it, such as what the operation cost, is left open.

use sends_core::{SendAttempt, SendHistory};
use serde_json::{Value, json};

/// The fields of a send that every question asks for.
const SEND: &str = "sendId contactListIds segmentIds count runDate sendStatus reasonCode outcome \
                    reason { code name description remedy }";

/// One activity, as the upstream tells it.
#[derive(Clone, Debug)]
pub(crate) struct Activity {
    pub(crate) id: String,
    pub(crate) history: SendHistory,
}

impl Activity {
    /// What the body of the right answer begins with.
    pub(crate) fn answer(&self) -> String {
        let id = &self.id;
        let sends: Vec<String> = self.history.iter().map(send).collect();
        let sends = sends.join(",");
        format!(r#"{{"data":{{"campaignActivity":{{"id":"{id}","sendHistory":[{sends}]}}}}"#)
    }
}

/// A question with the id in a variable: every request has the same text.
pub(crate) fn with_variable(id: &str) -> Value {
    let query =
        format!("query Sends($id: ID!) {{ campaignActivity(id: $id) {{ id sendHistory {{ {SEND} }} }} }}");
    json!({ "query": query, "variables": { "id": id } })
}

/// The same question with the id in the text. With the number beside it, no request is another one's equal.
pub(crate) fn in_text(id: &str, number: usize) -> Value {
    json!({ "query": text("Sends", id), "extensions": { "number": number } })
}

/// The same again, in a text that has its own words too: a document like no other.
pub(crate) fn in_its_own_words(id: &str, number: usize) -> Value {
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
