//! Metrics in the Prometheus format.

use sends_end_to_end::{SandboxProcess, ServiceProcess, http_client};
use serde_json::{Value, json};

use super::{break_down, named_query};

/// Returns the lines of the metrics, except histogram buckets, descriptions and times.
async fn counted(service: &ServiceProcess) -> String {
    let (status, text) = service.get("/metrics").await;
    assert_eq!(status, 200);
    let mut lines = String::new();
    for line in text.lines() {
        if !line.starts_with('#') && !line.contains("_bucket") && !line.contains("_sum") {
            lines += line;
            lines.push('\n');
        }
    }
    lines
}

#[tokio::test]
async fn operations_calls_and_responses_are_counted() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = ServiceProcess::on(&sandbox, &["--rate-per-second", "0"]);
    let activities = sandbox.activities(3).await;
    service.query(&named_query("Report", &activities)).await;
    service.query(&named_query("Report", &activities)).await;
    service.query("{ reasonCodes { code } }").await;
    service.query("{ nonsense }").await;
    break_down(&sandbox).await;
    let fresh = format!(
        "query Fresh {{ campaignActivity(id: {}, maxAge: 0) {{ latestSend {{ sendId }} }} }}",
        json!(activities[0])
    );
    service.query(&fresh).await;
    let counted = counted(&service).await;
    for expected in [
        r#"sends_operations_total{operation="Report",outcome="ok"} 2"#,
        r#"sends_operations_total{operation="anonymous",outcome="ok"} 1"#,
        r#"sends_operations_total{operation="anonymous",outcome="refused"} 1"#,
        r#"sends_operation_duration_seconds_count{operation="Report"} 2"#,
        "sends_operations_in_progress 0",
        r#"sends_upstream_requests_total{endpoint="send_history",status="200",failure="none"} 3"#,
        r#"sends_upstream_requests_total{endpoint="send_history",status="503",failure="server_failure"} 4"#,
        r#"sends_upstream_request_duration_seconds_count{endpoint="send_history"} 7"#,
        "sends_pacer_wait_seconds_count 7",
        r#"sends_answers_total{source="upstream"} 3"#,
        r#"sends_answers_total{source="store"} 3"#,
        r#"sends_answers_total{source="stale"} 1"#,
        "sends_budget_used 7",
        "sends_budget_left 9993",
        "sends_queue_length 0",
        "sends_upstream_down 0",
    ] {
        assert!(
            counted.lines().any(|line| line == expected),
            "{expected} is not in\n{counted}"
        );
    }
}

#[tokio::test]
async fn rejected_operations_are_counted_as_rejected_at_every_stage() {
    let service = ServiceProcess::start(&["--sandbox", "--batch-limit", "2"], &[]);
    let post = async |body: Value| {
        let url = format!("{}/graphql", service.origin());
        let response = http_client().post(url).json(&body).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    };
    let unknown =
        json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": "0".repeat(64) } } });
    let (_, response) = post(json!([{ "query": "query Good { __typename }" }, unknown])).await;
    assert!(response.contains("PERSISTED_QUERY_NOT_FOUND"), "{response}");
    let (_, response) = post(json!({ "query": "query Wrong { nothing }" })).await;
    assert!(response.contains("nothing"), "{response}");
    let counted = counted(&service).await;
    for expected in [
        r#"sends_operations_total{operation="Good",outcome="ok"} 1"#,
        r#"sends_operations_total{operation="anonymous",outcome="refused"} 2"#,
        r#"sends_bulkhead_refused_total{name="upstream_calls"} 0"#,
        r#"sends_bulkhead_limit{name="unverified_calls"} 64"#,
    ] {
        assert!(counted.contains(expected), "{expected} is not in\n{counted}");
    }
}

#[tokio::test]
async fn metrics_can_be_disabled() {
    let service = ServiceProcess::start(&["--sandbox", "--metrics=false"], &[]);
    assert_eq!(service.get("/metrics").await.0, 404);
    assert_eq!(service.get("/health/ready").await.0, 200);
}
