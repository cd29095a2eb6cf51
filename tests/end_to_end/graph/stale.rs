//! Responses while the upstream is unavailable: the last cached data, marked as stale.

use sends_end_to_end::{SandboxProcess, ServiceProcess};
use serde_json::{Value, json};

use super::codes;

/// Activity that was sent to a segment that was deleted later.
const DELETED: &str = "feed0000-0000-4000-8000-000000000010";
/// Options under which no data stays fresh, so that every query needs an upstream call.
const NEVER_FRESH: [&str; 4] = ["--max-age", "0", "--max-age-settled", "0"];

fn everything() -> String {
    format!(
        r#"{{ account {{ organizationName timeZone }}
          campaigns(first: 4) {{ nodes {{ name stats {{ sends }} activities {{ ...Activity }} }} }}
          campaignActivity(id: "{DELETED}") {{ ...Activity }} }}
        fragment Activity on CampaignActivity {{ subject scheduledFor stats {{ sends opens }}
          sendHistory {{ runDate(zone: "ACCOUNT") contactLists {{ name }} segments {{ name }} }} }}"#
    )
}

fn stale(response: &Value) -> &Value {
    &response["extensions"]["upstream"]["stale"]
}

#[tokio::test]
async fn unavailable_upstream_leaves_cached_data_marked_as_stale() {
    for availability in ["closed", "unavailable"] {
        let sandbox = SandboxProcess::unlimited(&["--activities", "100"]);
        let service = ServiceProcess::unpaced_on(&sandbox, &NEVER_FRESH);
        let known = service.query(&everything()).await;
        assert!(known.get("errors").is_none(), "{known}");
        assert!(stale(&known).is_null(), "{known}");

        sandbox.configure(&json!({ "availability": availability })).await;
        let response = service.query(&everything()).await;
        assert!(response.get("errors").is_none(), "{response}");
        assert_eq!(response["data"], known["data"]);
        let stale_types: Vec<&str> = stale(&response)
            .as_array()
            .unwrap_or_else(|| panic!("{response}"))
            .iter()
            .map(|stale| {
                assert_eq!(stale["reason"], "UPSTREAM_UNAVAILABLE", "{stale}");
                assert!(stale["fetchedAt"].is_string(), "{stale}");
                stale["type"].as_str().unwrap()
            })
            .collect();
        let types = [
            "Send",
            "CampaignConnection",
            "Campaign",
            "CampaignActivity",
            "EngagementStats",
            "ContactList",
            "Segment",
            "Account",
        ];
        assert_eq!(stale_types, types, "{response}");

        let response = service.query("{ campaigns(first: 5) { nodes { name } } }").await;
        assert_eq!(codes(&response), ["UPSTREAM_UNAVAILABLE"], "{response}");
        assert!(stale(&response).is_null(), "{response}");
    }
}

#[tokio::test]
async fn rejection_is_reported_and_discards_the_cached_data() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = ServiceProcess::unpaced_on(&sandbox, &NEVER_FRESH);
    let query = "{ account { organizationName } }";
    let account = async || service.query(query).await;
    assert!(account().await.get("errors").is_none());
    sandbox
        .fault(&json!({ "kind": "status", "status": 403, "count": 1 }))
        .await;
    assert_eq!(codes(&account().await), ["FORBIDDEN"]);
    sandbox.configure(&json!({ "availability": "closed" })).await;
    let response = account().await;
    assert_eq!(codes(&response), ["UPSTREAM_UNAVAILABLE"], "{response}");
}

#[tokio::test]
async fn cached_data_is_withheld_while_the_callers_token_cannot_be_verified() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let url = sandbox.api_url();
    let options = [
        "--upstream-url",
        &url,
        "--caller-tokens",
        "--rate-per-second",
        "0",
    ];
    let service = ServiceProcess::start(&[&options[..], &NEVER_FRESH].concat(), &[]);
    let body = json!({ "query": "{ account { organizationName } }" });
    let token = Some(SandboxProcess::ACCESS_TOKEN);
    let (_, response) = service.post_as(token, &body).await;
    assert!(response.get("errors").is_none(), "{response}");
    sandbox.configure(&json!({ "availability": "closed" })).await;
    let (_, response) = service.post_as(token, &body).await;
    assert_eq!(codes(&response), ["UPSTREAM_UNAVAILABLE"], "{response}");
}
