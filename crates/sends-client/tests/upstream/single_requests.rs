//! Result of a single request for all kinds of responses, from a valid history to a connection reset.

use std::{io::Write, sync::Arc, time::Duration};

use crate::scripted_upstream::{Reply, ScriptedUpstream};
use flate2::{Compression, write::GzEncoder};
use sends_client::{
    AccessToken, Caller, ConstantContact, FailureClass, Pacer, RetrySettings, Settings, UpstreamError,
    pacing::Limits,
};
use sends_core::{ActivityId, SendHistory};
use tokio::time::Instant;

const GUIDE: &str = r#"[
    {"send_id": 1, "contact_list_ids": ["f4ab800a-5adf-11e9-ba6a-fa163e6b01c1"], "count": 2,
     "run_date": "2019-04-18T20:03:08.000Z", "send_status": "COMPLETED", "reason_code": 0},
    {"send_id": 2, "contact_list_ids": ["f4ab800a-5adf-11e9-ba6a-fa163e6b01c1"], "count": 0,
     "run_date": "2019-05-07T14:42:57.000Z", "send_status": "COMPLETED", "reason_code": 12}
]"#;

fn activity() -> ActivityId {
    "1ead98be-dfa0-4e04-81f7-5f1534d42e9c".parse().unwrap()
}

fn client(base_url: &str) -> ConstantContact {
    let settings = Settings {
        connect_timeout: Duration::from_millis(500),
        call_timeout: Duration::from_millis(500),
        body_limit: 64 << 10,
        retry: RetrySettings {
            max_attempts: 1,
            ..RetrySettings::default()
        },
        ..Settings::new(base_url.parse().unwrap())
    };
    ConstantContact::new(settings, Pacer::in_memory(Limits::NONE)).unwrap()
}

/// Creates a caller whose deadline is within the pause after a `throttled` response.
fn caller() -> Caller {
    let token = AccessToken::new("the-secret-token").unwrap();
    Caller::new(Arc::new(token), Instant::now() + Duration::from_millis(900))
}

/// Returns the result of a call to an upstream with one reply.
async fn fetch(reply: Reply) -> Result<SendHistory, UpstreamError> {
    let upstream = ScriptedUpstream::start([reply]).await;
    client(&upstream.base_url())
        .send_history(&caller(), activity())
        .await
}

#[tokio::test]
async fn history_is_fetched_with_one_authorised_get_that_accepts_gzip() {
    let upstream = ScriptedUpstream::start([Reply::json(200, GUIDE)]).await;
    let history = client(&upstream.base_url())
        .send_history(&caller(), activity())
        .await
        .unwrap();
    assert_eq!(history, SendHistory::from_json(GUIDE.as_bytes()).unwrap());

    let requests = upstream.requests();
    assert_eq!(requests.len(), 1);
    assert!(requests[0].contains("\nauthorization: Bearer the-secret-token\n"));
    let shown = requests[0]
        .replace(&upstream.authority(), "UPSTREAM")
        .replace("the-secret-token", "TOKEN");
    insta::assert_snapshot!(shown, @r"
    GET /v3/emails/activities/1ead98be-dfa0-4e04-81f7-5f1534d42e9c/send_history HTTP/1.1
    authorization: Bearer TOKEN
    accept: application/json
    user-agent: sends/0.1.0
    accept-encoding: gzip
    host: UPSTREAM
    ");
}

#[tokio::test]
async fn every_failure_has_its_class() {
    let array = r#"[{"error_key":"a.not_found","error_message":"Gone."}]"#;
    let cases = [
        (
            Reply::json(
                401,
                r#"{"error_key":"unauthorized","error_message":"Unauthorized"}"#,
            ),
            FailureClass::Unauthenticated,
        ),
        (
            Reply::json(403, r#"{"message":"Forbidden"}"#),
            FailureClass::Forbidden,
        ),
        (Reply::json(404, array), FailureClass::NotFound),
        (Reply::json(404, ""), FailureClass::NotFound),
        (Reply::json(400, array), FailureClass::Rejected),
        (
            Reply::json(
                429,
                r#"{"error_key":"throttled","error_message":"Too Many Requests"}"#,
            ),
            FailureClass::Throttled,
        ),
        (
            Reply::json(
                429,
                r#"{"error_key":"quota_exceeded","error_message":"Limit Exceeded"}"#,
            ),
            FailureClass::QuotaExceeded,
        ),
        (Reply::json(500, "<html>"), FailureClass::ServerFailure),
        (Reply::json(503, ""), FailureClass::ServerFailure),
        (Reply::json(200, "<html>"), FailureClass::Invalid),
        (Reply::json(200, ""), FailureClass::Interrupted),
        (Reply::json(200, r#"[{"send_id":1"#), FailureClass::Interrupted),
        (Reply::json(200, r#"{"send_id":1}"#), FailureClass::Invalid),
        (Reply::json(204, ""), FailureClass::Invalid),
        (
            Reply::redirect("http://example.com/v3/elsewhere"),
            FailureClass::Invalid,
        ),
        (Reply::cut_off(200, GUIDE), FailureClass::Interrupted),
        (Reply::Close, FailureClass::Interrupted),
        (Reply::Stall, FailureClass::TimedOut),
        (Reply::broken_gzip(), FailureClass::Interrupted),
        // The status determines the class although the body is cut off.
        (
            Reply::cut_off(429, r#"{"error_key":"throttled"}"#),
            FailureClass::Throttled,
        ),
    ];
    for (reply, class) in cases {
        let name = reply.first_line();
        let error = fetch(reply).await.unwrap_err();
        assert_eq!(error.class, class, "{name}: {error}");
        // A 401 is followed by a probe.
        let attempts = 1 + u32::from(class == FailureClass::Unauthenticated);
        assert_eq!(error.attempts, attempts, "{name}");
        assert!(
            !format!("{error} {error:?}").contains("secret-token"),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn refused_connection_is_unreachable() {
    let error = client("http://127.0.0.1:1/v3")
        .send_history(&caller(), activity())
        .await
        .unwrap_err();
    assert_eq!(error.class, FailureClass::Unreachable);
    assert_eq!(error.status, None);
    let sentence = error.to_string();
    assert!(
        sentence.ends_with("no connection to the upstream (Connection refused (os error 111))"),
        "{sentence}"
    );
}

/// Returns a body with one gzip member per part (RFC 1952, section 2.2).
fn gzip(parts: &[&str]) -> Vec<u8> {
    let member = |part: &&str| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(part.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    parts.iter().flat_map(member).collect()
}

#[tokio::test]
async fn response_of_several_gzip_members_is_read_completely() {
    let expected = SendHistory::from_json(GUIDE.as_bytes()).unwrap();
    for end in [1, 20, GUIDE.len() - 1] {
        let (first, rest) = GUIDE.split_at(end);
        let history = fetch(Reply::gzip(&gzip(&[first, rest]))).await;
        assert_eq!(history.unwrap(), expected, "{end}");
    }
    let trailing_garbage = [gzip(&[GUIDE]), vec![0; 8]].concat();
    assert_eq!(fetch(Reply::gzip(&trailing_garbage)).await.unwrap(), expected);
    let cut_off = gzip(&[&GUIDE[..20], &GUIDE[20..]]);
    let error = fetch(Reply::gzip(&cut_off[..cut_off.len() - 9]))
        .await
        .unwrap_err();
    assert_eq!(error.class, FailureClass::Interrupted);
    let spaces = " ".repeat(40 << 10);
    let error = fetch(Reply::gzip(&gzip(&[&spaces, &spaces]))).await.unwrap_err();
    assert_eq!(error.detail, "the response is larger than 65536 bytes");
}

#[tokio::test]
async fn response_over_the_size_limit_is_rejected() {
    let error = fetch(Reply::json(200, &" ".repeat((64 << 10) + 1)))
        .await
        .unwrap_err();
    assert_eq!(
        (error.class, error.detail.as_str()),
        (FailureClass::Invalid, "the response is larger than 65536 bytes")
    );
}

#[tokio::test]
async fn error_contains_the_details_for_support_and_the_caller() {
    let reply = Reply::json(
        404,
        r#"[{"error_key":"activity.not_found","error_message":"No such activity."}]"#,
    )
    .header("x-amzn-RequestId", "b6b8b7f4-1f")
    .header("Retry-After", "7");
    let error = fetch(reply).await.unwrap_err();
    assert_eq!(error.status.unwrap(), 404);
    assert_eq!(error.error_key.as_deref(), Some("activity.not_found"));
    assert_eq!(error.message.as_deref(), Some("No such activity."));
    assert_eq!(error.request_id.as_deref(), Some("b6b8b7f4-1f"));
    assert_eq!(error.retry_after, Some(Duration::from_secs(7)));
    assert_eq!(
        error.detail,
        "the upstream responded with 404 Not Found: No such activity."
    );
}

#[tokio::test]
async fn unreadable_record_is_omitted_and_counted() {
    let history = fetch(Reply::json(
        200,
        r#"[{"send_id":1,"count":"many"},{"count":2},{"send_id":"3"}]"#,
    ))
    .await
    .unwrap();
    let numbers: Vec<_> = history.iter().map(|send| (send.send_id, send.count)).collect();
    assert_eq!(numbers, [(1, None), (3, None)]);
    assert_eq!((history.unreadable_sends(), history.unreadable_values()), (1, 1));
}

#[tokio::test]
async fn success_with_json_is_read_for_any_content_type() {
    for reply in [
        Reply::json(202, GUIDE),
        Reply::json(203, GUIDE),
        Reply::typed(200, "", GUIDE),
        Reply::typed(200, "content-type: text/html\r\n", GUIDE),
        Reply::typed(
            200,
            "content-type: application/json; charset=windows-1252\r\n",
            &format!("\u{feff}{GUIDE}"),
        ),
    ] {
        let name = reply.first_line();
        assert_eq!(fetch(reply).await.unwrap().len(), 2, "{name}");
    }
}

#[tokio::test]
async fn unusable_success_is_described() {
    for (reply, expected) in [
        (Reply::json(204, ""), "204 No Content instead of JSON"),
        (
            Reply::json(200, "<!doctype html><title>Login</title>"),
            "200 OK, but the body is not a send history: an HTML or XML page instead of JSON",
        ),
        (
            Reply::json(200, r#"{"sends": []}"#),
            "200 OK, but the body is not a send history: invalid type: map",
        ),
    ] {
        let error = fetch(reply).await.unwrap_err();
        assert_eq!(error.class, FailureClass::Invalid);
        assert!(error.detail.contains(expected), "{}", error.detail);
    }
}

#[tokio::test]
async fn error_of_a_missing_path_mentions_the_base_url() {
    let error = fetch(Reply::json(403, r#"{"message":"Missing Authentication Token"}"#))
        .await
        .unwrap_err();
    assert_eq!(error.class, FailureClass::NoSuchPath);
    assert!(error.detail.contains("--upstream-url"), "{}", error.detail);
}

#[tokio::test]
async fn redirect_is_not_followed() {
    let elsewhere = ScriptedUpstream::start([Reply::json(200, GUIDE)]).await;
    let error = fetch(Reply::redirect(&elsewhere.base_url())).await.unwrap_err();
    assert_eq!(error.status.unwrap(), 302);
    assert_eq!(elsewhere.requests(), Vec::<String>::new());
}

#[tokio::test]
async fn operation_stays_within_its_call_budget() {
    let replies = [(); 3].map(|()| Reply::json(200, GUIDE));
    let upstream = ScriptedUpstream::start(replies).await;
    let client = client(&upstream.base_url());
    let caller = caller().with_allowance(2);
    for clone in [caller.clone(), caller.clone()] {
        client.send_history(&clone, activity()).await.unwrap();
    }
    let error = client.send_history(&caller, activity()).await.unwrap_err();
    assert_eq!((error.class, error.attempts), (FailureClass::AllowanceUsedUp, 0));
    assert_eq!(upstream.requests().len(), 2);
}
