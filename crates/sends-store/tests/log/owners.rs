//! Tests of the removal of unused temporary owners.

use jiff::Timestamp;
use sends_store::{Owner, SqliteStore, Store, StoredAnswer};

use crate::sync::{at, sent_at};
use crate::world::activity;

async fn keep(store: &SqliteStore, owner: Owner, fetched_at: i64) {
    let stored = StoredAnswer {
        fetched_at: at(fetched_at),
        ..sent_at(1, 0)
    };
    store.keep(owner, activity(1), stored).await.unwrap();
}

#[tokio::test]
async fn only_unused_temporary_owners_are_deleted() {
    let store = SqliteStore::in_memory().await.unwrap();
    let [lasting, former, fetching, noted, current] = [1, 2, 3, 4, 5].map(|key| Owner::new([key; 16]));
    keep(&store, lasting, 1).await;
    for (owner, used_at, fetched_at) in [(former, 10, 12), (fetching, 10, 50), (noted, 50, 12)] {
        let dropped = store.keep_passing(owner, at(used_at), at(0)).await.unwrap();
        assert_eq!(dropped, 0);
        keep(&store, owner, fetched_at).await;
    }
    assert_eq!(store.keep_passing(current, at(60), at(40)).await.unwrap(), 1);
    let left = async |owner| {
        let history = store.history(owner, activity(1), Timestamp::MAX);
        history.await.unwrap().is_some()
    };
    assert!(!left(former).await);
    for owner in [lasting, fetching, noted] {
        assert!(left(owner).await, "{owner:?}");
    }
    // An earlier time does not replace a later use.
    store.keep_passing(noted, at(45), at(40)).await.unwrap();
    assert_eq!(store.keep_passing(current, at(60), at(48)).await.unwrap(), 0);
    // The current owner is retained regardless of the time.
    assert_eq!(store.keep_passing(current, at(60), at(60)).await.unwrap(), 2);
    assert!(left(lasting).await);
}
