//! Errors that callers receive for each kind of failure.

use futures_util::future::join_all;
use sends_end_to_end::{GUIDE_ACTIVITY, SandboxProcess, ServiceProcess, free_port};
use serde_json::{Value, json};

/// Activity with a failed send of reason code 7.
const SHOWCASE_ACTIVITY: &str = "c0de0000-0000-4000-8000-000000000007";

#[tokio::test]
async fn failing_activity_yields_one_error_and_does_not_affect_the_others() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = ServiceProcess::unpaced_on(&sandbox, &[]);
    let activities = sandbox.activities(40).await;
    sandbox
        .fault(&json!({ "kind": "status", "status": 404, "activity_id": activities[17] }))
        .await;

    let query = format!(
        "{{ campaignActivities(ids: {}) {{ id sendHistory {{ sendId }} }} }}",
        json!(activities)
    );
    let response = service.query(&query).await;
    let listed = response["data"]["campaignActivities"].as_array().unwrap();
    for (index, (activity, id)) in listed.iter().zip(&activities).enumerate() {
        assert_eq!(activity["id"], *id);
        assert_eq!(activity["sendHistory"].is_null(), index == 17, "{activity}");
    }
    let errors = response["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(
        errors[0]["path"],
        json!(["campaignActivities", 17, "sendHistory"])
    );
    assert_eq!(errors[0]["extensions"]["code"], "NOT_FOUND");
}

#[tokio::test]
async fn every_upstream_failure_has_its_error_code() {
    let status = |status: u16, body: &str| json!({ "kind": "status", "status": status, "body": body });
    let kind = |kind: &str| json!({ "kind": kind });
    let cases = [
        (status(401, "object"), "UNAUTHENTICATED"),
        (status(403, "object"), "FORBIDDEN"),
        (status(403, "gateway"), "FORBIDDEN"),
        (status(404, "array"), "NOT_FOUND"),
        (status(404, "empty"), "NOT_FOUND"),
        (status(400, "array"), "UPSTREAM_INVALID"),
        (status(500, "html"), "UPSTREAM_UNAVAILABLE"),
        (status(502, "cut_off"), "UPSTREAM_UNAVAILABLE"),
        (status(503, "empty"), "UPSTREAM_UNAVAILABLE"),
        (kind("reset"), "UPSTREAM_UNAVAILABLE"),
        (kind("close"), "UPSTREAM_UNAVAILABLE"),
        (kind("stall"), "UPSTREAM_TIMEOUT"),
        (kind("stalled_body"), "UPSTREAM_TIMEOUT"),
        (kind("cut_off"), "UPSTREAM_UNAVAILABLE"),
        (kind("not_json"), "UPSTREAM_INVALID"),
        (kind("wrong_shape"), "UPSTREAM_INVALID"),
        (kind("huge_body"), "UPSTREAM_INVALID"),
    ];
    join_all(cases.map(|(fault, code)| check_failure(fault, code))).await;
}

async fn check_failure(fault: Value, code: &str) {
    let sandbox = SandboxProcess::unlimited(&[]);
    // The timeout is short only where no response is expected, because a busy machine may delay other responses.
    let options: &[&str] = match code {
        "UPSTREAM_TIMEOUT" => &["--upstream-timeout", "0.5"],
        _ => &[],
    };
    let service = ServiceProcess::on(&sandbox, options);
    sandbox.fault(&fault).await;
    let query = format!(r#"{{ campaignActivity(id: "{GUIDE_ACTIVITY}") {{ id latestSend {{ sendId }} }} }}"#);
    let response = service.query(&query).await;
    assert_eq!(
        response["data"]["campaignActivity"],
        json!({ "id": GUIDE_ACTIVITY, "latestSend": null }),
        "{fault}"
    );
    let error = &response["errors"][0];
    assert_eq!(error["extensions"]["code"], code, "{fault}: {response}");
    assert_eq!(error["path"], json!(["campaignActivity", "latestSend"]));
    for message in [response.to_string(), service.log()] {
        assert!(
            !message.contains(SandboxProcess::ACCESS_TOKEN),
            "{message} contains the token"
        );
    }
}

#[tokio::test]
async fn error_contains_the_upstream_message_and_the_retry_time() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = ServiceProcess::unpaced_on(&sandbox, &[]);
    sandbox
        .control("POST", "config", &json!({ "rate_per_day": 1 }))
        .await;
    let query = format!(r#"{{ campaignActivity(id: "{GUIDE_ACTIVITY}") {{ latestSend {{ sendId }} }} }}"#);
    assert!(service.query(&query).await.get("errors").is_none());
    let query = format!(r#"{{ campaignActivity(id: "{SHOWCASE_ACTIVITY}") {{ latestSend {{ sendId }} }} }}"#);
    let extensions = service.query(&query).await["errors"][0]["extensions"].clone();
    assert_eq!(extensions["code"], "QUOTA_EXCEEDED");
    assert_eq!(extensions["upstreamStatus"], 429);
    assert_eq!(extensions["upstreamErrorKey"], "quota_exceeded");
    assert!(
        extensions["upstreamRequestId"]
            .as_str()
            .is_some_and(|id| !id.is_empty()),
        "{extensions}"
    );
    let retry_after = extensions["retryAfter"].as_u64().unwrap();
    assert!((1..=24 * 3600).contains(&retry_after), "{extensions}");
}

#[tokio::test]
async fn unknown_upstream_limit_is_reported_at_the_deadline() {
    let sandbox = SandboxProcess::start(&["--rate-per-second", "1"]);
    let service = ServiceProcess::on(&sandbox, &["--rate-per-second", "0", "--request-timeout", "3"]);
    // At one call a second, not all of these activities can be fetched, however late the first request is sent.
    let activities = sandbox.activities(12).await;
    let query = format!(
        "{{ campaignActivities(ids: {}) {{ latestSend {{ sendId }} }} }}",
        json!(activities)
    );
    let errors = service.query(&query).await["errors"].clone();
    let extensions = errors
        .as_array()
        .unwrap()
        .iter()
        .map(|error| &error["extensions"])
        .find(|extensions| extensions["upstreamErrorKey"] == "throttled")
        .unwrap_or_else(|| panic!("{errors}"));
    assert_eq!(extensions["code"], "RATE_LIMITED", "{errors}");
    assert!(
        extensions["retryAfter"]
            .as_u64()
            .is_some_and(|seconds| seconds >= 1),
        "{extensions}"
    );
}

#[tokio::test]
async fn unavailable_upstream_is_reported_in_the_response_and_in_one_log_line() {
    let url = format!("http://127.0.0.1:{}/v3", free_port());
    let service = ServiceProcess::start(&["--upstream-url", &url], &[("SENDS_ACCESS_TOKEN", "token")]);
    let query = format!(r#"{{ campaignActivity(id: "{GUIDE_ACTIVITY}") {{ latestSend {{ sendId }} }} }}"#);
    let response = service.query(&query).await;
    assert_eq!(
        response["errors"][0]["extensions"]["code"],
        "UPSTREAM_UNAVAILABLE"
    );
    let log = service.log_once(|log| log.contains("WARN")).await;
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("WARN")).collect();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        lines[0].contains("no connection to the upstream (Connection refused"),
        "{lines:?}"
    );
}

#[tokio::test]
async fn invalid_id_or_argument_is_a_caller_error_without_a_call() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = ServiceProcess::unpaced_on(&sandbox, &[]);
    let too_many = format!(
        "{{ campaignActivities(ids: {}) {{ id }} }}",
        json!(vec![GUIDE_ACTIVITY; 501])
    );
    let activity =
        |field: &str| format!(r#"{{ campaignActivity(id: "{GUIDE_ACTIVITY}") {{ {field} {{ sendId }} }} }}"#);
    let cases = [
        r#"{ campaignActivity(id: "not-a-uuid") { sendHistory { sendId } } }"#.to_owned(),
        r#"{ campaignActivity(id: "") { id } }"#.to_owned(),
        "{ campaignActivity(id: 7) { id } }".to_owned(),
        format!(r#"{{ campaignActivities(ids: ["{GUIDE_ACTIVITY}", "x"]) {{ id }} }}"#),
        too_many,
        activity("sendHistory(first: 1, last: 1)"),
        activity("sendHistory(first: -1)"),
        activity(r#"sendHistory(filter: { from: "yesterday" })"#),
        activity(r#"sendHistory(filter: { from: "2020-01-01T00:00:00Z", until: "2020-01-01T00:00:00Z" })"#),
        "{ nothing }".to_owned(),
        "{".to_owned(),
    ];
    for query in cases {
        let response = service.query(&query).await;
        let errors = response["errors"].as_array().unwrap();
        assert_eq!(errors.len(), 1, "{query}: {response}");
        assert_eq!(
            errors[0]["extensions"]["code"], "BAD_USER_INPUT",
            "{query}: {response}"
        );
    }
    assert_eq!(sandbox.requests().await.len(), 0);
}

#[tokio::test]
async fn invalid_id_in_a_list_nulls_only_its_own_item() {
    let service = ServiceProcess::start(&["--sandbox"], &[]);
    let response = service
        .query(&format!(
            r#"{{ campaignActivities(ids: ["x", "{GUIDE_ACTIVITY}"]) {{ latestSend {{ sendId }} }} }}"#
        ))
        .await;
    assert_eq!(
        response["data"]["campaignActivities"],
        json!([null, { "latestSend": { "sendId": 2 } }])
    );
    assert_eq!(response["errors"][0]["path"], json!(["campaignActivities", 0]));
}
