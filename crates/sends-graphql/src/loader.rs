//! The dataloaders: within one operation, each thing is read at most once.
//!
//! The loaders belong to one operation. However the ids are spread over aliases, lists and fragments, the ones asked for
//! in the same turn form a batch, and the ones asked for again are answered from what the batch started. `keyed.rs` does
//! that for any kind of thing; here are the histories, and in `neighbours.rs` what stands around them.

mod keyed;
mod neighbours;

use std::{sync::Arc, time::Duration};

use sends_core::ActivityId;

use self::keyed::Keyed;
pub use self::neighbours::NeighbourLoader;
use crate::{
    histories::{Asker, Histories, ReadError, Reading},
    response_cache::ReadSetRecorder,
};

/// What one field wants to know: an activity's history, and how old it may be.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Question {
    /// Whose history.
    pub activity: ActivityId,
    /// How old it may be; `None` leaves that to the service.
    pub max_age: Option<Duration>,
}

/// Loads the send histories that one operation asks for.
pub struct HistoryLoader {
    histories: Histories,
    asker: Asker,
    loader: Keyed<Question, Reading>,
    read_set: Arc<ReadSetRecorder>,
}

impl HistoryLoader {
    /// A loader for one operation.
    pub fn new(histories: Histories, asker: Asker) -> Self {
        let (all, of) = (histories.clone(), asker.clone());
        let loader = Keyed::one_by_one(move |question: Question| {
            let (histories, asker) = (all.clone(), of.clone());
            async move { histories.read(&asker, question.activity, question.max_age).await }
        });
        Self {
            histories,
            asker,
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
        self.histories.has_known_sends(&self.asker, activity).await
    }

    /// The history of one activity, read at most once in the life of this loader.
    ///
    /// # Errors
    ///
    /// [`ReadError`], the same for everyone who asks this loader the same question.
    pub async fn load(&self, question: Question) -> Result<Reading, ReadError> {
        let reading = self.loader.load(question).await;
        self.read_set
            .record(reading.as_ref().ok().and_then(|reading| reading.version));
        reading
    }
}
