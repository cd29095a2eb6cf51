//! Operation of the service: health, metrics, log, traces and shutdown.

mod ending;
mod health;
mod log;
mod metrics;
mod traces;

use sends_end_to_end::SandboxProcess;
use serde_json::json;

fn named_query(name: &str, activities: &[String]) -> String {
    format!(
        "query {name} {{ campaignActivities(ids: {}) {{ latestSend {{ sendId }} }} }}",
        json!(activities)
    )
}

async fn break_down(sandbox: &SandboxProcess) {
    sandbox
        .fault(&json!({ "kind": "status", "status": 503, "path_contains": "/send_history" }))
        .await;
}
