//! Known answers beside operations that wait for Constant Contact.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use sends_end_to_end::{SandboxProcess, ServiceProcess};
use serde_json::{Value, json};

use super::scale;

/// How long the slow activities take: longer than the whole test.
const SLOW_MS: u64 = 20_000;

const WORKING: usize = 256;

fn history(activity: &str) -> Value {
    json!({ "query": format!("{{ campaignActivity(id: \"{activity}\") {{ sendHistory {{ sendId count }} }} }}") })
}

/// Asserts that a history was answered. Its status says nothing: a refused document has 200 as well.
fn assert_answered(answer: &Value) {
    assert!(answer.get("errors").is_none(), "{answer}");
    let history = &answer["data"]["campaignActivity"]["sendHistory"];
    assert!(history.is_array(), "{answer}");
}

/// Asks for these and leaves after a while, since they take too long. Waits until all of them have been sent upstream.
async fn asked_in_vain(
    sandbox: &SandboxProcess,
    service: &ServiceProcess,
    activities: &[String],
) -> Vec<tokio::task::JoinHandle<()>> {
    let before = sandbox.requests().await.len();
    let asking = activities.iter().map(|activity| {
        let request = sends_end_to_end::http_client()
            .post(format!("{}/graphql", service.origin()))
            .json(&history(activity));
        tokio::spawn(async move { drop(request.send().await) })
    });
    let asking = asking.collect();
    let deadline = Instant::now() + Duration::from_secs(30);
    let expected = before + activities.len();
    while sandbox.requests().await.len() < expected && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    asking
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn known_histories_are_answered_while_others_wait_for_the_upstream() {
    let _alone = crate::alone().await;
    let sandbox = SandboxProcess::unlimited(&[]);
    let working = scale(8, WORKING);
    let places = working.to_string();
    let service = ServiceProcess::unpaced_on(
        &sandbox,
        &[
            "--max-operations",
            &places,
            "--operation-wait",
            "1",
            "--request-timeout",
            "20",
        ],
    );
    let activities = sandbox.generated_activities(40 + working).await;
    let (known, cold) = activities.split_at(40);
    for activity in known {
        assert_answered(&service.post(&history(activity)).await.1);
    }
    for activity in cold {
        sandbox.slow_down(activity, SLOW_MS).await;
    }
    let waiting = asked_in_vain(&sandbox, &service, cold).await;
    // Different to the last byte from the ones before, so that no kept response answers them.
    let again = known.iter().map(|activity| {
        let mut body = history(activity);
        body["operationName"] = Value::Null;
        let service = &service;
        async move { service.post(&body).await }
    });
    let answers = join_all(again).await;
    let refused = answers.iter().filter(|(status, _)| *status == 503).count();
    eprintln!(
        "{} operations wait; of {} questions about known histories {refused} refused",
        cold.len(),
        known.len()
    );
    let metrics = service.get("/metrics").await.1;
    for task in &waiting {
        task.abort();
    }
    for (status, answer) in &answers {
        assert_eq!(*status, 200, "{answer}");
        assert_answered(answer);
    }
    let taken = format!("sends_bulkhead_in_use{{name=\"waiting_operations\"}} {working}");
    assert!(metrics.contains(&taken), "{metrics}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operation_that_finds_no_place_to_wait_says_so_and_answers_what_is_known() {
    let _alone = crate::alone().await;
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = ServiceProcess::unpaced_on(
        &sandbox,
        &["--max-waiting-operations", "2", "--request-timeout", "20"],
    );
    let activities = sandbox.generated_activities(4).await;
    let (known, cold) = activities.split_at(1);
    assert_answered(&service.post(&history(&known[0])).await.1);
    for activity in cold {
        sandbox.slow_down(activity, SLOW_MS).await;
    }
    let waiting = asked_in_vain(&sandbox, &service, &cold[..2]).await;
    let query = format!(
        "{{ known: campaignActivity(id: \"{}\") {{ sendHistory {{ count }} }} cold: campaignActivity(id: \"{}\") {{ sendHistory {{ count }} }} }}",
        known[0], cold[2]
    );
    let (_, answer) = service.post(&json!({ "query": query })).await;
    let metrics = service.get("/metrics").await.1;
    for task in &waiting {
        task.abort();
    }
    assert!(answer["data"]["known"]["sendHistory"].is_array(), "{answer}");
    let error = &answer["errors"][0];
    assert_eq!(error["extensions"]["code"], "OVERLOADED", "{answer}");
    assert_eq!(error["path"][0], "cold", "{answer}");
    assert!(
        metrics.contains("sends_bulkhead_refused_total{name=\"waiting_operations\"} 1"),
        "{metrics}"
    );
}
