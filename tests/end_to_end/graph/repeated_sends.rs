//! Sends of one activity with the same upstream number, each of which has its own id.

use axum::{Json, Router, routing::get};
use serde_json::json;

use super::{
    all, codes,
    oddities::{serve, service_on},
};

const ACTIVITY: &str = "00000000-0000-4000-8000-000000000001";

async fn upstream() -> String {
    let send = |send_id: i32, count: i32| json!({ "send_id": send_id, "count": count, "run_date": format!("2024-05-0{count}T12:00:00Z") });
    let history = json!([send(1, 1), send(3, 2), send(3, 3), send(3, 4), { "count": 5 }, send(7, 6)]);
    let path = "/v3/emails/activities/{id}/send_history";
    serve(Router::new().route(path, get(async move || Json(history)))).await
}

#[tokio::test]
async fn each_send_is_found_by_its_own_id() {
    let service = service_on(&upstream().await);
    let ids: Vec<String> = ["1", "3", "3:2", "3:3", "7"]
        .iter()
        .map(|place| format!("{ACTIVITY}:{place}"))
        .collect();
    let response = service
        .query(&format!(
            r#"{{ campaignActivity(id: "{ACTIVITY}") {{ unreadableSendCount sendHistory {{ id count }}
                sendHistoryConnection {{ edges {{ cursor node {{ id count }} }} }} latestSend {{ id }} }} }}"#
        ))
        .await;
    let activity = &response["data"]["campaignActivity"];
    assert_eq!(activity["unreadableSendCount"], 1);
    let history = &activity["sendHistory"];
    assert_eq!(all(history, "id"), ids);
    assert_eq!(all(&activity["sendHistoryConnection"], "id"), ids);
    assert_eq!(activity["latestSend"]["id"], ids[4]);
    let cursors = all(&activity["sendHistoryConnection"], "cursor");
    assert!((1..cursors.len()).all(|place| !cursors[..place].contains(&cursors[place])));

    let query = |ids: &[String]| {
        format!(
            "{{ nodes(ids: {}) {{ id ... on Send {{ count }} }} }}",
            json!(ids)
        )
    };
    assert_eq!(service.query(&query(&ids)).await["data"]["nodes"], *history);
    let unknown = [format!("{ACTIVITY}:3:4"), format!("{ACTIVITY}:2")];
    let response = service.query(&query(&unknown)).await;
    assert_eq!(response["data"]["nodes"], json!([null, null]));
    assert_eq!(codes(&response), ["NOT_FOUND"; 2]);
}

#[tokio::test]
async fn log_and_history_give_each_send_the_same_id() {
    let service = service_on(&upstream().await);
    let history = format!(r#"{{ campaignActivity(id: "{ACTIVITY}") {{ sendHistory {{ id }} }} }}"#);
    service.query(&history).await;
    let sends = service
        .query("{ sends(orderBy: OLDEST_FIRST) { nodes { id count } } }")
        .await;
    let expected = ["1", "3", "3:2", "3:3", "7"].map(|place| format!("{ACTIVITY}:{place}"));
    assert_eq!(all(&sends, "id"), expected);
    assert_eq!(all(&sends, "count"), [1, 2, 3, 4, 6]);
    // The ids are also equal on a page that starts between the two sends.
    let first = service
        .query("{ sends(orderBy: OLDEST_FIRST, first: 2) { pageInfo { endCursor } } }")
        .await;
    let after = &first["data"]["sends"]["pageInfo"]["endCursor"];
    let page = service
        .query(&format!(
            "{{ sends(orderBy: OLDEST_FIRST, first: 1, after: {after}) {{ nodes {{ id }} }} }}"
        ))
        .await;
    assert_eq!(all(&page, "id"), [expected[2].clone()]);
}
