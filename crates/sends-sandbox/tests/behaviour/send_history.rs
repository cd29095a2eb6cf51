//! Send histories of the odd records and generated accounts, and unknown identifiers.

use serde_json::{Value, json};

use crate::{UNKNOWN_ID, Visit, guide, history_of};
use sends_sandbox::Config;

#[tokio::test]
async fn guide_activity_has_its_two_sends() {
    let visit = Visit::unlimited().await;
    let lists = ["f4ab800a-5adf-11e9-ba6a-fa163e6b01c1"];
    let expected = json!([
        {"send_id": 1, "contact_list_ids": lists, "count": 2, "run_date": "2019-04-18T20:03:08.000Z",
            "send_status": "COMPLETED", "reason_code": 0},
        {"send_id": 2, "contact_list_ids": lists, "count": 0, "run_date": "2019-05-07T14:42:57.000Z",
            "send_status": "COMPLETED", "reason_code": 12},
    ]);
    assert_eq!(visit.json(&guide()).await, expected);
}

#[tokio::test]
async fn every_reason_code_has_an_activity() {
    let visit = Visit::unlimited().await;
    for code in 0..=12 {
        let id = format!("c0de0000-0000-4000-8000-0000000000{code:02}");
        let history = visit.json(&history_of(&id)).await;
        assert_eq!(history[0]["reason_code"], code);
        let completed = matches!(code, 0 | 12);
        assert_eq!(
            history[0]["send_status"],
            if completed { "COMPLETED" } else { "ERRORED" }
        );
    }
}

#[tokio::test]
async fn unsent_activity_has_an_empty_array() {
    let visit = Visit::unlimited().await;
    assert_eq!(
        visit
            .json(&history_of("feed0000-0000-4000-8000-000000000005"))
            .await,
        json!([])
    );
}

#[tokio::test]
async fn unknown_ids_and_ids_of_other_accounts_are_404() {
    let config = Config::unlimited()
        .with_activities(10)
        .with_account("branch", "branch-token", 10);
    let visit = Visit::to(config).await;
    assert_eq!(visit.get(&history_of(UNKNOWN_ID)).await.status(), 404);

    let branch = visit.control("activities?account=branch").await;
    let id = branch["activities"][0].as_str().unwrap();
    assert_eq!(visit.get(&history_of(id)).await.status(), 404);
    let own = visit
        .client
        .get(format!("{}/{}", visit.sandbox.base_url(), history_of(id)));
    assert_eq!(
        own.bearer_auth("branch-token").send().await.unwrap().status(),
        200
    );
}

#[tokio::test]
async fn difficult_rows_match_the_documentation() {
    let visit = Visit::unlimited().await;
    let history = async |last: &str| {
        visit
            .json(&history_of(&format!("feed0000-0000-4000-8000-0000000000{last}")))
            .await
    };

    let to_segment = history("01").await;
    assert_eq!(to_segment[0]["segment_ids"], json!([14]));
    assert_eq!(to_segment[0].get("contact_list_ids"), None);
    assert_eq!(history("08").await[0], json!({"send_id": 1}));
    assert_eq!(history("09").await[0]["contact_list_ids"], Value::Null);
    assert_eq!(history("0a").await[0]["contact_list_ids"], json!([]));
    assert_eq!(history("0b").await[3]["run_date"], "2024-09-08T05:00:00-05:00");
    assert!(history("0c").await[0]["contact_lists_ids"].is_array());
    assert_eq!(history("15").await[1].get("send_id"), None);
    assert_eq!(history("16").await[0]["count"], 5_000_000_000_i64);
    assert_eq!(history("13").await.as_array().unwrap().len(), 40);
}

#[tokio::test]
async fn million_activities_exist_and_are_stable() {
    let config = || Config::unlimited().with_activities(1_000_000);
    let visit = Visit::to(config()).await;
    let id = visit.sandbox.activity_id(999_999).unwrap();
    let again = Visit::to(config()).await;
    assert_eq!(again.sandbox.activity_id(999_999).as_ref(), Some(&id));
    assert_eq!(
        visit.json(&history_of(&id)).await,
        again.json(&history_of(&id)).await
    );
    assert_eq!(visit.sandbox.activity_id(1_000_000), None);
}
