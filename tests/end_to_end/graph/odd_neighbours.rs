//! Lists, segments and other resources of which the upstream tells only a part, or nothing.

use axum::{Json, Router, extract::Path, routing::get};
use sends_end_to_end::ServiceProcess;
use serde_json::{Value, json};

use super::{
    codes,
    oddities::{serve, service_on},
};

const ACTIVITY: &str = "00000000-0000-4000-8000-000000000001";
const CAMPAIGN: &str = "00000000-0000-4000-8000-0000000000ca";

async fn service_with_lists(listing: Value) -> ServiceProcess {
    let lists = async move || Json(listing);
    service_on(&serve(Router::new().route("/v3/contact_lists", get(lists))).await)
}

const LISTS: &str = r#"{ nodes(ids: ["ContactList:known", "ContactList:other"]) {
    ... on ContactList { name isDeleted unreadableValueCount } } }"#;

#[tokio::test]
async fn a_list_that_a_complete_listing_lacks_is_null_without_an_error() {
    let known = json!({ "list_id": "known", "name": "Known", "favorite": "yes" });
    let service = service_with_lists(json!({ "lists": [known] })).await;
    let answer = service.query(LISTS).await;
    assert!(answer.get("errors").is_none(), "{answer}");
    assert_eq!(
        answer["data"]["nodes"],
        json!([
            { "name": "Known", "isDeleted": false, "unreadableValueCount": 1 },
            { "name": null, "isDeleted": null, "unreadableValueCount": null },
        ])
    );
}

#[tokio::test]
async fn a_list_that_an_incomplete_listing_lacks_is_null_with_an_error_at_its_path() {
    let known = json!({ "list_id": "known", "name": "Known" });
    for (listing, cause) in [
        (
            json!({ "lists": [known, { "list_id": 7, "name": "Odd" }] }),
            "holds records that cannot be read",
        ),
        (
            json!({ "lists": [known], "_links": { "next": { "href": "https://elsewhere.example/v3/contact_lists?x" } } }),
            "breaks off before its last page",
        ),
        (
            json!({ "lists": [known], "_links": { "next": { "href": 7 } } }),
            "breaks off before its last page",
        ),
    ] {
        let answer = service_with_lists(listing).await.query(LISTS).await;
        assert_eq!(answer["data"]["nodes"][0]["name"], "Known");
        assert_eq!(answer["data"]["nodes"][1]["name"], Value::Null);
        assert_eq!(codes(&answer), ["UPSTREAM_INVALID"; 3], "{answer}");
        let errors = answer["errors"].as_array().unwrap();
        for field in ["name", "isDeleted", "unreadableValueCount"] {
            let path = json!(["nodes", 1, field]);
            assert!(errors.iter().any(|error| error["path"] == path), "{answer}");
        }
        let message = errors[0]["message"].as_str().unwrap();
        assert!(message.contains(cause), "{message}");
    }
    for listing in [
        json!({}),
        json!({ "lists": null }),
        json!({ "error_key": "x", "error_message": "y" }),
    ] {
        let answer = service_with_lists(listing).await.query(LISTS).await;
        assert_eq!(codes(&answer), ["UPSTREAM_INVALID"; 6], "{answer}");
    }
}

#[tokio::test]
async fn a_segment_that_the_listing_does_not_show_is_asked_for_by_itself() {
    let segments = async || Json(json!({ "segments": [{ "segment_id": "14?", "name": "Odd" }] }));
    let segment = async |Path(id): Path<String>| {
        Json(match id.as_str() {
            "14" => json!({ "segment_id": 14, "name": "Fourteen", "edited_at": "today" }),
            _ => json!({ "error_key": "x" }),
        })
    };
    let router = Router::new()
        .route("/v3/segments", get(segments))
        .route("/v3/segments/{id}", get(segment));
    let answer = service_on(&serve(router).await)
        .query(
            r#"{ nodes(ids: ["Segment:14", "Segment:15"]) { ... on Segment { name unreadableValueCount } } }"#,
        )
        .await;
    assert_eq!(
        answer["data"]["nodes"],
        json!([
            { "name": "Fourteen", "unreadableValueCount": 1 },
            { "name": null, "unreadableValueCount": null },
        ])
    );
    assert_eq!(codes(&answer), ["UPSTREAM_INVALID"], "{answer}");
}

#[tokio::test]
async fn an_answer_that_carries_nothing_of_what_was_asked_for_is_an_error() {
    for body in [json!({}), json!({ "error_key": "x" })] {
        let answered = async move || Json(body);
        let router = Router::new()
            .route("/v3/emails/{id}", get(answered.clone()))
            .route("/v3/emails/activities/{id}", get(answered.clone()))
            .route("/v3/account/summary", get(answered));
        let answer = service_on(&serve(router).await)
            .query(&format!(
                r#"{{ campaignActivity(id: "{ACTIVITY}") {{ subject }} campaign(id: "{CAMPAIGN}") {{ name }}
                   account {{ timeZone }} }}"#
            ))
            .await;
        assert_eq!(codes(&answer), ["UPSTREAM_INVALID"; 3], "{answer}");
    }
}

#[tokio::test]
async fn a_value_of_the_account_that_cannot_be_read_is_counted() {
    let summary = async || Json(json!({ "organization_name": "Lantern", "time_zone_id": 7 }));
    let router = Router::new().route("/v3/account/summary", get(summary));
    let answer = service_on(&serve(router).await)
        .query("{ account { organizationName timeZone unreadableValueCount } }")
        .await;
    assert_eq!(
        answer["data"]["account"],
        json!({ "organizationName": "Lantern", "timeZone": null, "unreadableValueCount": 1 })
    );
}
