//! Tests of single-flight fetches: concurrent reads share one call, regardless of their deadlines.

use futures_util::future::join_all;

use super::*;

#[tokio::test(start_paused = true)]
async fn concurrent_reads_cost_one_call() {
    let service = Service::new();
    let operations: Vec<RequestContext> = (0..100).map(|_| service.operation()).collect();
    let reads = operations
        .iter()
        .map(|operation| service.histories.read(operation, activity(0), None));
    for reading in join_all(reads).await {
        assert_eq!(reading.unwrap().stale, None);
    }
    assert_eq!(service.upstream.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn concurrent_reads_share_a_failure() {
    let service = Service::new();
    service.upstream.will(100, Err(FailureClass::ServerFailure));
    let operations: Vec<RequestContext> = (0..100).map(|_| service.operation()).collect();
    let reads = operations
        .iter()
        .map(|operation| service.histories.read(operation, activity(0), None));
    for reading in join_all(reads).await {
        assert_eq!(class_of(reading), FailureClass::ServerFailure);
    }
    assert_eq!(service.upstream.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn shared_call_continues_until_its_last_reader_is_dropped() {
    let service = Service::new();
    service.upstream.will(10_000, Ok(sent("2026-06-15T11:00:00Z", 1)));
    let start = |milliseconds| {
        let (histories, operation) = (service.histories.clone(), service.operation());
        tokio::spawn(async move {
            let reading = histories.read(&operation, activity(0), None);
            tokio::time::timeout(Duration::from_millis(milliseconds), reading)
                .await
                .ok()
        })
    };
    let (first, second) = (start(1_000), start(2_000));
    sleep(Duration::from_millis(1_500)).await;
    assert!(first.await.unwrap().is_none());
    assert_eq!(service.upstream.given_up.load(Ordering::SeqCst), 0);
    assert!(second.await.unwrap().is_none());
    sleep(Duration::from_millis(1)).await;
    assert_eq!(service.upstream.given_up.load(Ordering::SeqCst), 1);

    // The cancelled fetch was removed, so the next read starts another fetch.
    assert_eq!(service.read(None).await.unwrap().stale, None);
    assert_eq!(service.upstream.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn reader_retries_if_another_readers_deadline_ended_the_shared_call() {
    // The call is cancelled in flight, rejected because its slot is after the deadline, or throttled for too long.
    let cases = [
        (10_000, Ok(sent("2026-06-15T11:00:00Z", 1))),
        (10, Err(FailureClass::DeadlineExceeded)),
        (10, Err(FailureClass::Throttled)),
    ];
    for (delay, answer) in cases {
        let service = Service::new();
        let case = format!("{answer:?}");
        service.upstream.will(delay, answer);
        let short = service.operation_of(1, Duration::from_secs(1));
        let long = service.operation_of(1, Duration::from_secs(30));
        let (short, long) = tokio::join!(
            service.histories.read(&short, activity(0), None),
            service.histories.read(&long, activity(0), None),
        );
        short.unwrap_err();
        assert_eq!(long.unwrap().stale, None, "{case}");
        assert_eq!(service.upstream.calls(), 2, "{case}");
    }
}

#[tokio::test(start_paused = true)]
async fn interactive_reader_does_not_share_the_rejection_of_background_work() {
    let service = Service::new();
    service.upstream.will(10, Err(FailureClass::QuotaExceeded));
    let background = RequestContext {
        caller: service.operation().caller.in_background(),
        ..service.operation()
    };
    let interactive = service.operation();
    let (background, interactive) = tokio::join!(
        service.histories.read(&background, activity(0), None),
        service.histories.read(&interactive, activity(0), None),
    );
    assert_eq!(class_of(background), FailureClass::QuotaExceeded);
    assert_eq!(interactive.unwrap().stale, None);
    assert_eq!(service.upstream.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn reader_fails_at_its_deadline_while_the_shared_call_continues() {
    let service = Service::new();
    service.upstream.will(10_000, Ok(sent("2026-06-15T11:00:00Z", 1)));
    let long = service.operation_of(1, Duration::from_secs(30));
    let short = service.operation_of(1, Duration::from_secs(1));
    let started = Instant::now();
    let (long, short) = tokio::join!(service.histories.read(&long, activity(0), None), async {
        let read = service.histories.read(&short, activity(0), None).await;
        (read, started.elapsed())
    },);
    let (short, took) = short;
    let ReadError::Upstream(error) = short.unwrap_err() else {
        panic!("unexpected error");
    };
    assert_eq!(error.class, FailureClass::DeadlineExceeded);
    assert!(error.retry_after.is_some());
    assert!(took < Duration::from_millis(1_050), "{took:?}");
    assert_eq!(long.unwrap().stale, None);
    assert_eq!(service.upstream.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn reader_with_max_age_0_rejects_an_older_history_found_by_another_reader() {
    let service = Service::new();
    service.read(None).await.unwrap();
    sleep(Duration::from_secs(30)).await;
    let (lax, strict) = tokio::join!(service.read(None), service.read(Some(Duration::ZERO)));
    assert!(strict.unwrap().fetched_at > lax.unwrap().fetched_at);
    assert_eq!(service.upstream.calls(), 2);
}
