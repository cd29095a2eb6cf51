//! Listed resources that cannot be read. The rest of the log is read, and the unreadable resources are reported until they become
//! readable.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Account, Log, requests_since};

/// Returns the activity whose last send is the oldest, and the time of the newest send of all.
fn oldest(truth: &Log) -> (String, String) {
    let last = |sends: &Vec<Value>| sends.last().unwrap()["runDate"].as_str().unwrap().to_owned();
    let oldest = truth.iter().min_by_key(|(_, sends)| last(sends)).unwrap().0;
    (oldest.clone(), truth.values().map(last).max().unwrap())
}

async fn end_faults(account: &Account) {
    account.sandbox.control("DELETE", "faults", &Value::Null).await;
}

/// Moves the failures back by an hour, so that their pauses end. No process may have the folder open.
fn end_pauses(account: &Account) {
    let state = rusqlite::Connection::open(account.state.path().join("sends.db")).unwrap();
    let statement = "UPDATE unreadable SET since = since - 3600000, tried_at = tried_at - 3600000";
    state.execute_batch(statement).unwrap();
}

async fn sync_ends(account: &Account, status: i32) -> (BTreeMap<&'static str, usize>, String) {
    let before = account.sandbox.requests().await.len();
    let finished = account.sync(&[]).await;
    assert_eq!(finished.status, Some(status), "{finished:?}");
    let requests = requests_since(&account.sandbox, before).await;
    (requests, finished.output + &finished.errors)
}

#[tokio::test]
async fn malformed_history_is_skipped_reported_and_read_when_its_campaign_changes() {
    let account = Account::new(60, &[]);
    let activities = account.activities().await;
    let truth = account.truth(&activities).await;
    let (malformed, newest) = oldest(&truth);
    account
        .sandbox
        .fault(&json!({ "kind": "wrong_shape", "activity_id": malformed }))
        .await;
    let (_, output) = sync_ends(&account, 0).await;
    assert!(output.contains("except for unreadable resources"), "{output}");
    assert!(
        output.contains(&malformed) && output.contains("returned an invalid response"),
        "{output}"
    );

    let state = account.sync_state().await;
    assert_eq!(
        state["coverage"],
        json!({ "isComplete": false, "unreadableResourceCount": 1 })
    );
    assert_eq!(
        state["unreadableResources"][0]["activity"]["id"], malformed,
        "{state}"
    );
    assert!(
        state["unreadableResources"][0]["campaign"]["name"].is_string(),
        "{state}"
    );
    assert_eq!(state["estimatedCallCount"], 0, "{state}");
    assert!(
        state["failure"].is_null() && state["estimatedCompleteAt"].is_null(),
        "{state}"
    );
    let mut readable = truth.clone();
    readable.remove(&malformed);
    assert_eq!(account.logged().await, readable);
    // The log is complete for ranges in which no send of the activity can be missing.
    let query = format!(
        r#"{{ all: sends {{ coverage {{ isComplete unreadableResourceCount }} }}
              newest: sends(filter: {{ from: "{newest}" }}) {{ coverage {{ isComplete unreadableResourceCount }} }} }}"#
    );
    let response = account.serve(&[]).query(&query).await;
    assert_eq!(
        response["data"],
        json!({
            "all": { "coverage": { "isComplete": false, "unreadableResourceCount": 1 } },
            "newest": { "coverage": { "isComplete": true, "unreadableResourceCount": 0 } }
        })
    );

    let exported = account.export(&[]).await;
    assert!(
        exported
            .errors
            .contains("1 campaigns, histories or listings cannot be read"),
        "{exported:?}"
    );
    let exported = account.export(&["--from", &newest]).await;
    assert_eq!((exported.status, exported.errors.as_str()), (Some(0), ""));

    // The activity is not retried repeatedly.
    let (requests, output) = sync_ends(&account, 0).await;
    assert_eq!(requests, BTreeMap::from([("campaigns", 1), ("summaries", 1)]));
    assert!(output.contains(&malformed), "{output}");

    end_faults(&account).await;
    account
        .change(json!({ "operation": "append_send", "activity_id": malformed }))
        .await;
    let (_, output) = sync_ends(&account, 0).await;
    assert!(!output.contains("cannot be read"), "{output}");
    account.assert_logged(&activities).await;
    let state = account.sync_state().await;
    assert_eq!(
        state["coverage"],
        json!({ "isComplete": true, "unreadableResourceCount": 0 })
    );
    assert_eq!(state["unreadableResources"], json!([]));
}

#[tokio::test]
async fn rejected_history_keeps_its_cached_data_until_a_query_completes_it() {
    let account = Account::new(60, &[]);
    account.complete().await;
    let activities = account.activities().await;
    let before = account.logged().await;
    let (refused, _) = oldest(&before);
    account
        .change(json!({ "operation": "append_send", "activity_id": refused }))
        .await;
    account
        .sandbox
        .fault(&json!({ "kind": "status", "status": 400, "body": "array", "activity_id": refused }))
        .await;
    let (requests, output) = sync_ends(&account, 0).await;
    assert!(output.contains("rejected a valid request"), "{output}");
    let of_campaign = requests["histories"];
    assert_eq!(
        requests,
        BTreeMap::from([
            ("campaigns", 1),
            ("summaries", 1),
            ("details", 1),
            ("histories", of_campaign)
        ])
    );
    assert_eq!(account.logged().await, before);
    assert_eq!(
        account.sync_state().await["unreadableResources"][0]["activity"]["id"],
        refused
    );

    end_faults(&account).await;
    let query =
        format!(r#"{{ campaignActivity(id: "{refused}", maxAge: 0) {{ latestSend {{ sendId }} }} }}"#);
    account.serve(&[]).query(&query).await;
    assert_eq!(account.sync_state().await["coverage"]["isComplete"], true);
    account.assert_logged(&activities).await;
}

#[tokio::test]
async fn campaign_with_unreadable_activities_hides_no_other() {
    let account = Account::new(60, &[]);
    let made = account
        .change(json!({ "operation": "create_campaign", "name": "Odd\u{1b}[2J" }))
        .await;
    let (campaign, activity) = (made["campaign_id"].as_str().unwrap(), &made["activity_id"]);
    let send = json!({ "operation": "append_send", "activity_id": activity });
    account.change(send.clone()).await;
    account
        .sandbox
        .fault(&json!({ "kind": "not_json", "path_contains": format!("/emails/{campaign}") }))
        .await;
    let (_, output) = sync_ends(&account, 0).await;
    assert!(
        output.contains(campaign) && !output.contains('\u{1b}'),
        "{output}"
    );
    let state = account.sync_state().await;
    let unreadable = &state["unreadableResources"][0];
    assert_eq!(
        (&unreadable["campaign"]["campaignId"], &unreadable["activity"]),
        (&json!(campaign), &Value::Null)
    );
    assert_eq!(
        state["coverage"],
        json!({ "isComplete": false, "unreadableResourceCount": 1 })
    );

    end_faults(&account).await;
    account.change(send).await;
    sync_ends(&account, 0).await;
    account.assert_logged(&account.activities().await).await;
    assert_eq!(account.sync_state().await["coverage"]["isComplete"], true);
}

#[tokio::test]
async fn failing_history_delays_nothing_and_is_reported() {
    let account = Account::new(60, &[]);
    let activities = account.activities().await;
    let truth = account.truth(&activities).await;
    let (failing, _) = oldest(&truth);
    account
        .sandbox
        .fault(&json!({ "kind": "status", "status": 500, "activity_id": failing }))
        .await;
    let (_, output) = sync_ends(&account, 0).await;
    assert!(output.contains(&failing) && output.contains("failed"), "{output}");
    let state = account.sync_state().await;
    assert_eq!(
        state["unreadableResources"][0]["activity"]["id"], failing,
        "{state}"
    );
    assert!(state["failure"].is_null(), "{state}");
    assert_eq!(
        state["coverage"],
        json!({ "isComplete": false, "unreadableResourceCount": 1 })
    );
    let mut readable = truth;
    readable.remove(&failing);
    assert_eq!(account.logged().await, readable);
    // The pause of the activity is not over.
    let (requests, _) = sync_ends(&account, 0).await;
    assert_eq!(requests, BTreeMap::from([("campaigns", 1), ("summaries", 1)]));

    end_faults(&account).await;
    let query =
        format!(r#"{{ campaignActivity(id: "{failing}", maxAge: 0) {{ latestSend {{ sendId }} }} }}"#);
    account.serve(&[]).query(&query).await;
    account.assert_logged(&activities).await;
    assert_eq!(account.sync_state().await["coverage"]["isComplete"], true);
}

#[tokio::test]
async fn damaged_response_is_fetched_again_and_ends_no_synchronisation() {
    let account = Account::new(60, &[]);
    let activities = account.activities().await;
    let (sent, _) = oldest(&account.truth(&activities).await);
    account
        .change(json!({ "operation": "append_send", "activity_id": sent }))
        .await;
    account.complete().await;
    let truth = account.truth(&activities).await;

    // The stored response is recent enough, so only the checksum prevents its use.
    account.damage_new_histories();
    let query = format!(
        r#"{{ campaignActivity(id: "{sent}", maxAge: 31536000) {{ sendHistory {{ sendId count }} }} }}"#
    );
    let response = account.serve(&[]).query(&query).await;
    let right = |send: &Value| json!({ "sendId": send["sendId"], "count": send["count"] });
    let right: Vec<Value> = truth[&sent].iter().map(right).collect();
    let read = &response["data"]["campaignActivity"]["sendHistory"];
    assert_eq!(*read, json!(right), "{response}");

    // A synchronisation checks recent sends that were read more than an hour ago. The damage is the only reason to read this
    // history.
    account.damage_new_histories();
    account.backdate_new_histories(2 * 3_600);
    let (requests, _) = sync_ends(&account, 0).await;
    assert_eq!(requests.get("histories"), Some(&1), "{requests:?}");
    account.assert_logged(&activities).await;
}

#[tokio::test]
async fn resource_that_alone_returns_401_is_reported_and_skipped() {
    let account = Account::new(60, &[]);
    let activities = account.activities().await;
    let mut readable = account.truth(&activities).await;
    let refused: Vec<String> = readable
        .keys()
        .step_by(readable.len() / 3)
        .take(3)
        .cloned()
        .collect();
    let refusal = json!({ "kind": "status", "status": 401, "body": "object" });
    for activity in &refused {
        readable.remove(activity);
        let mut fault = refusal.clone();
        fault["activity_id"] = json!(activity);
        account.sandbox.fault(&fault).await;
    }
    let mut fault = refusal.clone();
    fault["path_contains"] = json!("/email_campaign_summaries");
    account.sandbox.fault(&fault).await;

    let (_, output) = sync_ends(&account, 0).await;
    assert!(
        output.contains("accepts the service's login for others"),
        "{output}"
    );
    assert!(!output.contains("log in again"), "{output}");
    let state = account.sync_state().await;
    assert!(state["failure"].is_null(), "{state}");
    let named = state["unreadableResources"].as_array().unwrap();
    assert_eq!(named.len(), refused.len() + 1, "{state}");
    for activity in &refused {
        assert!(
            named.iter().any(|one| one["activity"]["id"] == json!(activity)),
            "{state}"
        );
    }
    assert_eq!(account.logged().await, readable);
    // The pauses of these resources are not over.
    let (requests, _) = sync_ends(&account, 0).await;
    assert_eq!(requests, BTreeMap::from([("campaigns", 1)]));

    end_faults(&account).await;
    end_pauses(&account);
    sync_ends(&account, 0).await;
    account.assert_logged(&activities).await;
    assert_eq!(account.sync_state().await["coverage"]["isComplete"], true);
}

#[tokio::test]
async fn single_401_ends_no_synchronisation() {
    let account = Account::new(60, &[]);
    let blip = json!({ "kind": "status", "status": 401, "body": "object", "path_contains": "/send_history",
                       "skip": 20, "count": 1 });
    account.sandbox.fault(&blip).await;
    sync_ends(&account, 0).await;
    let state = account.sync_state().await;
    assert_eq!(
        state["unreadableResources"].as_array().unwrap().len(),
        1,
        "{state}"
    );
    end_pauses(&account);
    sync_ends(&account, 0).await;
    account.assert_logged(&account.activities().await).await;
}

#[tokio::test]
async fn token_rejected_everywhere_ends_the_synchronisation_after_a_few_calls() {
    let account = Account::new(60, &[]);
    let refusal = json!({ "kind": "status", "status": 401, "body": "object", "skip": 10 });
    account.sandbox.fault(&refusal).await;
    let (_, output) = sync_ends(&account, 1).await;
    assert!(output.contains("401 Unauthorized"), "{output}");
    let state = account.sync_state().await;
    assert!(
        state["failure"].as_str().unwrap().contains("log in again"),
        "{state}"
    );
    // The fault skips requests by arrival while four resources are read concurrently. One of the other three may therefore be
    // accepted after the first rejection, and the resources rejected by then count as individually rejected.
    let named = state["unreadableResources"].as_array().unwrap();
    let is_alone = |one: &Value| one["failure"].as_str().unwrap().contains("login for others");
    assert!(named.len() < 4 && named.iter().all(is_alone), "{state}");
    let refused = account.sandbox.answered(401).await;
    // Four resources are read concurrently, and each individually rejected resource costs its own call and a probe.
    let most = 5 + 2 * u64::try_from(named.len()).unwrap();
    assert!((2..=most).contains(&refused), "{refused}: {state}");
}
