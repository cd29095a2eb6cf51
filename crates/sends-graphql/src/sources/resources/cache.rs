//! TTL cache of responses of one kind.
//!
//! A response is returned only to its owner, and only until it expires. Concurrent reads of the same key share one call. A
//! failure is not cached, so the next waiting read makes its own call. The last response remains available as a stale fallback.

use std::{hash::Hash, sync::Arc, time::Duration};

use quick_cache::{
    DefaultHashBuilder, OptionsBuilder, Weighter,
    sync::{Cache, DefaultLifecycle},
};
use sends_store::Owner;
use tokio::time::Instant;

use crate::sources::histories::Kind;

pub(crate) struct ResourceCache<K, V> {
    kind: Kind,
    held: Entries<K, V>,
    /// Last responses, regardless of age. An entry shares its memory with the entry in `held`.
    last: Entries<K, V>,
    max_age: Duration,
    weigh: fn(&V) -> usize,
}

type Entries<K, V> = Cache<(Owner, K), Held<V>, Weight>;

struct Held<V> {
    answer: Arc<V>,
    since: Instant,
    weight: usize,
}

#[derive(Clone)]
struct Weight;

impl<K, V> Weighter<K, Held<V>> for Weight {
    fn weight(&self, _: &K, held: &Held<V>) -> u64 {
        held.weight.max(1) as u64
    }
}

/// Part of the capacity for entries that are used repeatedly. The default of the library would evict a new page of a listing
/// before older ones that were used twice; recency counts here.
const HOT_ALLOCATION: f64 = 0.5;

/// Average size of a listing in bytes, a hint for the layout of the cache.
const BYTES_PER_LISTING: usize = 20_000;

impl<V> Clone for Held<V> {
    fn clone(&self) -> Self {
        Self {
            answer: Arc::clone(&self.answer),
            since: self.since,
            weight: self.weight,
        }
    }
}

impl<K: Clone + Eq + Hash, V> ResourceCache<K, V> {
    /// Creates a cache. `capacity` is the maximum number of cached responses, and also of last responses, across all owners.
    pub(super) fn new(kind: Kind, capacity: usize, max_age: Duration) -> Self {
        let entries = || Cache::with_weighter(capacity, capacity as u64, Weight);
        Self {
            kind,
            held: entries(),
            last: entries(),
            max_age,
            weigh: |_| 1,
        }
    }

    /// A cache of listings, whose sizes in bytes are from `weigh` and differ widely. `capacity` is the maximum of their sum. The
    /// least recently used ones are evicted first, approximately.
    pub(super) fn of_listings(
        kind: Kind,
        capacity: usize,
        max_age: Duration,
        weigh: fn(&V) -> usize,
    ) -> Self {
        let options = OptionsBuilder::new()
            .estimated_items_capacity((capacity / BYTES_PER_LISTING).max(1))
            .weight_capacity(capacity as u64)
            .hot_allocation(HOT_ALLOCATION)
            // An entry must fit into a shard.
            .shards(1)
            .build();
        let entries = || {
            let options = options.clone().ok()?;
            Some(Cache::with_options(
                options,
                Weight,
                DefaultHashBuilder::default(),
                DefaultLifecycle::default(),
            ))
        };
        let counted = Self::new(kind, 1, max_age);
        Self {
            held: entries().unwrap_or(counted.held),
            last: entries().unwrap_or(counted.last),
            weigh,
            ..counted
        }
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns the cached response unless it has expired.
    pub(super) fn known(&self, owner: Owner, key: &K) -> Option<Arc<V>> {
        let held = self.held.get(&(owner, key.clone()))?;
        (held.since.elapsed() <= self.max_age).then_some(held.answer)
    }

    /// Returns the cached response, or else the result of `read`. Concurrent calls with the same key share one read.
    pub(super) async fn get_or<E>(
        &self,
        owner: Owner,
        key: K,
        read: impl Future<Output = Result<V, E>>,
    ) -> Result<Arc<V>, E> {
        let key = (owner, key);
        self.held
            .remove_if(&key, |held| held.since.elapsed() > self.max_age);
        let held = self.held.get_or_insert_async(&key, async {
            // The age counts from the request, because the upstream may have produced the response long before it arrived.
            let since = Instant::now();
            let answer = Arc::new(read.await?);
            let weight = (self.weigh)(&answer);
            let held = Held {
                answer,
                since,
                weight,
            };
            self.last.insert(key.clone(), held.clone());
            Ok(held)
        });
        Ok(held.await?.answer)
    }

    /// Caches a response that arrived together with others and was requested at `since`.
    pub(super) fn put(&self, owner: Owner, key: K, answer: Arc<V>, since: Instant) {
        let weight = (self.weigh)(&answer);
        let held = Held {
            answer,
            since,
            weight,
        };
        self.last.insert((owner, key.clone()), held.clone());
        self.held.insert((owner, key), held);
    }

    pub(super) fn last(&self, owner: Owner, key: &K) -> Option<(Arc<V>, Duration)> {
        let last = self.last.get(&(owner, key.clone()))?;
        Some((last.answer, last.since.elapsed()))
    }

    /// Removes the cached response, but not the last response.
    pub(super) fn withdraw(&self, owner: Owner, key: &K) {
        self.held.remove(&(owner, key.clone()));
    }

    /// Removes the last response, but not the cached response.
    pub(super) fn forget(&self, owner: Owner, key: &K) {
        self.last.remove(&(owner, key.clone()));
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    async fn read(cache: &ResourceCache<u8, u32>, owner: u8, response: u32) -> u32 {
        let read = async { Ok::<_, Infallible>(response) };
        *cache.get_or(Owner::new([owner; 16]), 1, read).await.unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn response_is_cached_per_owner_until_it_expires() {
        let cache = ResourceCache::new(Kind::Account, 10, MINUTE);
        assert_eq!(read(&cache, 1, 7).await, 7);
        assert_eq!(read(&cache, 2, 8).await, 8);
        tokio::time::advance(MINUTE).await;
        assert_eq!(read(&cache, 1, 9).await, 7);
        tokio::time::advance(Duration::from_millis(1)).await;
        let owner = Owner::new([1; 16]);
        assert_eq!(cache.known(owner, &1), None);
        let (last, age) = cache.last(owner, &1).unwrap();
        assert_eq!((*last, age), (7, MINUTE + Duration::from_millis(1)));
        assert_eq!(read(&cache, 1, 9).await, 9);
        cache.forget(owner, &1);
        assert!(cache.last(owner, &1).is_none());
        assert_eq!(cache.known(owner, &1).as_deref(), Some(&9));
        cache.withdraw(owner, &1);
        assert_eq!(cache.known(owner, &1), None);
    }

    #[tokio::test(start_paused = true)]
    async fn recently_used_listings_stay_cached_when_older_ones_were_used_as_often() {
        let cache = ResourceCache::<u16, u32>::of_listings(Kind::CampaignPage, 100_000, MINUTE, |_| 1_000);
        let owner = Owner::new([1; 16]);
        let read = |key| cache.get_or(owner, key, async { Ok::<_, Infallible>(1) });
        for key in 0..1_000 {
            for _ in 0..3 {
                read(key).await.unwrap();
            }
            let recent = key.saturating_sub(19)..=key;
            for recent in recent {
                assert!(cache.known(owner, &recent).is_some(), "{recent} after {key}");
                assert!(cache.last(owner, &recent).is_some(), "{recent} after {key}");
            }
        }
        let known = (0..1_000).filter(|key| cache.known(owner, key).is_some());
        assert!(known.count() <= 100);
    }

    #[tokio::test(start_paused = true)]
    async fn concurrent_reads_share_one_call_unless_it_fails() {
        let cache = ResourceCache::<u8, u32>::new(Kind::Account, 10, MINUTE);
        let owner = Owner::new([1; 16]);
        let slow = |outcome| async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            outcome
        };
        let (one, other) = tokio::join!(
            cache.get_or(owner, 1, slow(Ok::<_, &str>(7))),
            cache.get_or(owner, 1, slow(Ok(8))),
        );
        assert_eq!((*one.unwrap(), *other.unwrap()), (7, 7));
        let (one, other) = tokio::join!(
            cache.get_or(owner, 2, slow(Err("down"))),
            cache.get_or(owner, 2, slow(Ok(8))),
        );
        assert_eq!((one, *other.unwrap()), (Err("down"), 8));
    }
}
