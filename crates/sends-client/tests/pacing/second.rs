//! Limit per second: never exceeded, and fully used.

use std::time::Duration;

use proptest::prelude::*;
use sends_client::{Lane, pacing::Limits};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};

use crate::bench::{call, departures, pacer, turn};

#[tokio::test(start_paused = true)]
async fn first_calls_depart_immediately_and_others_as_early_as_the_limit_allows() {
    for count in 1..=200_usize {
        let pacer = pacer(Limits::default()).await;
        let departures = departures(&pacer, count, Lane::new()).await;
        for (index, departed) in departures.iter().enumerate() {
            let bound = Duration::from_secs((index / 4).try_into().unwrap());
            assert!(
                *departed >= bound && *departed <= bound.mul_f64(1.04),
                "{count}: {index} at {departed:?}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn calls_do_not_wait_without_a_limit() {
    let pacer = pacer(Limits::NONE).await;
    let departures = departures(&pacer, 10_000, Lane::new()).await;
    assert_eq!(departures.last(), Some(&Duration::ZERO));
}

/// Returns the maximum number of arrivals in any window of one second.
fn max_in_a_sliding_second(arrivals: &[u64]) -> usize {
    (0..arrivals.len())
        .map(|first| {
            let end = arrivals[first] + 1_000;
            arrivals[first..].partition_point(|arrival| *arrival < end)
        })
        .max()
        .unwrap_or(0)
}

/// Returns the maximum number of arrivals in any of the seconds that begin at `offset`.
fn max_in_a_fixed_second(arrivals: &[u64], offset: u64) -> usize {
    arrivals
        .chunk_by(|one, other| (one + 1_000 - offset) / 1_000 == (other + 1_000 - offset) / 1_000)
        .map(<[u64]>::len)
        .max()
        .unwrap_or(0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_second_has_more_arrivals_than_the_limit_for_any_network_delay(
        // Time of each call and its network delay, in milliseconds.
        calls in prop::collection::vec((0..6_000_u64, 0..=30_u64), 1..60),
        offset in 0..1_000_u64,
        rate in 1..6_u32,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let arrivals = runtime.block_on(async {
            let pacer = pacer(Limits { rate_per_second: rate, ..Limits::default() }).await;
            let start = Instant::now();
            let mut running = JoinSet::new();
            for (starts_at, network_delay) in calls {
                let pacer = pacer.clone();
                running.spawn(async move {
                    sleep_until(start + Duration::from_millis(starts_at)).await;
                    call(&pacer, turn(Lane::new())).await.unwrap();
                    let departed = u64::try_from(start.elapsed().as_millis()).unwrap();
                    departed + network_delay
                });
            }
            let mut arrivals = running.join_all().await;
            arrivals.sort_unstable();
            arrivals
        });
        let limit = usize::try_from(rate).unwrap();
        prop_assert!(max_in_a_sliding_second(&arrivals) <= limit, "{arrivals:?}");
        prop_assert!(max_in_a_fixed_second(&arrivals, offset) <= limit, "{arrivals:?}");
    }
}
