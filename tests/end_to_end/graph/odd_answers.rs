//! Responses with malformed values. Only the malformed values are lost, they are counted, and no further call is made.

use axum::{
    Json, Router,
    http::{StatusCode, header::CONTENT_TYPE},
    routing::get,
};
use sends_end_to_end::ServiceProcess;
use serde_json::{Value, json};

use super::oddities::{serve, service_on};

const ACTIVITY: &str = "00000000-0000-4000-8000-000000000001";
const CAMPAIGN: &str = "00000000-0000-4000-8000-0000000000ca";

/// History with every kind of malformed value and one valid send.
const HISTORY: &[u8] = b"\xef\xbb\xbf[
    {\"send_id\": \"1\", \"count\": \"5000000000\", \"run_date\": \"\", \"send_status\": \"Completed\", \"reason_code\": 99999999999, \"segment_ids\": [\"14\"]},
    {\"count\": 7},
    {\"send_id\": 3, \"count\": 2.0, \"run_date\": \"2024-04-18T20:03:08.123456789012-04:00\", \"send_status\": \"COMPLETED\", \"reason_code\": 0}
]";

async fn odd_upstream() -> String {
    let history = async || ([(CONTENT_TYPE, "text/plain")], HISTORY);
    let activity = async || {
        let body = format!(
            r#"{{"campaign_id": "{CAMPAIGN}", "role": "Primary_Email", "subject": "Sale \ud83d now", "current_status": true}}"#
        );
        (StatusCode::ACCEPTED, body)
    };
    let campaigns = async || {
        let page = json!({ "campaigns": [
            { "campaign_id": CAMPAIGN, "name": "Good", "created_at": "", "type_code": "10", "current_status": "Done" },
            { "name": "Nobody's" },
        ], "_links": { "next": { "href": "https://elsewhere.example/v3/contacts?cursor=x" } } });
        Json(page)
    };
    let campaign = async || {
        Json(json!({ "campaign_id": CAMPAIGN, "campaign_activities": [
            {}, { "campaign_activity_id": ACTIVITY, "role": "primary_email" },
            { "campaign_activity_id": "82ee2c37-c8f8-4974-9560-ef93ad51d58z", "role": "permalink" },
        ] }))
    };
    let router = Router::new()
        .route("/cc/v3/emails", get(campaigns))
        .route("/cc/v3/emails/{id}", get(campaign))
        .route("/cc/v3/emails/activities/{id}", get(activity))
        .route("/cc/v3/emails/activities/{id}/send_history", get(history));
    serve(router).await.replace("/v3", "/cc/v3")
}

async fn data_of(service: &ServiceProcess, query: &str) -> Value {
    let mut response = service.query(query).await;
    assert!(response.get("errors").is_none(), "{response}");
    response["data"].take()
}

#[tokio::test]
async fn history_returns_readable_sends_and_counts_unreadable_sends() {
    let service = service_on(&odd_upstream().await);
    let data = data_of(
        &service,
        &format!(
            r#"{{ campaignActivity(id: "{ACTIVITY}") {{
                unreadableSendCount unreadableValueCount
                sendSummary {{ attemptCount unreadableSendCount contactsReached }}
                sendHistory {{ sendId count runDate sendStatus sendStatusRaw reasonCode segmentIds }} }} }}"#
        ),
    )
    .await;
    let expected = json!({
        "unreadableSendCount": 1,
        "unreadableValueCount": 2,
        "sendSummary": { "attemptCount": 2, "unreadableSendCount": 1, "contactsReached": 2 },
        "sendHistory": [
            { "sendId": 1, "count": 5_000_000_000_u64, "runDate": null, "sendStatus": "COMPLETED", "sendStatusRaw": "Completed", "reasonCode": null, "segmentIds": ["14"] },
            { "sendId": 3, "count": 2, "runDate": "2024-04-19T00:03:08.123Z", "sendStatus": "COMPLETED", "sendStatusRaw": "COMPLETED", "reasonCode": 0, "segmentIds": [] }
        ]
    });
    assert_eq!(data["campaignActivity"], expected);

    // The log has the readable sends, and names the activity with unreadable sends.
    let data = data_of(
        &service,
        "{ sends { totalCount nodes { sendStatusRaw count } }
           syncState { coverage { isComplete unreadableResourceCount } unreadableResources { activity { id } failure } } }",
    )
    .await;
    assert_eq!(data["sends"]["totalCount"], 2);
    assert_eq!(
        data["sends"]["nodes"][1],
        json!({ "sendStatusRaw": "Completed", "count": 5_000_000_000_u64 })
    );
    assert_eq!(
        data["syncState"],
        json!({
            "coverage": { "isComplete": false, "unreadableResourceCount": 1 },
            "unreadableResources": [{ "activity": { "id": ACTIVITY }, "failure": "Constant Contact returned one unreadable send of this activity." }]
        })
    );
    let log = service
        .log_once(|log| log.contains("unreadable records or values omitted"))
        .await;
    assert!(
        log.contains("record 2 of the send history is not a send record, field send_id"),
        "{log}"
    );
}

#[tokio::test]
async fn campaigns_and_activities_return_readable_values() {
    let service = service_on(&odd_upstream().await);
    let data = data_of(
        &service,
        "{ campaigns(first: 5) { unreadableCampaignCount nodes { name createdAt typeCode status statusRaw
             unreadableActivityCount unreadableValueCount
             activities { id role roleRaw subject status unreadableDetailCount } } } }",
    )
    .await;
    let page = &data["campaigns"];
    assert_eq!(
        (
            &page["unreadableCampaignCount"],
            page["nodes"].as_array().unwrap().len()
        ),
        (&json!(1), 1)
    );
    let expected = json!({
        "name": "Good", "createdAt": null, "typeCode": 10, "status": "DONE", "statusRaw": "Done",
        "unreadableActivityCount": 2, "unreadableValueCount": 1,
        "activities": [{ "id": ACTIVITY, "role": "PRIMARY_EMAIL", "roleRaw": "primary_email", "subject": "Sale \u{fffd} now", "status": "UNKNOWN", "unreadableDetailCount": 1 }]
    });
    assert_eq!(page["nodes"][0], expected);
    let data = data_of(
        &service,
        &format!(r#"{{ campaignActivity(id: "{ACTIVITY}") {{ roleRaw campaign {{ campaignId }} }} }}"#),
    )
    .await;
    assert_eq!(
        data["campaignActivity"],
        json!({ "roleRaw": "Primary_Email", "campaign": { "campaignId": CAMPAIGN } })
    );
}
