//! Token refresh: expiry, rejections and failures.

use std::{fs, time::Duration};

use futures_util::future::join_all;
use jiff::SignedDuration;
use sends_client::{TokenError, TokenSource};
use sends_credentials::{Login, LoginRequired, Settings};
use sends_sandbox::{BodyShape, Config, Fault, FaultKind};
use serde_json::json;

use crate::upstream::Upstream;

const TOKEN_PATH: &str = "/v1/token";

fn lost_answer() -> Fault {
    Fault::new(FaultKind::AnswerLost).on_path(TOKEN_PATH).times(1)
}

fn is_unavailable(error: &TokenError) -> bool {
    matches!(error, TokenError::Unavailable { .. })
}

#[tokio::test]
async fn fresh_token_needs_no_call() {
    let upstream = Upstream::start().await;
    let login = upstream.logged_in().await;
    let before = upstream.token_calls().await;
    for _ in 0..100 {
        login.token().await.unwrap();
    }
    assert_eq!(upstream.token_calls().await, before);
}

#[tokio::test]
async fn rotated_token_is_on_disk_before_it_is_returned() {
    let upstream = Upstream::start().await;
    let login = upstream.logged_in().await;
    let before = upstream.stored();
    upstream.expire();
    let token = login.token().await.unwrap();
    let after = upstream.stored();
    assert!(upstream.accepts(&token).await);
    for kind in ["access_token", "refresh_token"] {
        assert_ne!(before[kind]["secret"], after[kind]["secret"], "{kind}");
    }
    assert_eq!(after["refresh_in_flight"], json!(null));
    assert_eq!(before["credential_id"], after["credential_id"]);
}

#[tokio::test]
async fn unsaved_tokens_are_returned_after_a_successful_write_without_another_refresh() {
    let upstream = Upstream::start().await;
    let login = upstream.logged_in().await;
    upstream.expire();
    upstream
        .fault(Fault {
            delay_ms: 300,
            ..Fault::new(FaultKind::Latency).on_path(TOKEN_PATH)
        })
        .await;
    let before = upstream.token_calls().await;
    let waiting = tokio::spawn({
        let login = login.clone();
        async move { login.token().await }
    });
    // The refresh is recorded by now, and the response is delayed.
    tokio::time::sleep(Duration::from_millis(150)).await;
    let obstacle = upstream.file().with_added_extension("new");
    fs::create_dir(&obstacle).unwrap();
    let error = waiting.await.unwrap().unwrap_err();
    let TokenError::Unavailable {
        retry_after: Some(wait),
        ..
    } = error
    else {
        panic!("{error}")
    };
    fs::remove_dir(obstacle).unwrap();
    tokio::time::sleep(wait).await;
    let token = login.token().await.unwrap();
    assert!(upstream.accepts(&token).await);
    assert_eq!(upstream.token_calls().await, before + 1);
    assert_eq!(upstream.stored()["refresh_in_flight"], json!(null));
}

#[tokio::test]
async fn second_waiter_reuses_the_refreshed_token() {
    let upstream = Upstream::start().await;
    let login = upstream.logged_in().await;
    upstream.expire();
    let before = upstream.token_calls().await;
    let tokens = join_all((0..50).map(|_| login.token())).await;
    let first = tokens[0].clone().unwrap();
    assert!(tokens.into_iter().all(|token| token.unwrap() == first));
    assert_eq!(upstream.token_calls().await, before + 1);
}

#[tokio::test]
async fn refresh_continues_after_its_callers_are_cancelled() {
    let upstream = Upstream::start().await;
    let login = upstream.logged_in().await;
    let before = upstream.stored();
    upstream.expire();
    upstream
        .fault(Fault::new(FaultKind::Latency).on_path(TOKEN_PATH))
        .await;
    let timed_out = tokio::time::timeout(Duration::from_millis(30), login.token()).await;
    assert!(timed_out.is_err());
    let token = login.token().await.unwrap();
    assert!(upstream.accepts(&token).await);
    assert_ne!(before["refresh_token"], upstream.stored()["refresh_token"]);
    assert_eq!(upstream.token_calls().await, 2, "the login and one refresh");
}

#[tokio::test]
async fn caller_with_a_valid_token_does_not_wait_for_its_renewal() {
    let upstream = Upstream::start().await;
    let login = upstream.logged_in().await;
    let old = login.token().await.unwrap();
    upstream.clock.advance(SignedDuration::from_mins(24 * 60 - 4));
    upstream
        .fault(Fault::status(503, BodyShape::Html).on_path(TOKEN_PATH).times(1))
        .await;
    for _ in 0..20 {
        assert_eq!(login.token().await.unwrap(), old);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(
        upstream.token_calls().await,
        2,
        "a failed refresh is not repeated immediately"
    );
    upstream.clock.advance(SignedDuration::from_mins(4));
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_ne!(login.token().await.unwrap(), old);
}

#[tokio::test]
async fn rejected_token_is_renewed_once_for_all_callers() {
    let upstream = Upstream::start().await;
    let login = upstream.logged_in().await;
    let rejected = login.token().await.unwrap();
    upstream.revoke("access").await;
    let renewed = join_all((0..20).map(|_| login.renew(&rejected))).await;
    let renewed: Vec<_> = renewed.into_iter().map(Result::unwrap).collect();
    assert!(
        renewed
            .iter()
            .all(|token| *token == renewed[0] && *token != rejected)
    );
    assert!(upstream.accepts(&renewed[0]).await);
    assert_eq!(upstream.token_calls().await, 2);
    // A new token that is rejected immediately is not renewed again.
    let error = login.renew(&renewed[0]).await.unwrap_err();
    assert!(is_unavailable(&error), "{error}");
    assert_eq!(login.renew(&rejected).await.unwrap(), renewed[0]);
    assert_eq!(upstream.token_calls().await, 2);
}

#[tokio::test]
async fn lost_response_is_distinguished_from_a_revoked_token() {
    let upstream = Upstream::start().await;
    let login = upstream.logged_in().await;
    upstream.expire();
    upstream.fault(lost_answer()).await;
    assert!(is_unavailable(&login.token().await.unwrap_err()));
    assert!(login.status().unwrap().unwrap().refresh_in_flight_since.is_some());
    assert_eq!(
        login.login_required().unwrap(),
        None,
        "the request may have been lost"
    );

    // The new instance simulates a restarted process.
    let login = upstream.login();
    assert_eq!(login.token().await.unwrap_err(), TokenError::LoginRequired);
    let required = login.login_required().unwrap().unwrap();
    assert!(matches!(required, LoginRequired::AnswerLost { .. }), "{required}");
    let calls = upstream.token_calls().await;
    assert_eq!(
        upstream.login().token().await.unwrap_err(),
        TokenError::LoginRequired
    );
    assert_eq!(
        upstream.token_calls().await,
        calls,
        "another restart sends no request"
    );
}

#[tokio::test]
async fn lost_response_is_detected_while_the_current_token_still_works() {
    let upstream = Upstream::start().await;
    let login = upstream.logged_in().await;
    let token = login.token().await.unwrap();
    upstream.fault(lost_answer()).await;
    // The token is not expired, and the rejection by the API may be temporary.
    assert!(is_unavailable(&login.renew(&token).await.unwrap_err()));
    let restarted = upstream.login();
    assert_eq!(restarted.token().await.unwrap(), token);
    let noticed = async {
        while restarted.login_required().unwrap().is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), noticed)
        .await
        .unwrap();
    assert_eq!(
        restarted.token().await.unwrap(),
        token,
        "the current token works until it expires"
    );
    upstream.expire();
    assert_eq!(restarted.token().await.unwrap_err(), TokenError::LoginRequired);
}

#[tokio::test]
async fn long_lived_refresh_token_survives_a_lost_response() {
    let mut config = Config::unlimited();
    config.settings.refresh_tokens = sends_sandbox::config::settings::RefreshTokens::LongLived;
    let upstream = Upstream::start_with(config).await;
    upstream.logged_in().await;
    upstream.expire();
    upstream.fault(lost_answer()).await;
    assert!(is_unavailable(&upstream.login().token().await.unwrap_err()));
    let token = upstream.login().token().await.unwrap();
    assert!(upstream.accepts(&token).await);
}

#[tokio::test]
async fn invalid_grant_is_final_until_the_next_login() {
    let upstream = Upstream::start().await;
    let login = upstream.logged_in().await;
    upstream.expire();
    upstream.revoke("refresh").await;
    for _ in 0..20 {
        assert_eq!(login.token().await.unwrap_err(), TokenError::LoginRequired);
    }
    assert_eq!(upstream.token_calls().await, 2);
    let required = login.login_required().unwrap().unwrap();
    assert!(matches!(required, LoginRequired::Refused { .. }), "{required}");
    // Another process logs in.
    upstream.logged_in().await;
    assert!(upstream.accepts(&login.token().await.unwrap()).await);
    assert_eq!(login.login_required().unwrap(), None);
}

#[tokio::test]
async fn other_failures_are_retried() {
    let faults = [
        Fault::status(503, BodyShape::Html),
        Fault::status(429, BodyShape::Object),
        Fault::status(404, BodyShape::Empty),
        Fault::new(FaultKind::Reset),
        Fault::new(FaultKind::NotJson),
        Fault::new(FaultKind::HugeBody),
        Fault::new(FaultKind::WrongShape),
    ];
    for fault in faults {
        let upstream = Upstream::start().await;
        let login = upstream.logged_in().await;
        upstream.expire();
        upstream.fault(fault.clone().on_path(TOKEN_PATH).times(1)).await;
        let error = login.token().await.unwrap_err();
        assert!(is_unavailable(&error), "{fault:?}: {error}");
        assert_eq!(login.token().await.unwrap_err().to_string(), error.to_string());
        assert_eq!(upstream.token_calls().await, 2, "{fault:?}: no immediate retry");
        // A restarted process does not wait.
        let token = upstream.login().token().await.unwrap();
        assert!(upstream.accepts(&token).await, "{fault:?}");
    }
}

#[tokio::test]
async fn token_endpoint_is_called_at_most_once_a_second() {
    let mut config = Config::unlimited();
    config.settings.token_rate_per_second = 1;
    config.settings.second_window = sends_sandbox::config::settings::SecondWindow::Sliding;
    let upstream = Upstream::start_with(config).await;
    upstream.logged_in().await;
    let settings = Settings {
        rejection_pause: Duration::ZERO,
        ..Settings::default()
    };
    let processes = [0, 1].map(|_| Login::new(&upstream.dir(), settings.clone()));
    let mut token = processes[0].token().await.unwrap();
    for round in 0..4 {
        token = processes[round % 2].renew(&token).await.unwrap();
    }
    let requests = upstream.requests().await;
    assert!(requests.iter().all(|request| request["status"] != 429));
    assert_eq!(upstream.token_calls().await, 5);
}

#[tokio::test]
async fn refresh_token_without_an_access_token_is_stored() {
    let upstream = Upstream::start().await;
    let login = upstream.logged_in().await;
    for access_token in [json!(""), json!(null), json!("two words")] {
        upstream.expire();
        let before = upstream.stored();
        let rewritten = Fault::rewritten([("access_token".to_owned(), access_token)]);
        upstream.fault(rewritten.on_path(TOKEN_PATH).times(1)).await;
        let error = upstream.login().token().await.unwrap_err();
        assert!(is_unavailable(&error), "{error}");
        assert_ne!(before["refresh_token"], upstream.stored()["refresh_token"]);
        assert_eq!(login.login_required().unwrap(), None);
        let token = upstream.login().token().await.unwrap();
        assert!(upstream.accepts(&token).await);
    }
}

#[tokio::test]
async fn only_invalid_grant_in_any_format_ends_a_login() {
    let cases = [
        (400, json!({"error": "invalid_grant"}), true),
        (401, json!({"error": " Invalid_Grant "}), true),
        (
            400,
            json!({"error_key": "invalid_grant", "error_message": "Gone."}),
            true,
        ),
        (400, json!({"error": {"code": "invalid_grant"}}), true),
        (200, json!({"error": "invalid_grant"}), true),
        (400, json!({"error": "invalid_client"}), false),
        (401, json!({"error_key": "unauthorized"}), false),
        (403, json!({"error_key": "access_denied"}), false),
        (403, json!({"message": "Forbidden"}), false),
        (500, json!({"error": "invalid_grant"}), false),
        (400, json!({"error": null}), false),
    ];
    for (status, body, ends) in cases {
        let upstream = Upstream::start().await;
        let login = upstream.logged_in().await;
        upstream.expire();
        let members = body.as_object().unwrap().clone();
        let fault = Fault {
            members,
            ..Fault::status(status, BodyShape::Object)
        };
        upstream.fault(fault.on_path(TOKEN_PATH).times(1)).await;
        let error = login.token().await.unwrap_err();
        assert_eq!(
            error == TokenError::LoginRequired,
            ends,
            "{status} {body}: {error}"
        );
        assert_eq!(login.login_required().unwrap().is_some(), ends, "{status} {body}");
    }
}

#[tokio::test]
async fn rejected_login_is_probed_after_growing_pauses_across_restarts() {
    let upstream = Upstream::start().await;
    upstream.logged_in().await;
    upstream.expire();
    upstream.revoke("refresh").await;
    let request_token = async || upstream.login().token().await;
    assert_eq!(request_token().await.unwrap_err(), TokenError::LoginRequired);
    let mut calls = upstream.token_calls().await;
    for minutes in [1, 2, 4, 8, 16, 32, 60, 60] {
        upstream
            .clock
            .advance(SignedDuration::from_secs(minutes * 60 - 5));
        assert_eq!(request_token().await.unwrap_err(), TokenError::LoginRequired);
        assert_eq!(upstream.token_calls().await, calls, "before {minutes} minutes");
        upstream.clock.advance(SignedDuration::from_secs(5));
        for _ in 0..3 {
            assert_eq!(request_token().await.unwrap_err(), TokenError::LoginRequired);
        }
        calls += 1;
        assert_eq!(upstream.token_calls().await, calls, "after {minutes} minutes");
    }
}

#[tokio::test]
async fn successful_probe_restores_the_login() {
    let upstream = Upstream::start().await;
    let login = upstream.logged_in().await;
    upstream.expire();
    let refused = Fault {
        members: json!({"error": "invalid_grant"}).as_object().unwrap().clone(),
        ..Fault::status(400, BodyShape::Object)
    };
    upstream.fault(refused.on_path(TOKEN_PATH).times(1)).await;
    assert_eq!(login.token().await.unwrap_err(), TokenError::LoginRequired);
    upstream.clock.advance(SignedDuration::from_mins(1));
    let token = login.token().await.unwrap();
    assert!(upstream.accepts(&token).await);
    assert_eq!(login.login_required().unwrap(), None);
}

#[tokio::test]
async fn access_token_rejected_with_its_refresh_token_is_removed_from_disk() {
    let upstream = Upstream::start().await;
    let login = upstream.logged_in().await;
    let token = login.token().await.unwrap();
    upstream.revoke("refresh").await;
    assert_eq!(login.renew(&token).await.unwrap_err(), TokenError::LoginRequired);
    assert_eq!(upstream.stored()["access_token"], json!(null));
    let calls = upstream.token_calls().await;
    for login in [&login, &upstream.login()] {
        assert_eq!(login.token().await.unwrap_err(), TokenError::LoginRequired);
        assert_eq!(login.renew(&token).await.unwrap_err(), TokenError::LoginRequired);
    }
    assert_eq!(upstream.token_calls().await, calls);
}

#[tokio::test]
async fn rejected_new_tokens_are_renewed_after_growing_pauses_until_one_is_accepted() {
    let upstream = Upstream::start().await;
    upstream.logged_in().await;
    let settings = Settings {
        rejection_pause: Duration::from_millis(400),
        ..upstream.settings()
    };
    let login = Login::new(&upstream.dir(), settings);
    let mut token = login.token().await.unwrap();
    for pause in [0, 400, 800] {
        if pause > 0 {
            assert!(is_unavailable(&login.renew(&token).await.unwrap_err()));
            tokio::time::sleep(Duration::from_millis(pause + 50)).await;
        }
        token = login.renew(&token).await.unwrap();
    }
    login.accepted(&token);
    let renewed = login.renew(&token).await.unwrap();
    assert_ne!(renewed, token);
}

#[test]
fn refresh_continues_after_the_callers_runtime_stops() {
    let runtime = || tokio::runtime::Runtime::new().unwrap();
    let lasting = runtime();
    let upstream = lasting.block_on(Upstream::start());
    let login = lasting.block_on(upstream.logged_in());
    upstream.expire();
    let slow_body = Fault {
        delay_ms: 30,
        bytes: Some(100),
        ..Fault::new(FaultKind::SlowBody).on_path(TOKEN_PATH).times(1)
    };
    lasting.block_on(upstream.fault(slow_body));
    let before = upstream.stored();
    let short = runtime();
    let timed_out =
        short.block_on(async { tokio::time::timeout(Duration::from_millis(100), login.token()).await });
    assert!(timed_out.is_err());
    short.shutdown_background();
    let token = lasting.block_on(login.token()).unwrap();
    assert!(lasting.block_on(upstream.accepts(&token)));
    assert_ne!(before["refresh_token"], upstream.stored()["refresh_token"]);
    assert_eq!(lasting.block_on(upstream.token_calls()), 2);
}
