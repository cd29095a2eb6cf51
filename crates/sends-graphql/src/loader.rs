//! The dataloader: within one operation, each activity is read at most once.
//!
//! One loader belongs to one operation. However the ids are spread over aliases, lists and fragments, the ones asked for
//! in the same turn form a batch, and the ones asked for again are answered from what the batch started.
//!
//! The `dataloader` crate holds its lock while the batch function is awaited. If that function waited for the upstream, a
//! slow batch would hold up the next one, and one slow activity all others. So the batch only *starts* the reads and
//! hands back, for each key, a future that any number of fields can wait for, each for itself.

use std::{collections::HashMap, time::Duration};

use ::dataloader::{BatchFn, cached::Loader};
use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use sends_core::ActivityId;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;

use crate::histories::{Asker, Histories, ReadError, Reading};

/// What one field wants to know: an activity's history, and how old it may be.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Question {
    /// Whose history.
    pub activity: ActivityId,
    /// How old it may be; `None` leaves that to the service.
    pub max_age: Option<Duration>,
}

/// A reading on its way, which any number of fields can wait for. (A type of its own, since the compiler cannot prove
/// `'static` of a future named inside the resolvers' futures.)
#[derive(Clone)]
struct Pending(Shared<BoxFuture<'static, Result<Reading, ReadError>>>);

/// Loads the send histories that one operation asks for.
pub struct HistoryLoader {
    loader: Loader<Question, Pending, StartReading>,
}

struct StartReading {
    histories: Histories,
    asker: Asker,
}

impl HistoryLoader {
    /// A loader for one operation.
    pub fn new(histories: Histories, asker: Asker) -> Self {
        Self {
            loader: Loader::new(StartReading { histories, asker }),
        }
    }

    /// The history of one activity, read at most once in the life of this loader.
    ///
    /// # Errors
    ///
    /// [`ReadError`], the same for everyone who asks this loader the same question.
    pub async fn load(&self, question: Question) -> Result<Reading, ReadError> {
        let pending = self
            .loader
            .try_load(question)
            .await
            .map_err(|_| ReadError::Lost)?;
        pending.0.await
    }
}

impl BatchFn<Question, Pending> for StartReading {
    async fn load(&mut self, questions: &[Question]) -> HashMap<Question, Pending> {
        questions
            .iter()
            .map(|&question| (question, self.start(question)))
            .collect()
    }
}

impl StartReading {
    /// Starts at once. It is given up when nobody can wait for it any more, as when the caller has gone.
    fn start(&self, question: Question) -> Pending {
        let (histories, asker) = (self.histories.clone(), self.asker.clone());
        let reading = async move { histories.read(&asker, question.activity, question.max_age).await };
        let task = AbortOnDropHandle::new(tokio::spawn(reading.in_current_span()));
        let pending = async move {
            task.await.unwrap_or_else(|error| {
                tracing::error!("the task of a reading ended early: {error}");
                Err(ReadError::Lost)
            })
        };
        Pending(pending.boxed().shared())
    }
}
