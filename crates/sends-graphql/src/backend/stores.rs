//! Stores of histories, and cleanup of data that belongs to former tokens.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use sends_credentials::StateDir;
use sends_store::{LayeredStore, MemoryStore, SqliteStore, Store, StoreError};

use super::BackendError;
use crate::{
    sources::access::{Access, OwnOwner},
    sources::send_log::Log,
};

/// Capacity of the memory layer in bytes, enough for about a million activities.
const MEMORY: u64 = 256 << 20;

/// Retention period of a token's data after the last use of the token.
const RETENTION: SignedDuration = SignedDuration::from_hours(30 * 24);

pub async fn open(state: &StateDir) -> Result<SqliteStore, BackendError> {
    SqliteStore::open(state.path())
        .await
        .map_err(|error| match error {
            StoreError::Damaged { .. }
            | StoreError::NotADatabase { .. }
            | StoreError::UnknownSchema { .. } => BackendError::DamagedStore(error),
            other => BackendError::Store(other),
        })
}

/// Deletes the data of environment tokens that have not been used for [`RETENTION`]. Such data is readable only with the same
/// token, which has expired by then.
pub(super) async fn drop_former_tokens(store: &SqliteStore, access: &Access, now: Timestamp) {
    let Access::OwnCredential {
        owner: OwnOwner::Fixed(owner),
        ..
    } = access
    else {
        return;
    };
    let unused_since = now.checked_sub(RETENTION).unwrap_or(Timestamp::MIN);
    match store.keep_passing(*owner, now, unused_since).await {
        Ok(0) => {}
        Ok(dropped) => tracing::info!("deleted the data of {dropped} former tokens from the environment"),
        // A failed deletion is not fatal, since a full disk remains readable.
        Err(error) => tracing::warn!("deleting the data of former tokens failed: {error}"),
    }
}

pub(super) struct Stores {
    pub(super) store: Arc<dyn Store>,
    pub(super) log: Option<Log>,
}

impl Stores {
    pub(super) fn layered(store: SqliteStore) -> Self {
        let database = Arc::new(store);
        let log = Log::of(&database);
        Self {
            store: Arc::new(LayeredStore::new(MemoryStore::new(MEMORY), database)),
            log: Some(log),
        }
    }

    pub(super) async fn in_memory() -> Result<Self, BackendError> {
        let store = SqliteStore::in_memory().await.map_err(BackendError::Store)?;
        Ok(Self::layered(store))
    }

    pub(super) fn of_callers() -> Self {
        Self {
            store: Arc::new(MemoryStore::new(MEMORY)),
            log: None,
        }
    }
}
