//! The dataloaders: within one operation, each thing is read at most once.
//!
//! The loaders belong to one operation. However the ids are spread over aliases, lists and fragments, the ones asked for
//! in the same turn form a batch, and the ones asked for again are answered from what the batch started. `keyed.rs` does
//! that for any kind of thing; here are the histories, and in `resources.rs` what stands around them.

mod keyed;
mod resources;

use std::sync::Arc;

use futures_util::FutureExt;
use sends_core::ActivityId;

use self::keyed::{Keyed, Pending};
pub use self::resources::ResourceLoader;
use crate::{
    sources::histories::ReadSetRecorder,
    sources::histories::{Histories, HistoryKey, ReadError, Reading, RequestContext},
};

/// Loads the send histories that one operation asks for.
pub struct HistoryLoader {
    histories: Histories,
    context: RequestContext,
    loader: Keyed<HistoryKey, Reading>,
    read_set: Arc<ReadSetRecorder>,
}

impl HistoryLoader {
    /// A loader for one operation.
    pub fn new(histories: Histories, context: RequestContext) -> Self {
        let (all, of) = (histories.clone(), context.clone());
        // One query to the store for the batch. From there on each history is read for itself, all of them at once: a call to the
        // upstream is for one activity, and an answer waits for no other.
        let loader = Keyed::in_batches_of_a_turn(move |keys: &[HistoryKey]| {
            let (histories, context, batch) = (all.clone(), of.clone(), keys.to_vec());
            let found = async move { Arc::new(histories.find(&context, &batch).await) };
            let found = found.boxed().shared();
            let start = |(place, key): (usize, &HistoryKey)| {
                let (histories, context, key, found) = (all.clone(), of.clone(), *key, found.clone());
                let reading = async move {
                    let found = found.await.get(place).cloned().ok_or(ReadError::Lost)?;
                    histories.read_found(&context, key, found).await
                };
                (key, Pending::awaited(reading))
            };
            keys.iter().enumerate().map(start).collect()
        });
        Self {
            histories,
            context,
            loader,
            read_set: Arc::default(),
        }
    }

    /// Records which versions of histories this loader reads.
    pub fn read_set_recorder(&self) -> Arc<ReadSetRecorder> {
        Arc::clone(&self.read_set)
    }

    /// Whether sends of an activity are known, of whatever age. Nobody is asked.
    pub async fn has_known_sends(&self, activity: ActivityId) -> bool {
        self.histories.has_known_sends(&self.context, activity).await
    }

    /// The history of one activity, read at most once in the life of this loader.
    ///
    /// # Errors
    ///
    /// [`ReadError`], the same for all fields with the same key.
    pub async fn load(&self, key: HistoryKey) -> Result<Reading, ReadError> {
        let reading = self.loader.load(key).await;
        self.read_set
            .record(reading.as_ref().ok().and_then(|reading| reading.version));
        reading
    }
}
