//! Where the answers are kept, and for how long those of a token that is in use no more.
//!
//! Must not know who fetches them.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use sends_credentials::StateDir;
use sends_store::{LayeredStore, MemoryStore, SqliteStore, Store, StoreError};

use super::BackendError;
use crate::{
    sources::access::{Access, OwnOwner},
    sources::send_log::Log,
};

/// How much memory the answers may take that are held for quick reading: about a million activities.
const MEMORY_FOR_ANSWERS: u64 = 256 << 20;

/// How long a token of the environment may be out of use until what it has fetched is dropped.
const FORMER_KEPT_FOR: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The store of a state folder.
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

/// What a former token of the environment has fetched can be read by nobody who does not set it again, which is worth nothing
/// once the token has expired. So it goes when it was not used for [`FORMER_KEPT_FOR`].
pub(super) async fn drop_former(store: &SqliteStore, access: &Access, now: Timestamp) {
    let Access::OwnCredential {
        owner: OwnOwner::Fixed(owner),
        ..
    } = access
    else {
        return;
    };
    let unused_since = now.checked_sub(FORMER_KEPT_FOR).unwrap_or(Timestamp::MIN);
    match store.keep_passing(*owner, now, unused_since).await {
        Ok(0) => {}
        Ok(dropped) => tracing::info!("dropped what {dropped} former tokens of the environment had fetched"),
        // Whoever only reads needs no room on the disk.
        Err(error) => tracing::warn!("what former tokens have fetched is not dropped: {error}"),
    }
}

/// Where the answers are kept, and the log of what they tell.
pub(super) struct KeptAnswers {
    pub(super) store: Arc<dyn Store>,
    pub(super) log: Option<Log>,
}

impl KeptAnswers {
    pub(super) fn behind_memory(store: SqliteStore) -> Self {
        let behind = Arc::new(store);
        let log = Log::of(&behind);
        Self {
            store: Arc::new(LayeredStore::new(MemoryStore::new(MEMORY_FOR_ANSWERS), behind)),
            log: Some(log),
        }
    }

    /// Gone with the process, log included.
    pub(super) async fn in_memory() -> Result<Self, BackendError> {
        let store = SqliteStore::in_memory().await.map_err(BackendError::Store)?;
        Ok(Self::behind_memory(store))
    }

    /// What callers read with their own tokens is kept for a short while, and in bounds.
    pub(super) fn of_callers() -> Self {
        Self {
            store: Arc::new(MemoryStore::new(MEMORY_FOR_ANSWERS)),
            log: None,
        }
    }
}
