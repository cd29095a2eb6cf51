//! Responses to health probes.

use std::time::{Duration, Instant};

use sends_end_to_end::{SandboxProcess, ServiceProcess};
use serde_json::{Value, json};

use super::{break_down, named_query};

async fn readiness(service: &ServiceProcess) -> (u16, Value) {
    let (status, text) = service.get("/health/ready").await;
    (status, serde_json::from_str(&text).unwrap())
}

#[tokio::test]
async fn working_service_is_live_and_ready_without_upstream_calls() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = ServiceProcess::on(&sandbox, &[]);
    assert_eq!(service.get("/health/live").await.0, 200);
    let (status, report) = readiness(&service).await;
    assert_eq!(status, 200);
    insta::assert_json_snapshot!(report, @r#"
    {
      "reasons": [],
      "status": "ready"
    }
    "#);
    assert!(sandbox.requests().await.is_empty());
}

#[tokio::test]
async fn unavailable_upstream_degrades_the_service_and_keeps_it_ready() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = ServiceProcess::unpaced_on(&sandbox, &["--request-timeout", "5"]);
    let activities = sandbox.activities(12).await;
    break_down(&sandbox).await;
    service.query(&named_query("Failing", &activities)).await;
    let (status, report) = readiness(&service).await;
    assert_eq!((status, &report["status"]), (200, &Value::from("degraded")));
    assert_eq!(report["reasons"][0]["code"], "UPSTREAM_DOWN", "{report}");
}

#[tokio::test]
async fn an_outage_degrades_a_service_with_a_single_reader_until_a_call_succeeds() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = ServiceProcess::unpaced_on(&sandbox, &["--request-timeout", "5"]);
    let activity = sandbox.activities(1).await;
    break_down(&sandbox).await;
    let deadline = Instant::now() + Duration::from_mins(1);
    while sandbox.answered(503).await < 5 {
        assert!(Instant::now() < deadline);
        service.query(&named_query("Single", &activity)).await;
    }
    let (status, report) = readiness(&service).await;
    assert_eq!((status, &report["status"]), (200, &Value::from("degraded")));
    assert_eq!(report["reasons"][0]["code"], "UPSTREAM_DOWN", "{report}");
    assert!(
        service
            .get("/metrics")
            .await
            .1
            .contains("\nsends_upstream_down 1\n")
    );
    let answer = service.query("{ account { timeZone } }").await;
    assert!(answer.get("errors").is_none(), "{answer}");
    let (_, metrics) = service.get("/metrics").await;
    assert!(metrics.contains("\nsends_upstream_down 0\n"), "{metrics}");
}

#[tokio::test]
async fn rejected_token_from_the_environment_is_unready_and_not_sent_again_immediately() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = ServiceProcess::unpaced_on(&sandbox, &[]);
    let activities = sandbox.activities(3).await;
    // The fault affects the call, and the call to another path that confirms its rejection.
    let refusal = json!({ "kind": "status", "status": 401, "body": "object", "count": 2 });
    sandbox.fault(&refusal).await;
    service.query(&named_query("Refused", &activities[..1])).await;
    let (status, report) = readiness(&service).await;
    assert_eq!((status, &report["status"]), (503, &Value::from("unready")));
    assert_eq!(report["reasons"][0]["code"], "LOGIN_REQUIRED", "{report}");
    let message = report["reasons"][0]["message"].as_str().unwrap();
    assert!(
        message.contains("the access token in the environment was rejected at"),
        "{message}"
    );

    let before = sandbox.requests().await.len();
    let response = service.query(&named_query("Again", &activities[1..])).await;
    assert_eq!(
        response["errors"][0]["extensions"]["code"], "UNAUTHENTICATED",
        "{response}"
    );
    assert_eq!(sandbox.requests().await.len(), before);
    // A restart, which is necessary for a new token, resets the state.
    let service = ServiceProcess::unpaced_on(&sandbox, &[]);
    let response = service.query(&named_query("Taken", &activities[..1])).await;
    assert!(response.get("errors").is_none(), "{response}");
    assert_eq!(readiness(&service).await.0, 200);
}

#[tokio::test]
async fn exhausted_day_degrades_the_service() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let options = [
        "--rate-per-second",
        "0",
        "--rate-per-day",
        "2",
        "--rate-reserve",
        "0",
    ];
    let service = ServiceProcess::on(&sandbox, &options);
    let activities = sandbox.activities(3).await;
    service.query(&named_query("Greedy", &activities)).await;
    let (status, report) = readiness(&service).await;
    assert_eq!((status, &report["status"]), (200, &Value::from("degraded")));
    assert_eq!(report["reasons"][0]["code"], "UPSTREAM_PAUSED", "{report}");
}
