//! Comparison of the log with an in-memory reference implementation.

#![allow(clippy::unwrap_used, reason = "panics fail the test")]

mod owners;
mod pages;
mod sync;
mod unreadable;
mod world;

use proptest::prelude::{ProptestConfig, proptest};
use sends_store::{GroupBy, LogFilter, LogOrder, LogPageRequest, Owner, SendLog, SqliteStore};
use world::{World, any_filter, any_world, new_york};

pub(crate) const OWNER: Owner = Owner::new([1; 16]);
pub(crate) const OTHER: Owner = Owner::new([2; 16]);

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn pages_counts_and_totals_match_the_reference(
        world in any_world(),
        filters in proptest::collection::vec(any_filter(), 6),
        limit in 1_usize..5,
    ) {
        runtime().block_on(check(&world, &filters, limit));
    }
}

async fn check(world: &World, filters: &[LogFilter], limit: usize) {
    let store = SqliteStore::in_memory().await.unwrap();
    world.keep(&store, OWNER).await;
    // The other owner's data must not appear in the results.
    world.keep(&store, OTHER).await;
    for filter in filters.iter().chain([&LogFilter::default()]) {
        for order in [LogOrder::NewestFirst, LogOrder::OldestFirst] {
            let expected = world.chosen(filter, order);
            assert_eq!(
                pages::walk(&store, filter, order, limit, false).await,
                expected,
                "{filter:?} {order:?}"
            );
            let mut backwards = pages::walk(&store, filter, order, limit, true).await;
            backwards.reverse();
            assert_eq!(backwards, expected, "{filter:?} {order:?}, from the end");
            pages::check_stretches(&store, filter, order, &expected).await;
        }
        let chosen = world.chosen(filter, LogOrder::NewestFirst);
        assert_eq!(store.count(OWNER, filter).await.unwrap(), chosen.len() as u64);
        for group_by in [
            GroupBy::Outcome,
            GroupBy::Reason,
            GroupBy::Day(jiff::tz::TimeZone::UTC),
            GroupBy::Day(new_york()),
            GroupBy::Week(new_york()),
            GroupBy::Month(new_york()),
            GroupBy::Campaign,
            GroupBy::List,
        ] {
            let totals = store.totals(OWNER, filter, group_by.clone()).await.unwrap();
            world::check_totals(&chosen, &group_by, &totals);
        }
    }
    let request = LogPageRequest {
        limit: 10,
        ..LogPageRequest::default()
    };
    let unknown_owner = store
        .page(Owner::new([3; 16]), &LogFilter::default(), request)
        .await
        .unwrap();
    assert_eq!(unknown_owner.sends, []);
}
