//! Reading each thing at most once in the life of one operation, whatever it is.
//!
//! The `dataloader` crate holds its lock while the batch function is awaited. If that function waited for the upstream, a
//! slow batch would hold up the next one, and one slow answer all others. So the batch only *prepares* the reads and hands
//! back, for each key, a future that any number of fields can wait for, each for itself.

use std::{collections::HashMap, hash::Hash};

use ::dataloader::{BatchFn, cached::Loader};
use futures_util::{
    FutureExt,
    future::{self, BoxFuture, Shared},
};
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;

use crate::{bulkheads::places, sources::histories::ReadError};

/// How many keys one batch may have: as many as one operation can name.
const BATCH: usize = 500;

/// A reading on its way, which any number of fields can wait for. (A type of its own, since the compiler cannot prove
/// `'static` of a future named inside the resolvers' futures.)
pub(super) struct Pending<V>(Shared<BoxFuture<'static, Result<V, ReadError>>>);

impl<V> Clone for Pending<V> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<V: Clone + Send + Sync + 'static> Pending<V> {
    /// Goes on while somebody waits for it.
    pub(super) fn awaited(reading: impl Future<Output = Result<V, ReadError>> + Send + 'static) -> Self {
        Self(reading.boxed().shared())
    }

    /// Starts at once. What is known already is there at once; anything else goes on by itself, and is given up when nobody
    /// can wait for it any more, as when the caller has gone.
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

    /// One that is there already.
    pub(super) fn ready(value: V) -> Self {
        Self::awaited(future::ready(Ok(value)))
    }

    /// What becomes of it in the hands of one of those who wait for it.
    pub(super) fn then<W: Clone + Send + Sync + 'static>(
        &self,
        take: impl FnOnce(V) -> Result<W, ReadError> + Send + 'static,
    ) -> Pending<W> {
        let whole = self.0.clone();
        Pending::awaited(async move { whole.await.and_then(take) })
    }
}

/// Starts the reads of a batch.
type Start<K, V> = Box<dyn FnMut(&[K]) -> HashMap<K, Pending<V>> + Send>;

/// Loads things of one kind by their keys.
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
    /// With a function that starts the reads of all keys which were asked for within some turns of the runtime: answers that
    /// come side by side ask for what they lead to side by side.
    pub(super) fn in_batches(start: impl FnMut(&[K]) -> HashMap<K, Pending<V>> + Send + 'static) -> Self {
        Self {
            loader: Loader::new(Batches(Box::new(start))).with_max_batch_size(BATCH),
        }
    }

    /// The same with a batch of what is asked for in one turn of the runtime: the fields of one answer.
    pub(super) fn in_batches_of_a_turn(
        start: impl FnMut(&[K]) -> HashMap<K, Pending<V>> + Send + 'static,
    ) -> Self {
        Self {
            loader: Self::in_batches(start).loader.with_yield_count(1),
        }
    }

    /// With a function that reads one of them: a call to the upstream is for one key in any case.
    pub(super) fn one_by_one<R>(read: impl Fn(K) -> R + Send + 'static) -> Self
    where
        R: Future<Output = Result<V, ReadError>> + Send + 'static,
    {
        Self::in_batches_of_a_turn(move |keys| {
            let start = |key: &K| (key.clone(), Pending::awaited(read(key.clone())));
            keys.iter().map(start).collect()
        })
    }

    /// Starts the reads of these, in one batch with whatever else is asked for in this turn. Who loads them later waits for
    /// no others.
    pub(super) async fn start(&self, keys: Vec<K>) {
        // What goes wrong is told to those who load it.
        let _ = self.loader.try_load_many(keys).await;
    }

    /// One of them, read at most once in the life of this loader. A box, since every field of an object that waits takes as
    /// much memory as the largest of its fields could.
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
