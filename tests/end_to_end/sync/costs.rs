//! Cost of a synchronisation: the minimum number of calls, excluding the calls reserved for other callers.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Account, requests_since};

/// Returns the minimum number of calls to read every send: one for each page of 500 campaigns, one for each campaign that is not
/// a draft, and one for each of its activities that can be sent.
async fn minimum_calls(account: &Account) -> (usize, BTreeMap<&'static str, usize>) {
    let campaigns = account.campaigns().await;
    let mut minimum = BTreeMap::from([("campaigns", campaigns.len().div_ceil(500))]);
    for campaign in campaigns
        .iter()
        .filter(|campaign| campaign["current_status"] != "Draft")
    {
        let id = campaign["campaign_id"].as_str().unwrap();
        let detail = account.ask(&format!("/emails/{id}")).await.unwrap();
        let activities = detail["campaign_activities"].as_array().unwrap().iter();
        *minimum.entry("details").or_default() += 1;
        *minimum.entry("histories").or_default() += activities
            .filter(|activity| activity["role"] != "permalink")
            .count();
    }
    (campaigns.len(), minimum)
}

#[tokio::test]
async fn first_synchronisation_of_two_thousand_campaigns_costs_the_minimum_and_the_ordering_pages() {
    // Generated data has seven campaigns for every eight activities.
    let account = Account::new(2_286, &[]);
    let (campaigns, mut expected) = minimum_calls(&account).await;
    assert!(campaigns >= 2_000, "{campaigns}");
    let minimum: usize = expected.values().sum();
    let before = account.sandbox.requests().await.len();
    account.complete().await;
    let requests = requests_since(&account.sandbox, before).await;
    expected.insert("summaries", 4);
    assert_eq!(requests, expected);
    let all: usize = requests.values().sum();
    eprintln!("{campaigns} campaigns: {all} calls, {minimum} are the minimum");

    let requests = account.sandbox.requests().await;
    let mut paths: Vec<String> = requests[before..]
        .iter()
        .map(|request| format!("{}?{}", request["path"], request["query"]))
        .collect();
    paths.sort();
    paths.dedup();
    assert_eq!(paths.len(), all, "a resource was requested twice");
}

#[tokio::test]
async fn three_new_sends_cost_two_pages_and_three_campaigns_with_histories() {
    let account = Account::new(400, &[]);
    account.complete().await;
    let activities = account.activities().await;
    // Each activity is the only activity of its campaign.
    let sent = [&activities[0], &activities[9], &activities[18]];
    for activity in sent {
        account
            .change(json!({ "operation": "append_send", "activity_id": activity }))
            .await;
    }
    let before = account.sandbox.requests().await.len();
    account.complete().await;
    let requests = requests_since(&account.sandbox, before).await;
    assert_eq!(
        requests,
        BTreeMap::from([
            ("campaigns", 1),
            ("summaries", 1),
            ("details", 3),
            ("histories", 3)
        ])
    );
    account.assert_logged(&activities).await;

    let before = account.sandbox.requests().await.len();
    account.complete().await;
    let requests = requests_since(&account.sandbox, before).await;
    let expected = BTreeMap::from([("campaigns", 1), ("summaries", 1)]);
    assert_eq!(requests, expected, "nothing has changed");
}

#[tokio::test]
async fn change_costs_the_campaign_and_the_histories_of_all_its_activities() {
    let account = Account::new(100, &[]);
    account.complete().await;
    // Every seventh campaign already has a resend.
    let campaign = &account.campaigns().await[21];
    assert_eq!(campaign["current_status"], "Done");
    let resend =
        json!({ "operation": "create_activity", "campaign_id": campaign["campaign_id"], "role": "resend" });
    let made = account.change(resend).await;
    let path = format!("/emails/{}", campaign["campaign_id"].as_str().unwrap());
    let detail = account.ask(&path).await.unwrap();
    let mut known = detail["campaign_activities"].as_array().unwrap().iter();
    let known = known
        .find(|activity| activity["role"] == "primary_email")
        .unwrap();
    // The resend is sent first, because the campaign's change is dated after the other send.
    for activity in [&made["activity_id"], &known["campaign_activity_id"]] {
        account
            .change(json!({ "operation": "append_send", "activity_id": activity }))
            .await;
    }
    let before = account.sandbox.requests().await.len();
    account.complete().await;
    let requests = requests_since(&account.sandbox, before).await;
    // The histories are those of the existing email and of the new email.
    let expected = BTreeMap::from([
        ("campaigns", 1),
        ("summaries", 1),
        ("details", 1),
        ("histories", 2),
    ]);
    assert_eq!(requests, expected);
    account.assert_logged(&account.activities().await).await;
}

#[tokio::test]
async fn calls_reserved_for_queries_stay_unused_and_the_rest_is_read_on_another_day() {
    let account = Account::new(300, &[]);
    let limits = |day: u32| json!({ "rate_per_second": 100, "rate_per_day": day });
    account.sandbox.configure(&limits(300)).await;
    let options = [
        "--rate-per-second",
        "400",
        "--rate-reserve",
        "50",
        "--rate-per-day",
    ];
    let first = account.sync(&[&options[..], &["300"]].concat()).await;
    assert_eq!(first.status, Some(3), "{first:?}");
    assert!(first.output.contains("campaigns are left"), "{first:?}");
    assert_eq!(account.sandbox.requests().await.len(), 250);
    let state = account.sync_state().await;
    assert_eq!(state["coverage"]["isComplete"], false, "{state}");
    assert!(state["unreadCampaignCount"].as_u64().unwrap() > 0, "{state}");
    assert!(
        state["estimatedCompleteAt"].is_string() && state["pausedUntil"].is_string(),
        "{state}"
    );

    // Higher limits on both sides simulate a new day, because the machine's clock does not change here.
    account.sandbox.configure(&limits(5_000)).await;
    let second = account.sync(&[&options[..], &["5000"]].concat()).await;
    assert_eq!(second.status, Some(0), "{second:?}");
    let counters = account.sandbox.control("GET", "counters", &Value::Null).await;
    for (_, key) in counters["keys"].as_object().unwrap() {
        assert_eq!(key["quota_exceeded"], 0, "{counters}");
    }
    let unlimited = json!({ "rate_per_second": 0, "rate_per_day": 0 });
    account.sandbox.configure(&unlimited).await;
    account.assert_logged(&account.activities().await).await;
    let state = account.sync_state().await;
    assert_eq!(state["coverage"]["isComplete"], true, "{state}");
    assert_eq!(state["estimatedCallCount"], 0, "{state}");
}

#[tokio::test]
async fn concurrent_query_takes_precedence() {
    let account = Account::new(500, &[]);
    let service = account.serve(&["--rate-per-second", "10", "--sync-every", "3600"]);
    let (activities, sandbox) = (account.activities().await, &account.sandbox);
    sandbox.requests_reach(8).await;
    // The query is for the activity with the oldest send, which the synchronisation reads last.
    let before = sandbox.requests().await.len();
    let response = service.activity(activities.last().unwrap(), 60).await;
    let after = sandbox.requests().await.len();
    assert!(response.get("errors").is_none(), "{response}");
    let of_person = |request: &Value| {
        request["path"]
            .as_str()
            .unwrap()
            .contains(activities.last().unwrap())
    };
    assert!(sandbox.requests().await.iter().any(of_person));
    // The difference includes the calls in flight and the calls that were sent concurrently.
    assert!(after - before <= 20, "{before} to {after}");
}
