//! The log of all sends, as one operation reads it.
//!
//! Owns that an operation reads the log of one owner and no other. What the log holds and how it is searched is the store's
//! to know. Nothing here calls upstream.

use std::{pin::Pin, sync::Arc};

use jiff::Timestamp;
use sends_store::{Owner, SendLog, SqliteStore, StoreError, SyncLog};

use crate::{
    bulkheads::places::{self, Full},
    sources::histories::RequestContext,
};

/// The log of a store, and the memory of who fills it.
#[derive(Clone)]
pub struct Log {
    /// What was sent.
    pub sends: Arc<dyn SendLog>,
    /// What is known of the account, and what is still to be read.
    pub sync: Arc<dyn SyncLog>,
}

impl Log {
    /// The log of this store.
    pub fn of(store: &Arc<SqliteStore>) -> Self {
        Self {
            sends: Arc::<SqliteStore>::clone(store),
            sync: Arc::<SqliteStore>::clone(store),
        }
    }
}

/// The log as one operation may read it.
#[derive(Clone)]
pub struct LogReader {
    owner: Owner,
    asked_at: Timestamp,
    /// `None` where each caller brings a token of an account of its own: nothing is kept for them.
    log: Option<Log>,
}

/// Why the log gives no answer.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// There is none.
    #[error("the service keeps no log of the accounts of its callers")]
    NotKept,
    /// Too many operations wait.
    #[error(transparent)]
    Overloaded(#[from] Full),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

type Reading<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

impl LogReader {
    /// Reads the part of a log that belongs to the owner of the context.
    pub fn new(context: &RequestContext, log: Option<Log>) -> Self {
        Self {
            owner: context.owner,
            asked_at: context.asked_at,
            log,
        }
    }

    /// When the operation began.
    pub fn asked_at(&self) -> Timestamp {
        self.asked_at
    }

    /// Reads something of the log.
    ///
    /// # Errors
    ///
    /// [`LogError`] when there is no log, and when the store fails, which is logged here.
    pub async fn read<'a, T>(
        &'a self,
        question: impl FnOnce(&'a Log, Owner) -> Reading<'a, T>,
    ) -> Result<T, LogError> {
        let log = self.log.as_ref().ok_or(LogError::NotKept)?;
        let answer = places::waiting_for_store(question(log, self.owner)).await?;
        answer.map_err(|error| {
            tracing::warn!("the log cannot be read: {error}");
            error.into()
        })
    }
}
