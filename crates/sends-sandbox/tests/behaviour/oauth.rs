//! Login flows, token refresh, and their errors.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Client, Response, StatusCode};
use sends_sandbox::{Config, Settings};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::Url;

use crate::{Visit, guide};

const REDIRECT: &str = "http://127.0.0.1:5555/callback";
const VERIFIER: &str = "a-verifier-that-is-long-enough-to-be-one-0123456789";
const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

fn challenge() -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER))
}

async fn authorize(visit: &Visit, client_id: &str, more: &[(&str, &str)]) -> Response {
    let scope = "campaign_data offline_access";
    let query = [
        ("response_type", "code"),
        ("client_id", client_id),
        ("redirect_uri", REDIRECT),
        ("scope", scope),
        ("state", "s1"),
    ];
    let url = format!("{}/authorize", visit.sandbox.oauth_base_url());
    visit
        .client
        .get(url)
        .query(&query)
        .query(more)
        .send()
        .await
        .unwrap()
}

fn redirected(response: &Response, name: &str) -> Option<String> {
    assert_eq!(response.status(), StatusCode::FOUND);
    let location = Url::parse(response.headers()["location"].to_str().unwrap()).unwrap();
    location
        .query_pairs()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

async fn token(visit: &Visit, form: &[(&str, &str)]) -> Response {
    let url = format!("{}/token", visit.sandbox.oauth_base_url());
    visit.client.post(url).form(form).send().await.unwrap()
}

async fn tokens(visit: &Visit, form: &[(&str, &str)]) -> Value {
    let response = token(visit, form).await;
    assert_eq!(response.status(), 200);
    response.json().await.unwrap()
}

async fn error(visit: &Visit, form: &[(&str, &str)]) -> String {
    let response = token(visit, form).await;
    assert_eq!(response.status(), 400);
    let body: Value = response.json().await.unwrap();
    assert!(body["error_description"].is_string());
    body["error"].as_str().unwrap().to_owned()
}

fn code_form<'a>(code: &'a str, verifier: &'a str) -> [(&'a str, &'a str); 5] {
    [
        ("grant_type", "authorization_code"),
        ("client_id", "sandbox-public-client"),
        ("code", code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", verifier),
    ]
}

async fn pkce_code(visit: &Visit) -> String {
    let pkce = [
        ("code_challenge", challenge()),
        ("code_challenge_method", "S256".to_owned()),
    ];
    let pkce: Vec<_> = pkce.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let response = authorize(visit, "sandbox-public-client", &pkce).await;
    assert_eq!(redirected(&response, "state").as_deref(), Some("s1"));
    redirected(&response, "code").unwrap()
}

async fn logged_in(visit: &Visit) -> Value {
    let code = pkce_code(visit).await;
    tokens(visit, &code_form(&code, VERIFIER)).await
}

fn refresh_form(tokens: &Value) -> [(&str, &str); 3] {
    [
        ("grant_type", "refresh_token"),
        ("client_id", "sandbox-public-client"),
        ("refresh_token", tokens["refresh_token"].as_str().unwrap()),
    ]
}

async fn status_with(visit: &Visit, tokens: &Value) -> StatusCode {
    let url = format!("{}/{}", visit.sandbox.base_url(), guide());
    let token = tokens["access_token"].as_str().unwrap();
    visit
        .client
        .get(url)
        .bearer_auth(token)
        .send()
        .await
        .unwrap()
        .status()
}

#[tokio::test]
async fn public_application_logs_in_with_pkce() {
    let visit = Visit::unlimited().await;
    let tokens = logged_in(&visit).await;
    assert_eq!(tokens["token_type"], "Bearer");
    assert_eq!(tokens["expires_in"], 86_400);
    assert_eq!(tokens["scope"], "campaign_data offline_access");
    let access_token = tokens["access_token"].as_str().unwrap();
    assert!((1000..=1200).contains(&access_token.len()));
    let claims = URL_SAFE_NO_PAD
        .decode(access_token.split('.').nth(1).unwrap())
        .unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!(claims["cid"], "sandbox-public-client");
    assert!(claims["sub"].is_string());
    assert_eq!(status_with(&visit, &tokens).await, 200);
}

#[tokio::test]
async fn code_works_once_for_five_minutes_and_only_with_its_verifier() {
    let visit = Visit::unlimited().await;
    let code = pkce_code(&visit).await;
    tokens(&visit, &code_form(&code, VERIFIER)).await;
    assert_eq!(error(&visit, &code_form(&code, VERIFIER)).await, "invalid_grant");

    let code = pkce_code(&visit).await;
    assert_eq!(error(&visit, &code_form(&code, "another")).await, "invalid_grant");

    let code = pkce_code(&visit).await;
    visit.order("clock", json!({"advance_seconds": 301})).await;
    assert_eq!(error(&visit, &code_form(&code, VERIFIER)).await, "invalid_grant");
}

#[tokio::test]
async fn confidential_application_authenticates_with_basic() {
    let visit = Visit::unlimited().await;
    let url = format!("{}/token", visit.sandbox.oauth_base_url());
    let post = async |code: &str, secret: &str| {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT),
        ];
        let request = visit
            .client
            .post(&url)
            .form(&form)
            .basic_auth("sandbox-client", Some(secret));
        request.send().await.unwrap()
    };
    let code = redirected(&authorize(&visit, "sandbox-client", &[]).await, "code").unwrap();
    let wrong = post(&code, "wrong").await;
    assert_eq!(wrong.status(), 401);
    assert_eq!(wrong.json::<Value>().await.unwrap()["error"], "invalid_client");
    assert_eq!(post(&code, "sandbox-secret").await.status(), 200);
    let without_secret = token(
        &visit,
        &[("grant_type", "refresh_token"), ("client_id", "sandbox-client")],
    )
    .await;
    assert_eq!(without_secret.status(), 401);
}

#[tokio::test]
async fn authorization_is_rejected_by_redirect_unless_the_redirect_uri_is_invalid() {
    let visit = Visit::unlimited().await;
    let without_pkce = authorize(&visit, "sandbox-public-client", &[]).await;
    assert_eq!(
        redirected(&without_pkce, "error").as_deref(),
        Some("invalid_request")
    );
    let denied = authorize(&visit, "sandbox-client", &[("decision", "deny")]).await;
    assert_eq!(redirected(&denied, "error").as_deref(), Some("access_denied"));
    assert_eq!(authorize(&visit, "nobody", &[]).await.status(), 400);
    let url = format!(
        "{}/authorize?client_id=sandbox-client",
        visit.sandbox.oauth_base_url()
    );
    let elsewhere = visit
        .client
        .get(format!("{url}&redirect_uri=https://elsewhere.example/"))
        .send()
        .await
        .unwrap();
    assert_eq!(elsewhere.status(), 400);
}

#[tokio::test]
async fn approval_page_is_shown_if_enabled() {
    let visit = Visit::unlimited().await;
    visit.configure(json!({"authorize_page": true})).await;
    let page = authorize(&visit, "sandbox-client", &[]).await;
    assert_eq!(page.status(), 200);
    assert!(page.text().await.unwrap().contains("Allow access?"));
    let approved = authorize(&visit, "sandbox-client", &[("decision", "approve")]).await;
    assert!(redirected(&approved, "code").is_some());
}

#[tokio::test]
async fn rotated_refresh_token_is_invalid_and_earlier_access_tokens_stay_valid() {
    let visit = Visit::unlimited().await;
    let first = logged_in(&visit).await;
    let second = tokens(&visit, &refresh_form(&first)).await;
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    assert_eq!(error(&visit, &refresh_form(&first)).await, "invalid_grant");
    assert_eq!(status_with(&visit, &first).await, 200);
    tokens(&visit, &refresh_form(&second)).await;
}

#[tokio::test]
async fn long_lived_refresh_token_stays_the_same() {
    let visit = Visit::unlimited().await;
    visit.configure(json!({"refresh_tokens": "long_lived"})).await;
    let first = logged_in(&visit).await;
    let second = tokens(&visit, &refresh_form(&first)).await;
    assert_eq!(first["refresh_token"], second["refresh_token"]);
    visit
        .order("clock", json!({"advance_seconds": 181 * 86_400}))
        .await;
    assert_eq!(error(&visit, &refresh_form(&first)).await, "invalid_grant");
}

#[tokio::test]
async fn response_lost_after_rotation_leaves_an_invalid_refresh_token() {
    let visit = Visit::unlimited().await;
    let first = logged_in(&visit).await;
    visit
        .order(
            "faults",
            json!({"kind": "answer_lost", "path_contains": "/token", "count": 1}),
        )
        .await;
    let url = format!("{}/token", visit.sandbox.oauth_base_url());
    assert!(
        visit
            .client
            .post(url)
            .form(&refresh_form(&first))
            .send()
            .await
            .is_err()
    );
    assert_eq!(error(&visit, &refresh_form(&first)).await, "invalid_grant");
}

#[tokio::test]
async fn access_tokens_expire_after_the_configured_lifetime() {
    let visit = Visit::to(Config {
        settings: Settings {
            expires_in: 10,
            ..Config::unlimited().settings
        },
        ..Config::default()
    })
    .await;
    let tokens = logged_in(&visit).await;
    assert_eq!(tokens["expires_in"], 10);
    assert_eq!(status_with(&visit, &tokens).await, 200);
    visit.order("clock", json!({"advance_seconds": 10})).await;
    assert_eq!(status_with(&visit, &tokens).await, 401);
}

#[tokio::test]
async fn token_endpoint_accepts_one_request_a_second() {
    let visit = Visit::to(Config::default()).await;
    visit.configure(json!({"second_window": "sliding"})).await;
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", "sandbox-public-client"),
        ("refresh_token", "rt"),
    ];
    assert_eq!(token(&visit, &form).await.status(), 400);
    assert_eq!(token(&visit, &form).await.status(), 429);
    visit.configure(json!({"token_rate_per_second": 0})).await;
    assert_eq!(token(&visit, &form).await.status(), 400);
}

#[tokio::test]
async fn query_parameters_are_accepted_and_their_values_are_not_logged() {
    let visit = Visit::unlimited().await;
    let asked = json!({"client_id": "sandbox-public-client"});
    let issued = visit.order("tokens", asked).await;
    let endpoint = format!("{}/token", visit.sandbox.oauth_base_url());
    let mut url = Url::parse(&endpoint).unwrap();
    url.query_pairs_mut()
        .append_pair("grant_type", "refresh_token")
        .append_pair("refresh_token", issued["refresh_token"].as_str().unwrap())
        .append_pair("client_id", "sandbox-public-client");
    let answer = visit.client.post(url).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(
        visit.sandbox.requests()[0].query.as_deref(),
        Some("grant_type&refresh_token&client_id")
    );
    let as_json = visit
        .client
        .post(&endpoint)
        .json(&json!({"grant_type": "refresh_token"}))
        .send()
        .await
        .unwrap();
    assert_eq!(as_json.json::<Value>().await.unwrap()["error"], "invalid_request");
}

#[tokio::test]
async fn rewritten_token_response_still_rotates() {
    let visit = Visit::unlimited().await;
    let asked = json!({"client_id": "sandbox-public-client"});
    let issued = visit.order("tokens", asked).await;
    let fault = json!({
        "kind": "rewritten", "path_contains": "/token", "members": {"expires_in": "300"},
        "without": ["token_type"], "content_type": "", "prefix": "\u{feff}", "count": 1,
    });
    visit.order("faults", fault).await;
    let form = [
        ("client_id", "sandbox-public-client"),
        ("grant_type", "refresh_token"),
        ("refresh_token", issued["refresh_token"].as_str().unwrap()),
    ];
    let answer = token(&visit, &form).await;
    assert!(answer.headers().get("content-type").is_none());
    let text = answer.text().await.unwrap();
    let body: Value = serde_json::from_str(text.strip_prefix('\u{feff}').unwrap()).unwrap();
    assert_eq!(body["expires_in"], "300");
    assert!(body.get("token_type").is_none());
    assert_ne!(body["refresh_token"], issued["refresh_token"]);
    assert_eq!(token(&visit, &form).await.status(), 400);
}

async fn device(visit: &Visit) -> Value {
    let url = format!("{}/device/authorize", visit.sandbox.oauth_base_url());
    let form = [
        ("client_id", "sandbox-public-client"),
        ("scope", "campaign_data offline_access"),
    ];
    visit
        .client
        .post(url)
        .form(&form)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap()
}

fn device_form(device: &Value) -> [(&str, &str); 3] {
    [
        ("grant_type", DEVICE_GRANT),
        ("client_id", "sandbox-public-client"),
        ("device_code", device["device_code"].as_str().unwrap()),
    ]
}

#[tokio::test]
async fn device_polls_are_slowed_down_and_yield_tokens_after_approval() {
    let visit = Visit::unlimited().await;
    let device = device(&visit).await;
    assert_eq!(
        (&device["expires_in"], &device["interval"]),
        (&json!(600), &json!(5))
    );
    let form = device_form(&device);
    assert_eq!(error(&visit, &form).await, "authorization_pending");
    assert_eq!(error(&visit, &form).await, "slow_down");
    // The interval is five seconds, and five more after `slow_down`.
    visit.order("clock", json!({"advance_seconds": 6})).await;
    assert_eq!(error(&visit, &form).await, "slow_down");
    visit.order("clock", json!({"advance_seconds": 15})).await;
    assert_eq!(error(&visit, &form).await, "authorization_pending");
    visit
        .order(
            "devices",
            json!({"user_code": device["user_code"], "approve": true}),
        )
        .await;
    visit.order("clock", json!({"advance_seconds": 15})).await;
    let tokens = tokens(&visit, &form).await;
    assert_eq!(status_with(&visit, &tokens).await, 200);
    assert_eq!(error(&visit, &form).await, "invalid_grant");
}

#[tokio::test]
async fn device_login_is_denied_or_expires() {
    let visit = Visit::unlimited().await;
    let denied = device(&visit).await;
    visit
        .order(
            "devices",
            json!({"user_code": denied["user_code"], "approve": false}),
        )
        .await;
    assert_eq!(error(&visit, &device_form(&denied)).await, "access_denied");
    let expired = device(&visit).await;
    visit.order("clock", json!({"advance_seconds": 600})).await;
    assert_eq!(error(&visit, &device_form(&expired)).await, "expired_token");
}

#[tokio::test]
async fn device_is_approved_after_some_polls_or_on_its_page() {
    let visit = Visit::unlimited().await;
    visit
        .configure(json!({"device_approves_after": 2, "device_interval": 0}))
        .await;
    let waiting = device(&visit).await;
    for _ in 0..2 {
        assert_eq!(
            error(&visit, &device_form(&waiting)).await,
            "authorization_pending"
        );
    }
    tokens(&visit, &device_form(&waiting)).await;

    visit.configure(json!({"device_approves_after": null})).await;
    let waiting = device(&visit).await;
    let page = waiting["verification_uri_complete"].as_str().unwrap();
    assert!(
        visit
            .client
            .get(page)
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap()
            .contains("Allow")
    );
    visit
        .client
        .get(format!("{page}&decision=approve"))
        .send()
        .await
        .unwrap();
    tokens(&visit, &device_form(&waiting)).await;
}

#[tokio::test]
async fn login_uses_the_configured_account() {
    let visit = Visit::to(Config::unlimited().with_account("branch", "branch-token", 3)).await;
    visit.configure(json!({"login_account": "branch"})).await;
    let tokens = logged_in(&visit).await;
    assert_eq!(status_with(&visit, &tokens).await, 404);
}

#[tokio::test]
async fn revoked_refresh_tokens_are_invalid() {
    let visit = Visit::unlimited().await;
    let first = logged_in(&visit).await;
    assert_eq!(
        visit.order("tokens/revoke", json!({"kind": "refresh"})).await["revoked"],
        1
    );
    assert_eq!(error(&visit, &refresh_form(&first)).await, "invalid_grant");
    assert_eq!(status_with(&visit, &first).await, 200);
}

#[tokio::test]
async fn discovery_document_does_not_exist() {
    let visit = Visit::unlimited().await;
    let url = format!(
        "http://{}/oauth2/default/.well-known/openid-configuration",
        visit.sandbox.address()
    );
    let client: &Client = &visit.client;
    assert_eq!(client.get(url).send().await.unwrap().status(), 404);
}
