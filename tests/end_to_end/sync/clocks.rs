//! Differences between the clocks of this machine and the upstream.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Account, requests_since};

const FOUR_YEARS: i64 = 4 * 365 * 24 * 3600;

async fn send(account: &Account, activity: &str) {
    let send = json!({ "operation": "append_send", "activity_id": activity });
    account.change(send).await;
}

/// Creates a campaign with one send, and then a resend.
async fn send_twice(account: &Account, name: &str) {
    let create = json!({ "operation": "create_campaign", "name": name });
    let made = account.change(create).await;
    send(account, made["activity_id"].as_str().unwrap()).await;
    let resend =
        json!({ "operation": "create_activity", "campaign_id": made["campaign_id"], "role": "resend" });
    let resend = account.change(resend).await;
    send(account, resend["activity_id"].as_str().unwrap()).await;
}

async fn advance_upstream(account: &Account, seconds: i64) {
    let advance = json!({ "advance_seconds": seconds });
    account.sandbox.control("POST", "clock", &advance).await;
}

/// Asserts that one synchronisation finds everything, and that the next synchronisation only reads the listings of changes and
/// sends.
async fn assert_synchronised(account: &Account) {
    account.complete().await;
    account.assert_logged(&account.activities().await).await;
    let state = account.sync_state().await;
    let coverage = json!({ "isComplete": true, "unreadableResourceCount": 0 });
    assert_eq!(state["coverage"], coverage, "{state}");
    let before = account.sandbox.requests().await.len();
    account.complete().await;
    let requests = requests_since(&account.sandbox, before).await;
    assert_eq!(requests, BTreeMap::from([("campaigns", 1), ("summaries", 1)]));
}

#[tokio::test]
async fn sends_during_a_clock_in_2030_are_found_after_its_correction() {
    let account = Account::new(60, &[]);
    assert_synchronised(&account).await;
    account.shift_local_times(FOUR_YEARS);
    let state = account.sync_state().await;
    assert_eq!(
        state["coverage"]["isComplete"], false,
        "listed in the future: {state}"
    );
    let activities = account.activities().await;
    send(&account, &activities[0]).await;
    send(&account, &activities[9]).await;
    send_twice(&account, "Sent in 2030").await;

    let before = account.sandbox.requests().await.len();
    account.complete().await;
    let requests = requests_since(&account.sandbox, before).await;
    // Each changed campaign is read with its activities, and no other campaign.
    assert_eq!(requests["details"], 3, "{requests:?}");
    assert!(requests["histories"] <= 6, "{requests:?}");
    assert_synchronised(&account).await;
}

#[tokio::test]
async fn clock_years_behind_hides_no_send() {
    let account = Account::new(60, &[]);
    assert_synchronised(&account).await;
    advance_upstream(&account, FOUR_YEARS).await;
    for round in ["first", "second"] {
        send(&account, &account.activities().await[0]).await;
        send_twice(&account, round).await;
        assert_synchronised(&account).await;
    }
}

#[tokio::test]
async fn clock_hours_off_hides_no_send_before_or_after_its_correction() {
    for hours in [-5, 5] {
        let account = Account::new(60, &[]);
        advance_upstream(&account, hours * 3600).await;
        assert_synchronised(&account).await;
        send_twice(&account, "While it is wrong").await;
        assert_synchronised(&account).await;
        send(&account, &account.activities().await[0]).await;
        advance_upstream(&account, -hours * 3600).await;
        send_twice(&account, "Once it is right").await;
        account.complete().await;
        account.assert_logged(&account.activities().await).await;
        assert_eq!(account.sync_state().await["coverage"]["isComplete"], true);
    }
}

#[tokio::test]
async fn failing_second_page_delays_nothing_else_and_is_read_after_recovery() {
    // The campaigns do not fit on two pages of a listing.
    let account = Account::new(1_300, &[]);
    let fault = json!({ "kind": "status", "status": 400, "query_contains": "cursor=" });
    account.sandbox.fault(&fault).await;
    let activities = account.activities().await;
    let mut lacking = usize::MAX;
    for _ in 0..3 {
        send(&account, &activities[0]).await;
        let finished = account.sync(&[]).await;
        assert_eq!(finished.status, Some(0), "{finished:?}");
        let output = finished.output + &finished.errors;
        for listing in ["list of campaigns", "report of sent campaigns"] {
            assert!(output.contains(listing), "{output}");
        }
        let state = account.sync_state().await;
        let coverage = json!({ "isComplete": false, "unreadableResourceCount": 2 });
        assert_eq!(state["coverage"], coverage, "{state}");
        assert!(state["failure"].is_null(), "{state}");
        assert_eq!(state["estimatedCallCount"], 0, "{state}");

        let (truth, logged) = (account.truth(&activities).await, account.logged().await);
        assert!(logged.iter().all(|(id, sends)| truth.get(id) == Some(sends)));
        let missing: Vec<&str> = truth
            .iter()
            .filter(|(id, _)| !logged.contains_key(*id))
            .map(|(_, sends)| sends.last().unwrap()["runDate"].as_str().unwrap())
            .collect();
        assert!(
            !missing.is_empty() && missing.len() <= lacking,
            "{}",
            missing.len()
        );
        lacking = missing.len();
        // The log is complete for ranges after the last missing send, but not for longer ranges.
        let newest = *missing.iter().max().unwrap();
        let latest = truth
            .values()
            .flatten()
            .map(|send| send["runDate"].as_str().unwrap())
            .max();
        let query = format!(
            r#"{{ lacking: sends(filter: {{ from: "{newest}" }}) {{ coverage {{ isComplete unreadableResourceCount }} }}
                  whole: sends(filter: {{ from: "{}" }}) {{ coverage {{ isComplete unreadableResourceCount }} }} }}"#,
            latest.unwrap()
        );
        let response = account.serve(&[]).query(&query).await;
        let expected = json!({
            "lacking": { "coverage": { "isComplete": false, "unreadableResourceCount": 2 } },
            "whole": { "coverage": { "isComplete": true, "unreadableResourceCount": 0 } }
        });
        assert_eq!(response["data"], expected, "{response}");
    }

    account.sandbox.control("DELETE", "faults", &Value::Null).await;
    // The shift ends the pause after the last attempt.
    account.shift_local_times(-3600);
    assert_synchronised(&account).await;
}
