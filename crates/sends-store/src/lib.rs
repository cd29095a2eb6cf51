//! Persistent storage of responses from Constant Contact.
//!
//! A [`Store`] has the last response for each activity, and the number of calls per day. The [`SendLog`] searches the sends of
//! all responses, and the [`SyncLog`] has the state of a synchronisation, which shows the gaps of the log. The crate depends
//! neither on HTTP nor on GraphQL. Every time is an argument, and an [`Owner`] is an opaque key instead of a token.
//!
//! [`SqliteStore`] is a database in a file or in memory. [`MemoryStore`] is bounded and not persistent. [`LayeredStore`] puts a
//! memory cache in front of another store.
//!
//! ```
//! use jiff::Timestamp;
//! use sends_core::{ActivityId, SendHistory};
//! use sends_store::{Answer, StoredAnswer, MemoryStore, Owner, Store};
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let store = MemoryStore::new(1024 * 1024);
//! let owner = Owner::new([7; 16]);
//! let activity: ActivityId = "1ead98be-dfa0-4e04-81f7-5f1534d42e9c".parse()?;
//! assert_eq!(store.history(owner, activity, Timestamp::MAX).await?, None);
//!
//! let answer = StoredAnswer { fetched_at: Timestamp::UNIX_EPOCH, answer: Answer::History(SendHistory::default().into()) };
//! store.keep(owner, activity, answer.clone()).await?;
//! assert_eq!(store.history(owner, activity, Timestamp::MAX).await?, Some(answer));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The loss of a store mainly costs calls. All data can be fetched again except the daily call count and sends that the upstream
//! no longer shows. A damaged store is rejected with an error, moved aside on request ([`SqliteStore::rebuild`]), and never
//! repaired.

#![allow(
    missing_docs,
    clippy::missing_errors_doc,
    reason = "only programs of this workspace use the crate, and most names and types need no description"
)]

mod checksum;
mod encoding;
mod error;
mod health;
mod layered;
mod list_ids;
mod log;
mod memory;
mod owner;
mod sqlite;
mod store;
mod stored_answer;
mod sync_log;

pub use error::StoreError;
pub use health::Health;
pub use layered::LayeredStore;
pub use log::{
    GroupBy, GroupKey, LogFilter, LogOrder, LogPage, LogPageRequest, LogPosition, LoggedSend, SendLog,
    SendTotal, TotalGroup,
};
pub use memory::MemoryStore;
pub use owner::Owner;
pub use sqlite::{Rebuilt, SqliteStore};
pub use store::{Lookups, PoolUse, Store, StoreFuture, StorePools, StoreSize};
pub use stored_answer::{Answer, StoredAnswer};
pub use sync_log::{
    Claim, Completeness, Coverage, FailedReading, Finding, KnownActivity, KnownCampaign, Listing, Pending,
    Subject, SyncLog, SyncState, SyncWork, UNCONFIRMED_REMOVAL, Unreadable,
};
