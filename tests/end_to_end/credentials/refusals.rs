//! Cost of a rejected access token and of a rejected login.

use sends_end_to_end::{GUIDE_ACTIVITY, SandboxProcess, ServiceProcess};
use serde_json::{Value, json};

use super::{Home, code, works};

#[tokio::test]
async fn rejected_login_costs_no_further_calls() {
    let mut home = Home::new(&[]);
    home.log_in().await;
    let service = home.serve(&[]);
    assert!(works(&service).await);
    home.sandbox.control("POST", "tokens/revoke", &json!({})).await;
    let before = (home.api_calls().await, home.token_calls().await);
    for _ in 0..97 {
        assert_eq!(code(&service).await, "LOGIN_REQUIRED");
    }
    let activities = home.sandbox.activities(50).await;
    service.summaries(&activities, 0).await;
    // The cost is one call, the probe that confirms its rejection, and one refresh.
    let spent = (before.0 + 2, before.1 + 1);
    assert_eq!((home.api_calls().await, home.token_calls().await), spent);
    // Another process reads the rejected login from disk.
    let read = home.run(&["history", "--max-age", "0", GUIDE_ACTIVITY]).await;
    assert!(read.errors.contains("log in again"), "{read:?}");
    assert_eq!((home.api_calls().await, home.token_calls().await), spent);
    home.log_in().await;
    assert!(works(&service).await, "{}", service.log());
}

#[tokio::test]
async fn rejected_token_from_the_environment_costs_no_further_calls() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = ServiceProcess::unpaced_on(&sandbox, &["--max-age", "0", "--max-age-settled", "0"]);
    assert!(works(&service).await);
    sandbox.control("POST", "tokens/revoke", &json!({})).await;
    let before = sandbox.requests().await.len();
    for _ in 0..97 {
        assert_eq!(code(&service).await, "UNAUTHENTICATED");
    }
    assert_eq!(sandbox.requests().await.len(), before + 2, "a call and its probe");
}

#[tokio::test]
async fn endpoint_that_alone_rejects_the_token_does_not_end_the_login() {
    let mut home = Home::new(&[]);
    home.log_in().await;
    home.sandbox
        .fault(
            &json!({ "kind": "status", "status": 401, "body": "object", "path_contains": "/contact_lists" }),
        )
        .await;
    let service = home.serve(&[]);
    let names = format!(
        r#"{{ campaignActivity(id: "{GUIDE_ACTIVITY}") {{ latestSend {{ sendId contactLists {{ name }} }} }} }}"#
    );
    let before = home.token_calls().await;
    for _ in 0..5 {
        let response = service.query(&names).await;
        let send = &response["data"]["campaignActivity"]["latestSend"];
        assert_eq!(send["sendId"], 2, "{response}");
        assert!(response["errors"][0].is_object(), "{response}");
        assert!(works(&service).await, "{}", service.log());
    }
    assert_eq!(
        service.query(&names).await["errors"][0]["extensions"]["code"],
        "FORBIDDEN"
    );
    let requests = home.sandbox.requests().await;
    let is_of_lists = |request: &&Value| request["path"] == "/v3/contact_lists";
    let list_requests = requests.iter().filter(is_of_lists).count();
    let renewals = home.token_calls().await - before;
    assert_eq!((list_requests, renewals), (1, 0), "the token is valid");
    assert_eq!(service.get("/health/ready").await.0, 200);
    assert!(home.can_be_renewed().await);
}

#[tokio::test]
async fn activities_that_alone_return_401_cost_the_others_nothing() {
    let mut home = Home::new(&[]);
    home.log_in().await;
    let activities = home.sandbox.activities(40).await;
    let (bad, good) = activities.split_at(20);
    for activity in bad {
        home.sandbox
            .fault(&json!({ "kind": "status", "status": 401, "body": "object", "activity_id": activity }))
            .await;
    }
    let service = home.serve(&[]);
    let before = (home.api_calls().await, home.token_calls().await);
    for round in 0..5 {
        let refused = service.summaries(bad, 0).await;
        let errors = refused["errors"].as_array().unwrap();
        assert_eq!(errors.len(), bad.len(), "{round}: {refused}");
        for error in errors {
            assert_eq!(error["extensions"]["code"], "FORBIDDEN", "{round}: {error}");
            let message = error["message"].as_str().unwrap();
            assert!(
                message.contains("it accepts the access token on others"),
                "{message}"
            );
        }
        let response = service.summaries(good, 0).await;
        assert!(response.get("errors").is_none(), "{round}: {response}");
    }
    assert_eq!(service.get("/health/ready").await.0, 200);
    assert_eq!(home.token_calls().await, before.1, "no renewal");
    let calls = home.api_calls().await - before.0 - 5 * good.len();
    assert_eq!(calls, bad.len() + 1, "one call for each activity, and one probe");
    assert!(home.can_be_renewed().await);
}
