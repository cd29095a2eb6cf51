//! Tokens, scopes and privileges.

use sends_sandbox::Config;
use sends_sandbox::config::AccessTokenConfig;
use serde_json::{Value, json};

use crate::{Visit, guide};

#[tokio::test]
async fn missing_or_invalid_token_is_401_with_the_gateway_headers() {
    let visit = Visit::unlimited().await;
    let url = format!("{}/{}", visit.sandbox.base_url(), guide());
    for request in [
        visit.client.get(&url),
        visit.client.get(&url).bearer_auth("garbage"),
    ] {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 401);
        assert_eq!(
            response.headers()["www-authenticate"],
            "Bearer realm=api.cc.email"
        );
        for header in ["x-amzn-requestid", "x-amz-apigw-id", "x-amzn-errortype"] {
            assert!(response.headers().contains_key(header), "{header}");
        }
        let body: Value = response.json().await.unwrap();
        assert_eq!(
            body,
            json!({"error_key": "unauthorized", "error_message": "Unauthorized"})
        );
    }
}

#[tokio::test]
async fn every_response_has_its_own_request_id() {
    let visit = Visit::unlimited().await;
    let id = async || visit.get(&guide()).await.headers()["x-amzn-requestid"].clone();
    assert_ne!(id().await, id().await);
}

#[tokio::test]
async fn missing_scope_is_403() {
    let mut config = Config::unlimited();
    let scopes = vec!["campaign_data".to_owned()];
    config.access_tokens = vec![AccessTokenConfig {
        scopes,
        ..AccessTokenConfig::new("narrow", "main")
    }];
    let visit = Visit::to(config).await;
    assert_eq!(visit.get(&guide()).await.status(), 200);
    assert_eq!(visit.get("account/user/privileges").await.status(), 200);
    for path in ["contact_lists", "segments", "segments/14", "account/summary"] {
        let response = visit.get(path).await;
        assert_eq!(response.status(), 403, "{path}");
        assert_eq!(
            response.json::<Value>().await.unwrap()["error_key"],
            "access_denied"
        );
    }
}

#[tokio::test]
async fn missing_privilege_is_403() {
    let mut config = Config::unlimited();
    config.accounts[0]
        .privileges
        .retain(|privilege| privilege != "campaign:read");
    let visit = Visit::to(config).await;
    assert_eq!(visit.get(&guide()).await.status(), 403);
    assert_eq!(visit.get("contact_lists").await.status(), 200);
}

#[tokio::test]
async fn reports_require_their_own_privilege() {
    let mut config = Config::unlimited();
    config.accounts[0]
        .privileges
        .retain(|privilege| privilege != "ui:campaign:metrics");
    let visit = Visit::to(config).await;
    let summaries = "reports/summary_reports/email_campaign_summaries";
    let stats = format!(
        "reports/stats/email_campaign_activities/{}",
        sends_sandbox::GUIDE_ACTIVITY_ID
    );
    for path in [summaries, &stats] {
        assert_eq!(visit.get(path).await.status(), 403, "{path}");
    }
    for path in [&*guide(), "emails", "contact_lists"] {
        assert_eq!(visit.get(path).await.status(), 200, "{path}");
    }
    let visit = Visit::to(Config::unlimited()).await;
    assert_eq!(visit.get(summaries).await.status(), 200);
}

#[tokio::test]
async fn every_documented_scope_is_granted() {
    let visit = Visit::unlimited().await;
    let every = [
        "campaign_data",
        "contact_data",
        "account_read",
        "account_update",
        "billing_data",
        "offline_access",
    ];
    let body = format!("client_id=sandbox-public-client&scope={}", every.join("%20"));
    let url = format!("{}/device/authorize", visit.sandbox.oauth_base_url());
    let request = visit.client.post(url).body(body);
    let response = request
        .header("content-type", "application/x-www-form-urlencoded")
        .send();
    assert_eq!(response.await.unwrap().status(), 200);
}

#[tokio::test]
async fn revoked_token_is_401_until_the_reset() {
    let visit = Visit::unlimited().await;
    let token = visit.sandbox.access_token();
    assert_eq!(
        visit.order("tokens/revoke", json!({"token": token})).await["revoked"],
        1
    );
    assert_eq!(visit.get(&guide()).await.status(), 401);
    visit.order("reset", json!({})).await;
    assert_eq!(visit.get(&guide()).await.status(), 200);
}

#[tokio::test]
async fn token_expires_by_the_simulated_clock() {
    let visit = Visit::unlimited().await;
    let issued = visit.order("tokens", json!({"expires_in": 60})).await;
    let token = issued["access_token"].as_str().unwrap();
    let url = format!("{}/{}", visit.sandbox.base_url(), guide());
    let status = async || {
        visit
            .client
            .get(&url)
            .bearer_auth(token)
            .send()
            .await
            .unwrap()
            .status()
    };
    assert_eq!(status().await, 200);
    visit.order("clock", json!({"advance_seconds": 61})).await;
    assert_eq!(status().await, 401);
}
