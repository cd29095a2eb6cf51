//! What the upstream should not say, and what is made of it.

use axum::{Json, Router, extract::Path, routing::get};
use sends_end_to_end::{GUIDE_ACTIVITY, SandboxProcess, ServiceProcess};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{codes, costs, of};

const COUNTED: &str = "00000000-0000-4000-8000-000000000001";
const MISCOUNTED: &str = "00000000-0000-4000-8000-000000000002";

/// An upstream that knows the statistics of any activity, and has forgotten what a number is for one of them.
async fn miscounting_upstream() -> String {
    let of_activities = async |Path(ids): Path<String>| {
        let sends = |id: &str| if id == MISCOUNTED { json!("many") } else { json!(7) };
        let record = |id: &str| json!({ "campaign_activity_id": id, "stats": { "em_sends": sends(id) } });
        let records: Vec<Value> = ids.split(',').map(record).collect();
        Json(json!({ "errors": [], "results": records }))
    };
    let path = "/v3/reports/stats/email_campaign_activities/{ids}";
    let router = Router::new().route(path, get(of_activities));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v3", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

#[tokio::test]
async fn statistics_that_cannot_be_read_are_told_as_such_and_cost_no_other_its_own() {
    let url = miscounting_upstream().await;
    let service = ServiceProcess::start(&["--upstream-url", &url], &[("SENDS_ACCESS_TOKEN", "a-token")]);
    let answer = service
        .query(&format!(
            "{{ campaignActivities(ids: {}) {{ stats {{ sends }} }} }}",
            json!([COUNTED, MISCOUNTED])
        ))
        .await;
    assert_eq!(codes(&answer), ["UPSTREAM_INVALID"], "{answer}");
    assert_eq!(answer["data"]["campaignActivities"][0]["stats"]["sends"], 7);
    assert!(answer["data"]["campaignActivities"][1]["stats"].is_null());
}

#[tokio::test]
async fn a_listing_that_is_not_there_is_no_missing_activity() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = ServiceProcess::unpaced_on(&sandbox, &[]);
    sandbox
        .fault(&json!({ "kind": "status", "status": 404, "path_contains": "/emails" }))
        .await;
    sandbox
        .fault(&json!({ "kind": "status", "status": 404, "path_contains": "/account" }))
        .await;
    let answer = service
        .query("{ campaigns { nodes { id } } account { timeZone } }")
        .await;
    assert_eq!(
        codes(&answer),
        ["UPSTREAM_INVALID", "UPSTREAM_INVALID"],
        "{answer}"
    );
}

#[tokio::test]
async fn nobody_is_asked_when_a_page_on_the_web_is_to_be_sent() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = ServiceProcess::unpaced_on(&sandbox, &[]);
    let answer = service
        .query(&format!(
            r#"{{ campaignActivity(id: "{GUIDE_ACTIVITY}") {{ campaign {{ activities {{ role scheduledFor }} }} }} }}"#
        ))
        .await;
    let activities = &answer["data"]["campaignActivity"]["campaign"]["activities"];
    assert_eq!(activities.as_array().unwrap().len(), 2, "{answer}");
    let expected = of([
        ("emails/*", 1),
        ("emails/activities/*", 1),
        ("emails/activities/*/schedules", 1),
    ]);
    assert_eq!(costs(&sandbox).await, expected);
}
