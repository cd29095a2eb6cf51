//! Malformed, delayed and missing responses of the token endpoint.

use serde_json::{Value, json};

use super::{Home, works};

fn rewritten(members: &Value) -> Value {
    json!({ "kind": "rewritten", "path_contains": "/v1/token", "members": members, "count": 1 })
}

#[tokio::test]
async fn malformed_token_response_still_completes_the_refresh() {
    let mut home = Home::new(&[]);
    home.log_in().await;
    let service = home.serve(&[]);
    assert!(works(&service).await);
    let odd = [
        rewritten(&json!({ "expires_in": "86400", "token_type": null })),
        rewritten(
            &json!({ "expires_in": 86400.0, "token_type": 7, "scope": ["campaign_data", "offline_access"] }),
        ),
        rewritten(&json!({ "expires_in": { "value": 5 }, "scope": null, "extra": { "deep": [1] } })),
        json!({ "kind": "rewritten", "path_contains": "/v1/token", "content_type": "text/html", "count": 1,
                "prefix": "\u{feff}\r\n ", "without": ["token_type", "scope", "expires_in"] }),
        json!({ "kind": "rewritten", "path_contains": "/v1/token", "content_type": "", "count": 1 }),
    ];
    for fault in odd {
        home.sandbox.fault(&fault).await;
        let before = home.token_calls().await;
        home.make_expire_in(-10);
        for _ in 0..5 {
            assert!(works(&service).await, "{fault}: {}", service.log());
        }
        assert_eq!(home.token_calls().await, before + 1, "{fault}");
    }
    assert!(home.can_be_renewed().await, "the last refresh token was stored");
}

#[tokio::test]
async fn blank_refresh_token_does_not_replace_the_previous_one() {
    let mut home = Home::new(&["--refresh-tokens", "long_lived"]);
    home.log_in().await;
    let service = home.serve(&[]);
    for blank in [json!(""), json!(" "), Value::Null] {
        home.sandbox
            .fault(&rewritten(&json!({ "refresh_token": blank })))
            .await;
        home.make_expire_in(-10);
        assert!(works(&service).await, "{blank}");
    }
    assert!(home.can_be_renewed().await);
}

#[tokio::test]
async fn no_reported_lifetime_causes_a_refresh_for_every_query() {
    let lives = [
        json!(0),
        json!(-1),
        json!(1),
        json!("0.5"),
        Value::Null,
        json!("soon"),
        json!(1_000_000_000),
        json!(1_790_000_000),
        json!(1e300),
    ];
    let mut home = Home::new(&[]);
    home.log_in().await;
    let service = home.serve(&[]);
    for life in lives {
        home.sandbox
            .fault(&rewritten(&json!({ "expires_in": life })))
            .await;
        home.make_expire_in(-10);
        let before = home.token_calls().await;
        for _ in 0..20 {
            assert!(works(&service).await, "{life}");
        }
        assert_eq!(home.token_calls().await, before + 1, "{life}");
    }
}

#[tokio::test]
async fn login_without_a_refresh_token_is_reported_immediately() {
    for refresh_token in [json!(""), Value::Null] {
        let mut home = Home::new(&[]);
        home.sandbox
            .fault(&rewritten(
                &json!({ "refresh_token": refresh_token, "scope": null }),
            ))
            .await;
        let login = home.log_in().await;
        assert_eq!(login.status, Some(0), "{login:?}");
        assert!(login.output.contains("This login cannot be renewed"), "{login:?}");
        assert!(
            login.output.contains("(scope offline_access) and log in again."),
            "{login:?}"
        );
        assert_eq!(
            login.output.matches("offline_access").count(),
            2,
            "the output is the URL and one sentence"
        );
    }
}

#[tokio::test]
async fn login_waits_for_the_rate_limit() {
    let throttled = |path: &str, count: u32| {
        json!({ "kind": "status", "status": 429, "path_contains": path, "count": count,
                "members": { "error_key": "throttled", "error_message": "Too Many Requests" } })
    };
    let mut home = Home::new(&["--device-approves-after", "0", "--device-interval", "1"]);
    let everywhere = json!([
        throttled("/v1/token", 2),
        throttled("/v1/device", 2),
        throttled("/account/user/privileges", 2),
        throttled("/account/summary", 1),
    ]);
    home.sandbox.fault(&everywhere).await;
    let login = home.log_in().await;
    assert_eq!(login.status, Some(0), "{login:?}");
    assert!(login.output.contains("Connected: "), "{login:?}");
    home.sandbox.control("DELETE", "faults", &Value::Null).await;
    home.sandbox.fault(&everywhere).await;
    let login = home.run(&["login", "--device"]).await;
    assert_eq!(login.status, Some(0), "{login:?}");
    assert!(login.output.contains("Connected: "), "{login:?}");
}
