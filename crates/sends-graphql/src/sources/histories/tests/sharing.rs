//! Tests of single flight: one call for concurrent reads, regardless of their deadlines.

use futures_util::future::join_all;

use super::*;

#[tokio::test(start_paused = true)]
async fn a_hundred_simultaneous_readers_cost_one_call() {
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
async fn a_hundred_simultaneous_readers_share_a_failure_too() {
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
async fn the_call_goes_on_for_those_who_stay_and_is_given_up_with_the_last_one() {
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

    // The cancelled fetch was removed: the next read starts another one.
    assert_eq!(service.read(None).await.unwrap().stale, None);
    assert_eq!(service.upstream.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_reader_with_time_left_tries_again_when_the_others_time_ended_the_call() {
    // The call is cancelled in flight, rejected because its slot would come too late, or throttled for too long.
    let cases = [
        (10_000, Ok(sent("2026-06-15T11:00:00Z", 1))),
        (10, Err(FailureClass::DeadlineExceeded)),
        (10, Err(FailureClass::Throttled)),
    ];
    for (delay, answer) in cases {
        let service = Service::new();
        let case = format!("{answer:?}");
        service.upstream.will(delay, answer);
        let hurried = service.operation_of(1, Duration::from_secs(1));
        let patient = service.operation_of(1, Duration::from_secs(30));
        let (hurried, patient) = tokio::join!(
            service.histories.read(&hurried, activity(0), None),
            service.histories.read(&patient, activity(0), None),
        );
        hurried.unwrap_err();
        assert_eq!(patient.unwrap().stale, None, "{case}");
        assert_eq!(service.upstream.calls(), 2, "{case}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_person_does_not_share_the_refusal_of_background_work() {
    let service = Service::new();
    service.upstream.will(10, Err(FailureClass::QuotaExceeded));
    let background = RequestContext {
        caller: service.operation().caller.in_background(),
        ..service.operation()
    };
    let person = service.operation();
    let (background, person) = tokio::join!(
        service.histories.read(&background, activity(0), None),
        service.histories.read(&person, activity(0), None),
    );
    assert_eq!(class_of(background), FailureClass::QuotaExceeded);
    assert_eq!(person.unwrap().stale, None);
    assert_eq!(service.upstream.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_reader_whose_own_time_is_up_is_told_so_while_the_others_get_the_answer() {
    let service = Service::new();
    service.upstream.will(10_000, Ok(sent("2026-06-15T11:00:00Z", 1)));
    let patient = service.operation_of(1, Duration::from_secs(30));
    let hurried = service.operation_of(1, Duration::from_secs(1));
    let started = Instant::now();
    let (patient, hurried) = tokio::join!(service.histories.read(&patient, activity(0), None), async {
        let read = service.histories.read(&hurried, activity(0), None).await;
        (read, started.elapsed())
    },);
    let (hurried, took) = hurried;
    let ReadError::Upstream(error) = hurried.unwrap_err() else {
        panic!("another error");
    };
    assert_eq!(error.class, FailureClass::DeadlineExceeded);
    assert!(error.retry_after.is_some());
    assert!(took < Duration::from_millis(1_050), "{took:?}");
    assert_eq!(patient.unwrap().stale, None);
    assert_eq!(service.upstream.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_reader_who_asks_for_now_does_not_take_an_older_answer_that_another_found() {
    let service = Service::new();
    service.read(None).await.unwrap();
    sleep(Duration::from_secs(30)).await;
    let (lax, strict) = tokio::join!(service.read(None), service.read(Some(Duration::ZERO)));
    assert!(strict.unwrap().fetched_at > lax.unwrap().fetched_at);
    assert_eq!(service.upstream.calls(), 2);
}
