//! Tests of dataloader batches: the number of store queries and of upstream calls.

use futures_util::future::join_all;
use jiff::civil::Date;
use sends_store::{LayeredStore, StoreFuture, StoreSize};
use tokio::sync::Semaphore;

use super::*;
use crate::sources::loader::HistoryLoader;

pub(super) struct CountingStore {
    pub(super) store: MemoryStore,
    pub(super) queries: Arc<AtomicUsize>,
    /// Activity whose stored response is damaged, which fails every query that includes it.
    pub(super) damaged: Option<ActivityId>,
    /// Whether queries for the latest stored histories fail.
    pub(super) fails_for_latest: bool,
    /// Semaphore from which each write takes a permit. Writes are unlimited if `None`.
    pub(super) gate: Option<Arc<Semaphore>>,
}

impl CountingStore {
    async fn histories_of_one(
        &self,
        owner: Owner,
        activity: ActivityId,
        fresh_since: Timestamp,
    ) -> Result<Option<StoredAnswer>, StoreError> {
        let mut kept = self.histories(owner, &[activity], fresh_since).await?;
        Ok(kept.pop().flatten())
    }
}

impl Store for CountingStore {
    fn history(
        &self,
        owner: Owner,
        activity: ActivityId,
        fresh_since: Timestamp,
    ) -> StoreFuture<'_, Option<StoredAnswer>> {
        let histories = self.histories_of_one(owner, activity, fresh_since);
        histories.boxed()
    }

    fn histories<'a>(
        &'a self,
        owner: Owner,
        activities: &'a [ActivityId],
        fresh_since: Timestamp,
    ) -> StoreFuture<'a, Vec<Option<StoredAnswer>>> {
        self.queries.fetch_add(1, Ordering::SeqCst);
        let file = std::path::PathBuf::from("sends.db");
        if self.damaged.is_some_and(|damaged| activities.contains(&damaged)) {
            let detail = "a page".to_owned();
            return future::ready(Err(StoreError::Damaged { file, detail })).boxed();
        }
        if self.fails_for_latest && fresh_since == Timestamp::MAX {
            return future::ready(Err(StoreError::Closed { file })).boxed();
        }
        self.store.histories(owner, activities, fresh_since)
    }

    fn keep(&self, owner: Owner, activity: ActivityId, kept: StoredAnswer) -> StoreFuture<'_, ()> {
        async move {
            if let Some(gate) = &self.gate {
                gate.acquire().await.unwrap().forget();
            }
            self.store.keep(owner, activity, kept).await
        }
        .boxed()
    }

    fn forget(&self, owner: Owner) -> StoreFuture<'_, ()> {
        self.store.forget(owner)
    }

    fn calls_on(&self, day: Date) -> StoreFuture<'_, u64> {
        self.store.calls_on(day)
    }

    fn add_calls(&self, day: Date, calls: u64) -> StoreFuture<'_, u64> {
        self.store.add_calls(day, calls)
    }

    fn raise_calls(&self, day: Date, at_least: u64) -> StoreFuture<'_, u64> {
        self.store.raise_calls(day, at_least)
    }

    fn size(&self) -> StoreFuture<'_, StoreSize> {
        self.store.size()
    }

    fn check_writable(&self) -> StoreFuture<'_, ()> {
        self.store.check_writable()
    }

    fn close(&self) -> StoreFuture<'_, ()> {
        self.store.close()
    }
}

fn service() -> (Service, Arc<AtomicUsize>) {
    let queries = Arc::<AtomicUsize>::default();
    let inner = CountingStore {
        store: MemoryStore::new(1 << 20),
        queries: Arc::clone(&queries),
        damaged: None,
        fails_for_latest: false,
        gate: None,
    };
    let store = LayeredStore::new(MemoryStore::new(1 << 20), Arc::new(inner));
    (Service::on(Arc::new(store)), queries)
}

/// Reads the histories of all activities in one operation, each three times.
async fn read_all(service: &Service) {
    let loader = HistoryLoader::new(service.histories.clone(), service.operation());
    let keys = (0..3 * 250_u16).map(|index| HistoryKey {
        activity: activity(u8::try_from(index % 250).unwrap()),
        max_age: None,
    });
    let started = Instant::now();
    for reading in join_all(keys.map(|key| loader.load(key))).await {
        assert_eq!(reading.unwrap().stale, None);
    }
    // Each upstream call takes 100 ms, and all run concurrently.
    assert!(
        started.elapsed() <= Duration::from_millis(101),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn operation_costs_one_store_query_and_one_call_per_history() {
    let (service, queries) = service();
    let counts = || (queries.load(Ordering::SeqCst), service.upstream.calls());
    read_all(&service).await;
    assert_eq!(counts(), (1, 250));
    // The histories are now cached in memory.
    read_all(&service).await;
    assert_eq!(counts(), (1, 250));
    // Another process may have stored newer histories than those in memory.
    sleep(2 * MINUTE).await;
    read_all(&service).await;
    assert_eq!(counts(), (2, 500));
}

fn without_memory(damaged: Option<ActivityId>, fails_for_latest: bool) -> Service {
    Service::on(Arc::new(CountingStore {
        store: MemoryStore::new(1 << 20),
        queries: Arc::default(),
        damaged,
        fails_for_latest,
        gate: None,
    }))
}

#[tokio::test(start_paused = true)]
async fn damaged_history_costs_one_call() {
    let service = without_memory(Some(activity(7)), false);
    read_all(&service).await;
    assert_eq!(service.upstream.calls(), 250);
    read_all(&service).await;
    assert_eq!(service.upstream.calls(), 251);
}

#[tokio::test(start_paused = true)]
async fn stale_history_is_returned_if_the_second_lookup_fails() {
    let service = without_memory(None, true);
    service.read(None).await.unwrap();
    sleep(2 * MINUTE).await;
    service.upstream.will(100, Err(FailureClass::ServerFailure));
    assert!(service.read(None).await.unwrap().stale.is_some());
}
