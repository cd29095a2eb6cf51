//! Persistent storage of responses from Constant Contact.
//!
//! A [`Store`] holds the last response about each activity, and the number of calls of each day. The [`SendLog`] searches the
//! sends of all responses, and the [`SyncLog`] holds the state of a synchronisation, which shows the gaps of the log. The crate
//! uses neither HTTP nor GraphQL, no clock (every time is an argument) and no token (an [`Owner`] is an opaque key).
//!
//! [`SqliteStore`] is a file, or a database in memory; [`MemoryStore`] is bounded and lost with the process; [`LayeredStore`]
//! puts memory in front of another store.
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
//! A lost store costs calls and no data: everything except the day's count can be fetched again. A damaged store is rejected
//! with an error, moved aside on request ([`SqliteStore::rebuild`]), and never repaired.

#![allow(
    missing_docs,
    clippy::missing_errors_doc,
    reason = "used by this workspace's programs alone: a doc comment is for what the name and type do not say"
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
