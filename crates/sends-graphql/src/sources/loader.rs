//! Dataloaders, which read each key at most once per operation.
//!
//! A loader belongs to one operation. Ids requested in the same turn of the runtime form a batch, across aliases, lists and
//! fragments. A repeated id shares the read of the first request. `keyed.rs` is the generic loader, this file loads histories,
//! and `resources.rs` loads the other resources.

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

pub struct HistoryLoader {
    histories: Histories,
    context: RequestContext,
    loader: Keyed<HistoryKey, Reading>,
    read_set: Arc<ReadSetRecorder>,
}

impl HistoryLoader {
    pub fn new(histories: Histories, context: RequestContext) -> Self {
        let (all, of) = (histories.clone(), context.clone());
        // One store query serves the whole batch. The histories are then read concurrently and independently, because each
        // upstream call returns the history of one activity.
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

    pub fn read_set_recorder(&self) -> Arc<ReadSetRecorder> {
        Arc::clone(&self.read_set)
    }

    pub async fn has_known_sends(&self, activity: ActivityId) -> bool {
        self.histories.has_known_sends(&self.context, activity).await
    }

    /// Returns the history of one activity, which this loader reads at most once. All fields with the same key get the same
    /// result or failure.
    pub async fn load(&self, key: HistoryKey) -> Result<Reading, ReadError> {
        let reading = self.loader.load(key).await;
        self.read_set
            .record(reading.as_ref().ok().and_then(|reading| reading.version));
        reading
    }
}
