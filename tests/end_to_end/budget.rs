//! Upstream rate limits, which the sandbox enforces: calls that are sent, queued and cancelled.

use std::{fs, time::Duration};

use futures_util::future::join_all;
use sends_end_to_end::{GUIDE_ACTIVITY, SandboxProcess, ServiceProcess, http_client};
use serde_json::{Value, json};
use tokio::time::sleep;

fn codes(response: &Value) -> Vec<&str> {
    let errors = response["errors"].as_array().map_or(&[][..], Vec::as_slice);
    errors
        .iter()
        .map(|error| error["extensions"]["code"].as_str().unwrap())
        .collect()
}

fn answered(response: &Value) -> usize {
    let listed = response["data"]["campaignActivities"].as_array().unwrap();
    listed
        .iter()
        .filter(|activity| !activity["sendSummary"].is_null())
        .count()
}

#[tokio::test]
async fn query_for_two_hundred_activities_does_not_delay_another_query() {
    let sandbox = SandboxProcess::start(&[]);
    let service = ServiceProcess::on(&sandbox, &[]);
    let mut activities = sandbox.activities(201).await;
    let other = activities.remove(0);
    let all = service.summaries(&activities, 60);
    let one = async {
        sleep(Duration::from_secs(2)).await;
        let before = sandbox.requests().await.len();
        let response = service.activity(&other, 60).await;
        let requests = sandbox.requests().await;
        let is_its_own = |request: &Value| request["path"].as_str().unwrap().contains(&other);
        (response, requests.iter().position(is_its_own).unwrap() - before)
    };
    tokio::select! {
        _ = all => panic!("two hundred calls take at least fifty seconds"),
        (response, ahead) = one => {
            assert_eq!(response["data"]["campaignActivity"]["isStale"], false, "{response}");
            // The calls of one second are already in flight, and the pacer alternates between the operations.
            assert!(ahead <= 6, "{ahead} calls of the large query were sent first");
        }
    }
}

#[tokio::test]
async fn incomplete_operation_reports_its_retry_time_and_a_retry_makes_progress() {
    let sandbox = SandboxProcess::start(&[]);
    let activities = sandbox.activities(24).await;
    let service = ServiceProcess::on(&sandbox, &["--request-timeout", "3"]);
    let mut before = 0;
    for round in 1.. {
        let response = service.summaries(&activities, 60).await;
        let arrived = answered(&response);
        // Four calls are sent immediately, and four more in each second.
        assert!(arrived - before <= 16, "{arrived} in round {round}");
        assert!(arrived > before, "round {round}: {before}, then {arrived}");
        before = arrived;
        let errors = response["errors"].as_array().cloned().unwrap_or_default();
        assert_eq!(arrived + errors.len(), 24, "{response}");
        for error in &errors {
            let extensions = &error["extensions"];
            assert_eq!(extensions["code"], "UPSTREAM_TIMEOUT", "{error}");
            assert!(
                extensions["retryAfter"].as_u64().is_some_and(|wait| wait >= 1),
                "{error}"
            );
        }
        if errors.is_empty() {
            break;
        }
        assert!(round < 5, "{arrived} after {round} rounds");
    }
    assert_eq!(sandbox.history_requests().await, 24);
    assert_eq!(sandbox.answered(429).await, 0);
    let warnings = service.log().matches("WARN").count();
    assert_eq!(warnings, 0, "{}", service.log());
}

#[tokio::test]
async fn client_that_disconnects_releases_its_unsent_calls() {
    let sandbox = SandboxProcess::start(&[]);
    let service = ServiceProcess::on(&sandbox, &[]);
    let activities = sandbox.activities(200).await;
    let patience = Duration::from_millis(1_500);
    let given_up = tokio::time::timeout(patience, service.summaries(&activities, 60)).await;
    given_up.unwrap_err();
    sleep(Duration::from_millis(300)).await;
    let requested = sandbox.history_requests().await;
    assert!((4..=12).contains(&requested), "{requested}");
    let budget = service
        .query("{ upstreamBudget { queueLength usedToday } }")
        .await;
    let budget = &budget["data"]["upstreamBudget"];
    assert_eq!(budget, &json!({ "queueLength": 0, "usedToday": requested }));
    sleep(Duration::from_secs(2)).await;
    assert_eq!(sandbox.history_requests().await, requested);
}

const BUDGET: &str = "{ upstreamBudget { perSecondLimit perDayLimit usedToday remainingToday pauseReason pausedUntil resetsAt } }";

/// Uses up the day's calls, and checks the reported state before and after a restart.
async fn check_exhausted_day(sandbox: &SandboxProcess, options: &[&str], refused_calls: usize) {
    let state = tempfile::tempdir().unwrap();
    let options = [options, &["--state-dir", state.path().to_str().unwrap()]].concat();
    let activities = sandbox.activities(8).await;
    let mut service = ServiceProcess::on(sandbox, &options);
    let response = service.summaries(&activities[..5], 60).await;
    assert!(response.get("errors").is_none(), "{response}");

    for restarted in [false, true] {
        if restarted {
            let (_, ended_well) = service.terminate();
            assert!(ended_well);
            service = ServiceProcess::on(sandbox, &options);
        }
        let unknown = service.summaries(&activities[5..], 60).await;
        assert_eq!(codes(&unknown), ["QUOTA_EXCEEDED"; 3], "{unknown}");
        for error in unknown["errors"].as_array().unwrap() {
            let wait = error["extensions"]["retryAfter"].as_u64().unwrap();
            assert!((1..=24 * 3_600).contains(&wait), "{error}");
        }
        for known in &activities[..5] {
            let response = service.activity(known, 0).await;
            let activity = &response["data"]["campaignActivity"];
            assert_eq!(
                activity,
                &json!({ "isStale": true, "staleReason": "QUOTA_EXCEEDED" }),
                "{response}"
            );
        }
        let response = service.query(BUDGET).await;
        let budget = &response["data"]["upstreamBudget"];
        assert_eq!(budget["remainingToday"], 0, "{response}");
        assert_eq!(budget["pausedUntil"], budget["resetsAt"], "{response}");
        assert_eq!(budget["pauseReason"], "QUOTA_EXCEEDED", "{response}");
    }
    assert_eq!(sandbox.history_requests().await, 5 + refused_calls);
}

#[tokio::test]
async fn day_exhausted_by_the_local_count_costs_no_further_call_after_a_restart() {
    let sandbox = SandboxProcess::unlimited(&[]);
    check_exhausted_day(&sandbox, &["--rate-per-day", "5"], 0).await;
}

#[tokio::test]
async fn day_exhausted_according_to_the_upstream_costs_no_further_call_after_a_restart() {
    let sandbox = SandboxProcess::start(&["--rate-per-second", "0", "--rate-per-day", "5"]);
    // Calls that are in flight at the same time are rejected together.
    check_exhausted_day(&sandbox, &["--rate-per-second", "1"], 1).await;
}

#[tokio::test]
async fn transient_failures_are_retried_and_every_attempt_is_counted() {
    let cases = [
        (json!({ "kind": "reset" }), 2),
        (json!({ "kind": "close" }), 2),
        (json!({ "kind": "status", "status": 500, "body": "html" }), 2),
        (json!({ "kind": "status", "status": 503, "body": "empty" }), 2),
        (json!({ "kind": "cut_off" }), 2),
        (json!({ "kind": "status", "status": 404 }), 1),
        (json!({ "kind": "status", "status": 403 }), 1),
        (json!({ "kind": "status", "status": 401 }), 1),
        (json!({ "kind": "status", "status": 400 }), 1),
        (json!({ "kind": "not_json" }), 1),
    ];
    join_all(cases.map(|(mut fault, calls)| async move {
        let sandbox = SandboxProcess::start(&[]);
        let service = ServiceProcess::on(&sandbox, &[]);
        fault["count"] = json!(1);
        sandbox.fault(&fault).await;
        let response = service.activity(GUIDE_ACTIVITY, 60).await;
        assert_eq!(
            response["data"]["campaignActivity"]["isStale"] == false,
            calls == 2,
            "{fault}: {response}"
        );
        // A call to another path determines whether a 401 concerns the token.
        let probes = usize::from(fault["status"] == 401);
        assert_eq!(
            response["extensions"]["upstream"]["calls"],
            calls + probes,
            "{fault}: {response}"
        );
        assert_eq!(sandbox.history_requests().await, calls, "{fault}");
    }))
    .await;
}

#[tokio::test]
async fn throttled_call_waits_and_is_sent_again() {
    let sandbox = SandboxProcess::start(&[]);
    let service = ServiceProcess::on(&sandbox, &[]);
    sandbox
        .fault(&json!({ "kind": "status", "status": 429, "count": 1 }))
        .await;
    let response = service.activity(GUIDE_ACTIVITY, 60).await;
    assert_eq!(
        response["data"]["campaignActivity"]["isStale"], false,
        "{response}"
    );
    assert_eq!(response["extensions"]["upstream"]["calls"], 2);
}

#[tokio::test]
async fn shutdown_with_a_long_queue_is_quick_and_loses_no_counted_call() {
    let sandbox = SandboxProcess::start(&[]);
    let state = tempfile::tempdir().unwrap();
    let options = ["--state-dir", state.path().to_str().unwrap()];
    let mut service = ServiceProcess::on(&sandbox, &options);
    let activities = sandbox.activities(200).await;
    let query = format!(
        "{{ campaignActivities(ids: {}) {{ sendSummary {{ attemptCount }} }} }}",
        json!(activities)
    );
    let url = format!("{}/graphql", service.origin());
    let request = http_client().post(url).json(&json!({ "query": query }));
    tokio::spawn(request.send());
    sleep(Duration::from_secs(2)).await;
    let (took, ended_well) = tokio::task::spawn_blocking(move || service.terminate())
        .await
        .unwrap();
    assert!(ended_well);
    assert!(took < Duration::from_secs(9), "{took:?}");
    assert!(fs::exists(state.path().join("sends.db")).unwrap());
    let requested = sandbox.history_requests().await;
    let service = ServiceProcess::on(&sandbox, &options);
    let budget = service.query("{ upstreamBudget { usedToday } }").await;
    assert_eq!(budget["data"]["upstreamBudget"]["usedToday"], requested);
}
