//! Login from a constant environment with a rotating refresh token.

use sends_client::{TokenError, TokenSource};
use sends_credentials::{EnvironmentCredential, EnvironmentVariables, environment};
use sends_sandbox::config;
use serde_json::json;

use crate::upstream::Upstream;

async fn issued(upstream: &Upstream) -> String {
    let request = json!({"client_id": config::DEFAULT_CLIENT_ID});
    let issued = upstream.control("tokens", request).await;
    issued["refresh_token"].as_str().unwrap().to_owned()
}

fn started(upstream: &Upstream, refresh_token: &str) -> EnvironmentCredential {
    let variables = EnvironmentVariables::read(|name| {
        let value = match name {
            environment::REFRESH_TOKEN => refresh_token,
            environment::CLIENT_ID => config::DEFAULT_CLIENT_ID,
            environment::CLIENT_SECRET => config::DEFAULT_CLIENT_SECRET,
            _ => return None,
        };
        Some(value.to_owned())
    });
    EnvironmentCredential::new(
        variables,
        upstream.endpoints(),
        &upstream.dir(),
        upstream.settings(),
    )
    .unwrap()
    .unwrap()
}

#[tokio::test]
async fn restart_continues_with_the_rotated_token() {
    let upstream = Upstream::start().await;
    let refresh_token = issued(&upstream).await;
    let mut id = None;
    for restart in 0..3 {
        let credential = started(&upstream, &refresh_token);
        let token = credential.token().await.unwrap();
        assert!(upstream.accepts(&token).await, "{restart}");
        let status = credential.status().unwrap().unwrap();
        assert_eq!(
            *id.get_or_insert(status.credential_id.clone()),
            status.credential_id
        );
        upstream.expire();
    }
    assert_eq!(upstream.token_calls().await, 3);
}

#[tokio::test]
async fn new_token_in_the_environment_starts_a_new_credential() {
    let upstream = Upstream::start().await;
    let first = issued(&upstream).await;
    started(&upstream, &first).token().await.unwrap();
    upstream.revoke("refresh").await;
    upstream.expire();
    let dead = started(&upstream, &first);
    assert_eq!(dead.token().await.unwrap_err(), TokenError::LoginRequired);
    let second = issued(&upstream).await;
    let token = started(&upstream, &second).token().await.unwrap();
    assert!(upstream.accepts(&token).await);
    // A service with the old token is not affected.
    assert_eq!(dead.token().await.unwrap_err(), TokenError::LoginRequired);
}
