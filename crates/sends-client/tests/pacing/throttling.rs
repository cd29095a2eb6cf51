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

/// Time between the fourth and the fifth of five calls.
async fn spacing(pacer: &Pacer) -> Duration {
    let departures = departures(pacer, 5, Lane::new()).await;
    departures[4].saturating_sub(departures[3])
}

#[tokio::test(start_paused = true)]
async fn all_calls_wait_out_the_window_after_a_throttled_answer() {
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
async fn the_margin_widens_by_each_lesson_up_to_a_bound_and_narrows_again() {
    let pacer = pacer(Limits::default()).await;
    let before = spacing(&pacer).await;
    sleep(Duration::from_secs(5)).await;
    throttle(&pacer, None).await;
    sleep(Duration::from_secs(2)).await;
    let taught = spacing(&pacer).await;
    assert!(taught > before + Duration::from_millis(40), "{taught:?}");

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
async fn four_throttled_answers_of_one_window_are_one_lesson() {
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
async fn throttled_answers_in_a_row_lengthen_the_pause_until_one_is_accepted() {
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
async fn the_upstreams_own_wait_wins_within_bounds() {
    for (asked, waited) in [(0, 1), (7, 7), (90_000, 60)] {
        let pacer = pacer(Limits::default()).await;
        throttle(&pacer, Some(Duration::from_secs(asked))).await;
        let start = Instant::now();
        let mut patient = turn(Lane::new());
        patient.deadline = start + Duration::from_hours(2);
        call(&pacer, patient).await.unwrap();
        assert_eq!(start.elapsed().as_secs(), waited, "Retry-After: {asked}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_longer_than_a_call_can_wait_refuses_it_at_once() {
    let pacer = pacer(Limits::default()).await;
    throttle(&pacer, Some(Duration::from_secs(50))).await;
    let mut hasty = turn(Lane::new());
    hasty.deadline = Instant::now() + Duration::from_secs(30);
    let refused = call(&pacer, hasty).await.unwrap_err();
    assert_eq!(refused.reason, RefusedReason::Paused);
    assert_eq!(refused.retry_after, Duration::from_secs(50));
}
