//! Interrupted and concurrent synchronisations.

use std::time::Duration;

use serde_json::json;
use tokio::time::{sleep, timeout};

use super::Account;

#[tokio::test]
async fn synchronisation_killed_ten_times_yields_the_same_log_with_few_repeated_calls() {
    let account = Account::new(600, &[]);
    let undisturbed = Account::new(600, &[]);
    undisturbed.complete().await;
    let least = undisturbed.sandbox.requests().await.len();
    for kill in 1..=10 {
        // A step that is coprime to the range distributes the kills over the work and needs no random numbers.
        let moment = least * kill / 11 + kill * 7 % 13;
        let running = account.start_sync(&[]);
        account.sandbox.requests_reach(moment).await;
        drop(running);
    }
    account.complete().await;
    let requests = account.sandbox.requests().await.len();
    // Four campaigns are read concurrently. A kill repeats the calls in flight, the calls that must be confirmed, and a page of
    // later changes or of an incomplete listing.
    eprintln!("{requests} calls with ten kills, {least} without");
    assert!(
        requests <= least + 10 * (4 + 4 + 3),
        "{requests} calls, {least} undisturbed"
    );
    let activities = account.activities().await;
    assert_eq!(account.logged().await, undisturbed.logged().await);
    account.assert_logged(&activities).await;
}

#[tokio::test]
async fn interrupted_synchronisation_loses_no_call() {
    let account = Account::new(200, &["--latency-ms", "20"]);
    let running = account.start_sync(&[]);
    account.sandbox.requests_reach(40).await;
    running.interrupt();
    let ended = tokio::task::spawn_blocking(|| running.finish()).await.unwrap();
    assert_eq!(ended.status, Some(3), "{ended:?}");
    assert!(
        ended.output.contains("run the command again to continue"),
        "{ended:?}"
    );
    account.complete().await;
    let mut read: Vec<String> = Vec::new();
    for request in account.sandbox.requests().await {
        let path = request["path"].as_str().unwrap();
        if path.contains("/emails/") {
            read.push(path.to_owned());
        }
    }
    let calls = read.len();
    read.sort();
    read.dedup();
    assert_eq!(read.len(), calls, "a resource was read twice");
    account.assert_logged(&account.activities().await).await;
}

#[tokio::test]
async fn two_processes_do_not_duplicate_work() {
    let account = Account::new(100, &["--latency-ms", "50"]);
    let running = account.start_sync(&[]);
    account.sandbox.requests_reach(1).await;
    let second = account.sync(&[]).await;
    assert_eq!(second.status, Some(1), "{second:?}");
    assert!(second.errors.contains("another process"), "{second:?}");
    let first = tokio::task::spawn_blocking(|| running.finish()).await.unwrap();
    assert_eq!(first.status, Some(0), "{first:?}");
    account.complete().await;
}

#[tokio::test]
async fn service_keeps_the_log_synchronised_and_leaves_it_consistent() {
    let account = Account::new(40, &[]);
    let mut service = account.serve(&["--rate-per-second", "0", "--sync-every", "1"]);
    service
        .log_once(|log| log.contains("the log of sends is complete"))
        .await;
    let activities = account.activities().await;
    let send = json!({ "operation": "append_send", "activity_id": activities[0] });
    account.change(send).await;
    let read = account.sandbox.history_requests().await;
    let is_read_again = async {
        while account.sandbox.history_requests().await == read {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_mins(1), is_read_again)
        .await
        .expect("the changed history is read again");
    let (_, ended_well) = service.terminate();
    assert!(ended_well, "{}", service.log());
    assert!(!service.log().contains("in the middle"), "{}", service.log());
    account.assert_logged(&activities).await;
}

#[tokio::test]
async fn unreadable_report_is_skipped_and_reported() {
    let account = Account::new(60, &[]);
    let fault = json!({ "kind": "not_json", "path_contains": "summary_reports" });
    account.sandbox.fault(&fault).await;
    let without = account.sync(&[]).await;
    assert_eq!(without.status, Some(0), "{without:?}");
    let output = without.output + &without.errors;
    assert!(output.contains("the report of sent campaigns"), "{output}");
    account.assert_logged(&account.activities().await).await;
    let state = account.sync_state().await;
    let coverage = json!({ "isComplete": false, "unreadableResourceCount": 1 });
    assert_eq!(state["coverage"], coverage, "{state}");
    let reason = state["unreadableResources"][0]["failure"].as_str().unwrap();
    assert!(reason.contains("report of sent campaigns"), "{state}");
    account
        .sandbox
        .control("DELETE", "faults", &serde_json::Value::Null)
        .await;
    account.complete().await;
}

#[tokio::test]
async fn failing_upstream_ends_the_synchronisation_with_a_reason_and_keeps_the_data() {
    let account = Account::new(200, &[]);
    account
        .sandbox
        .fault(&json!({ "kind": "status", "status": 403, "body": "object", "path_contains": "send_history", "skip": 50 }))
        .await;
    let refused = account.sync(&[]).await;
    assert_eq!(refused.status, Some(1), "{refused:?}");
    assert!(refused.errors.contains("403"), "{refused:?}");
    account
        .sandbox
        .control("DELETE", "faults", &serde_json::Value::Null)
        .await;
    let before = account.sandbox.requests().await.len();
    account.complete().await;
    // Histories that failed before the end of the synchronisation wait for their own pauses, and are reported until then.
    let state = account.sync_state().await;
    let unreadable = state["unreadableResources"].as_array().unwrap();
    // The synchronisation ends after fifty consecutive failures, some of which were in flight together.
    assert!((40..=60).contains(&unreadable.len()), "{state}");
    assert_eq!(state["coverage"]["isComplete"], false);
    let histories = account.sandbox.history_requests().await;
    assert!(before > 50 && histories < 200 + 200 + 20, "{histories}");
    let service = account.serve(&["--rate-per-second", "0"]);
    for one in unreadable {
        service.activity(one["activity"]["id"].as_str().unwrap(), 0).await;
    }
    account.assert_logged(&account.activities().await).await;
    assert_eq!(account.sync_state().await["coverage"]["isComplete"], true);
}
