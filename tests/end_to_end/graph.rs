//! Campaigns, activities, lists, segments, statistics and the account: their responses, and their upstream calls.

mod account;
mod campaigns;
mod drafts;
mod known_campaigns;
mod names;
mod odd_answers;
mod odd_resources;
mod oddities;
mod repeated_sends;
mod same_values;
mod stale;
mod stats;

use std::collections::BTreeMap;

use sends_end_to_end::{SandboxProcess, ServiceProcess};
use serde_json::{Value, json};

/// Counts requests by path, with ids replaced.
async fn costs(sandbox: &SandboxProcess) -> BTreeMap<String, usize> {
    let mut costs = BTreeMap::new();
    for request in sandbox.requests().await {
        assert_eq!(request["method"], "GET", "{request}");
        let path = request["path"].as_str().unwrap();
        let words: Vec<&str> = path
            .trim_start_matches("/v3/")
            .split('/')
            .map(|word| {
                if word.contains('-') || word.parse::<i64>().is_ok() {
                    "*"
                } else {
                    word
                }
            })
            .collect();
        *costs.entry(words.join("/")).or_default() += 1;
    }
    costs
}

fn of<const N: usize>(counts: [(&str, usize); N]) -> BTreeMap<String, usize> {
    counts.map(|(path, count)| (path.to_owned(), count)).into()
}

fn codes(response: &Value) -> Vec<&str> {
    let errors = response["errors"].as_array().map_or(&[][..], Vec::as_slice);
    errors
        .iter()
        .map(|error| error["extensions"]["code"].as_str().unwrap())
        .collect()
}

fn all(response: &Value, key: &str) -> Vec<Value> {
    match response {
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(name, value)| {
                if name == key {
                    vec![value.clone()]
                } else {
                    all(value, key)
                }
            })
            .collect(),
        Value::Array(items) => items.iter().flat_map(|item| all(item, key)).collect(),
        _ => Vec::new(),
    }
}

async fn limited_service(sandbox: &SandboxProcess) -> ServiceProcess {
    let token = sandbox
        .control("POST", "tokens", &json!({ "scopes": ["campaign_data"] }))
        .await;
    let url = sandbox.api_url();
    ServiceProcess::start(
        &[
            "--upstream-url",
            &url,
            "--rate-per-second",
            "0",
            "--rate-per-day",
            "0",
        ],
        &[("SENDS_ACCESS_TOKEN", token["access_token"].as_str().unwrap())],
    )
}
