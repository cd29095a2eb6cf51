//! Campaigns of sends, returned whenever they are cached.

use sends_end_to_end::{GUIDE_ACTIVITY, SandboxProcess, ServiceProcess};
use serde_json::{Value, json};

use super::{costs, of};

const GUIDE_CAMPAIGN: &str = "cafe1ead-0000-4000-8000-000000000001";

#[tokio::test]
async fn sends_of_a_fetched_campaign_name_it_without_a_call() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = ServiceProcess::unpaced_on(&sandbox, &[]);
    let response = service
        .query(&format!(
            r#"{{ campaign(id: "{GUIDE_CAMPAIGN}") {{ activities(roles: [PRIMARY_EMAIL]) {{
                latestSend {{ campaign {{ campaignId }} activity {{ campaign {{ campaignId }} }} }}
                sendHistoryConnection(first: 1) {{ nodes {{ campaign {{ campaignId name }} }} coverage {{ isComplete }} }} }} }} }}"#
        ))
        .await;
    assert!(response.get("errors").is_none(), "{response}");
    let activity = &response["data"]["campaign"]["activities"][0];
    let campaign = json!({ "campaignId": GUIDE_CAMPAIGN });
    let latest = json!({ "campaign": campaign, "activity": { "campaign": campaign } });
    assert_eq!(activity["latestSend"], latest);
    let page = &activity["sendHistoryConnection"];
    assert_eq!(page["nodes"][0]["campaign"]["campaignId"], GUIDE_CAMPAIGN);
    assert!(page["nodes"][0]["campaign"]["name"].is_string(), "{response}");
    assert_eq!(page["coverage"], Value::Null);
    let expected = of([("emails/*", 1), ("emails/activities/*/send_history", 1)]);
    assert_eq!(costs(&sandbox).await, expected);
}

#[tokio::test]
async fn logged_sends_show_a_campaign_that_was_fetched_later() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = ServiceProcess::unpaced_on(&sandbox, &[]);
    service.activity(GUIDE_ACTIVITY, 60).await;
    let shown = async || {
        let query = "{ sends(first: 1) { nodes { campaign { campaignId name } } } }";
        let response = service.query(query).await;
        assert_eq!(response["extensions"]["upstream"]["calls"], 0, "{response}");
        response["data"]["sends"]["nodes"][0]["campaign"].clone()
    };
    assert_eq!(shown().await, Value::Null);
    let read = service
        .query(&format!(
            r#"{{ campaign(id: "{GUIDE_CAMPAIGN}") {{ campaignId name activities {{ id }} }} }}"#
        ))
        .await;
    let mut campaign = read["data"]["campaign"].clone();
    campaign.as_object_mut().unwrap().remove("activities");
    assert_eq!(shown().await, campaign);
}
