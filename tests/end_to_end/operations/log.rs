//! Structured log, and data that must never be in it.

use std::time::Duration;

use sends_end_to_end::{SandboxProcess, ServiceProcess};
use serde_json::{Value, json};

use super::{break_down, named_query};

fn lines(log: &str) -> Vec<Value> {
    let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}"));
    log.lines().map(parse).collect()
}

async fn ask_as(service: &ServiceProcess, request_id: &str, query: &str) {
    let client = sends_end_to_end::http_client();
    client
        .post(format!("{}/graphql", service.origin()))
        .header("x-request-id", request_id)
        .json(&json!({ "query": query }))
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn every_line_of_a_request_has_its_id_and_a_failure_is_logged_once() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = ServiceProcess::start(
        &["--upstream-url", &sandbox.api_url(), "--rate-per-second", "0"],
        &[
            ("SENDS_ACCESS_TOKEN", SandboxProcess::ACCESS_TOKEN),
            ("RUST_LOG", "info,sends_graphql::sources::access=debug"),
        ],
    );
    let activities = sandbox.activities(1).await;
    break_down(&sandbox).await;
    ask_as(&service, "req-7", &named_query("Watched", &activities)).await;
    let log = service.log_once(|log| log.contains("request completed")).await;

    let of_request: Vec<Value> = lines(&log)
        .into_iter()
        .filter(|line| line["spans"][0]["request_id"] == "req-7")
        .collect();
    assert!(
        of_request
            .iter()
            .all(|line| line["spans"][0]["operation"] == "Watched"),
        "{log}"
    );
    let failures = of_request
        .iter()
        .filter(|line| line["level"] == "WARN" && line["message"].as_str().unwrap().contains("attempts"));
    assert_eq!(failures.count(), 1, "{log}");
    let access = of_request
        .iter()
        .find(|line| line["message"] == "request completed")
        .unwrap();
    assert_eq!(access["outcome"], "partial");
    assert_eq!(access["upstream_calls"], 4);
    assert!(access["duration_ms"].as_f64().unwrap() > 0.0);
}

#[tokio::test]
async fn text_format_can_be_selected() {
    let service = ServiceProcess::start(&["--sandbox", "--log-format", "pretty"], &[]);
    let log = service.log_once(|log| log.contains("listening on")).await;
    assert!(
        log.lines()
            .all(|line| serde_json::from_str::<Value>(line).is_err()),
        "{log}"
    );
}

#[tokio::test]
async fn log_contains_no_secret_at_any_level() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let ours = ServiceProcess::start(
        &["--upstream-url", &sandbox.api_url()],
        &[
            ("SENDS_ACCESS_TOKEN", SandboxProcess::ACCESS_TOKEN),
            ("RUST_LOG", "trace"),
        ],
    );
    let theirs = ServiceProcess::start(
        &["--upstream-url", &sandbox.api_url(), "--caller-tokens"],
        &[("RUST_LOG", "trace")],
    );
    let activities = sandbox.activities(1).await;
    ours.query(&named_query("Quiet", &activities)).await;
    let client = sends_end_to_end::http_client();
    let response = client
        .post(format!("{}/graphql", theirs.origin()))
        .bearer_auth(SandboxProcess::ACCESS_TOKEN)
        .json(&json!({ "query": named_query("Quiet", &activities) }))
        .send();
    assert_eq!(response.await.unwrap().status(), 200);
    for service in [&ours, &theirs] {
        let log = service.log_once(|log| log.contains("request completed")).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(log.contains("Quiet"), "the log mentions the operation: {log}");
        assert!(!service.log().contains(SandboxProcess::ACCESS_TOKEN), "{log}");
    }
}
