//! Device login. The poll interval is tested with a paused clock, next to the code.

use sends_credentials::{DeviceLogin, LoginError, LoginRequest};
use sends_sandbox::Config;
use serde_json::json;

use crate::upstream::Upstream;

/// An upstream without a minimum interval of polls.
async fn patient_upstream(change: impl FnOnce(&mut sends_sandbox::Settings)) -> Upstream {
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
async fn an_approved_device_gets_tokens_that_work() {
    let upstream = patient_upstream(|settings| settings.device_approves_after = Some(3)).await;
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
async fn a_device_whose_user_says_no_is_denied() {
    let upstream = patient_upstream(|_| ()).await;
    let login = started(&upstream).await;
    let decision = json!({"user_code": login.user_code(), "approve": false});
    upstream.control("devices", decision).await;
    let error = login.finish().await.unwrap_err();
    assert!(matches!(error, LoginError::Denied { .. }), "{error}");
}

#[tokio::test]
async fn a_device_whose_user_does_nothing_expires() {
    let upstream = patient_upstream(|settings| {
        settings.device_interval = 1;
        settings.device_expires_in = 1;
    })
    .await;
    let error = started(&upstream).await.finish().await.unwrap_err();
    assert_eq!(error, LoginError::Expired);
}

#[tokio::test]
async fn an_unknown_application_is_refused_before_a_code_is_shown() {
    let upstream = patient_upstream(|_| ()).await;
    let request = LoginRequest {
        application: sends_credentials::Application::public("nobody"),
        ..upstream.request()
    };
    let refused = DeviceLogin::start(request, &upstream.dir(), &upstream.settings()).await;
    let Err(LoginError::Refused { error, .. }) = refused else {
        panic!("not refused")
    };
    assert_eq!(error, "invalid_client");
}
