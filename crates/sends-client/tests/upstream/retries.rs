//! Calls whose first request fails: retries, renewed tokens, and suspended requests.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use crate::scripted_upstream::{Reply, ScriptedUpstream};
use futures_util::future::{BoxFuture, ready};
use sends_client::{
    AccessToken, BreakerSettings, Caller, ConstantContact, FailureClass, Pacer, RetrySettings, Settings,
    TokenError, TokenSource, UpstreamError, pacing::Limits,
};
use sends_core::{ActivityId, SendHistory};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    time::Instant,
};

const HISTORY: &str = r#"[{"send_id":1,"count":2,"send_status":"COMPLETED","reason_code":0}]"#;
const UNAUTHORIZED: &str = r#"{"error_key":"unauthorized","error_message":"Unauthorized"}"#;
const THROTTLED: &str = r#"{"error_key":"throttled","error_message":"Too Many Requests"}"#;
const QUOTA: &str = r#"{"error_key":"quota_exceeded","error_message":"Limit Exceeded"}"#;

fn history() -> Reply {
    Reply::json(200, HISTORY)
}

fn activity(number: usize) -> ActivityId {
    format!("1ead98be-dfa0-4e04-81f7-{number:012x}").parse().unwrap()
}

fn token(text: &str) -> AccessToken {
    AccessToken::new(text).unwrap()
}

fn settings(base_url: &str) -> Settings {
    Settings {
        call_timeout: Duration::from_millis(500),
        retry: RetrySettings {
            first_delay: Duration::from_millis(1),
            ..RetrySettings::default()
        },
        ..Settings::new(base_url.parse().unwrap())
    }
}

fn client(settings: Settings) -> ConstantContact {
    ConstantContact::new(settings, Pacer::in_memory(Limits::NONE)).unwrap()
}

fn caller(access: impl TokenSource + 'static) -> Caller {
    Caller::new(Arc::new(access), Instant::now() + Duration::from_secs(5))
}

/// Returns the result of one call of `caller`, and its requests.
async fn fetch_as(
    caller: &Caller,
    replies: impl IntoIterator<Item = Reply>,
) -> (Result<SendHistory, UpstreamError>, Vec<String>) {
    let upstream = ScriptedUpstream::start(replies).await;
    let outcome = client(settings(&upstream.base_url()))
        .send_history(caller, activity(1))
        .await;
    (outcome, upstream.requests())
}

#[tokio::test]
async fn transient_failures_are_retried() {
    let failure = |status| Reply::json(status, "");
    let cases = [
        vec![Reply::Close, history()],
        vec![Reply::Stall, history()],
        vec![failure(500), failure(503), history()],
        vec![failure(502), failure(504), Reply::Close, history()],
        vec![Reply::json(429, THROTTLED), history()],
        vec![Reply::cut_off(200, HISTORY), history()],
        vec![Reply::broken_gzip(), history()],
        vec![Reply::json(200, &HISTORY[..20]), history()],
    ];
    for replies in cases {
        let name = replies[0].first_line();
        let caller = caller(token("the-token"));
        let expected = replies.len();
        let (outcome, requests) = fetch_as(&caller, replies).await;
        assert_eq!(outcome.map(|history| history.len()).unwrap(), 1, "{name}");
        assert_eq!(requests.len(), expected, "{name}");
        assert_eq!(usize::try_from(caller.calls_sent()).unwrap(), expected, "{name}");
    }
}

#[tokio::test]
async fn permanent_failures_are_not_retried() {
    let cases = [
        Reply::json(400, ""),
        Reply::json(403, ""),
        Reply::json(404, ""),
        Reply::json(429, QUOTA),
        Reply::json(200, "<html>"),
        Reply::json(200, r#"{"send_id":1}"#),
    ];
    for reply in cases {
        let name = reply.first_line();
        let (outcome, requests) = fetch_as(&caller(token("the-token")), [reply, history()]).await;
        assert_eq!((outcome.unwrap_err().attempts, requests.len()), (1, 1), "{name}");
    }
}

#[tokio::test]
async fn last_failure_is_reported_with_the_number_of_attempts() {
    let replies = [500, 500, 500, 503, 200].map(|status| Reply::json(status, "[]"));
    let (outcome, requests) = fetch_as(&caller(token("the-token")), replies).await;
    let error = outcome.unwrap_err();
    assert_eq!((error.attempts, requests.len()), (4, 4));
    assert_eq!(error.status.unwrap(), 503);
    assert!(
        error.to_string().contains("failed after 4 attempts in "),
        "{error}"
    );
}

#[tokio::test]
async fn retry_after_of_a_failing_upstream_is_respected_or_reported() {
    let busy = |seconds| Reply::json(503, "").header("Retry-After", seconds);
    let start = Instant::now();
    let (outcome, _) = fetch_as(&caller(token("the-token")), [busy("1"), history()]).await;
    assert!(outcome.is_ok() && start.elapsed() >= Duration::from_secs(1));

    let (outcome, requests) = fetch_as(&caller(token("the-token")), [busy("60"), history()]).await;
    assert_eq!(outcome.unwrap_err().retry_after, Some(Duration::from_mins(1)));
    assert_eq!(requests.len(), 1);
}

#[tokio::test]
async fn throttling_beyond_the_deadline_is_reported_as_throttled() {
    let caller = Caller::new(
        Arc::new(token("the-token")),
        Instant::now() + Duration::from_millis(300),
    );
    let (outcome, requests) = fetch_as(&caller, [Reply::json(429, THROTTLED), history()]).await;
    let error = outcome.unwrap_err();
    assert_eq!((error.class, error.attempts), (FailureClass::Throttled, 1));
    assert!(error.retry_after.is_some());
    assert_eq!(requests.len(), 1);
}

#[tokio::test]
async fn repeatedly_throttled_request_fails_without_blocking_others() {
    let throttled = || Reply::json(429, THROTTLED).header("Retry-After", "0");
    let upstream = ScriptedUpstream::start([throttled(), throttled(), history()]).await;
    let defaults = settings(&upstream.base_url());
    let client = client(Settings {
        retry: RetrySettings {
            max_throttled: 2,
            ..defaults.retry.clone()
        },
        ..defaults
    });
    let caller = Caller::new(
        Arc::new(token("the-token")),
        Instant::now() + Duration::from_secs(30),
    );
    let error = client.send_history(&caller, activity(1)).await.unwrap_err();
    assert_eq!((error.class, error.attempts), (FailureClass::Throttled, 2));
    assert!(error.is_throttled_by_itself());
    assert!(client.send_history(&caller, activity(2)).await.is_ok());
}

#[tokio::test]
async fn throttled_id_is_suspended_without_stopping_other_calls() {
    let throttled = |wait| Reply::json(429, THROTTLED).header("Retry-After", wait);
    let mut replies = Vec::new();
    for wait in ["0", "0", "0", "3600"] {
        replies.extend([throttled(wait), history()]);
    }
    replies.push(history());
    let upstream = ScriptedUpstream::start(replies).await;
    let defaults = settings(&upstream.base_url());
    let client = client(Settings {
        retry: RetrySettings {
            max_throttled: 1,
            ..defaults.retry.clone()
        },
        ..defaults
    });
    let fetch = async |number, seconds| {
        let deadline = Instant::now() + Duration::from_secs(seconds);
        let caller = Caller::new(Arc::new(token("the-token")), deadline);
        client.send_history(&caller, activity(number)).await
    };
    for _ in 0..4 {
        assert!(fetch(1, 30).await.unwrap_err().is_throttled_by_itself());
        // The last of these calls would miss its deadline if all calls paused for a minute.
        fetch(2, 30).await.unwrap();
    }
    let error = fetch(1, 30).await.unwrap_err();
    assert_eq!((error.class, error.attempts), (FailureClass::Throttled, 0));
    assert!(error.is_throttled_by_itself(), "{error:?}");
    fetch(2, 30).await.unwrap();
}

#[tokio::test]
async fn retry_after_of_hours_fails_the_call_and_pauses_others_for_at_most_a_minute() {
    let throttled = Reply::json(429, THROTTLED).header("Retry-After", "86400");
    let upstream = ScriptedUpstream::start([throttled, history()]).await;
    let client = client(settings(&upstream.base_url()));
    let first_caller = Caller::new(
        Arc::new(token("the-token")),
        Instant::now() + Duration::from_secs(90),
    );
    let error = client.send_history(&first_caller, activity(1)).await.unwrap_err();
    assert_eq!((error.class, error.attempts), (FailureClass::Throttled, 1));
    assert_eq!(error.retry_after, Some(Duration::from_hours(24)));
    let second_caller = caller(token("the-token"));
    let error = client
        .send_history(&second_caller, activity(2))
        .await
        .unwrap_err();
    assert!(error.retry_after.unwrap() <= Duration::from_mins(1), "{error:?}");
    assert!(!error.is_throttled_by_itself(), "the call was not sent");
}

#[tokio::test]
async fn no_request_is_sent_after_quota_exceeded_in_any_form() {
    for quota in [
        Reply::json(429, QUOTA),
        Reply::json(429, r#"{"__type":"LimitExceededException"}"#),
        Reply::json(429, "Limit Exceeded"),
        Reply::json(429, "").header("x-amzn-ErrorType", "LimitExceededException"),
    ] {
        let what = format!("{quota:?}");
        let upstream = ScriptedUpstream::start([quota, history()]).await;
        let client = client(settings(&upstream.base_url()));
        for attempts in [1, 0] {
            let error = client
                .send_history(&caller(token("the-token")), activity(1))
                .await
                .unwrap_err();
            assert_eq!(
                (error.class, error.attempts),
                (FailureClass::QuotaExceeded, attempts),
                "{what}"
            );
            assert!(error.retry_after.is_some());
        }
        assert_eq!(upstream.requests().len(), 1);
    }
}

#[tokio::test]
async fn throttling_in_any_form_is_retried() {
    for throttled in [
        Reply::json(429, r#"{"__type":"com.amazonaws#TooManyRequestsException"}"#),
        Reply::json(429, "Too Many Requests"),
        Reply::json(429, "").header("x-amzn-ErrorType", "TooManyRequestsException"),
    ] {
        let what = format!("{throttled:?}");
        let (outcome, requests) = fetch_as(&caller(token("the-token")), [throttled, history()]).await;
        assert!(outcome.is_ok(), "{what}: {outcome:?}");
        assert_eq!(requests.len(), 2, "{what}");
    }
}

#[tokio::test]
async fn call_past_its_deadline_is_not_sent() {
    let expired = Caller::new(Arc::new(token("the-token")), Instant::now());
    let (outcome, requests) = fetch_as(&expired, [history()]).await;
    let error = outcome.unwrap_err();
    assert_eq!((error.class, error.attempts), (FailureClass::DeadlineExceeded, 0));
    assert_eq!((requests.len(), expired.calls_sent()), (0, 0));
}

/// Token source that returns these tokens in their order, and then the error.
#[derive(Debug)]
struct Tokens {
    left: Mutex<VecDeque<AccessToken>>,
    then: TokenError,
}

impl Tokens {
    fn new(tokens: &[&str], then: TokenError) -> Self {
        let left = Mutex::new(tokens.iter().map(|text| token(text)).collect());
        Self { left, then }
    }

    fn next(&self) -> BoxFuture<'_, Result<AccessToken, TokenError>> {
        let next = self.left.lock().unwrap().pop_front();
        Box::pin(ready(next.ok_or_else(|| self.then.clone())))
    }
}

impl TokenSource for Tokens {
    fn token(&self) -> BoxFuture<'_, Result<AccessToken, TokenError>> {
        self.next()
    }

    fn renew<'a>(&'a self, _rejected: &'a AccessToken) -> BoxFuture<'a, Result<AccessToken, TokenError>> {
        self.next()
    }
}

#[tokio::test]
async fn rejected_token_is_renewed_once_and_the_call_repeated() {
    let tokens = Tokens::new(&["old", "new", "newer"], TokenError::LoginRequired);
    let refusal = || Reply::json(401, UNAUTHORIZED);
    let (outcome, requests) = fetch_as(&caller(tokens), [refusal(), refusal(), history()]).await;
    assert!(outcome.is_ok());
    assert_eq!(requests.len(), 3);
    assert!(requests[1].starts_with("GET /v3/account/user/privileges "));
    for (request, token) in requests.iter().zip(["old", "old", "new"]) {
        assert!(
            request.contains(&format!("authorization: Bearer {token}\n")),
            "{request}"
        );
    }

    let tokens = Tokens::new(&["old", "new", "newer"], TokenError::LoginRequired);
    let replies = [refusal(), refusal(), refusal(), refusal(), history()];
    let (outcome, requests) = fetch_as(&caller(tokens), replies).await;
    let error = outcome.unwrap_err();
    assert_eq!((error.class, error.attempts), (FailureClass::Unauthenticated, 4));
    assert_eq!(requests.len(), 4, "each token and its probe");
}

#[tokio::test]
async fn missed_slot_after_a_renewal_is_not_reported_as_a_rejected_token() {
    let upstream = ScriptedUpstream::start([Reply::json(401, UNAUTHORIZED), history()]).await;
    let pacer = Pacer::in_memory(Limits {
        rate_per_second: 1,
        ..Limits::default()
    });
    let client = ConstantContact::new(settings(&upstream.base_url()), pacer).unwrap();
    let tokens = Tokens::new(&["old", "new"], TokenError::LoginRequired);
    let caller = Caller::new(Arc::new(tokens), Instant::now() + Duration::from_millis(300));
    let error = client.send_history(&caller, activity(1)).await.unwrap_err();
    assert_eq!((error.class, error.attempts), (FailureClass::DeadlineExceeded, 1));
}

#[tokio::test]
async fn unavailable_token_has_its_own_class() {
    let unavailable = TokenError::Unavailable {
        reason: "the token endpoint does not respond".to_owned(),
        retry_after: Some(Duration::from_secs(9)),
    };
    let cases = [
        (
            &[][..],
            TokenError::LoginRequired,
            FailureClass::LoginRequired,
            None,
        ),
        (
            &["old"][..],
            TokenError::LoginRequired,
            FailureClass::LoginRequired,
            None,
        ),
        (
            &[][..],
            unavailable.clone(),
            FailureClass::TokenUnavailable,
            Some(9),
        ),
        (&["old"][..], unavailable, FailureClass::TokenUnavailable, Some(9)),
    ];
    for (tokens, then, class, retry_after) in cases {
        let refusal = || Reply::json(401, UNAUTHORIZED);
        let replies = [refusal(), refusal(), history()];
        let (outcome, requests) = fetch_as(&caller(Tokens::new(tokens, then)), replies).await;
        let error = outcome.unwrap_err();
        assert_eq!(error.class, class);
        assert_eq!(error.retry_after, retry_after.map(Duration::from_secs));
        assert_eq!(requests.len(), 2 * tokens.len(), "each token and its probe");
        assert_eq!(usize::try_from(error.attempts).unwrap(), 2 * tokens.len());
    }
}

#[tokio::test]
async fn retries_do_not_multiply_the_requests_in_an_outage() {
    let upstream = ScriptedUpstream::start((0..1_000).map(|_| Reply::json(500, ""))).await;
    let client = client(Settings {
        breaker: BreakerSettings {
            failures: 0,
            ..BreakerSettings::default()
        },
        ..settings(&upstream.base_url())
    });
    for number in 0..200 {
        let outcome = client
            .send_history(&caller(token("the-token")), activity(number))
            .await;
        assert_eq!(outcome.unwrap_err().class, FailureClass::ServerFailure);
    }
    let requests = upstream.requests().len();
    assert!(
        (210..=230).contains(&requests),
        "{requests} requests for 200 calls"
    );
}

#[tokio::test]
async fn unavailable_upstream_is_suspended_until_a_probe_succeeds() {
    let failures = (0..6).map(|_| Reply::json(503, ""));
    let upstream = ScriptedUpstream::start(failures.chain([history(), history()])).await;
    let defaults = settings(&upstream.base_url());
    let client = client(Settings {
        breaker: BreakerSettings {
            first_delay: Duration::from_millis(200),
            ..BreakerSettings::default()
        },
        retry: RetrySettings {
            max_attempts: 1,
            ..defaults.retry.clone()
        },
        ..defaults
    });
    let fetch = async |number| {
        let caller = caller(token("the-token"));
        client.send_history(&caller, activity(number)).await
    };
    // Five failures open the circuit, and the sixth is the early probe.
    for number in 0..6 {
        assert_eq!(
            fetch(number).await.unwrap_err().class,
            FailureClass::ServerFailure
        );
    }
    let error = fetch(6).await.unwrap_err();
    assert_eq!((error.class, error.attempts), (FailureClass::CircuitOpen, 0));
    assert!(error.retry_after.unwrap() <= Duration::from_millis(200));
    assert_eq!(upstream.requests().len(), 6);

    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(fetch(6).await.is_ok() && fetch(7).await.is_ok());
}

#[tokio::test]
async fn rejected_token_causes_one_request_and_one_probe_for_all_calls() {
    let upstream = ScriptedUpstream::start((0..100).map(|_| Reply::json(401, UNAUTHORIZED))).await;
    let client = client(settings(&upstream.base_url()));
    for number in 0..97 {
        let error = client
            .send_history(&caller(token("revoked")), activity(number))
            .await
            .unwrap_err();
        assert_eq!(error.class, FailureClass::Unauthenticated);
        assert_eq!(error.attempts, 2 * u32::from(number == 0));
    }
    assert_eq!(upstream.requests().len(), 2);
    let _ = client.send_history(&caller(token("another")), activity(1)).await;
    assert_eq!(upstream.requests().len(), 4, "another token is tried");
}

#[tokio::test]
async fn queued_calls_do_not_send_a_token_rejected_in_the_meantime() {
    let upstream = ScriptedUpstream::start((0..10).map(|_| Reply::json(401, UNAUTHORIZED))).await;
    let pacer = Pacer::in_memory(Limits {
        rate_per_second: 4,
        ..Limits::default()
    });
    let client = ConstantContact::new(settings(&upstream.base_url()), pacer).unwrap();
    let callers: Vec<_> = (0..10).map(|_| caller(token("revoked"))).collect();
    let calls = callers
        .iter()
        .zip(0..)
        .map(|(caller, number)| client.send_history(caller, activity(number)));
    let outcomes = futures_util::future::join_all(calls).await;
    assert!(
        outcomes
            .iter()
            .all(|outcome| outcome.as_ref().unwrap_err().class == FailureClass::Unauthenticated)
    );
    // These are the requests in flight with the first request, and the probe.
    assert!(upstream.requests().len() <= 5, "{}", upstream.requests().len());
}

/// Starts an upstream with persistent connections. Each inner list has the bodies of one connection, which is closed after the
/// next request.
async fn start_persistent(connections: Vec<Vec<&'static str>>) -> (String, Arc<Mutex<usize>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/v3", listener.local_addr().unwrap());
    let requests = Arc::new(Mutex::new(0));
    let count = Arc::clone(&requests);
    tokio::spawn(async move {
        for bodies in connections {
            let (mut connection, _) = listener.accept().await.unwrap();
            let mut bodies = bodies.into_iter();
            loop {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    match connection.read_u8().await {
                        Ok(byte) => head.push(byte),
                        Err(_) => return,
                    }
                }
                *count.lock().unwrap() += 1;
                let Some(body) = bodies.next() else { break };
                let response = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                connection.write_all(response.as_bytes()).await.unwrap();
            }
        }
    });
    (base_url, requests)
}

#[tokio::test]
async fn closed_persistent_connection_is_replaced_without_a_failure() {
    let (base_url, requests) = start_persistent(vec![vec![HISTORY], vec![HISTORY, HISTORY]]).await;
    let defaults = settings(&base_url);
    // The repetition is not a retry: retries are disabled, and one failure would open the breaker.
    let client = client(Settings {
        breaker: BreakerSettings {
            failures: 1,
            ..BreakerSettings::default()
        },
        retry: RetrySettings {
            max_attempts: 1,
            ..defaults.retry.clone()
        },
        ..defaults
    });
    for (number, sent) in [(1, 1), (2, 2), (3, 1)] {
        let caller = caller(token("the-token"));
        let history = client.send_history(&caller, activity(number)).await.unwrap();
        assert_eq!((history.len(), caller.calls_sent()), (1, sent), "{number}");
    }
    assert_eq!(*requests.lock().unwrap(), 4);
    assert_eq!(client.pacer().state().used_today, 4);
}

#[tokio::test]
async fn second_closed_connection_is_a_failure() {
    let (base_url, requests) = start_persistent(vec![vec![HISTORY], vec![], vec![HISTORY]]).await;
    let defaults = settings(&base_url);
    let client = client(Settings {
        retry: RetrySettings {
            max_attempts: 1,
            ..defaults.retry.clone()
        },
        ..defaults
    });
    client
        .send_history(&caller(token("the-token")), activity(1))
        .await
        .unwrap();
    let error = client
        .send_history(&caller(token("the-token")), activity(2))
        .await
        .unwrap_err();
    assert_eq!((error.class, error.attempts), (FailureClass::Interrupted, 2));
    assert_eq!(*requests.lock().unwrap(), 3);
}

#[tokio::test]
async fn two_failing_activities_do_not_affect_others() {
    let replies: Vec<Reply> = (0..400).map(|_| Reply::json(500, "")).collect();
    let upstream = ScriptedUpstream::start(replies).await;
    let client = client(settings(&upstream.base_url()));
    for round in 0..50 {
        for number in 0..2 {
            let error = client
                .send_history(&caller(token("the-token")), activity(number))
                .await
                .unwrap_err();
            assert_eq!(error.class, FailureClass::ServerFailure, "{round}");
        }
    }
    assert_eq!(client.left_alone_for(), None);
    let sent = upstream.requests().len();
    assert!(sent < 20, "{sent} requests for 100 calls to two activities");
    // Another id is still requested; the scripted upstream fails it as well.
    let error = client
        .send_history(&caller(token("the-token")), activity(9))
        .await
        .unwrap_err();
    assert!(error.attempts > 0, "{error}");
}
