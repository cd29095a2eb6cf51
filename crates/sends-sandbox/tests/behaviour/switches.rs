//! Settings for undocumented behaviour.

use serde_json::{Value, json};

use crate::{UNKNOWN_ID, Visit, guide, history_of};

async fn set(settings: Value) -> Visit {
    let visit = Visit::unlimited().await;
    visit.configure(settings).await;
    visit
}

#[tokio::test]
async fn malformed_id_is_400_or_404() {
    let visit = Visit::unlimited().await;
    assert_eq!(visit.get(&history_of("nonsense")).await.status(), 400);
    visit.configure(json!({"malformed_id": "not_found"})).await;
    assert_eq!(visit.get(&history_of("nonsense")).await.status(), 404);
}

#[tokio::test]
async fn body_of_a_404_has_three_forms() {
    let visit = Visit::unlimited().await;
    for (form, beginning) in [("array", "[{"), ("object", "{"), ("empty", "")] {
        visit.configure(json!({"not_found_body": form})).await;
        let response = visit.get(&history_of(UNKNOWN_ID)).await;
        assert_eq!(response.status(), 404);
        let text = response.text().await.unwrap();
        assert!(
            text.starts_with(beginning) && text.is_empty() == beginning.is_empty(),
            "{text}"
        );
    }
}

#[tokio::test]
async fn history_of_an_unsendable_activity_follows_the_setting() {
    let visit = Visit::unlimited().await;
    let (removed, permalink) = (
        "feed0000-0000-4000-8000-00000000000e",
        "cafe1ead-0000-4000-8001-000000000001",
    );
    for (answer, status) in [("empty", 200), ("not_found", 404), ("bad_request", 400)] {
        visit.configure(json!({"unsendable_history": answer})).await;
        for id in [removed, permalink] {
            assert_eq!(visit.get(&history_of(id)).await.status(), status);
        }
    }
}

#[tokio::test]
async fn send_in_progress_has_a_row_if_enabled() {
    let visit = Visit::unlimited().await;
    let path = history_of("feed0000-0000-4000-8000-000000000007");
    assert_eq!(visit.json(&path).await.as_array().unwrap().len(), 1);
    visit.configure(json!({"executing_row": true})).await;
    assert_eq!(visit.json(&path).await[1]["send_status"], "EXECUTING");
}

#[tokio::test]
async fn codes_five_and_six_have_either_status() {
    let visit = set(json!({"staged_status": "completed", "partial_status": "completed"})).await;
    for code in ["05", "06"] {
        let history = visit
            .json(&history_of(&format!("c0de0000-0000-4000-8000-0000000000{code}")))
            .await;
        assert_eq!(history[0]["send_status"], "COMPLETED");
    }
}

#[tokio::test]
async fn bodies_are_compressed_for_accepting_clients_unless_disabled() {
    let visit = Visit::unlimited().await;
    let gzipped = async || {
        visit
            .asking(&guide())
            .header("accept-encoding", "gzip")
            .send()
            .await
            .unwrap()
    };
    let response = gzipped().await;
    assert_eq!(response.headers()["content-encoding"], "gzip");
    let body = response.bytes().await.unwrap();
    let history: Value = serde_json::from_reader(flate2::read::GzDecoder::new(&*body)).unwrap();
    assert_eq!(history, visit.json(&guide()).await);
    visit.configure(json!({"encoding": "identity"})).await;
    assert_eq!(gzipped().await.headers().get("content-encoding"), None);
}

#[tokio::test]
async fn matching_etag_returns_304_if_enabled() {
    let visit = Visit::unlimited().await;
    assert_eq!(visit.get(&guide()).await.headers().get("etag"), None);
    visit.configure(json!({"etag": true})).await;
    let tag = visit.get(&guide()).await.headers()["etag"].clone();
    let again = visit
        .asking(&guide())
        .header("if-none-match", tag)
        .send()
        .await
        .unwrap();
    assert_eq!(again.status(), 304);
}

#[tokio::test]
async fn last_page_is_marked_in_three_ways() {
    let visit = Visit::unlimited().await;
    assert_eq!(visit.json("segments").await.get("_links"), None);
    visit.configure(json!({"last_page": "without_next"})).await;
    assert_eq!(visit.json("segments").await["_links"], json!({}));
    visit.configure(json!({"last_page": "null_href"})).await;
    assert_eq!(
        visit.json("segments").await["_links"],
        json!({"next": {"href": null}})
    );
}

#[tokio::test]
async fn reports_have_either_spelling_of_keys_and_counts() {
    let visit = Visit::unlimited().await;
    let stats = format!(
        "reports/stats/email_campaign_activities/{}",
        sends_sandbox::GUIDE_ACTIVITY_ID
    );
    let summaries = "reports/summary_reports/email_campaign_summaries";
    assert!(
        visit.json(&stats).await["results"][0]["stats"]
            .get("em_opens.all.mobile")
            .is_some()
    );
    visit
        .configure(json!({"stats_keys": "underscored", "summary_counts": "strings"}))
        .await;
    assert!(
        visit.json(&stats).await["results"][0]["stats"]
            .get("em_opens_all_mobile")
            .is_some()
    );
    let counts = visit.json(summaries).await["bulk_email_campaign_summaries"][0]["unique_counts"].clone();
    assert!(counts["sends"].is_string());
}

#[tokio::test]
async fn unknown_setting_is_rejected() {
    let visit = Visit::unlimited().await;
    let url = format!("{}/config", visit.sandbox.control_url());
    let refused = visit
        .client
        .post(url)
        .json(&json!({"rate": 1}))
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status(), 400);
    assert!(refused.text().await.unwrap().contains("unknown field `rate`"));
}
