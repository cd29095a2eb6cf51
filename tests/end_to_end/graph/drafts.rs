//! Statistics of unsent emails: they are null and cause no error, their cost is bounded, and sent emails are not affected.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{Json, Router, extract::Path, http::StatusCode, response::IntoResponse, routing::get};
use serde_json::{Value, json};

use super::{
    all, codes,
    oddities::{serve, service_on},
};

const STATS: &str = "/v3/reports/stats/email_campaign_activities/{ids}";

#[derive(Clone, Copy)]
enum Drafts {
    /// The batch is rejected with this status.
    Reject(StatusCode),
    /// The response contains only the other activities.
    Omit,
}

/// Activity that has a send, although its id ends in `d` like the id of a draft.
const SENT_BUT_REJECTED: &str = "00000000-0000-4000-8000-00000000fffd";

/// Activities whose ids end in `d` are drafts. Activities whose ids end in `f` do not exist.
fn is_draft(id: &&str) -> bool {
    id.ends_with('d')
}

fn id(number: usize, last: char) -> String {
    format!("00000000-0000-4000-8000-{number:011}{last}")
}

/// Starts an upstream with drafts. Returns its URL and the number of its calls for statistics.
async fn upstream(drafts: Drafts) -> (String, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let stats = async move |Path(ids): Path<String>| {
        counted.fetch_add(1, Ordering::Relaxed);
        let ids: Vec<&str> = ids.split(',').collect();
        let all_are_drafts = ids.iter().all(is_draft);
        match drafts {
            Drafts::Reject(status) if ids.iter().any(is_draft) => return status.into_response(),
            Drafts::Omit if all_are_drafts => return StatusCode::NOT_FOUND.into_response(),
            _ => {}
        }
        let sent = ids.iter().filter(|id| id.ends_with('e'));
        let record = |id: &&str| json!({ "campaign_activity_id": id, "stats": { "em_sends": 7 } });
        let records: Vec<Value> = sent.map(record).collect();
        Json(json!({ "errors": [], "results": records })).into_response()
    };
    let history = async |Path(id): Path<String>| match id.as_bytes().last() {
        _ if id == SENT_BUT_REJECTED => Json(json!([{ "send_id": 1 }])).into_response(),
        Some(b'd') => Json(json!([])).into_response(),
        Some(b'e') => Json(json!([{ "send_id": 1 }])).into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    };
    let campaigns = async || {
        let draft = |number| json!({ "campaign_id": id(number, 'c'), "current_status": "Draft" });
        Json(json!({ "campaigns": (0..100).map(draft).collect::<Vec<Value>>() }))
    };
    let campaign = async |Path(id): Path<String>| {
        let activity = id.strip_suffix('c').map(|number| format!("{number}d"));
        let activities = json!([{ "campaign_activity_id": activity, "role": "primary_email" }]);
        Json(json!({ "campaign_id": id, "current_status": "Draft", "campaign_activities": activities }))
    };
    let router = Router::new()
        .route(STATS, get(stats))
        .route("/v3/emails/activities/{id}/send_history", get(history))
        .route("/v3/emails", get(campaigns))
        .route("/v3/emails/{id}", get(campaign));
    (serve(router).await, calls)
}

fn stats_of(ids: &[String]) -> String {
    format!(
        "{{ campaignActivities(ids: {}) {{ stats {{ sends }} }} }}",
        json!(ids)
    )
}

fn sends(answer: &Value) -> Vec<Value> {
    let activities = answer["data"]["campaignActivities"].as_array().unwrap();
    activities
        .iter()
        .map(|one| one["stats"]["sends"].clone())
        .collect()
}

#[tokio::test]
async fn statistics_of_drafts_are_null_at_about_one_call_per_ten() {
    for drafts in [
        Drafts::Reject(StatusCode::NOT_FOUND),
        Drafts::Reject(StatusCode::BAD_REQUEST),
        Drafts::Omit,
    ] {
        let (url, calls) = upstream(drafts).await;
        let service = service_on(&url);
        let answer = service
            .query("{ campaigns(first: 100) { nodes { activities { stats { sends } } } } }")
            .await;
        assert!(answer.get("errors").is_none(), "{answer}");
        let stats = all(&answer, "stats");
        assert_eq!(stats, vec![Value::Null; 100]);
        let cost = calls.load(Ordering::Relaxed);
        assert!(cost <= 12, "{cost} calls");
    }
}

#[tokio::test]
async fn rejected_batch_loses_no_statistics_of_sent_emails() {
    let (url, calls) = upstream(Drafts::Reject(StatusCode::NOT_FOUND)).await;
    let service = service_on(&url);
    // Each half contains a draft.
    let lasts = ['d', 'e', 'e', 'e', 'e', 'e', 'e', 'd', 'e', 'e'];
    let ids: Vec<String> = (0..).zip(lasts).map(|(number, last)| id(number, last)).collect();
    let answer = service.query(&stats_of(&ids)).await;
    assert!(answer.get("errors").is_none(), "{answer}");
    let expected = lasts.map(|last| if last == 'd' { Value::Null } else { json!(7) });
    assert_eq!(sends(&answer), expected);
    let cost = calls.load(Ordering::Relaxed);
    assert!(cost <= 13, "{cost} calls");
    // This batch does not affect a later batch.
    let more: Vec<String> = (20..).zip(lasts).map(|(number, last)| id(number, last)).collect();
    assert_eq!(sends(&service.query(&stats_of(&more)).await), expected);
}

#[tokio::test]
async fn hundred_drafts_of_unknown_status_cost_one_call_per_ten_and_one_split_batch() {
    let ids: Vec<String> = (0..100).map(|number| id(number, 'd')).collect();
    for drafts in [Drafts::Reject(StatusCode::NOT_FOUND), Drafts::Omit] {
        let (url, calls) = upstream(drafts).await;
        let service = service_on(&url);
        let answer = service.query(&stats_of(&ids)).await;
        assert!(answer.get("errors").is_none(), "{answer}");
        assert_eq!(sends(&answer), vec![Value::Null; 100]);
        let cost = calls.load(Ordering::Relaxed);
        assert!(cost <= 22, "{cost} calls");
    }
}

#[tokio::test]
async fn rejected_batches_are_not_split_after_a_partial_response() {
    let (url, calls) = upstream(Drafts::Omit).await;
    let service = service_on(&url);
    service.query(&stats_of(&[id(1, 'e'), id(2, 'd')])).await;
    let before = calls.load(Ordering::Relaxed);
    let ids: Vec<String> = (10..110).map(|number| id(number, 'd')).collect();
    let answer = service.query(&stats_of(&ids)).await;
    assert!(answer.get("errors").is_none(), "{answer}");
    assert_eq!(sends(&answer), vec![Value::Null; 100]);
    assert_eq!(calls.load(Ordering::Relaxed) - before, 10);
}

#[tokio::test]
async fn rejection_of_a_sent_email_is_an_error() {
    let (url, _) = upstream(Drafts::Reject(StatusCode::NOT_FOUND)).await;
    let service = service_on(&url);
    // According to its history, the activity was sent. The upstream rejects it both with the draft and alone.
    let sent = SENT_BUT_REJECTED;
    let known = format!(r#"{{ campaignActivity(id: "{sent}") {{ latestSend {{ id }} }} }}"#);
    assert!(service.query(&known).await.get("errors").is_none());
    let answer = service.query(&stats_of(&[sent.to_owned(), id(1, 'd')])).await;
    assert_eq!(sends(&answer), [Value::Null, Value::Null]);
    assert_eq!(codes(&answer), ["NOT_FOUND"], "{answer}");
}

#[tokio::test]
async fn omitted_statistics_are_null_if_unsent_and_not_found_if_unknown() {
    let (url, _) = upstream(Drafts::Omit).await;
    let service = service_on(&url);
    let answer = service
        .query(&stats_of(&[id(1, 'e'), id(2, 'd'), id(3, 'f')]))
        .await;
    assert_eq!(sends(&answer), [json!(7), Value::Null, Value::Null]);
    assert_eq!(codes(&answer), ["NOT_FOUND"], "{answer}");
    assert_eq!(
        answer["errors"][0]["path"],
        json!(["campaignActivities", 2, "stats"])
    );
}

#[tokio::test]
async fn draft_rejected_with_another_status_is_null_according_to_its_history() {
    let (url, _) = upstream(Drafts::Reject(StatusCode::BAD_REQUEST)).await;
    let answer = service_on(&url).query(&stats_of(&[id(1, 'e'), id(2, 'd')])).await;
    assert!(answer.get("errors").is_none(), "{answer}");
    assert_eq!(sends(&answer), [json!(7), Value::Null]);
}

#[tokio::test]
async fn response_without_results_hides_no_statistics() {
    for body in [json!({ "errors": [], "results": null }), json!({ "errors": [] })] {
        let stats = async move || Json(body);
        let service = service_on(&serve(Router::new().route(STATS, get(stats))).await);
        let answer = service.query(&stats_of(&[id(1, 'e')])).await;
        assert_eq!(codes(&answer), ["UPSTREAM_INVALID"], "{answer}");
    }
}

#[tokio::test]
async fn empty_record_does_not_replace_another_of_the_same_activity() {
    for empty_is_first in [false, true] {
        let stats = async move |Path(id): Path<String>| {
            let mut records = vec![
                json!({ "campaign_activity_id": id, "stats": { "em_sends": 7 } }),
                json!({ "campaign_activity_id": id, "stats": {} }),
            ];
            if empty_is_first {
                records.reverse();
            }
            Json(json!({ "errors": [], "results": records }))
        };
        let service = service_on(&serve(Router::new().route(STATS, get(stats))).await);
        assert_eq!(sends(&service.query(&stats_of(&[id(1, 'e')])).await), [json!(7)]);
    }
}
