//! What was fetched from Constant Contact, kept across restarts.
//!
//! The crate owns one question and its answer: *what did the upstream last say about this activity, and when?* What all
//! these answers tell of together is the [log](SendLog) of an account's sends, and a [memory](SyncLog) of what is still to
//! be asked says where the log has gaps. It also counts how many calls a day has seen, since the upstream tells nobody. How old an answer may be, when to ask
//! again and what a count means for the next call are decided by those who ask.
//!
//! | file | owns |
//! |---|---|
//! | `store.rs` | [`Store`], the interface every kind of store has |
//! | `log.rs` | [`SendLog`]: all sends of the kept answers, searched, paged and added up |
//! | `sync_log.rs` | [`SyncLog`]: what is known of an account's campaigns, what is still to be read of them, and what cannot be |
//! | `owner.rs` | [`Owner`]: whose data it is |
//! | `stored_answer.rs` | [`StoredAnswer`]: an answer and when it was fetched |
//! | `error.rs` | [`StoreError`]: what went wrong and what to do |
//! | `health.rs` | [`Health`]: what went wrong with a store in use |
//! | `sqlite.rs` | [`SqliteStore`]: one file, safe against kills and against a second process; or one database in memory |
//! | `memory.rs` | [`MemoryStore`]: bounded by bytes, gone with the process |
//! | `layered.rs` | [`LayeredStore`]: memory in front of another store |
//! | `encoding.rs`, `list_ids.rs` | the compact forms in memory and in a row |
//! | `checksum.rs` | checksums of what a row holds |
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
//! let kept = StoredAnswer { fetched_at: Timestamp::UNIX_EPOCH, answer: Answer::History(SendHistory::default().into()) };
//! store.keep(owner, activity, kept.clone()).await?;
//! assert_eq!(store.history(owner, activity, Timestamp::MAX).await?, Some(kept));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What it must not know
//!
//! How an answer is fetched or shown (no HTTP, no GraphQL), what time it is (no clock: every moment is passed in), and
//! any token: an [`Owner`] is an opaque key.
//!
//! # What a lost store costs
//!
//! Calls, not data: everything but the day's count can be fetched again. So a damaged store is refused with a clear
//! message and set aside on request ([`SqliteStore::rebuild`]), and never repaired.

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
