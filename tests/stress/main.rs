//! Stress tests over TCP: limits for misuse, and the service for regular callers during it.
//!
//! Each module tests one limit of the service. The counts are small by default; `just stress` sets `STRESS=full` for the full
//! counts. Assertions concern counts, bytes and statuses. Durations are printed, and compared only with durations of the same
//! run, except for small responses during large responses with the full counts.

#![expect(clippy::print_stderr, reason = "the figures are shown with `--nocapture`")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::format_collect, reason = "queries are concatenated from short parts")]

mod answers;
mod clock;
mod disk;
mod ending;
mod floods;
mod lanes;
mod liveness;
mod load;
mod memory;
mod processes;
mod readers;
mod second;
mod sizes;
mod store;
mod waiting;

use std::time::Duration;

use sends_end_to_end::{SandboxProcess, ServiceProcess, http_client_builder};
use serde_json::{Value, json};
use tokio::sync::{Mutex, MutexGuard};

const PATIENCE: Duration = Duration::from_mins(1);

/// Serializes the tests, because each test needs the whole machine for its measurements.
async fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::const_new(());
    ALONE.lock().await
}

fn is_full() -> bool {
    std::env::var("STRESS").is_ok_and(|stress| stress == "full")
}

fn scale(short: usize, full: usize) -> usize {
    if is_full() { full } else { short }
}

async fn ten_times_ten(sandbox: &SandboxProcess) -> Vec<String> {
    let mut chosen = Vec::new();
    for activity in sandbox.generated_activities(60).await {
        let history: Value = serde_json::from_str(&sandbox.history(&activity).await).unwrap();
        let sends = history.as_array().unwrap().len();
        if sends > 0 {
            append(sandbox, &activity, 10 - sends).await;
            chosen.push(activity);
        }
        if chosen.len() == 10 {
            return chosen;
        }
    }
    panic!("the account has fewer than ten sent activities");
}

async fn append(sandbox: &SandboxProcess, activity: &str, count: usize) {
    for _ in 0..count {
        let append =
            json!({ "operation": "append_send", "activity_id": activity, "send": { "reason_code": 0 } });
        sandbox.control("POST", "sends", &append).await;
    }
}

/// Builds an operation whose response has at least 440 values for each of `count` activities.
fn large(activities: &[String], count: usize) -> Value {
    let ids: Vec<_> = activities.iter().cycle().take(count).collect();
    let fields: String = (0..11)
        .map(|index| format!("a{index}:id b{index}:sendId "))
        .collect();
    let query = format!(
        "query($ids:[ID!]!){{campaignActivities(ids:$ids){{x:sendHistory{{{fields}}}y:sendHistory{{{fields}}}}}}}"
    );
    json!({ "query": query, "variables": { "ids": ids } })
}

fn small(activity: &str) -> Value {
    json!({ "query": format!(r#"{{ campaignActivity(id: "{activity}") {{ sendHistory(first: 2) {{ id outcome }} }} }}"#) })
}

/// Reads a value of `/metrics` over a new connection, so that the metric of connections is not affected.
async fn metric(service: &ServiceProcess, name: &str) -> u64 {
    let client = http_client_builder().pool_max_idle_per_host(0).build().unwrap();
    let response = client.get(format!("{}/metrics", service.origin())).send().await;
    let text = response.unwrap().text().await.unwrap();
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value
        .and_then(|value| value.parse().ok())
        .unwrap_or_else(|| panic!("{name}: {text}"))
}

async fn until_memory_is_released(service: &ServiceProcess) {
    let released = async {
        for name in ["large_answers", "small_answers", "waiting_memory"] {
            let metric_name = format!("sends_bulkhead_in_use{{name=\"{name}\"}}");
            while metric(service, &metric_name).await > 0 {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    };
    tokio::time::timeout(PATIENCE, released)
        .await
        .expect("the memory of responses is released");
}
