//! Reads the send log for one operation.
//!
//! An operation reads only the log of its own owner, without upstream calls. The store implements the log and its searches.

use std::{pin::Pin, sync::Arc};

use jiff::Timestamp;
use sends_store::{Owner, SendLog, SqliteStore, StoreError, SyncLog};

use crate::{
    bulkheads::places::{self, Full},
    sources::histories::RequestContext,
};

#[derive(Clone)]
pub struct Log {
    pub sends: Arc<dyn SendLog>,
    /// Synchronisation state of the account, and its pending reads.
    pub sync: Arc<dyn SyncLog>,
}

impl Log {
    pub fn of(store: &Arc<SqliteStore>) -> Self {
        Self {
            sends: Arc::<SqliteStore>::clone(store),
            sync: Arc::<SqliteStore>::clone(store),
        }
    }
}

#[derive(Clone)]
pub struct LogReader {
    owner: Owner,
    asked_at: Timestamp,
    /// `None` with callers' tokens, because the service stores no log for the accounts of its callers.
    log: Option<Log>,
}

#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The service runs with callers' tokens, and therefore without a log.
    #[error("the service keeps no log of the accounts of its callers")]
    NotKept,
    #[error(transparent)]
    Overloaded(#[from] Full),
    #[error(transparent)]
    Store(#[from] StoreError),
}

type Reading<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

impl LogReader {
    pub fn new(context: &RequestContext, log: Option<Log>) -> Self {
        Self {
            owner: context.owner,
            asked_at: context.asked_at,
            log,
        }
    }

    /// Returns the start time of the operation.
    pub fn asked_at(&self) -> Timestamp {
        self.asked_at
    }

    /// Runs a query on the log. A failure of the store is logged here.
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
