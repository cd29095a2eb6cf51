//! Callers with their own tokens, and the isolation of their data.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use sends_end_to_end::{GUIDE_ACTIVITY, SandboxProcess, ServiceProcess};
use serde_json::{Value, json};
use tokio::time::sleep;

const TOKENS: [&str; 4] = [
    "--access-token",
    "first-callers-token",
    "--access-token",
    "branch:second-callers-token",
];

fn service_on(sandbox: &SandboxProcess, options: &[&str]) -> ServiceProcess {
    let url = sandbox.api_url();
    ServiceProcess::start(
        &[
            &[
                "--upstream-url",
                &url,
                "--caller-tokens",
                "--rate-per-second",
                "0",
            ],
            options,
        ]
        .concat(),
        &[],
    )
}

async fn ask(service: &ServiceProcess, token: Option<&str>, activity: &str) -> (u16, Value) {
    let query = format!(r#"{{ campaignActivity(id: "{activity}") {{ sendHistory {{ sendId runDate }} }} }}"#);
    service.post_as(token, &json!({ "query": query })).await
}

#[tokio::test]
async fn data_fetched_with_one_token_is_never_returned_to_another_caller() {
    let sandbox = SandboxProcess::unlimited(&TOKENS);
    let service = service_on(&sandbox, &[]);
    let firsts = sandbox.activities(40).await;
    let listed = sandbox
        .control("GET", "activities?account=branch&limit=20", &Value::Null)
        .await;
    let seconds: Vec<&str> = listed["activities"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let firsts: Vec<&str> = firsts.iter().skip(20).map(String::as_str).collect();

    // All callers, including one with an invalid token, request everything at the same time, three times.
    let callers = [
        ("first-callers-token", &firsts),
        ("second-callers-token", &seconds),
    ];
    let everything: Vec<&str> = firsts.iter().chain(&seconds).copied().collect();
    for _ in 0..3 {
        let questions = everything.iter().flat_map(|activity| {
            let tokens = callers
                .iter()
                .map(|(token, theirs)| (*token, theirs.contains(activity)))
                .chain([("first-callers-token.forged", false)]);
            let (service, activity) = (&service, *activity);
            tokens.map(move |(token, is_theirs)| async move {
                (token, is_theirs, ask(service, Some(token), activity).await.1)
            })
        });
        for (token, is_theirs, response) in join_all(questions).await {
            let history = &response["data"]["campaignActivity"]["sendHistory"];
            assert_eq!(history.is_array(), is_theirs, "{token}: {response}");
            if !is_theirs {
                let code = &response["errors"][0]["extensions"]["code"];
                let expected = if token.ends_with("forged") {
                    "UNAUTHENTICATED"
                } else {
                    "NOT_FOUND"
                };
                assert_eq!(code, expected, "{token}: {response}");
            }
        }
    }
    for token in ["first-callers-token", "second-callers-token"] {
        assert!(!service.log().contains(token));
    }
}

#[tokio::test]
async fn request_without_a_token_is_rejected_without_a_call() {
    let sandbox = SandboxProcess::unlimited(&TOKENS);
    let service = service_on(&sandbox, &[]);
    ask(&service, Some("first-callers-token"), GUIDE_ACTIVITY).await;
    let requested = sandbox.history_requests().await;
    let (status, response) = ask(&service, None, GUIDE_ACTIVITY).await;
    assert_eq!(status, 401);
    assert_eq!(response["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    assert!(response.get("data").is_none());
    assert_eq!(sandbox.history_requests().await, requested);
}

#[tokio::test]
async fn revoked_token_loses_access_within_the_age_limit_regardless_of_max_age() {
    let sandbox = SandboxProcess::unlimited(&TOKENS);
    let service = service_on(&sandbox, &["--max-age", "2"]);
    let issued = sandbox
        .control("POST", "tokens", &json!({ "account": "main" }))
        .await;
    let token = issued["access_token"].as_str().unwrap();
    let read = async || {
        let query = format!(
            r#"{{ campaignActivity(id: "{GUIDE_ACTIVITY}", maxAge: 86400) {{ latestSend {{ sendId }} }} }}"#
        );
        service.post_as(Some(token), &json!({ "query": query })).await.1
    };
    assert!(read().await.get("errors").is_none());
    let fetched = Instant::now();
    sandbox
        .control("POST", "tokens/revoke", &json!({ "token": token }))
        .await;
    assert!(
        read().await.get("errors").is_none(),
        "fetched data is valid for its cache lifetime"
    );
    sleep(Duration::from_millis(2_100).saturating_sub(fetched.elapsed())).await;
    // The limit applies whether the upstream is down or up.
    sandbox.configure(&json!({ "availability": "closed" })).await;
    let response = read().await;
    assert_eq!(
        response["errors"][0]["extensions"]["code"], "UPSTREAM_UNAVAILABLE",
        "{response}"
    );
    sandbox.configure(&json!({ "availability": "up" })).await;
    let response = read().await;
    assert_eq!(
        response["errors"][0]["extensions"]["code"], "UNAUTHENTICATED",
        "{response}"
    );
}

#[tokio::test]
async fn daily_count_of_all_callers_survives_a_restart_and_their_data_does_not() {
    let sandbox = SandboxProcess::unlimited(&TOKENS);
    let state = tempfile::tempdir().unwrap();
    let options = ["--state-dir", state.path().to_str().unwrap()];
    let mut service = service_on(&sandbox, &options);
    ask(&service, Some("first-callers-token"), GUIDE_ACTIVITY).await;
    ask(&service, Some("second-callers-token"), GUIDE_ACTIVITY).await;
    let (_, ended_well) = service.terminate();
    assert!(ended_well);
    let service = service_on(&sandbox, &options);
    ask(&service, Some("first-callers-token"), GUIDE_ACTIVITY).await;
    assert_eq!(sandbox.history_requests().await, 3);
    let budget = json!({ "query": "{ upstreamBudget { usedToday } }" });
    let (_, response) = service.post_as(Some("first-callers-token"), &budget).await;
    assert_eq!(response["data"]["upstreamBudget"]["usedToday"], 3, "{response}");
}
