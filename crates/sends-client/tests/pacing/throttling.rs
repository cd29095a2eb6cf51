//! Effect of `throttled` responses.

use std::time::Duration;

use sends_client::{
    Lane, Pacer,
    pacing::{Limits, PauseReason, RefusedReason, Verdict},
};
use tokio::time::{Instant, sleep};

use crate::bench::{call, depart, departures, pacer, turn};

async fn throttle(pacer: &Pacer, retry_after: Option<Duration>) {
    let slot = depart(pacer, turn(Lane::new())).await.unwrap();
    slot.settle(Verdict::Throttled(retry_after));
}

/// Returns the time between the fourth and the fifth of five calls.
async fn spacing(pacer: &Pacer) -> Duration {
    let departures = departures(pacer, 5, Lane::new()).await;
    departures[4].saturating_sub(departures[3])
}

#[tokio::test(start_paused = true)]
async fn all_calls_pause_after_a_throttled_response() {
    let pacer = pacer(Limits::default()).await;
    throttle(&pacer, None).await;
    assert_eq!(pacer.state().pause.unwrap().reason, PauseReason::Throttled);
    let start = Instant::now();
    call(&pacer, turn(Lane::new())).await.unwrap();
    let waited = start.elapsed();
    assert!(
        waited > Duration::from_secs(1) && waited < Duration::from_millis(1_200),
        "{waited:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn margin_grows_after_throttling_up_to_a_bound_and_decays() {
    let pacer = pacer(Limits::default()).await;
    let before = spacing(&pacer).await;
    sleep(Duration::from_secs(5)).await;
    throttle(&pacer, None).await;
    sleep(Duration::from_secs(2)).await;
    let widened = spacing(&pacer).await;
    assert!(widened > before + Duration::from_millis(40), "{widened:?}");

    for _ in 0..30 {
        sleep(Duration::from_secs(10)).await;
        throttle(&pacer, None).await;
    }
    sleep(Duration::from_secs(10)).await;
    assert!(spacing(&pacer).await < Duration::from_millis(1_500));

    sleep(Duration::from_mins(20)).await;
    assert_eq!(spacing(&pacer).await, before);
}

#[tokio::test(start_paused = true)]
async fn concurrent_throttled_responses_count_once() {
    let (one, four) = (pacer(Limits::default()).await, pacer(Limits::default()).await);
    throttle(&one, None).await;
    let mut slots = Vec::new();
    for _ in 0..4 {
        slots.push(depart(&four, turn(Lane::new())).await.unwrap());
    }
    for slot in slots {
        slot.settle(Verdict::Throttled(None));
    }
    assert_eq!(one.state().pause, four.state().pause);
}

#[tokio::test(start_paused = true)]
async fn consecutive_throttled_responses_lengthen_the_pause_until_a_call_is_accepted() {
    let pacer = pacer(Limits::default()).await;
    let pause = async || {
        let start = Instant::now();
        let slot = depart(&pacer, turn(Lane::new())).await.unwrap();
        slot.settle(Verdict::Throttled(None));
        start.elapsed().as_secs()
    };
    let mut waits = Vec::new();
    for _ in 0..6 {
        waits.push(pause().await);
    }
    assert_eq!(waits, [0, 1, 2, 4, 8, 8]);
    let slot = depart(&pacer, turn(Lane::new())).await.unwrap();
    slot.settle(Verdict::Accepted);
    throttle(&pacer, None).await;
    assert_eq!(pause().await, 1);
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_respected_within_bounds() {
    for (retry_after, waited) in [(0, 1), (7, 7), (90_000, 60)] {
        let pacer = pacer(Limits::default()).await;
        throttle(&pacer, Some(Duration::from_secs(retry_after))).await;
        let start = Instant::now();
        let mut request = turn(Lane::new());
        request.deadline = start + Duration::from_hours(2);
        call(&pacer, request).await.unwrap();
        assert_eq!(start.elapsed().as_secs(), waited, "Retry-After: {retry_after}");
    }
}

#[tokio::test(start_paused = true)]
async fn call_is_rejected_immediately_if_the_pause_exceeds_its_deadline() {
    let pacer = pacer(Limits::default()).await;
    throttle(&pacer, Some(Duration::from_secs(50))).await;
    let mut request = turn(Lane::new());
    request.deadline = Instant::now() + Duration::from_secs(30);
    let refused = call(&pacer, request).await.unwrap_err();
    assert_eq!(refused.reason, RefusedReason::Paused);
    assert_eq!(refused.retry_after, Duration::from_secs(50));
}
