//! Order, limit and cancellation of waiting calls.

use std::{sync::Arc, time::Duration};

use sends_client::{
    AccessToken, Caller, CallerGroup, Lane,
    pacing::{Limits, RefusedReason},
};
use tokio::time::Instant;

use crate::bench::{background, call, departures, pacer, settle, turn};

#[tokio::test(start_paused = true)]
async fn large_operation_does_not_delay_a_small_operation() {
    let pacer = pacer(Limits::default()).await;
    let many = tokio::spawn({
        let pacer = pacer.clone();
        async move { departures(&pacer, 200, Lane::new()).await }
    });
    settle().await;
    let start = Instant::now();
    call(&pacer, turn(Lane::new())).await.unwrap();
    assert!(
        start.elapsed() < Duration::from_millis(1_050),
        "{:?}",
        start.elapsed()
    );
    assert!(many.await.unwrap().last() <= Some(&Duration::from_secs(52)));
}

#[tokio::test(start_paused = true)]
async fn shared_call_departs_with_the_first_of_its_lanes() {
    let pacer = pacer(Limits::default()).await;
    let lane = Lane::new();
    let many = tokio::spawn({
        let pacer = pacer.clone();
        async move { departures(&pacer, 199, lane).await }
    });
    settle().await;
    let group = CallerGroup::new();
    let last = tokio::spawn({
        let (pacer, group) = (pacer.clone(), group.clone());
        async move {
            let slot = pacer.acquire_for_group(turn(lane), &group).await;
            assert!(slot.unwrap().depart());
            Instant::now()
        }
    });
    settle().await;
    assert_eq!(pacer.state().queue_length, 196);
    let start = Instant::now();
    let token = Arc::new(AccessToken::new("token").unwrap());
    for _ in 0..2 {
        group.join(&Caller::new(Arc::clone(&token) as _, start));
        settle().await;
    }
    assert_eq!(pacer.state().queue_length, 196, "the call is queued once");
    let waited = last.await.unwrap() - start;
    assert!(waited < Duration::from_millis(1_050), "{waited:?}");
    assert!(many.await.unwrap().last() <= Some(&Duration::from_secs(52)));
    assert_eq!(pacer.state().used_today, 200);
}

#[tokio::test(start_paused = true)]
async fn lanes_are_served_round_robin_and_each_in_order() {
    let pacer = pacer(Limits {
        rate_per_second: 1,
        ..Limits::default()
    })
    .await;
    call(&pacer, turn(Lane::new())).await.unwrap();
    let (departed, mut order) = tokio::sync::mpsc::unbounded_channel();
    let (one, other) = (Lane::new(), Lane::new());
    for (name, lane) in [
        ("one 1", one),
        ("one 2", one),
        ("one 3", one),
        ("other 1", other),
        ("other 2", other),
    ] {
        let (pacer, departed) = (pacer.clone(), departed.clone());
        tokio::spawn(async move {
            call(&pacer, turn(lane)).await.unwrap();
            departed.send(name).unwrap();
        });
        settle().await;
    }
    for expected in ["one 1", "other 1", "one 2", "other 2", "one 3"] {
        assert_eq!(order.recv().await, Some(expected));
    }
}

#[tokio::test(start_paused = true)]
async fn background_call_yields_to_later_interactive_calls() {
    let pacer = pacer(Limits {
        rate_per_second: 1,
        ..Limits::default()
    })
    .await;
    call(&pacer, turn(Lane::new())).await.unwrap();
    let late = tokio::spawn({
        let pacer = pacer.clone();
        async move {
            call(&pacer, background(Lane::new()))
                .await
                .map(|()| Instant::now())
        }
    });
    settle().await;
    let interactive = departures(&pacer, 3, Lane::new()).await;
    assert_eq!(interactive.len(), 3);
    let interactive_done = Instant::now();
    assert!(late.await.unwrap().unwrap() >= interactive_done + Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn one_departure_in_eight_is_for_waiting_background_calls() {
    let pacer = pacer(Limits::default()).await;
    let interactive = tokio::spawn({
        let pacer = pacer.clone();
        async move { departures(&pacer, 400, Lane::new()).await }
    });
    settle().await;
    let start = Instant::now();
    for _ in 0..10 {
        call(&pacer, background(Lane::new())).await.unwrap();
    }
    // The 80 calls depart at a rate of four per 1.035 seconds, and the first four calls depart immediately.
    let took = start.elapsed();
    assert!(
        took > Duration::from_secs(18) && took < Duration::from_secs(22),
        "{took:?}"
    );
    interactive.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn background_call_becomes_interactive_when_an_interactive_operation_joins() {
    let limits = Limits {
        rate_per_second: 1,
        rate_per_day: 10,
        reserve: 4,
        ..Limits::default()
    };
    let pacer = pacer(limits).await;
    // One more background call is possible unless interactive calls precede it.
    departures(&pacer, 5, Lane::new()).await;
    let group = CallerGroup::new();
    let shared = tokio::spawn({
        let (pacer, group) = (pacer.clone(), group.clone());
        async move {
            let slot = pacer.acquire_for_group(background(Lane::new()), &group).await;
            slot.map(|mut slot| slot.depart())
        }
    });
    settle().await;
    let interactive = tokio::spawn({
        let pacer = pacer.clone();
        async move { departures(&pacer, 2, Lane::new()).await }
    });
    settle().await;
    let token = Arc::new(AccessToken::new("token").unwrap());
    group.join(&Caller::new(Arc::clone(&token) as _, Instant::now()));
    settle().await;
    assert_eq!(pacer.state().queue_length, 3, "the call is queued once");
    shared.await.unwrap().unwrap();
    interactive.await.unwrap();
    assert_eq!(pacer.state().used_today, 8);

    // The interactive member is already in the group when the call is retried.
    let again = pacer.acquire_for_group(background(Lane::new()), &group).await;
    assert!(again.unwrap().depart());
    let refused = pacer.acquire(background(Lane::new())).await.unwrap_err();
    assert_eq!(refused.reason, RefusedReason::DayUsedUp);
}

#[tokio::test(start_paused = true)]
async fn cancelled_waiting_call_leaves_the_queue() {
    let pacer = pacer(Limits {
        queue_limit: 10,
        ..Limits::default()
    })
    .await;
    departures(&pacer, 4, Lane::new()).await;
    let waiting = tokio::spawn({
        let pacer = pacer.clone();
        async move { departures(&pacer, 10, Lane::new()).await }
    });
    settle().await;
    assert_eq!(pacer.state().queue_length, 10);
    waiting.abort();
    settle().await;
    assert_eq!(pacer.state().queue_length, 0);
    let start = Instant::now();
    call(&pacer, turn(Lane::new())).await.unwrap();
    assert!(start.elapsed() < Duration::from_millis(1_050));
    assert_eq!(pacer.state().used_today, 5);
}

#[tokio::test(start_paused = true)]
async fn unused_slot_passes_immediately_to_the_next_call_and_is_not_counted() {
    let pacer = pacer(Limits {
        rate_per_second: 1,
        ..Limits::default()
    })
    .await;
    let unused = pacer.acquire(turn(Lane::new())).await.unwrap();
    let next = tokio::spawn({
        let pacer = pacer.clone();
        async move { call(&pacer, turn(Lane::new())).await.map(|()| Instant::now()) }
    });
    settle().await;
    let given_back = Instant::now();
    drop(unused);
    assert_eq!(next.await.unwrap().unwrap(), given_back);
    assert_eq!(pacer.state().used_today, 1);
}

#[tokio::test(start_paused = true)]
async fn full_queue_rejects_calls_and_half_is_reserved_for_interactive_calls() {
    let pacer = pacer(Limits {
        queue_limit: 10,
        ..Limits::default()
    })
    .await;
    departures(&pacer, 4, Lane::new()).await;
    for make_turn in [background, turn] {
        for _ in 0..5 {
            let pacer = pacer.clone();
            tokio::spawn(async move { call(&pacer, make_turn(Lane::new())).await });
        }
        settle().await;
        let refused = call(&pacer, background(Lane::new())).await.unwrap_err();
        assert_eq!(refused.reason, RefusedReason::QueueFull);
    }
    let refused = call(&pacer, turn(Lane::new())).await.unwrap_err();
    assert_eq!(refused.reason, RefusedReason::QueueFull);
    // Eleven calls depart at a rate of four per second.
    assert!(
        refused.retry_after > Duration::from_secs(3),
        "{:?}",
        refused.retry_after
    );
}

#[tokio::test(start_paused = true)]
async fn call_without_a_slot_is_rejected_at_its_deadline_with_an_estimate() {
    let pacer = pacer(Limits::default()).await;
    let lane = Lane::new();
    tokio::spawn({
        let pacer = pacer.clone();
        async move { departures(&pacer, 100, lane).await }
    });
    settle().await;
    let start = Instant::now();
    let mut request = turn(lane);
    request.deadline = start + Duration::from_secs(5);
    let refused = call(&pacer, request).await.unwrap_err();
    assert_eq!(refused.reason, RefusedReason::Deadline);
    assert_eq!(start.elapsed(), Duration::from_secs(5));
    let estimate = refused.retry_after.as_secs();
    assert!((19..=22).contains(&estimate), "{estimate} s for about 77 calls");
}
