//! Control requests: the log, the counters, and changes to the data.

use sends_sandbox::Config;
use serde_json::{Value, json};

use crate::{Visit, guide, history_of};

#[tokio::test]
async fn log_is_ordered_and_contains_no_token() {
    let visit = Visit::unlimited().await;
    visit.get(&guide()).await;
    visit.get("emails?limit=7").await;
    let log = visit.control("requests").await;
    let entries = log["requests"].as_array().unwrap();
    assert_eq!(entries.len(), 2);
    assert_eq!(entries[1]["path"], "/v3/emails");
    assert_eq!(entries[1]["query"], "limit=7");
    assert_eq!(entries[1]["status"], 200);
    assert_eq!(entries[0]["credential"].as_str().unwrap().len(), 8);
    assert!(!log.to_string().contains(visit.sandbox.access_token()));
    assert_eq!(
        visit.control("requests?from=1").await["requests"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn full_log_drops_the_oldest_entries() {
    let visit = Visit::to(Config {
        log_capacity: 3,
        ..Config::unlimited()
    })
    .await;
    for _ in 0..5 {
        visit.get(&guide()).await;
    }
    let log = visit.control("requests").await;
    let sequences: Vec<_> = log["requests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["sequence"].clone())
        .collect();
    assert_eq!(sequences, [2, 3, 4]);
    assert_eq!(visit.control("counters").await["requests"], 5);
}

#[tokio::test]
async fn maximum_concurrency_is_counted() {
    let visit = Visit::unlimited().await;
    visit.configure(json!({"latency_ms": 100})).await;
    let path = guide();
    tokio::join!(visit.get(&path), visit.get(&path), visit.get(&path));
    let counters = visit.control("counters").await;
    assert_eq!(counters["greatest_in_flight"], 3);
    assert_eq!(counters["greatest_in_a_second"], 3);
    assert_eq!(counters["by_endpoint"]["send_history"], 3);
}

#[tokio::test]
async fn methods_other_than_get_are_rejected_and_counted() {
    let visit = Visit::unlimited().await;
    let url = format!("{}/{}", visit.sandbox.base_url(), guide());
    let response = visit
        .client
        .post(url)
        .bearer_auth(visit.sandbox.access_token())
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 403);
    assert_eq!(
        response.json::<Value>().await.unwrap(),
        json!({"message": "Forbidden"})
    );
    assert_eq!(visit.control("counters").await["api_requests_not_get"], 1);
}

#[tokio::test]
async fn reset_restores_the_initial_state() {
    let visit = Visit::unlimited().await;
    let change = json!({"operation": "append_send", "activity_id": sends_sandbox::GUIDE_ACTIVITY_ID});
    visit.order("sends", change).await;
    visit.order("faults", json!({"kind": "stall"})).await;
    visit.configure(json!({"availability": "closed"})).await;
    visit.order("reset", json!({})).await;
    assert_eq!(visit.json(&guide()).await.as_array().unwrap().len(), 2);
    assert_eq!(visit.control("counters").await["requests"], 1);
}

#[tokio::test]
async fn activities_are_listed_in_pages() {
    let visit = Visit::to(Config::unlimited().with_activities(30)).await;
    let mut ids = Vec::new();
    let mut offset = Some(0);
    while let Some(at) = offset {
        let page = visit.control(&format!("activities?offset={at}&limit=25")).await;
        ids.extend(
            page["activities"]
                .as_array()
                .unwrap()
                .iter()
                .map(|id| id.as_str().unwrap().to_owned()),
        );
        offset = page["next_offset"].as_u64();
        assert!(
            offset > Some(at) || offset.is_none(),
            "the pagination does not end"
        );
        assert_eq!(
            page["total"],
            ids.len().max(page["total"].as_u64().unwrap().try_into().unwrap())
        );
    }
    assert_eq!(ids.last(), visit.sandbox.activity_id(29).as_ref());
    for id in &ids {
        assert_eq!(visit.get(&history_of(id)).await.status(), 200);
    }
}

#[tokio::test]
async fn appended_send_makes_its_campaign_the_newest() {
    let visit = Visit::to(Config::unlimited().with_activities(50)).await;
    let id = visit.sandbox.activity_id(40).unwrap();
    let before = visit.json(&history_of(&id)).await.as_array().unwrap().len();
    let send = json!({"count": 5, "reason_code": 7, "send_status": "ERRORED"});
    let done = visit
        .order(
            "sends",
            json!({"operation": "append_send", "activity_id": id, "send": send}),
        )
        .await;
    let history = visit.json(&history_of(&id)).await;
    assert_eq!(history.as_array().unwrap().len(), before + 1);
    assert_eq!(history[before]["send_id"], done["send_id"]);
    assert_eq!(history[before]["reason_code"], 7);

    let activity = visit.json(&format!("emails/activities/{id}")).await;
    let newest = visit.json("emails?limit=1").await;
    assert_eq!(newest["campaigns"][0]["campaign_id"], activity["campaign_id"]);
    let summaries = visit
        .json("reports/summary_reports/email_campaign_summaries?limit=1")
        .await;
    assert_eq!(
        summaries["bulk_email_campaign_summaries"][0]["campaign_id"],
        activity["campaign_id"]
    );
}

#[tokio::test]
async fn campaigns_are_created_changed_and_removed() {
    let visit = Visit::unlimited().await;
    let made = visit
        .order("sends", json!({"operation": "create_campaign", "name": "New"}))
        .await;
    let (campaign, activity) = (
        made["campaign_id"].as_str().unwrap(),
        made["activity_id"].as_str().unwrap(),
    );
    assert_eq!(visit.json(&history_of(activity)).await, json!([]));
    assert_eq!(
        visit.json(&format!("emails/{campaign}")).await["current_status"],
        "Draft"
    );

    let status = json!({"operation": "set_status", "activity_id": activity, "status": "SCHEDULED"});
    visit.order("sends", status).await;
    assert_eq!(
        visit.json(&format!("emails/{campaign}")).await["current_status"],
        "Scheduled"
    );
    assert_eq!(
        visit
            .json(&format!("emails/activities/{activity}/schedules"))
            .await
            .as_array()
            .unwrap()
            .len(),
        1
    );

    let resend = json!({"operation": "create_activity", "campaign_id": campaign, "role": "resend"});
    let resend = visit.order("sends", resend).await["activity_id"].clone();
    visit
        .order(
            "sends",
            json!({"operation": "delete_activity", "activity_id": resend}),
        )
        .await;
    assert_eq!(
        visit.get(&history_of(resend.as_str().unwrap())).await.status(),
        404
    );

    visit
        .order(
            "sends",
            json!({"operation": "remove_campaign", "campaign_id": campaign}),
        )
        .await;
    assert_eq!(
        visit.get(&format!("emails/activities/{activity}")).await.status(),
        404
    );
    assert_eq!(
        visit.json("emails?limit=1").await["campaigns"][0]["current_status"],
        "Removed"
    );
    visit
        .order(
            "sends",
            json!({"operation": "forget_campaign", "campaign_id": campaign}),
        )
        .await;
    assert_eq!(visit.get(&format!("emails/{campaign}")).await.status(), 404);
}

#[tokio::test]
async fn stopped_sandbox_accepts_no_connections_despite_a_stalled_request() {
    let visit = Visit::unlimited().await;
    visit.order("faults", json!({"kind": "stall"})).await;
    let stalled = tokio::spawn(visit.asking(&guide()).send());
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    let address = visit.sandbox.address();
    visit.sandbox.stop().await;
    assert!(stalled.await.unwrap().is_err());
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn dropped_sandbox_accepts_no_connections() {
    let visit = Visit::unlimited().await;
    visit.get(&guide()).await;
    let address = visit.sandbox.address();
    drop(visit);
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}
