//! Rate limits of an API key.

use std::time::Duration;

use sends_sandbox::{Config, Settings};
use serde_json::{Value, json};

use crate::{Visit, guide};

fn with(settings: Settings) -> Config {
    Config {
        settings,
        ..Config::default()
    }
}

/// Waits for the start of a second, so that a burst falls into a single second.
async fn early_in_a_second() {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    tokio::time::sleep(Duration::from_millis(1050 - u64::from(now.subsec_millis()))).await;
}

#[tokio::test]
async fn fifth_request_of_a_fixed_second_is_throttled_and_the_next_second_is_free() {
    let visit = Visit::to(Config::default()).await;
    visit.control("counters").await;
    early_in_a_second().await;
    for _ in 0..4 {
        assert_eq!(visit.get(&guide()).await.status(), 200);
    }
    let refused = visit.get(&guide()).await;
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.headers().get("retry-after"), None);
    let body: Value = refused.json().await.unwrap();
    assert_eq!(
        body,
        json!({"error_key": "throttled", "error_message": "Too Many Requests"})
    );
    early_in_a_second().await;
    assert_eq!(visit.get(&guide()).await.status(), 200);
}

#[tokio::test]
async fn sliding_second_has_no_edge_to_exploit() {
    let settings = Settings {
        second_window: sends_sandbox::config::settings::SecondWindow::Sliding,
        ..Settings::default()
    };
    let visit = Visit::to(with(settings)).await;
    let mut passed = 0;
    let until = tokio::time::Instant::now() + Duration::from_millis(1900);
    while tokio::time::Instant::now() < until {
        passed += u32::from(visit.get(&guide()).await.status() == 200);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // At most the requests of two seconds pass. A busy machine may be too slow to send them in time.
    assert!((5..=8).contains(&passed), "{passed}");
    let counters = visit.control("counters").await;
    assert_eq!(
        counters["keys"]["sandbox-client"]["greatest_passed_in_a_second"],
        4
    );
}

#[tokio::test]
async fn daily_limit_lasts_until_midnight_utc() {
    let visit = Visit::to(with(Settings {
        rate_per_second: 0,
        rate_per_day: 3,
        ..Settings::default()
    }))
    .await;
    for _ in 0..3 {
        assert_eq!(visit.get(&guide()).await.status(), 200);
    }
    let refused = visit.get(&guide()).await;
    assert_eq!(refused.status(), 429);
    let body: Value = refused.json().await.unwrap();
    assert_eq!(
        body,
        json!({"error_key": "quota_exceeded", "error_message": "Limit Exceeded"})
    );
    visit.order("clock", json!({"to_next_day": true})).await;
    assert_eq!(visit.get(&guide()).await.status(), 200);
}

#[tokio::test]
async fn accounts_of_one_application_share_its_limits() {
    let config = with(Settings {
        rate_per_second: 0,
        rate_per_day: 2,
        ..Settings::default()
    });
    let visit = Visit::to(config.with_account("branch", "branch-token", 3)).await;
    let url = format!("{}/emails", visit.sandbox.base_url());
    for token in ["sandbox-access-token", "branch-token"] {
        assert_eq!(
            visit
                .client
                .get(&url)
                .bearer_auth(token)
                .send()
                .await
                .unwrap()
                .status(),
            200
        );
    }
    assert_eq!(
        visit
            .client
            .get(&url)
            .bearer_auth("branch-token")
            .send()
            .await
            .unwrap()
            .status(),
        429
    );
}

#[tokio::test]
async fn requests_with_an_invalid_token_are_not_counted() {
    let visit = Visit::to(with(Settings {
        rate_per_second: 0,
        rate_per_day: 1,
        ..Settings::default()
    }))
    .await;
    let url = format!("{}/emails", visit.sandbox.base_url());
    for _ in 0..3 {
        assert_eq!(
            visit
                .client
                .get(&url)
                .bearer_auth("wrong")
                .send()
                .await
                .unwrap()
                .status(),
            401
        );
    }
    assert_eq!(visit.get("emails").await.status(), 200);
}

#[tokio::test]
async fn retry_after_is_sent_only_if_enabled() {
    let visit = Visit::to(with(Settings {
        rate_per_second: 0,
        rate_per_day: 1,
        retry_after: true,
        ..Settings::default()
    }))
    .await;
    visit.get(&guide()).await;
    let refused = visit.get(&guide()).await;
    let seconds: u32 = refused.headers()["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=86_400).contains(&seconds));
}
