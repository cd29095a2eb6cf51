//! Tests of upstream failures, each of which leads to a stale history or to an error.

use super::*;

/// Returns the result of a read after the stored history has expired and the upstream fails with this class.
async fn after(class: FailureClass) -> Result<Reading, ReadError> {
    let service = Service::new();
    let known = service.read(None).await.unwrap();
    sleep(Duration::from_hours(24 * 30)).await;
    service.upstream.will(100, Err(class));
    let reading = service.read(None).await;
    assert_eq!(service.upstream.calls(), 2);
    if let Ok(reading) = &reading {
        assert_eq!(reading.fetched_at, known.fetched_at);
        assert!(Arc::ptr_eq(&reading.history, &known.history) || reading.history == known.history);
    }
    reading
}

#[tokio::test(start_paused = true)]
async fn upstream_failure_yields_a_stale_history_with_the_reason() {
    for (class, reason) in [
        (FailureClass::Unreachable, StaleReason::UpstreamUnavailable),
        (FailureClass::Interrupted, StaleReason::UpstreamUnavailable),
        (FailureClass::CircuitOpen, StaleReason::UpstreamUnavailable),
        (FailureClass::ServerFailure, StaleReason::UpstreamUnavailable),
        (FailureClass::TokenUnavailable, StaleReason::UpstreamUnavailable),
        (FailureClass::Invalid, StaleReason::UpstreamUnavailable),
        (FailureClass::TimedOut, StaleReason::TooSlow),
        (FailureClass::DeadlineExceeded, StaleReason::TooSlow),
        (FailureClass::QueueFull, StaleReason::TooSlow),
        (FailureClass::Throttled, StaleReason::RateLimited),
        (FailureClass::QuotaExceeded, StaleReason::QuotaExceeded),
    ] {
        assert_eq!(after(class).await.unwrap().stale, Some(reason), "{class:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn denied_request_yields_no_stale_history() {
    for class in [
        FailureClass::Unauthenticated,
        FailureClass::LoginRequired,
        FailureClass::Forbidden,
        FailureClass::NotFound,
        FailureClass::Rejected,
    ] {
        assert_eq!(class_of(after(class).await), class);
    }
}

#[tokio::test(start_paused = true)]
async fn cached_not_found_does_not_replace_a_failure() {
    let service = Service::new();
    service.upstream.will(100, Err(FailureClass::NotFound));
    service.read(None).await.unwrap_err();
    sleep(Duration::from_mins(2)).await;
    service.upstream.will(100, Err(FailureClass::Unreachable));
    assert_eq!(class_of(service.read(None).await), FailureClass::Unreachable);
}

#[tokio::test(start_paused = true)]
async fn callers_token_reads_no_history_older_than_its_limit() {
    let service = Service::new();
    let year = Some(Duration::from_hours(24 * 365));
    let bounded = || RequestContext {
        oldest: Some(MINUTE),
        ..service.operation()
    };
    let read = async |context: RequestContext| service.histories.read(&context, activity(0), year).await;
    service.upstream.will(100, Ok(sent("2020-01-01T00:00:00Z", 1)));
    read(bounded()).await.unwrap();
    sleep(Duration::from_secs(59)).await;
    read(bounded()).await.unwrap();
    assert_eq!(service.upstream.calls(), 1, "within the maximum age");

    // The history becomes too old during the upstream call.
    service.upstream.will(3_000, Err(FailureClass::Unreachable));
    let fresh = RequestContext {
        oldest: Some(MINUTE),
        ..service.operation()
    };
    let expired = service
        .histories
        .read(&fresh, activity(0), Some(Duration::ZERO))
        .await;
    assert_eq!(class_of(expired), FailureClass::Unreachable);

    service.upstream.will(100, Err(FailureClass::Unreachable));
    assert_eq!(class_of(read(bounded()).await), FailureClass::Unreachable);
    service.upstream.will(100, Err(FailureClass::Unauthenticated));
    assert_eq!(class_of(read(bounded()).await), FailureClass::Unauthenticated);
    assert_eq!(service.upstream.calls(), 4);
}
