//! Device login. Unit tests of the crate cover the poll interval with a paused clock.

use sends_credentials::{DeviceLogin, LoginError, LoginRequest};
use sends_sandbox::Config;
use serde_json::json;

use crate::upstream::Upstream;

/// Starts an upstream without a minimum poll interval.
async fn unthrottled_upstream(change: impl FnOnce(&mut sends_sandbox::Settings)) -> Upstream {
    let mut config = Config::unlimited();
    config.settings.device_interval = 0;
    change(&mut config.settings);
    Upstream::start_with(config).await
}

async fn started(upstream: &Upstream) -> DeviceLogin {
    DeviceLogin::start(upstream.request(), &upstream.dir(), &upstream.settings())
        .await
        .unwrap()
}

#[tokio::test]
async fn approved_device_gets_working_tokens() {
    let upstream = unthrottled_upstream(|settings| settings.device_approves_after = Some(3)).await;
    let login = started(&upstream).await;
    assert_eq!(login.user_code().len(), 8);
    let complete = login.verification_uri_complete().unwrap();
    assert!(complete.starts_with(login.verification_uri()) && complete.ends_with(login.user_code()));
    let grant = login.finish().await.unwrap();
    upstream.login().save(grant.clone()).await.unwrap();
    assert!(upstream.accepts(&grant.access_token().unwrap()).await);
    assert_eq!(upstream.token_calls().await, 4);
}

#[tokio::test]
async fn denied_device_login_fails() {
    let upstream = unthrottled_upstream(|_| ()).await;
    let login = started(&upstream).await;
    let decision = json!({"user_code": login.user_code(), "approve": false});
    upstream.control("devices", decision).await;
    let error = login.finish().await.unwrap_err();
    assert!(matches!(error, LoginError::Denied { .. }), "{error}");
}

#[tokio::test]
async fn device_login_without_a_decision_expires() {
    let upstream = unthrottled_upstream(|settings| {
        settings.device_interval = 1;
        settings.device_expires_in = 1;
    })
    .await;
    let error = started(&upstream).await.finish().await.unwrap_err();
    assert_eq!(error, LoginError::Expired);
}

#[tokio::test]
async fn unknown_application_is_rejected_before_a_code_is_issued() {
    let upstream = unthrottled_upstream(|_| ()).await;
    let request = LoginRequest {
        application: sends_credentials::Application::public("nobody"),
        ..upstream.request()
    };
    let rejected = DeviceLogin::start(request, &upstream.dir(), &upstream.settings()).await;
    let Err(LoginError::Refused { error, .. }) = rejected else {
        panic!("the application is not rejected")
    };
    assert_eq!(error, "invalid_client");
}
