//! Honest load beside misuse, over TCP: what misuse may take, and what honest callers still get.
//!
//! Each module is one bound of the service. The counts are small by default, so that the suite is short; `just stress` sets
//! `STRESS=full` for the counts that the bounds are meant for. Assertions are about counts, bytes and statuses; durations are
//! printed, and compared only with durations of the same run, but for that of small answers beside large ones with the full
//! counts.

#![expect(clippy::print_stderr, reason = "the figures are shown with `--nocapture`")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::format_collect, reason = "queries are put together from short pieces")]

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

/// How long anything is waited for.
const PATIENCE: Duration = Duration::from_mins(1);

/// Lets one test run at a time: each measures what the machine has left for honest callers.
async fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::const_new(());
    ALONE.lock().await
}

/// Whether the counts are those that the bounds are meant for.
fn is_full() -> bool {
    std::env::var("STRESS").is_ok_and(|stress| stress == "full")
}

/// A count: the first one, or with `STRESS=full` the second.
fn scale(short: usize, full: usize) -> usize {
    if is_full() { full } else { short }
}

/// Ten activities with ten sends each.
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
    panic!("ten activities that were sent");
}

/// Sends an activity so many times more.
async fn append(sandbox: &SandboxProcess, activity: &str, count: usize) {
    for _ in 0..count {
        let append =
            json!({ "operation": "append_send", "activity_id": activity, "send": { "reason_code": 0 } });
        sandbox.control("POST", "sends", &append).await;
    }
}

/// An operation with an answer of 440 values and more for each of so many activities.
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

/// A small operation about an activity.
fn small(activity: &str) -> Value {
    json!({ "query": format!(r#"{{ campaignActivity(id: "{activity}") {{ sendHistory(first: 2) {{ id outcome }} }} }}"#) })
}

/// A value of `/metrics`, read over a connection of its own, so that the number of the others does not depend on it.
async fn metric(service: &ServiceProcess, name: &str) -> u64 {
    let client = http_client_builder().pool_max_idle_per_host(0).build().unwrap();
    let answer = client.get(format!("{}/metrics", service.origin())).send().await;
    let text = answer.unwrap().text().await.unwrap();
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value
        .and_then(|value| value.parse().ok())
        .unwrap_or_else(|| panic!("{name}: {text}"))
}

/// Waits until no memory is held for answers, nor by operations that wait.
async fn until_all_is_given_back(service: &ServiceProcess) {
    let given_back = async {
        for name in ["large_answers", "small_answers", "waiting_memory"] {
            let metric_name = format!("sends_bulkhead_in_use{{name=\"{name}\"}}");
            while metric(service, &metric_name).await > 0 {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    };
    tokio::time::timeout(PATIENCE, given_back)
        .await
        .expect("the memory of answers is given back");
}
