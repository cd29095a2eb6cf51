//! Pages of campaigns and their activities.

use std::collections::HashSet;

use sends_end_to_end::{GUIDE_ACTIVITY, SandboxProcess, ServiceProcess};
use serde_json::{Value, json};

use super::{codes, costs, of};

const GUIDE_CAMPAIGN: &str = "cafe1ead-0000-4000-8000-000000000001";
/// Fields that are missing from the upstream's campaign listing.
const ACTIVITIES: &str = "activities { id role sendHistory { sendId outcome } }";

async fn all(service: &ServiceProcess, first: usize, filter: &str) -> (Vec<Value>, usize) {
    let (mut found, mut pages, mut after) = (Vec::new(), 0, Value::Null);
    loop {
        let response = service
            .query(&format!(
                "{{ campaigns(first: {first}, after: {after}{filter}) {{
                    nodes {{ campaignId name status updatedAt }} pageInfo {{ hasNextPage endCursor }} }} }}"
            ))
            .await;
        assert!(response.get("errors").is_none(), "{response}");
        let page = &response["data"]["campaigns"];
        found.extend(page["nodes"].as_array().unwrap().clone());
        pages += 1;
        assert!(pages < 1_000, "the pagination does not end");
        if page["pageInfo"]["hasNextPage"] == false {
            return (found, pages);
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
}

fn ids(campaigns: &[Value]) -> Vec<&str> {
    campaigns
        .iter()
        .map(|campaign| campaign["campaignId"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn page_of_fifty_campaigns_with_histories_costs_the_minimum() {
    let sandbox = SandboxProcess::unlimited(&["--activities", "300"]);
    let service = ServiceProcess::unpaced_on(&sandbox, &[]);
    // The newest campaigns do not include the showcase, which has a campaign that is not found by its id.
    let query = format!("{{ campaigns(first: 50) {{ nodes {{ id name status {ACTIVITIES} }} }} }}");
    let response = service.query(&query).await;
    let campaigns = response["data"]["campaigns"]["nodes"].as_array().unwrap();
    assert_eq!(campaigns.len(), 50);
    let activities: Vec<&Value> = campaigns
        .iter()
        .filter_map(|campaign| campaign["activities"].as_array())
        .flatten()
        .collect();
    let sendable = activities
        .iter()
        .filter(|activity| activity["role"] != "PERMALINK")
        .count();
    assert!(sendable >= 50, "{sendable}");
    assert!(
        activities
            .iter()
            .any(|activity| activity["role"] == "PERMALINK" && activity["sendHistory"] == json!([]))
    );
    let expected = of([
        ("emails", 1),
        ("emails/*", 50),
        ("emails/activities/*/send_history", sendable),
    ]);
    assert_eq!(costs(&sandbox).await, expected);
    assert_eq!(response["extensions"]["upstream"]["calls"], 1 + 50 + sendable);

    // All data is still fresh, so a repeated query fetches nothing.
    assert_eq!(service.query(&query).await["extensions"]["upstream"]["calls"], 0);
}

#[tokio::test]
async fn unselected_fields_are_not_fetched() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = ServiceProcess::unpaced_on(&sandbox, &[]);
    let query = format!(
        r#"{{ campaign(id: "{GUIDE_CAMPAIGN}") {{ id campaignId }} node(id: "Segment:14") {{ id }} }}"#
    );
    let response = service.query(&query).await;
    assert_eq!(
        response["data"]["campaign"]["id"],
        format!("Campaign:{GUIDE_CAMPAIGN}")
    );
    assert_eq!(response["extensions"]["upstream"]["calls"], 0);
    service
        .query("{ campaigns(first: 5) { nodes { id name type typeCode status createdAt } } }")
        .await;
    assert_eq!(costs(&sandbox).await, of([("emails", 1)]));
}

#[tokio::test]
async fn pages_cover_the_account_and_cost_one_call_each() {
    let sandbox = SandboxProcess::unlimited(&["--activities", "200"]);
    let service = ServiceProcess::unpaced_on(&sandbox, &[]);
    let (all_on_one_page, _) = all(&service, 500, "").await;
    let before = sandbox.requests().await.len();
    let (page_by_page, pages) = all(&service, 7, "").await;
    assert_eq!(ids(&page_by_page), ids(&all_on_one_page));
    assert_eq!(
        ids(&all_on_one_page).iter().collect::<HashSet<_>>().len(),
        all_on_one_page.len()
    );
    assert_eq!(pages, all_on_one_page.len().div_ceil(7));
    assert_eq!(sandbox.requests().await.len() - before, pages);
    assert!(
        all_on_one_page
            .iter()
            .any(|campaign| campaign["status"] == "REMOVED")
    );
}

#[tokio::test]
async fn cursor_survives_a_restart_and_campaign_updates() {
    let sandbox = SandboxProcess::unlimited(&["--activities", "40"]);
    let query = |after: &Value| {
        format!(
            "{{ campaigns(first: 10, after: {after}) {{ nodes {{ campaignId }} pageInfo {{ endCursor hasPreviousPage }} }} }}"
        )
    };
    let first = ServiceProcess::unpaced_on(&sandbox, &[])
        .query(&query(&Value::Null))
        .await;
    let first = &first["data"]["campaigns"];
    let last_shown = first["nodes"][9]["campaignId"].as_str().unwrap().to_owned();
    let service = ServiceProcess::unpaced_on(&sandbox, &[]);
    let (all, _) = all(&service, 500, "").await;
    let after = &first["pageInfo"]["endCursor"];
    let second = service.query(&query(after)).await;
    let second = &second["data"]["campaigns"];
    assert_eq!(ids(second["nodes"].as_array().unwrap()), ids(&all[10..20]));
    assert_eq!(second["pageInfo"]["hasPreviousPage"], true);

    // The campaign of the cursor becomes the newest. The page after the cursor stays the same.
    sandbox
        .control(
            "POST",
            "sends",
            &json!({ "operation": "remove_campaign", "campaign_id": last_shown }),
        )
        .await;
    let again = ServiceProcess::unpaced_on(&sandbox, &[])
        .query(&query(after))
        .await;
    assert_eq!(again["data"]["campaigns"]["nodes"], second["nodes"]);
}

#[tokio::test]
async fn campaigns_are_filtered_by_their_update() {
    let sandbox = SandboxProcess::unlimited(&["--activities", "0"]);
    let service = ServiceProcess::unpaced_on(&sandbox, &[]);
    let filter = r#", filter: { updatedFrom: "2024-05-01T00:00:00Z", updatedUntil: "2024-06-30T00:00:00Z" }"#;
    let (chosen, pages) = all(&service, 4, filter).await;
    assert!(pages > 1 && !chosen.is_empty());
    for campaign in chosen {
        let updated_at = campaign["updatedAt"].as_str().unwrap();
        assert!(("2024-05-01".."2024-06-30").contains(&updated_at), "{updated_at}");
    }
    let empty = r#"filter: { updatedFrom: "2024-05-01T00:00:00Z", updatedUntil: "2024-05-01T00:00:00Z" }"#;
    for wrong in ["first: 0", "first: 501", r#"after: "x""#, empty] {
        let response = service
            .query(&format!("{{ campaigns({wrong}) {{ nodes {{ id }} }} }}"))
            .await;
        assert_eq!(codes(&response), ["BAD_USER_INPUT"], "{wrong}");
    }
}

#[tokio::test]
async fn activity_links_to_its_campaign_and_reports_its_role() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = ServiceProcess::unpaced_on(&sandbox, &[]);
    let response = service
        .query(&format!(
            r#"{{ campaignActivity(id: "{GUIDE_ACTIVITY}") {{
                role status statusRaw subject preheader fromName fromEmail replyToEmail scheduledFor
                campaign {{ campaignId name activities(roles: [PRIMARY_EMAIL]) {{ id role campaign {{ campaignId }} }} }} }}
              scheduled: campaignActivity(id: "feed0000-0000-4000-8000-000000000006") {{ status scheduledFor }}
              escaped: campaignActivity(id: "feed0000-0000-4000-8000-000000000011") {{ subject }}
              removed: campaignActivity(id: "feed0000-0000-4000-8000-00000000000e") {{ status }} }}"#
        ))
        .await;
    let activity = &response["data"]["campaignActivity"];
    assert_eq!(
        (&activity["role"], &activity["status"], &activity["statusRaw"]),
        (&json!("PRIMARY_EMAIL"), &json!("DONE"), &json!("DONE"))
    );
    assert!(activity["subject"].is_string() && activity["scheduledFor"].is_null());
    let campaign = &activity["campaign"];
    assert_eq!(campaign["campaignId"], GUIDE_CAMPAIGN);
    assert_eq!(
        campaign["activities"],
        json!([{ "id": GUIDE_ACTIVITY, "role": "PRIMARY_EMAIL", "campaign": { "campaignId": GUIDE_CAMPAIGN } }])
    );
    assert!(
        response["data"]["scheduled"]["scheduledFor"].is_string(),
        "{response}"
    );
    assert!(
        !response["data"]["escaped"]["subject"]
            .as_str()
            .unwrap()
            .contains("&amp;")
    );
    assert_eq!(codes(&response), ["NOT_FOUND"]);
    assert_eq!(response["errors"][0]["path"], json!(["removed", "status"]));
    let expected = of([
        ("emails/*", 1),
        ("emails/activities/*", 4),
        ("emails/activities/*/schedules", 2),
    ]);
    assert_eq!(costs(&sandbox).await, expected);
}

#[tokio::test]
async fn deleted_campaign_affects_only_its_own_activities() {
    let sandbox = SandboxProcess::unlimited(&["--activities", "0"]);
    let service = ServiceProcess::unpaced_on(&sandbox, &[]);
    let response = service
        .query("{ campaigns(first: 100) { nodes { campaignId activities { id } } unreadableCampaignCount } }")
        .await;
    let campaigns = response["data"]["campaigns"]["nodes"].as_array().unwrap();
    let unavailable: Vec<_> = campaigns
        .iter()
        .filter(|campaign| campaign["activities"].is_null())
        .collect();
    assert_eq!(
        (unavailable.len(), codes(&response)),
        (1, vec!["NOT_FOUND"]),
        "{response}"
    );
    assert_eq!(
        response["errors"][0]["message"],
        "Campaign not found in this account. Check the id."
    );
    assert_eq!(response["data"]["campaigns"]["unreadableCampaignCount"], 0);
}

#[tokio::test]
async fn every_related_object_is_found_by_its_id() {
    let service = ServiceProcess::start(&["--sandbox"], &[]);
    let ids = [
        format!("Campaign:{GUIDE_CAMPAIGN}"),
        "Segment:14".to_owned(),
        "ContactList:f4ab800a-5adf-11e9-ba6a-fa163e6b01c1".to_owned(),
    ];
    let response = service
        .query(&format!(
            "{{ nodes(ids: {}) {{ __typename id ... on Campaign {{ name }} ... on Segment {{ name }} ... on ContactList {{ name }} }} }}",
            json!(ids)
        ))
        .await;
    assert!(response.get("errors").is_none(), "{response}");
    for (node, id) in response["data"]["nodes"].as_array().unwrap().iter().zip(&ids) {
        assert_eq!(node["id"], *id);
        assert_eq!(node["__typename"], id.split(':').next().unwrap());
        assert!(node["name"].is_string(), "{node}");
    }
}
