//! Response cache: hits equal uncached responses, and only callers who may read the data receive them.

use std::{os::unix::fs::PermissionsExt, time::Duration};

use sends_end_to_end::{GUIDE_ACTIVITY, SandboxProcess, ServiceProcess};
use serde_json::{Value, json};

use super::{client, post, rejection, send};

/// Number of requests before hits are possible: the first request fetches the history, and the response to the second is cached.
const UNTIL_CACHED: usize = 2;

fn question(fields: &str, max_age: Option<u32>) -> Value {
    let max_age = max_age.map_or_else(String::new, |age| format!(", maxAge: {age}"));
    json!({ "query": format!(r#"query Again {{ campaignActivity(id: "{GUIDE_ACTIVITY}"{max_age}) {{ {fields} }} }}"#) })
}

/// Returns the code and path of an error, which are the same each time.
fn code_and_path(error: &Value) -> Value {
    json!([error["extensions"]["code"], error["path"]])
}

async fn hits(service: &ServiceProcess) -> u64 {
    let (_, metrics) = service.get("/metrics").await;
    let line = metrics
        .lines()
        .find(|line| line.starts_with("sends_response_cache_hits_total "))
        .expect("the metric exists");
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

async fn ask(service: &ServiceProcess, question: &Value) -> Value {
    let (status, response) = service.post(question).await;
    assert_eq!(status, 200, "{response}");
    response
}

#[tokio::test]
async fn hits_equal_uncached_responses_and_are_counted() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let (service, plain) = (
        ServiceProcess::unpaced_on(&sandbox, &[]),
        ServiceProcess::unpaced_on(&sandbox, &["--answer-cache", "0"]),
    );
    let corpus = [
        question(
            "id sendHistory { sendId runDate count outcome reason { name remedy } }",
            None,
        ),
        question(
            "a: sendHistory(first: 1) { id } b: sendHistory(last: 1) { id __typename }",
            None,
        ),
        question(
            "... on CampaignActivity { sendSummary { attemptCount needsAttention } } ...F } } fragment F on CampaignActivity { latestSend { sendId",
            None,
        ),
        question(
            "sendHistoryConnection(first: 1) { totalCount edges { cursor node { sendId } } pageInfo { hasNextPage } }",
            None,
        ),
        question(
            "isStale staleReason x: id @include(if: true) y: id @skip(if: true)",
            None,
        ),
        json!({ "query": "query Q($i: ID!, $n: Boolean!) { campaignActivity(id: $i) { id isStale @skip(if: $n) } }",
                "variables": { "i": GUIDE_ACTIVITY, "n": true } }),
        json!({ "query": "query Q($i: ID!, $n: Boolean!) { campaignActivity(id: $i) { id isStale @skip(if: $n) } }",
                "variables": { "i": GUIDE_ACTIVITY, "n": false } }),
        json!({ "query": "{ campaignActivities(ids: [\"c0de0000-0000-4000-8000-000000000007\", \"no id\"]) { sendHistory { outcome } } }" }),
        json!({ "query": "{ reasonCodes { code name } }" }),
        json!({ "query": "{ campaignActivity(id: \"00000000-0000-4000-8000-000000000000\") { sendHistory { sendId } } }" }),
        json!({ "query": "query A { reasonCodes { code } } query B { reasonCodes { name } }", "operationName": "B" }),
    ];
    for question in &corpus {
        let expected = plain.post(question).await.1;
        for time in 0..5 {
            let response = service.post(question).await.1;
            let without_costs = |response: &Value| {
                let codes: Vec<Value> = response["errors"]
                    .as_array()
                    .map_or_else(Vec::new, |errors| errors.iter().map(code_and_path).collect());
                (response["data"].to_string(), codes)
            };
            assert_eq!(
                without_costs(&response),
                without_costs(&expected),
                "time {time} of {question}"
            );
        }
    }
    // From its second time on, each request is a hit, except the two requests with errors. The first response of the test was not
    // cached, because it fetched the history.
    assert_eq!(hits(&service).await, 4 * (corpus.len() as u64 - 2) - 1);
    assert_eq!(hits(&plain).await, 0);
    let (_, metrics) = service.get("/metrics").await;
    let counted = metrics
        .lines()
        .find(|line| line.starts_with(r#"sends_operations_total{operation="Again",outcome="ok"}"#))
        .expect("the operations are counted");
    assert!(counted.ends_with(" 25"), "{counted}");
}

#[tokio::test]
async fn cached_response_older_than_the_max_age_is_not_reused() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = ServiceProcess::unpaced_on(&sandbox, &[]);
    let now = question("sendHistory { sendId }", Some(0));
    for _ in 0..=UNTIL_CACHED {
        ask(&service, &now).await;
    }
    assert_eq!(sandbox.history_requests().await, UNTIL_CACHED + 1);

    let lately = question("sendHistory { sendId } fetchedAt", Some(2));
    for _ in 0..=UNTIL_CACHED {
        ask(&service, &lately).await;
    }
    assert!(hits(&service).await > 0);
    let appended = json!({ "operation": "append_send", "activity_id": GUIDE_ACTIVITY });
    sandbox.control("POST", "sends", &appended).await;
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    let response = ask(&service, &lately).await;
    let sends = &response["data"]["campaignActivity"]["sendHistory"];
    assert_eq!(sends.as_array().map(Vec::len), Some(3), "{response}");
}

#[tokio::test]
async fn data_fetched_by_another_operation_is_in_the_next_response() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = ServiceProcess::unpaced_on(&sandbox, &[]);
    let whenever = question("sendHistory { sendId }", Some(3_600));
    for _ in 0..=UNTIL_CACHED {
        ask(&service, &whenever).await;
    }
    assert!(hits(&service).await > 0);
    let appended = json!({ "operation": "append_send", "activity_id": GUIDE_ACTIVITY });
    sandbox.control("POST", "sends", &appended).await;
    ask(&service, &question("isStale sendHistory { sendId }", Some(0))).await;
    let response = ask(&service, &whenever).await;
    let sends = &response["data"]["campaignActivity"]["sendHistory"];
    assert_eq!(sends.as_array().map(Vec::len), Some(3), "{response}");
}

#[tokio::test]
async fn response_that_became_stale_is_marked() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = ServiceProcess::unpaced_on(&sandbox, &[]);
    let question = question("isStale", Some(1));
    for _ in 0..=UNTIL_CACHED {
        ask(&service, &question).await;
    }
    sandbox.configure(&json!({ "availability": "closed" })).await;
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    for _ in 0..2 {
        let response = ask(&service, &question).await;
        assert_eq!(
            response["data"]["campaignActivity"]["isStale"], true,
            "{response}"
        );
    }
}

#[tokio::test]
async fn other_tokens_and_revoked_keys_do_not_get_the_cached_response() {
    let sandbox = SandboxProcess::unlimited(&["--access-token", "first-callers-token"]);
    let url = sandbox.api_url();
    let options = [
        "--upstream-url",
        &url,
        "--caller-tokens",
        "--rate-per-second",
        "0",
    ];
    let service = ServiceProcess::start(&options, &[]);
    let question = question("sendHistory { sendId }", None);
    for _ in 0..=UNTIL_CACHED {
        let (_, response) = service.post_as(Some("first-callers-token"), &question).await;
        assert!(response["errors"].is_null(), "{response}");
    }
    assert!(hits(&service).await > 0);
    let (_, response) = service.post_as(Some("first-callers-tokem"), &question).await;
    assert_eq!(
        response["errors"][0]["extensions"]["code"], "UNAUTHENTICATED",
        "{response}"
    );
    assert_eq!(service.post_as(None, &question).await.0, 401);

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys");
    let write = |keys: &str| {
        std::fs::write(&file, keys).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    };
    write("key-of-the-dashboard\nkey-of-the-reports\n");
    let service = super::service(&["--api-key-file", file.to_str().unwrap()]);
    let ask = || {
        post(&service)
            .header("x-api-key", "key-of-the-dashboard")
            .json(&question)
    };
    for _ in 0..=UNTIL_CACHED {
        assert_eq!(send(ask()).await.status(), 200);
    }
    write("key-of-the-reports\n");
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(rejection(ask()).await, (401, "UNAUTHENTICATED".to_owned()));
}

#[tokio::test]
async fn every_header_is_significant_and_every_response_has_its_own_id() {
    let service = super::service(&[]);
    let question = json!({ "query": format!(
        r#"{{ campaignActivity(id: "{GUIDE_ACTIVITY}") {{ id }} reasonCodes {{ name description remedy }} }}"#
    ) });
    let ask = |accept: &str, encoding: &str| {
        client()
            .post(format!("{}/graphql", service.origin()))
            .header("accept", accept)
            .header("accept-encoding", encoding)
            .json(&question)
    };
    let types = ["application/json", "application/graphql-response+json"];
    let mut ids = std::collections::HashSet::new();
    for _ in 0..=UNTIL_CACHED {
        for accept in types {
            for encoding in ["identity", "gzip", "br"] {
                let response = send(ask(accept, encoding)).await;
                let header = |name: &str| {
                    response
                        .headers()
                        .get(name)
                        .map_or("", |value| value.to_str().unwrap())
                        .to_owned()
                };
                assert!(header("content-type").starts_with(accept));
                let expected = if encoding == "identity" { "" } else { encoding };
                assert_eq!(header("content-encoding"), expected);
                assert_eq!(header("x-content-type-options"), "nosniff");
                assert!(ids.insert(header("x-request-id")));
            }
        }
    }
    let named = send(ask("application/json", "identity").header("x-request-id", "mine")).await;
    assert_eq!(named.headers()["x-request-id"], "mine");
}
