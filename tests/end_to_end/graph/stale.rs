//! Responses while the upstream is down: the last known data, marked as stale.

use sends_end_to_end::{SandboxProcess, ServiceProcess};
use serde_json::{Value, json};

use super::codes;

/// Sent to a segment that was deleted since.
const DELETED: &str = "feed0000-0000-4000-8000-000000000010";
/// Every query needs an upstream call, since no data stays fresh.
const ALWAYS_ASK: [&str; 4] = ["--max-age", "0", "--max-age-settled", "0"];

/// A query for every kind of object.
fn everything() -> String {
    format!(
        r#"{{ account {{ organizationName timeZone }}
          campaigns(first: 4) {{ nodes {{ name stats {{ sends }} activities {{ ...Activity }} }} }}
          campaignActivity(id: "{DELETED}") {{ ...Activity }} }}
        fragment Activity on CampaignActivity {{ subject scheduledFor stats {{ sends opens }}
          sendHistory {{ runDate(zone: "ACCOUNT") contactLists {{ name }} segments {{ name }} }} }}"#
    )
}

fn stale(answer: &Value) -> &Value {
    &answer["extensions"]["upstream"]["stale"]
}

#[tokio::test]
async fn while_the_upstream_is_down_everything_known_is_given_and_the_answer_says_so() {
    for availability in ["closed", "unavailable"] {
        let sandbox = SandboxProcess::unlimited(&["--activities", "100"]);
        let service = ServiceProcess::unpaced_on(&sandbox, &ALWAYS_ASK);
        let known = service.query(&everything()).await;
        assert!(known.get("errors").is_none(), "{known}");
        assert!(stale(&known).is_null(), "{known}");

        sandbox.configure(&json!({ "availability": availability })).await;
        let answer = service.query(&everything()).await;
        assert!(answer.get("errors").is_none(), "{answer}");
        assert_eq!(answer["data"], known["data"]);
        let told: Vec<&str> = stale(&answer)
            .as_array()
            .unwrap_or_else(|| panic!("{answer}"))
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
        assert_eq!(told, types, "{answer}");

        // Data that was never fetched is still unknown.
        let answer = service.query("{ campaigns(first: 5) { nodes { name } } }").await;
        assert_eq!(codes(&answer), ["UPSTREAM_UNAVAILABLE"], "{answer}");
        assert!(stale(&answer).is_null(), "{answer}");
    }
}

#[tokio::test]
async fn a_refusal_is_told_and_what_was_known_before_it_is_forgotten() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = ServiceProcess::unpaced_on(&sandbox, &ALWAYS_ASK);
    let query = "{ account { organizationName } }";
    let account = async || service.query(query).await;
    assert!(account().await.get("errors").is_none());
    sandbox
        .fault(&json!({ "kind": "status", "status": 403, "count": 1 }))
        .await;
    assert_eq!(codes(&account().await), ["FORBIDDEN"]);
    sandbox.configure(&json!({ "availability": "closed" })).await;
    let answer = account().await;
    assert_eq!(codes(&answer), ["UPSTREAM_UNAVAILABLE"], "{answer}");
}

#[tokio::test]
async fn what_a_callers_token_has_read_is_not_given_when_the_upstream_cannot_look_at_the_token() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let url = sandbox.api_url();
    let options = [
        "--upstream-url",
        &url,
        "--caller-tokens",
        "--rate-per-second",
        "0",
    ];
    let service = ServiceProcess::start(&[&options[..], &ALWAYS_ASK].concat(), &[]);
    let body = json!({ "query": "{ account { organizationName } }" });
    let token = Some(SandboxProcess::ACCESS_TOKEN);
    let (_, answer) = service.post_as(token, &body).await;
    assert!(answer.get("errors").is_none(), "{answer}");
    sandbox.configure(&json!({ "availability": "closed" })).await;
    let (_, answer) = service.post_as(token, &body).await;
    assert_eq!(codes(&answer), ["UPSTREAM_UNAVAILABLE"], "{answer}");
}
