//! From campaigns to activities, lists, segments, statistics and the account: what is answered, and what each part of it
//! costs, read from the sandbox's own log.

mod campaigns;
mod names;
mod stats;

use std::collections::BTreeMap;

use sends_end_to_end::SandboxProcess;
use serde_json::Value;

/// How many requests went to each kind of path. Ids are left out.
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

fn codes(answer: &Value) -> Vec<&str> {
    let errors = answer["errors"].as_array().map_or(&[][..], Vec::as_slice);
    errors
        .iter()
        .map(|error| error["extensions"]["code"].as_str().unwrap())
        .collect()
}
