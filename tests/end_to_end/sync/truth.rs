//! Record-by-record comparison of the log and the upstream.

use serde_json::json;

use super::Account;

#[tokio::test]
async fn log_equals_the_upstream_after_sends_resends_and_deletions() {
    let account = Account::new(300, &[]);
    let mut activities = account.activities().await;
    let campaigns = account.campaigns().await;
    let sent: Vec<&str> = campaigns
        .iter()
        .filter(|campaign| campaign["current_status"] == "Done")
        .map(|campaign| campaign["campaign_id"].as_str().unwrap())
        .collect();
    // This campaign is deleted before the first synchronisation reads it.
    account
        .change(json!({ "operation": "forget_campaign", "campaign_id": sent[40] }))
        .await;
    account.complete().await;
    // The campaign is not requested repeatedly.
    let before = account.sandbox.requests().await.len();
    account.complete().await;
    assert_eq!(account.sandbox.requests().await.len(), before + 2);
    let deleted: Vec<String> = {
        let (read, truth) = (account.logged().await, account.truth(&activities).await);
        truth.into_keys().filter(|id| !read.contains_key(id)).collect()
    };
    assert!(
        (1..=2).contains(&deleted.len()),
        "the activities of one campaign: {deleted:?}"
    );
    activities.retain(|id| !deleted.contains(id));

    for send in [
        json!({}),
        json!({ "send_status": "ERRORED", "reason_code": 3, "count": 0 }),
        json!({ "segment_ids": [3] }),
    ] {
        account
            .change(json!({ "operation": "append_send", "activity_id": activities[20], "send": send }))
            .await;
    }
    let made = account
        .change(json!({ "operation": "create_campaign", "name": "New" }))
        .await;
    account
        .change(json!({ "operation": "append_send", "activity_id": made["activity_id"] }))
        .await;
    let resend = account
        .change(json!({ "operation": "create_activity", "campaign_id": sent[3], "role": "resend" }))
        .await;
    account
        .change(json!({ "operation": "append_send", "activity_id": resend["activity_id"] }))
        .await;
    for made in [&made, &resend] {
        activities.push(made["activity_id"].as_str().unwrap().to_owned());
    }
    account
        .change(json!({ "operation": "delete_activity", "activity_id": activities[30] }))
        .await;
    account
        .change(json!({ "operation": "remove_campaign", "campaign_id": sent[10] }))
        .await;
    account.complete().await;
    // Deletions are reported until they are confirmed. The deleted campaign that is still listed stays reported.
    let named = async || {
        let state = account.sync_state().await;
        let unreadable = state["unreadableResources"].as_array().unwrap().clone();
        unreadable
            .iter()
            .map(|one| one["campaign"]["campaignId"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert!(named().await.contains(&sent[10].to_owned()));
    account.complete().await;
    assert_eq!(named().await, [sent[40]]);
    account.assert_logged(&activities).await;

    // The upstream may reject deleted activities in two ways.
    for (nth, refusal) in ["not_found", "bad_request"].into_iter().enumerate() {
        account
            .sandbox
            .configure(&json!({ "unsendable_history": refusal }))
            .await;
        account
            .change(json!({ "operation": "remove_campaign", "campaign_id": sent[11 + nth] }))
            .await;
        account.complete().await;
        account.complete().await;
        account.assert_logged(&activities).await;
    }
}

#[tokio::test]
async fn campaign_deleted_between_listing_and_reading_is_skipped() {
    let account = Account::new(100, &[]);
    let fault =
        json!({ "kind": "status", "status": 404, "path_contains": "/emails/", "skip": 20, "count": 1 });
    account.sandbox.fault(&fault).await;
    account.complete().await;
    let before = account.sandbox.requests().await.len();
    account.complete().await;
    assert_eq!(account.sandbox.requests().await.len(), before + 2);
}

#[tokio::test]
async fn logged_send_has_its_campaign_and_remedy_without_a_call() {
    let account = Account::new(60, &[]);
    account.complete().await;
    let before = account.sandbox.requests().await.len();
    let service = account.serve(&[]);
    let response = service
        .query(
            "{ sends(first: 50) { nodes { outcome reason { remedy } campaign { campaignId name type status updatedAt }
                activity { campaign { campaignId name type status updatedAt } } } } }",
        )
        .await;
    assert!(response["errors"].is_null(), "{response}");
    let listed = account.campaigns().await;
    let nodes = response["data"]["sends"]["nodes"].as_array().unwrap();
    assert!(!nodes.is_empty());
    for node in nodes {
        let campaign = &node["campaign"];
        let listed = listed
            .iter()
            .find(|listed| listed["campaign_id"] == campaign["campaignId"])
            .unwrap_or_else(|| panic!("{node}"));
        let name = listed["name"].as_str().unwrap().replace("&amp;", "&");
        assert_eq!(campaign["name"], json!(name), "{node}");
        assert_eq!(campaign["type"], listed["type"], "{node}");
        assert_eq!(
            &node["activity"]["campaign"], campaign,
            "one campaign, one version"
        );
    }
    assert_eq!(response["extensions"]["upstream"]["calls"], 0);
    assert_eq!(
        account.sandbox.requests().await.len() - before,
        1,
        "calls of the test's own listing"
    );
}

#[tokio::test]
async fn sends_show_the_logged_campaign_while_the_upstream_fails() {
    let account = Account::new(60, &[]);
    account.complete().await;
    let service = account.serve(&[]);
    let logged = service
        .query("{ sends(first: 1) { nodes { activity { id } campaign { campaignId name } } } }")
        .await;
    let send = &logged["data"]["sends"]["nodes"][0];
    let failing = json!({ "kind": "status", "status": 500 });
    account.sandbox.fault(&failing).await;
    let response = service
        .query(&format!(
            "{{ campaignActivity(id: {}, maxAge: 86400) {{ latestSend {{ campaign {{ campaignId name }} }} }} }}",
            send["activity"]["id"]
        ))
        .await;
    let latest = &response["data"]["campaignActivity"]["latestSend"];
    assert_eq!(latest["campaign"], send["campaign"], "{response}");
    assert!(send["campaign"]["name"].is_string(), "{logged}");
}

#[tokio::test]
async fn seemingly_deleted_campaign_is_read_when_listed_with_a_change() {
    let account = Account::new(60, &[]);
    let made = account
        .change(json!({ "operation": "create_campaign", "name": "Back" }))
        .await;
    let send = json!({ "operation": "append_send", "activity_id": made["activity_id"] });
    account.change(send.clone()).await;
    let fault = json!({ "kind": "status", "status": 404, "path_contains": made["campaign_id"], "count": 1 });
    account.sandbox.fault(&fault).await;
    account.complete().await;
    let log = account.logged().await;
    assert!(!log.contains_key(made["activity_id"].as_str().unwrap()));

    account.change(send).await;
    account.complete().await;
    account.assert_logged(&account.activities().await).await;
}
