//! Repeated and avoided upstream calls: concurrent requests, restarts, an unavailable upstream, and a damaged store.

use std::{fs, time::Duration};

use futures_util::future::join_all;
use sends_end_to_end::{GUIDE_ACTIVITY, SandboxProcess, ServiceProcess, failed_start, run};
use serde_json::json;
use tokio::time::{Instant, sleep};

/// Activity that belongs to no account.
const UNKNOWN: &str = "00000000-0000-4000-8000-0000000000ff";

#[tokio::test]
async fn hundred_concurrent_operations_cost_one_call_and_a_restart_none() {
    let sandbox = SandboxProcess::start(&["--latency-ms", "200"]);
    let state = tempfile::tempdir().unwrap();
    let options = ["--state-dir", state.path().to_str().unwrap()];
    let service = ServiceProcess::on(&sandbox, &options);
    let operations = (0..100).map(|_| service.activity(GUIDE_ACTIVITY, 60));
    for response in join_all(operations).await {
        assert_eq!(
            response["data"]["campaignActivity"]["isStale"], false,
            "{response}"
        );
    }
    assert_eq!(sandbox.history_requests().await, 1);
    // The service is killed instead of shut down.
    drop(service);
    let service = ServiceProcess::on(&sandbox, &options);
    let response = service.activity(GUIDE_ACTIVITY, 60).await;
    assert_eq!(
        response["data"]["campaignActivity"]["isStale"], false,
        "{response}"
    );
    assert_eq!(response["extensions"]["upstream"]["calls"], 0);
    assert_eq!(sandbox.history_requests().await, 1);
    let response = service.activity(GUIDE_ACTIVITY, 0).await;
    assert_eq!(response["extensions"]["upstream"]["calls"], 1);
}

#[tokio::test]
async fn new_send_is_visible_with_a_max_age_of_zero() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = ServiceProcess::unpaced_on(&sandbox, &[]);
    let sends = async |max_age| {
        let response = service
            .query(&format!(
                r#"{{ campaignActivity(id: "{GUIDE_ACTIVITY}") {{ sendHistory{max_age} {{ sendId }} }} }}"#
            ))
            .await;
        response["data"]["campaignActivity"]["sendHistory"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(sends("").await, 2);
    let change = json!({ "operation": "append_send", "activity_id": GUIDE_ACTIVITY });
    sandbox.control("POST", "sends", &change).await;
    assert_eq!(sends("").await, 2);
    assert_eq!(sends("(maxAge: 0)").await, 3);
    assert_eq!(sends("").await, 3);
}

#[tokio::test]
async fn unavailable_upstream_leaves_cached_data_and_is_called_again_after_recovery() {
    for availability in ["closed", "unavailable"] {
        let sandbox = SandboxProcess::unlimited(&[]);
        let mut service = ServiceProcess::unpaced_on(&sandbox, &[]);
        let known = sandbox.activities(30).await;
        let response = service.summaries(&known, 60).await;
        assert!(response.get("errors").is_none(), "{response}");

        sandbox.configure(&json!({ "availability": availability })).await;
        for _ in 0..3 {
            let query = format!(
                "{{ campaignActivities(ids: {}, maxAge: 0) {{ isStale staleReason sendSummary {{ attemptCount }} }} }}",
                json!(known)
            );
            let response = service.query(&query).await;
            assert!(response.get("errors").is_none(), "{response}");
            for activity in response["data"]["campaignActivities"].as_array().unwrap() {
                assert_eq!(activity["isStale"], true, "{activity}");
                assert_eq!(activity["staleReason"], "UPSTREAM_UNAVAILABLE", "{activity}");
                assert!(activity["sendSummary"]["attemptCount"].is_number(), "{activity}");
            }
            let unknown = service.activity(UNKNOWN, 60).await;
            assert_eq!(
                unknown["errors"][0]["extensions"]["code"], "UPSTREAM_UNAVAILABLE",
                "{unknown}"
            );
        }
        assert!(service.is_alive());

        sandbox.configure(&json!({ "availability": "up" })).await;
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            let response = service.activity(&known[0], 0).await;
            if response["data"]["campaignActivity"]["isStale"] == false {
                break;
            }
            assert!(Instant::now() < deadline, "{availability}: {response}");
            sleep(Duration::from_millis(100)).await;
        }
        let is_told = |log: &str| {
            log.contains("requests are suspended until a probe succeeds") && log.contains("again; circuit")
        };
        let log = service.log_once(is_told).await;
        assert!(!log.contains("panic"), "{log}");
    }
}

#[tokio::test]
async fn malformed_response_affects_nothing_else() {
    let faults = [
        (json!({ "kind": "stall" }), "UPSTREAM_TIMEOUT"),
        (
            json!({ "kind": "huge_body", "bytes": 10_000_000 }),
            "UPSTREAM_INVALID",
        ),
        (
            json!({ "kind": "status", "status": 503, "body": "html" }),
            "UPSTREAM_UNAVAILABLE",
        ),
        (json!({ "kind": "not_json" }), "UPSTREAM_INVALID"),
    ];
    let sandbox = SandboxProcess::unlimited(&[]);
    let service =
        ServiceProcess::unpaced_on(&sandbox, &["--upstream-timeout", "1", "--request-timeout", "5"]);
    let activities = sandbox.activities(20).await;
    for ((mut fault, _), activity) in faults.clone().into_iter().zip(&activities) {
        fault["activity_id"] = json!(activity);
        sandbox.fault(&fault).await;
    }
    let response = service.summaries(&activities, 60).await;
    let listed = response["data"]["campaignActivities"].as_array().unwrap();
    for (place, activity) in listed.iter().enumerate() {
        assert_eq!(
            activity["sendSummary"].is_null(),
            place < faults.len(),
            "{place}: {response}"
        );
    }
    let errors = response["errors"].as_array().unwrap();
    assert_eq!(errors.len(), faults.len(), "{response}");
    for (place, (_, code)) in faults.iter().enumerate() {
        let error = errors.iter().find(|error| error["path"][1] == place).unwrap();
        assert_eq!(error["extensions"]["code"], *code, "{error}");
    }
}

#[tokio::test]
async fn damaged_store_is_rejected_in_one_sentence_and_can_be_rebuilt() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let state = tempfile::tempdir().unwrap();
    let folder = state.path().to_str().unwrap();
    let options = ["--state-dir", folder];
    let mut service = ServiceProcess::unpaced_on(&sandbox, &options);
    service.summaries(&sandbox.activities(20).await, 60).await;
    let (_, ended_well) = service.terminate();
    assert!(ended_well);

    let store = state.path().join("sends.db");
    let mut bytes = fs::read(&store).unwrap();
    // The damage starts after the header, so that the file is still recognised as a store.
    bytes[100..4_000].fill(b'?');
    fs::write(&store, bytes).unwrap();
    let url = sandbox.api_url();
    let (status, message) = failed_start(
        &[&options[..], &["--upstream-url", &url]].concat(),
        &[("SENDS_ACCESS_TOKEN", SandboxProcess::ACCESS_TOKEN)],
    );
    assert_eq!(status, Some(1), "{message}");
    insta::assert_snapshot!(message.replace(folder, "[state]"), @"sends-graphql: the store [state]/sends.db is damaged (database disk image is malformed): rebuild it, which costs calls but no data (`sends-graphql rebuild-store` creates a new one)");

    let rebuilt = run(&[&["rebuild-store"], &options[..]].concat(), &[]);
    assert_eq!(rebuilt.status, Some(0), "{rebuilt:?}");
    assert!(
        rebuilt.output.starts_with("A new store was created"),
        "{rebuilt:?}"
    );
    let service = ServiceProcess::unpaced_on(&sandbox, &options);
    let response = service.activity(GUIDE_ACTIVITY, 60).await;
    assert_eq!(
        response["data"]["campaignActivity"]["isStale"], false,
        "{response}"
    );

    let busy = run(&[&["rebuild-store"], &options[..]].concat(), &[]);
    assert_eq!(busy.status, Some(1), "{busy:?}");
    insta::assert_snapshot!(busy.errors.replace(folder, "[state]"), @"sends-graphql: the store [state]/sends.db is locked by another process: wait until that has finished, or stop it");
}
