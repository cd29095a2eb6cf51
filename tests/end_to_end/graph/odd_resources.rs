//! Lists, segments and other resources with partial or missing upstream data.

use std::collections::HashMap;

use axum::{
    Json, Router,
    extract::{Path, Query},
    http::StatusCode,
    routing::{MethodRouter, get},
};
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
async fn list_missing_from_a_complete_listing_is_null_without_an_error() {
    let known = json!({ "list_id": "known", "name": "Known", "favorite": "yes" });
    let service = service_with_lists(json!({ "lists": [known] })).await;
    let response = service.query(LISTS).await;
    assert!(response.get("errors").is_none(), "{response}");
    assert_eq!(
        response["data"]["nodes"],
        json!([
            { "name": "Known", "isDeleted": false, "unreadableValueCount": 1 },
            { "name": null, "isDeleted": null, "unreadableValueCount": null },
        ])
    );
}

#[tokio::test]
async fn list_missing_from_an_incomplete_listing_is_null_with_an_error_at_its_path() {
    let known = json!({ "list_id": "known", "name": "Known" });
    for (listing, cause) in [
        (
            json!({ "lists": [known, { "list_id": 7, "name": "Odd" }] }),
            "contains records that cannot be decoded",
        ),
        (
            json!({ "lists": [known], "_links": { "next": { "href": "https://elsewhere.example/v3/contact_lists?x" } } }),
            "ends before its last page",
        ),
        (
            json!({ "lists": [known], "_links": { "next": { "href": 7 } } }),
            "ends before its last page",
        ),
    ] {
        let response = service_with_lists(listing).await.query(LISTS).await;
        assert_eq!(response["data"]["nodes"][0]["name"], "Known");
        assert_eq!(response["data"]["nodes"][1]["name"], Value::Null);
        assert_eq!(codes(&response), ["UPSTREAM_INVALID"; 3], "{response}");
        let errors = response["errors"].as_array().unwrap();
        for field in ["name", "isDeleted", "unreadableValueCount"] {
            let path = json!(["nodes", 1, field]);
            assert!(errors.iter().any(|error| error["path"] == path), "{response}");
        }
        let message = errors[0]["message"].as_str().unwrap();
        assert!(message.contains(cause), "{message}");
    }
    for listing in [
        json!({}),
        json!({ "lists": null }),
        json!({ "error_key": "x", "error_message": "y" }),
    ] {
        let response = service_with_lists(listing).await.query(LISTS).await;
        assert_eq!(codes(&response), ["UPSTREAM_INVALID"; 6], "{response}");
    }
}

/// Returns responses for the third page of a listing, each with the error code for the names that are missing from the listing.
fn failing_pages() -> [(StatusCode, Value, &'static str); 4] {
    [
        (
            StatusCode::INTERNAL_SERVER_ERROR,
            json!([]),
            "UPSTREAM_UNAVAILABLE",
        ),
        (StatusCode::FORBIDDEN, json!([]), "FORBIDDEN"),
        (StatusCode::NOT_FOUND, json!([]), "UPSTREAM_INVALID"),
        (StatusCode::OK, Value::Null, "UPSTREAM_INVALID"),
    ]
}

fn listing(
    path: &'static str,
    first: Value,
    second: Value,
    (status, body): (StatusCode, Value),
) -> MethodRouter {
    get(async move |Query(query): Query<HashMap<String, String>>| {
        let (records, next) = match query.get("cursor").map(String::as_str) {
            None => (first, "2"),
            Some("2") => (second, "3"),
            Some(_) => return (status, Json(body)),
        };
        let next = json!({ "next": { "href": format!("/v3/{path}?cursor={next}") } });
        let member = if path == "segments" { path } else { "lists" };
        (StatusCode::OK, Json(json!({ member: [records], "_links": next })))
    })
}

#[tokio::test]
async fn failing_page_of_lists_affects_only_its_own_names() {
    let [one, two] = ["one", "two"].map(|id| json!({ "list_id": id, "name": id }));
    for (status, body, code) in failing_pages() {
        let lists = listing("contact_lists", one.clone(), two.clone(), (status, body));
        let service = service_on(&serve(Router::new().route("/v3/contact_lists", lists)).await);
        let query = r#"{ nodes(ids: ["ContactList:one", "ContactList:two", "ContactList:three"]) {
            ... on ContactList { name } } }"#;
        for _ in 0..2 {
            let response = service.query(query).await;
            assert_eq!(
                response["data"]["nodes"],
                json!([{ "name": "one" }, { "name": "two" }, { "name": null }]),
                "{status}: {response}"
            );
            assert_eq!(codes(&response), [code], "{response}");
            assert_eq!(response["errors"][0]["path"], json!(["nodes", 2, "name"]));
            let message = response["errors"][0]["message"].as_str().unwrap();
            assert!(message.contains("could not be read to its end"), "{message}");
        }
    }
}

#[tokio::test]
async fn failing_page_of_segments_affects_only_its_own_names() {
    let [one, two] = [1, 2].map(|id| json!({ "segment_id": id, "name": id.to_string() }));
    for (status, body, code) in failing_pages() {
        let segments = listing("segments", one.clone(), two.clone(), (status, body.clone()));
        // A deleted segment is null and causes no error.
        let expected = if status == StatusCode::NOT_FOUND {
            vec![]
        } else {
            vec![code]
        };
        let segment = async move || (status, Json(body));
        let router = Router::new()
            .route("/v3/segments", segments)
            .route("/v3/segments/{id}", get(segment));
        let response = service_on(&serve(router).await)
            .query(r#"{ nodes(ids: ["Segment:1", "Segment:2", "Segment:3"]) { ... on Segment { name } } }"#)
            .await;
        assert_eq!(
            response["data"]["nodes"],
            json!([{ "name": "1" }, { "name": "2" }, { "name": null }]),
            "{status}: {response}"
        );
        assert_eq!(codes(&response), expected, "{response}");
    }
}

#[tokio::test]
async fn segment_missing_from_the_listing_is_requested_individually() {
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
    let response = service_on(&serve(router).await)
        .query(
            r#"{ nodes(ids: ["Segment:14", "Segment:15"]) { ... on Segment { name unreadableValueCount } } }"#,
        )
        .await;
    assert_eq!(
        response["data"]["nodes"],
        json!([
            { "name": "Fourteen", "unreadableValueCount": 1 },
            { "name": null, "unreadableValueCount": null },
        ])
    );
    assert_eq!(codes(&response), ["UPSTREAM_INVALID"], "{response}");
}

#[tokio::test]
async fn response_without_any_requested_item_is_an_error() {
    for body in [json!({}), json!({ "error_key": "x" })] {
        let answered = async move || Json(body);
        let router = Router::new()
            .route("/v3/emails/{id}", get(answered.clone()))
            .route("/v3/emails/activities/{id}", get(answered.clone()))
            .route("/v3/account/summary", get(answered));
        let response = service_on(&serve(router).await)
            .query(&format!(
                r#"{{ campaignActivity(id: "{ACTIVITY}") {{ subject }} campaign(id: "{CAMPAIGN}") {{ name }}
                   account {{ timeZone }} }}"#
            ))
            .await;
        assert_eq!(codes(&response), ["UPSTREAM_INVALID"; 3], "{response}");
    }
}

#[tokio::test]
async fn unreadable_value_of_the_account_is_counted() {
    let summary = async || Json(json!({ "organization_name": "Lantern", "time_zone_id": 7 }));
    let router = Router::new().route("/v3/account/summary", get(summary));
    let response = service_on(&serve(router).await)
        .query("{ account { organizationName timeZone unreadableValueCount } }")
        .await;
    assert_eq!(
        response["data"]["account"],
        json!({ "organizationName": "Lantern", "timeZone": null, "unreadableValueCount": 1 })
    );
}
