//! Tests of the freshness rules, which decide whether a read calls the upstream.

use super::*;

#[tokio::test(start_paused = true)]
async fn history_is_fetched_again_after_its_maximum_age() {
    let service = Service::new();
    let first = service.read(None).await.unwrap();
    assert_eq!(first.stale, None);
    sleep(Duration::from_secs(50)).await;
    let again = service.read(None).await.unwrap();
    assert_eq!(
        (service.upstream.calls(), again.fetched_at),
        (1, first.fetched_at)
    );
    // After an hour without a send, the maximum age is 75 seconds.
    sleep(Duration::from_secs(26)).await;
    let later = service.read(None).await.unwrap();
    assert_eq!(service.upstream.calls(), 2);
    assert!(later.fetched_at > first.fetched_at);
}

#[tokio::test(start_paused = true)]
async fn maximum_age_depends_on_the_time_since_the_last_send() {
    for (history, minutes, calls) in [
        (sent("2026-06-14T12:00:00Z", 1), 29, 1),
        (sent("2026-06-14T12:00:00Z", 1), 32, 2),
        (sent("2020-06-14T12:00:00Z", 1), 59, 1),
        (sent("2020-06-14T12:00:00Z", 1), 61, 2),
        (SendHistory::from_json(b"[]").unwrap(), 2, 2),
    ] {
        let service = Service::new();
        service.upstream.will(100, Ok(history.clone()));
        service.read(None).await.unwrap();
        sleep(MINUTE * minutes).await;
        service.read(None).await.unwrap();
        assert_eq!(
            service.upstream.calls(),
            calls,
            "after {minutes} min: {history:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn max_age_argument_overrides_the_freshness_rules() {
    let service = Service::new();
    service.read(None).await.unwrap();
    sleep(Duration::from_mins(10)).await;
    service.read(Some(Duration::from_mins(11))).await.unwrap();
    assert_eq!(service.upstream.calls(), 1);
    service.read(Some(Duration::from_mins(9))).await.unwrap();
    assert_eq!(service.upstream.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn max_age_0_fetches_once_per_operation() {
    let service = Service::new();
    service.read(None).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    let operation = service.operation();
    let now = Some(Duration::ZERO);
    let read = |max_age| service.histories.read(&operation, activity(0), max_age);
    let (one, other) = tokio::join!(read(now), read(now));
    let third = read(now).await.unwrap();
    assert_eq!(service.upstream.calls(), 2);
    assert_eq!(one.unwrap().fetched_at, third.fetched_at);
    assert_eq!(other.unwrap().fetched_at, third.fetched_at);
}

#[tokio::test(start_paused = true)]
async fn not_found_is_cached_for_a_minute() {
    let service = Service::new();
    service.upstream.will(100, Err(FailureClass::NotFound));
    assert_eq!(class_of(service.read(None).await), FailureClass::NotFound);
    sleep(Duration::from_secs(50)).await;
    assert!(matches!(service.read(None).await, Err(ReadError::NotFound)));
    assert_eq!(service.upstream.calls(), 1);
    sleep(Duration::from_secs(11)).await;
    service.read(None).await.unwrap();
    assert_eq!(service.upstream.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn failures_are_not_cached() {
    for class in [
        FailureClass::Unauthenticated,
        FailureClass::Forbidden,
        FailureClass::LoginRequired,
        FailureClass::Rejected,
        FailureClass::ServerFailure,
        FailureClass::Invalid,
    ] {
        let service = Service::new();
        service.upstream.will(100, Err(class));
        assert_eq!(class_of(service.read(None).await), class);
        service.read(None).await.unwrap();
        assert_eq!(service.upstream.calls(), 2, "{class:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn history_dated_in_the_future_is_fetched_again() {
    let service = Service::new();
    service.clock.set_by(24 * 3_600_000);
    service.read(None).await.unwrap();
    service.clock.set_by(-24 * 3_600_000);
    let corrected = service.read(None).await.unwrap();
    assert_eq!(service.upstream.calls(), 2);
    assert!(corrected.fetched_at <= service.clock.now());
    service.read(None).await.unwrap();
    assert_eq!(service.upstream.calls(), 2);
}
