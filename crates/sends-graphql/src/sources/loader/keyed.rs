//! Generic dataloader, which loads each key at most once per operation.
//!
//! The `dataloader` crate holds its lock while it awaits the batch function. If the batch function awaited the upstream, a slow
//! batch would delay the next batch, and a slow response would delay all other responses. The batch function therefore only
//! prepares the reads and returns one future per key. Any number of fields can await such a future independently.

use std::{collections::HashMap, hash::Hash};

use ::dataloader::{BatchFn, cached::Loader};
use futures_util::{
    FutureExt,
    future::{self, BoxFuture, Shared},
};
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;

use crate::{bulkheads::places, sources::histories::ReadError};

/// Maximum number of keys in a batch, which is the maximum length of an id list.
const BATCH: usize = 500;

/// Read in progress, which any number of fields can await. A separate type, because the compiler cannot prove that a future named
/// inside the resolvers' futures is `'static`.
pub(super) struct Pending<V>(Shared<BoxFuture<'static, Result<V, ReadError>>>);

impl<V> Clone for Pending<V> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<V: Clone + Send + Sync + 'static> Pending<V> {
    /// Wraps a read that progresses only while it is awaited.
    pub(super) fn awaited(reading: impl Future<Output = Result<V, ReadError>> + Send + 'static) -> Self {
        Self(reading.boxed().shared())
    }

    /// Starts a read immediately. A cached value is ready and needs no task. Any other read runs in a task, which is aborted when
    /// the last handle is dropped, for example after the client has disconnected.
    pub(super) fn start(reading: impl Future<Output = Result<V, ReadError>> + Send + 'static) -> Self {
        let mut reading = reading.boxed();
        if let Some(known) = (&mut reading).now_or_never() {
            return Self::awaited(future::ready(known));
        }
        let task = AbortOnDropHandle::new(tokio::spawn(reading.in_current_span()));
        let pending = async move {
            let ended = places::waiting(task)
                .await
                .map_err(|places::Full| ReadError::Overloaded)?;
            ended.unwrap_or_else(|error| {
                tracing::error!("the task of a reading ended early: {error}");
                Err(ReadError::Lost)
            })
        };
        Self::awaited(pending)
    }

    pub(super) fn ready(value: V) -> Self {
        Self::awaited(future::ready(Ok(value)))
    }

    pub(super) fn then<W: Clone + Send + Sync + 'static>(
        &self,
        take: impl FnOnce(V) -> Result<W, ReadError> + Send + 'static,
    ) -> Pending<W> {
        let whole = self.0.clone();
        Pending::awaited(async move { whole.await.and_then(take) })
    }
}

type Start<K, V> = Box<dyn FnMut(&[K]) -> HashMap<K, Pending<V>> + Send>;

pub(super) struct Keyed<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    loader: Loader<K, Pending<V>, Batches<K, V>>,
}

struct Batches<K, V>(Start<K, V>);

impl<K, V> Keyed<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + std::fmt::Debug + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Batches all keys requested within a few turns of the runtime. Fields whose data arrives together then request their next
    /// data together.
    pub(super) fn in_batches(start: impl FnMut(&[K]) -> HashMap<K, Pending<V>> + Send + 'static) -> Self {
        Self {
            loader: Loader::new(Batches(Box::new(start))).with_max_batch_size(BATCH),
        }
    }

    /// Variant of [`in_batches`](Self::in_batches) that batches only the keys requested in one turn of the runtime, by the fields
    /// of one response.
    pub(super) fn in_batches_of_a_turn(
        start: impl FnMut(&[K]) -> HashMap<K, Pending<V>> + Send + 'static,
    ) -> Self {
        Self {
            loader: Self::in_batches(start).loader.with_yield_count(1),
        }
    }

    /// Reads keys separately, because each upstream call takes a single key.
    pub(super) fn one_by_one<R>(read: impl Fn(K) -> R + Send + 'static) -> Self
    where
        R: Future<Output = Result<V, ReadError>> + Send + 'static,
    {
        Self::in_batches_of_a_turn(move |keys| {
            let start = |key: &K| (key.clone(), Pending::awaited(read(key.clone())));
            keys.iter().map(start).collect()
        })
    }

    /// Starts the reads of these keys, batched with the other keys requested in this turn. A later load of a key waits only for
    /// that key.
    pub(super) async fn start(&self, keys: Vec<K>) {
        // Each load of a key returns the failure of its read.
        let _ = self.loader.try_load_many(keys).await;
    }

    /// Returns the value of a key, which this loader reads at most once. The future is boxed, because each waiting field of an
    /// object takes as much memory as the largest field future.
    pub(super) fn load(&self, key: K) -> BoxFuture<'_, Result<V, ReadError>> {
        async move {
            let pending = self.loader.try_load(key).await.map_err(|_| ReadError::Lost)?;
            pending.0.await
        }
        .boxed()
    }
}

impl<K, V> BatchFn<K, Pending<V>> for Batches<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    async fn load(&mut self, keys: &[K]) -> HashMap<K, Pending<V>> {
        (self.0)(keys)
    }
}
