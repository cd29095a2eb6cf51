//! Shutdown: in order, in time, and with a response to every waiting caller.

use std::time::Duration;

use sends_end_to_end::{SandboxProcess, ServiceProcess};
use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::named_query;

/// Deadline of the shutdown, below the 15 seconds of the slowest response.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(10);

fn address(service: &ServiceProcess) -> String {
    service.origin().trim_start_matches("http://").to_owned()
}

fn query_in_background(service: &ServiceProcess, query: String) -> tokio::task::JoinHandle<Option<Value>> {
    let url = format!("{}/graphql", service.origin());
    tokio::spawn(async move {
        let client = sends_end_to_end::http_client();
        let response = client
            .post(url)
            .json(&json!({ "query": query }))
            .send()
            .await
            .ok()?;
        response.json().await.ok()
    })
}

#[tokio::test]
async fn readiness_ends_first_while_the_service_still_responds() {
    let mut service = ServiceProcess::start(&["--sandbox", "--shutdown-delay", "1"], &[]);
    assert_eq!(service.get("/health/ready").await.0, 200);
    service.signal("TERM");
    service.log_once(|log| log.contains("no longer ready")).await;
    let (status, report) = service.get("/health/ready").await;
    assert_eq!(status, 503);
    assert!(report.contains("SHUTTING_DOWN"), "{report}");
    assert_eq!(service.get("/health/live").await.0, 200);
    let response = service.query("{ reasonCodes { code } }").await;
    assert_eq!(response["data"]["reasonCodes"][0]["code"], 0, "{response}");
    assert_eq!(
        service.exit_code_within(SHUTDOWN_LIMIT).await,
        Some(0),
        "{}",
        service.log()
    );
}

#[tokio::test]
async fn shutdown_drains_operations_accepts_no_connections_and_closes_the_store() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let state = tempfile::tempdir().unwrap();
    let folder = state.path().to_str().unwrap();
    let mut service = ServiceProcess::unpaced_on(&sandbox, &["--state-dir", folder]);
    let activities = sandbox.activities(1).await;
    // The operation and a connection without data both wait.
    sandbox.slow_down(&activities[0], 1_500).await;
    let response = query_in_background(&service, named_query("Slow", &activities));
    sandbox.requests_reach(1).await;
    let _idle = TcpStream::connect(address(&service)).await.unwrap();

    service.signal("INT");
    service
        .log_once(|log| log.contains("shutting down; draining"))
        .await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(TcpStream::connect(address(&service)).await.is_err());
    let response = response.await.unwrap().unwrap();
    assert!(response.get("errors").is_none(), "{response}");
    assert_eq!(
        service.exit_code_within(SHUTDOWN_LIMIT).await,
        Some(0),
        "{}",
        service.log()
    );
    let left: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with("-wal"))
        .collect();
    assert!(left.is_empty(), "the store was not closed: {left:?}");
}

#[tokio::test]
async fn calls_that_wait_beyond_the_grace_period_fail_with_a_clear_error() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let options = ["--rate-per-second", "1", "--grace", "0.5"];
    let mut service = ServiceProcess::on(&sandbox, &options);
    let activities = sandbox.activities(10).await;
    let response = query_in_background(&service, named_query("Queued", &activities));
    sandbox.requests_reach(1).await;

    service.signal("TERM");
    let response = response.await.unwrap().unwrap();
    let errors = response["errors"].as_array().unwrap();
    assert!((7..10).contains(&errors.len()), "{response}");
    for error in errors {
        assert_eq!(error["extensions"]["code"], "SHUTTING_DOWN", "{response}");
        assert_eq!(error["extensions"]["retryAfter"], 1);
    }
    assert_eq!(
        service.exit_code_within(SHUTDOWN_LIMIT).await,
        Some(0),
        "{}",
        service.log()
    );
    assert!(sandbox.requests().await.len() <= 3);
}

#[tokio::test]
async fn second_signal_ends_the_service_immediately() {
    let sandbox = SandboxProcess::unlimited(&["--latency-ms", "15000"]);
    // If there were no second signal, the service would wait for the response.
    let mut service = ServiceProcess::unpaced_on(&sandbox, &["--grace", "60"]);
    let response = query_in_background(&service, named_query("Lost", &sandbox.activities(1).await));
    sandbox.requests_reach(1).await;
    service.signal("TERM");
    service.log_once(|log| log.contains("draining")).await;
    assert_eq!(service.exit_code_within(Duration::from_millis(300)).await, None);
    service.signal("TERM");
    assert_eq!(
        service.exit_code_within(SHUTDOWN_LIMIT).await,
        Some(0),
        "{}",
        service.log()
    );
    assert!(response.await.unwrap().is_none());
}
