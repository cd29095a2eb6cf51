//! Handling of invalid upstream responses.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    Json, Router,
    extract::{Path, Query},
    routing::get,
};
use sends_end_to_end::{GUIDE_ACTIVITY, SandboxProcess, ServiceProcess};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{codes, costs, of};

const COUNTED: &str = "00000000-0000-4000-8000-000000000001";
const CAMPAIGNS: usize = 60;
const MISCOUNTED: &str = "00000000-0000-4000-8000-000000000002";

/// Starts an upstream that returns statistics for any activity. One of the counts is a word instead of a number.
async fn miscounting_upstream() -> String {
    let of_activities = async |Path(ids): Path<String>| {
        let sends = |id: &str| if id == MISCOUNTED { json!("many") } else { json!(7) };
        let record = |id: &str| json!({ "campaign_activity_id": id, "stats": { "em_sends": sends(id), "em_clicks": "3000000000" } });
        let records: Vec<Value> = ids.split(',').map(record).collect();
        Json(json!({ "errors": [], "results": records }))
    };
    let path = "/v3/reports/stats/email_campaign_activities/{ids}";
    serve(Router::new().route(path, get(of_activities))).await
}

/// Starts an upstream whose campaigns were all updated at the same time, for example by a bulk change.
async fn upstream_with_equal_dates() -> String {
    let page = async |Query(query): Query<HashMap<String, String>>| {
        let number = |name: &str| query.get(name).map_or(0, |number| number.parse().unwrap());
        let (from, limit) = (number("cursor"), number("limit"));
        let campaign = |number: usize| {
            let id = format!("00000000-0000-4000-8000-{number:012}");
            json!({ "campaign_id": id, "updated_at": "2026-01-31T12:00:00.000Z" })
        };
        let end = CAMPAIGNS.min(from + limit);
        let campaigns: Vec<Value> = (from..end).map(campaign).collect();
        let next = (end < CAMPAIGNS).then(|| format!("/v3/emails?limit={limit}&cursor={end}"));
        Json(json!({ "campaigns": campaigns, "_links": { "next": { "href": next } } }))
    };
    serve(Router::new().route("/v3/emails", get(page))).await
}

pub(super) async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v3", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

pub(super) fn service_on(url: &str) -> ServiceProcess {
    let options = ["--upstream-url", url, "--rate-per-second", "0"];
    ServiceProcess::start(&options, &[("SENDS_ACCESS_TOKEN", "a-token")])
}

#[tokio::test]
async fn unreadable_count_affects_no_other_count() {
    let service = service_on(&miscounting_upstream().await);
    let response = service
        .query(&format!(
            "{{ campaignActivities(ids: {}) {{ stats {{ sends clicks unreadableValueCount }} }} }}",
            json!([COUNTED, MISCOUNTED])
        ))
        .await;
    assert!(response.get("errors").is_none(), "{response}");
    assert_eq!(
        response["data"]["campaignActivities"][0]["stats"],
        json!({ "sends": 7, "clicks": 3_000_000_000_u64, "unreadableValueCount": 0 })
    );
    assert_eq!(
        response["data"]["campaignActivities"][1]["stats"],
        json!({ "sends": null, "clicks": 3_000_000_000_u64, "unreadableValueCount": 1 })
    );
}

#[tokio::test]
async fn missing_listing_is_not_reported_as_a_missing_activity() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = ServiceProcess::unpaced_on(&sandbox, &[]);
    sandbox
        .fault(&json!({ "kind": "status", "status": 404, "path_contains": "/emails" }))
        .await;
    sandbox
        .fault(&json!({ "kind": "status", "status": 404, "path_contains": "/account" }))
        .await;
    let response = service
        .query("{ campaigns { nodes { id } } account { timeZone } }")
        .await;
    assert_eq!(
        codes(&response),
        ["UPSTREAM_INVALID", "UPSTREAM_INVALID"],
        "{response}"
    );
}

#[tokio::test]
async fn schedule_of_a_permalink_is_not_requested() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = ServiceProcess::unpaced_on(&sandbox, &[]);
    let response = service
        .query(&format!(
            r#"{{ campaignActivity(id: "{GUIDE_ACTIVITY}") {{ campaign {{ activities {{ role scheduledFor }} }} }} }}"#
        ))
        .await;
    let activities = &response["data"]["campaignActivity"]["campaign"]["activities"];
    assert_eq!(activities.as_array().unwrap().len(), 2, "{response}");
    let expected = of([
        ("emails/*", 1),
        ("emails/activities/*", 1),
        ("emails/activities/*/schedules", 1),
    ]);
    assert_eq!(costs(&sandbox).await, expected);
}

#[tokio::test]
async fn pages_traverse_campaigns_with_equal_dates() {
    const ON_A_PAGE: usize = 7;
    let service = service_on(&upstream_with_equal_dates().await);
    let (mut shown, mut after, mut pages) = (Vec::new(), Value::Null, 0);
    loop {
        let response = service
            .query(&format!(
                "{{ campaigns(first: {ON_A_PAGE}, after: {after}) {{
                    nodes {{ campaignId }} pageInfo {{ hasNextPage endCursor }} }} }}"
            ))
            .await;
        assert!(response.get("errors").is_none(), "{response}");
        let page = &response["data"]["campaigns"];
        shown.extend(page["nodes"].as_array().unwrap().iter().cloned());
        pages += 1;
        assert!(pages <= CAMPAIGNS, "the pagination does not end");
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
    let ids: HashSet<String> = shown.iter().map(ToString::to_string).collect();
    assert_eq!((ids.len(), shown.len()), (CAMPAIGNS, CAMPAIGNS));
}

/// Starts an upstream that returns these campaigns, each an hour older than the previous campaign, regardless of dates and
/// cursors. Each page links to a further page with a new cursor.
async fn endless_upstream(campaigns: usize) -> (String, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    let page = async move || {
        let cursor = count.fetch_add(1, Ordering::Relaxed);
        let campaign = |number: usize| {
            let id = format!("00000000-0000-4000-8000-{number:012}");
            json!({ "campaign_id": id, "updated_at": format!("2026-01-31T{:02}:00:00Z", 23 - number) })
        };
        let campaigns: Vec<Value> = (0..campaigns).map(campaign).collect();
        let next = format!("/v3/emails?cursor={cursor}");
        Json(json!({ "campaigns": campaigns, "_links": { "next": { "href": next } } }))
    };
    (serve(Router::new().route("/v3/emails", get(page))).await, calls)
}

#[tokio::test]
async fn endless_campaign_listing_ends_in_an_error_after_its_campaigns() {
    for (campaigns, expected_calls) in [(12, 9), (0, 5)] {
        let (url, calls) = endless_upstream(campaigns).await;
        let service = service_on(&url);
        let (mut found, mut after) = (HashSet::new(), Value::Null);
        let mut error = None;
        // The limit allows a page for every five campaigns, and more.
        for _ in 0..20 {
            let response = service
                .query(&format!(
                    "{{ campaigns(first: 5, after: {after}) {{ nodes {{ campaignId }} pageInfo {{ hasNextPage endCursor }} }} }}"
                ))
                .await;
            if response.get("errors").is_some() {
                error = Some(response);
                break;
            }
            let page = &response["data"]["campaigns"];
            let nodes = page["nodes"].as_array().unwrap();
            assert!(!nodes.is_empty(), "the pagination does not end: {response}");
            for campaign in nodes {
                assert!(found.insert(campaign["campaignId"].to_string()), "{response}");
            }
            assert_eq!(page["pageInfo"]["hasNextPage"], true, "{response}");
            after = page["pageInfo"]["endCursor"].clone();
        }
        let error = error.expect("the listing ends in an error");
        assert_eq!(codes(&error), ["UPSTREAM_INVALID"], "{error}");
        assert_eq!(found.len(), campaigns);
        assert_eq!(calls.load(Ordering::Relaxed), expected_calls);
    }
}

/// Starts an upstream with these campaigns, each an hour older than the previous campaign. The last page links back to the first
/// page if `to_first` is true, and otherwise to itself.
async fn circling_upstream(campaigns: usize, to_first: bool) -> String {
    let page = async move |Query(query): Query<HashMap<String, String>>| {
        let number = |name: &str| query.get(name).map_or(0, |number| number.parse().unwrap());
        let (from, limit) = (number("cursor"), number("limit"));
        let before = query.get("before_date").map_or("3", String::as_str);
        let date = |number: usize| format!("2026-01-31T{:02}:00:00Z", 23 - number);
        let campaign = |number: usize| {
            let id = format!("00000000-0000-4000-8000-{number:012}");
            json!({ "campaign_id": id, "updated_at": date(number) })
        };
        let all: Vec<Value> = (0..campaigns)
            .filter(|number| date(*number).as_str() < before)
            .map(campaign)
            .collect();
        let end = all.len().min(from + limit);
        let next = match end {
            _ if end < all.len() => end,
            _ if to_first => 0,
            _ => from,
        };
        let dates = query
            .get("before_date")
            .map_or_else(String::new, |date| format!("&before_date={date}"));
        let next = format!("/v3/emails?limit={limit}{dates}&cursor={next}");
        Json(json!({ "campaigns": all[from..end], "_links": { "next": { "href": next } } }))
    };
    serve(Router::new().route("/v3/emails", get(page))).await
}

#[tokio::test]
async fn campaign_listing_with_a_cursor_loop_ends_with_its_last_campaign() {
    for (campaigns, to_first) in [(12, true), (12, false), (10, true), (3, false)] {
        let service = service_on(&circling_upstream(campaigns, to_first).await);
        let (mut found, mut after) = (HashSet::new(), Value::Null);
        loop {
            let response = service
                .query(&format!(
                    "{{ campaigns(first: 5, after: {after}) {{ nodes {{ campaignId }} pageInfo {{ hasNextPage endCursor }} }} }}"
                ))
                .await;
            assert!(
                response.get("errors").is_none(),
                "{campaigns} {to_first} {} {response}",
                found.len()
            );
            let page = &response["data"]["campaigns"];
            for campaign in page["nodes"].as_array().unwrap() {
                assert!(found.insert(campaign["campaignId"].to_string()), "{response}");
            }
            if page["pageInfo"]["hasNextPage"] == false {
                break;
            }
            after = page["pageInfo"]["endCursor"].clone();
            assert_ne!(after, Value::Null, "{response}");
        }
        assert_eq!(found.len(), campaigns);
    }
}
