//! Faults as clients observe them.

use std::error::Error;
use std::io::ErrorKind;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{Visit, guide};

/// Returns the operating system's error at the root of a client's error.
fn io_kind(error: &reqwest::Error) -> Option<ErrorKind> {
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<std::io::Error>() {
            return Some(error.kind());
        }
        source = error.source();
    }
    None
}

async fn struck(fault: Value) -> Visit {
    let visit = Visit::unlimited().await;
    visit.order("faults", fault).await;
    visit
}

#[tokio::test]
async fn status_fault_has_the_configured_body() {
    let visit = Visit::unlimited().await;
    let cases = [
        ("array", 500, "[{\"error_key\""),
        ("object", 500, "{\"error_key\""),
        ("object", 401, "{\"error_key\":\"unauthorized\""),
        ("object", 403, "{\"error_key\":\"access_denied\""),
        ("gateway", 504, "{\"message\":\"Gateway Timeout\"}"),
        ("html", 502, "<html>"),
        ("empty", 503, ""),
        ("cut_off", 500, "[{\"error_key\":\"emails.api.inter"),
    ];
    for (body, status, beginning) in cases {
        visit
            .order(
                "faults",
                json!({"kind": "status", "status": status, "body": body, "count": 1}),
            )
            .await;
        let response = visit.get(&guide()).await;
        assert_eq!(response.status(), status);
        let text = response.text().await.unwrap();
        assert!(text.starts_with(beginning), "{body}: {text}");
        assert_eq!(visit.get(&guide()).await.status(), 200);
    }
}

#[tokio::test]
async fn reset_is_observed_as_a_reset() {
    let visit = struck(json!({"kind": "reset", "count": 1})).await;
    let error = visit.asking(&guide()).send().await.unwrap_err();
    assert_eq!(io_kind(&error), Some(ErrorKind::ConnectionReset), "{error:?}");
    assert_eq!(visit.get(&guide()).await.status(), 200);
}

#[tokio::test]
async fn close_is_observed_as_a_missing_response() {
    let visit = struck(json!({"kind": "close", "count": 1})).await;
    let error = visit.asking(&guide()).send().await.unwrap_err();
    assert!(error.is_request(), "{error:?}");
    assert_ne!(io_kind(&error), Some(ErrorKind::ConnectionReset));
}

#[tokio::test]
async fn stall_exceeds_the_client_timeout() {
    let visit = struck(json!({"kind": "stall", "count": 1})).await;
    let error = visit
        .asking(&guide())
        .timeout(Duration::from_millis(150))
        .send()
        .await
        .unwrap_err();
    assert!(error.is_timeout());
    assert_eq!(visit.get(&guide()).await.status(), 200);
    let log = visit.control("requests").await;
    assert_eq!(log["requests"][0]["status"], Value::Null);
    assert_eq!(log["requests"][0]["fault"], "stall");
    assert_eq!(visit.control("counters").await["in_flight"], 0);
}

#[tokio::test]
async fn cut_off_body_starts_with_200_and_fails() {
    let visit = struck(json!({"kind": "cut_off", "count": 1})).await;
    let response = visit.get(&guide()).await;
    assert_eq!(response.status(), 200);
    assert!(response.content_length().is_some_and(|announced| announced > 100));
    assert!(response.bytes().await.is_err());
}

#[tokio::test]
async fn stalled_body_starts_with_200_and_does_not_end() {
    let visit = struck(json!({"kind": "stalled_body", "count": 1})).await;
    let response = visit
        .asking(&guide())
        .timeout(Duration::from_millis(200))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.bytes().await.unwrap_err().is_timeout());
}

#[tokio::test]
async fn body_can_be_html_or_json_of_another_shape() {
    let visit = struck(json!([{"kind": "not_json", "count": 1}, {"kind": "wrong_shape", "count": 1}])).await;
    let page = visit.get(&guide()).await;
    assert_eq!(page.status(), 200);
    assert_eq!(page.headers()["content-type"], "text/html");
    assert!(page.json::<Value>().await.is_err());
    assert!(visit.json(&guide()).await.is_object());
}

#[tokio::test]
async fn slow_body_arrives_in_pieces() {
    let visit = struck(json!({"kind": "slow_body", "bytes": 100, "delay_ms": 30, "count": 1})).await;
    let started = Instant::now();
    assert_eq!(visit.json(&guide()).await.as_array().unwrap().len(), 2);
    assert!(started.elapsed() >= Duration::from_millis(90));
}

#[tokio::test]
async fn huge_body_is_ten_megabytes_of_json() {
    let visit = struck(json!({"kind": "huge_body", "count": 1})).await;
    let body = visit.get(&guide()).await.bytes().await.unwrap();
    assert!(body.len() >= 10_000_000);
    assert!(serde_json::from_slice::<Vec<Value>>(&body).is_ok());
}

#[tokio::test]
async fn latency_can_affect_a_single_activity() {
    let id = "c0de0000-0000-4000-8000-000000000000";
    let visit = struck(json!({"kind": "latency", "activity_id": id, "delay_ms": 30_000})).await;
    let path = crate::history_of(id);
    tokio::select! {
        biased;
        _ = visit.get(&path) => panic!("the slow response arrived first"),
        other = async { visit.get(&guide()).await } => assert_eq!(other.status(), 200),
    }
}

#[tokio::test]
async fn unavailable_upstream_closes_or_returns_503_and_accepts_control_requests() {
    let visit = Visit::unlimited().await;
    visit.configure(json!({"availability": "closed"})).await;
    assert!(visit.asking(&guide()).send().await.is_err());
    visit.configure(json!({"availability": "unavailable"})).await;
    assert_eq!(visit.get(&guide()).await.status(), 503);
    visit.configure(json!({"availability": "up"})).await;
    assert_eq!(visit.get(&guide()).await.status(), 200);
}

#[tokio::test]
async fn improbable_fault_affects_some_requests() {
    let visit = struck(json!({"kind": "status", "probability": 0.3})).await;
    let mut failed = 0;
    for _ in 0..200 {
        failed += u32::from(visit.get(&guide()).await.status() == 503);
    }
    assert!((30..=90).contains(&failed), "{failed}");
}

#[tokio::test]
async fn misspelt_fault_is_rejected_and_removed_faults_have_no_effect() {
    let visit = struck(json!({"kind": "status"})).await;
    let url = format!("{}/faults", visit.sandbox.control_url());
    let refused = visit
        .client
        .post(&url)
        .json(&json!({"kind": "status", "times": 1}))
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status(), 400);
    assert_eq!(visit.control("faults").await.as_array().unwrap().len(), 1);
    visit.client.delete(&url).send().await.unwrap();
    assert_eq!(visit.get(&guide()).await.status(), 200);
}

#[tokio::test]
async fn latency_affects_every_response() {
    let visit = Visit::unlimited().await;
    visit.configure(json!({"latency_ms": 80, "jitter_ms": 20})).await;
    let started = Instant::now();
    visit.get(&guide()).await;
    assert!(started.elapsed() >= Duration::from_millis(80));
}
