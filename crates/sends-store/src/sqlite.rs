//! A store in one SQLite database, in a file or in memory.
//!
//! Owns opening, rebuilding and the settings of the connections. What is read, written and grouped is in the files
//! beside it. Must not know how old an answer may be.
//!
//! # Durability
//!
//! The journal is a write-ahead log and `synchronous` is `NORMAL`: a change that was reported as done survives the death
//! of the process at any instruction, since the operating system has it. A power failure may take back the last changes,
//! never part of one and never the file's consistency. That is right for answers, which can be fetched again, and good
//! enough for the day's count: what a power failure takes back is the calls of the last seconds before it, and when the
//! upstream refuses the day's calls earlier than expected, [`Store::raise_calls`] sets the count right. `FULL` would add
//! a disk flush to the way of every call.
//!
//! # Two processes
//!
//! Any number of processes may use one store: SQLite's own locks order their changes, each of which is one transaction.
//!
//! # Costs
//!
//! Found by `examples/sqlite_figures.rs` on two cores that were busy with other programs too, with 1,000,000 activities of
//! three sends each in the store: 670 bytes an activity in the file, the indexes of the log included; a point read in 0.06 ms
//! (99 of 100 within 0.2 ms), 40 at once in 1 ms (within 5 ms), an answer kept in 0.7 ms (within 5 ms), a call counted in
//! 0.03 ms, 2,200 answers a second kept when 256 wait at a time.

mod campaigns;
mod files;
mod log;
mod read;
mod schema;
mod searches;
mod sync;
mod unreadable;
mod write;
mod writer;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use sends_core::ActivityId;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, SqlitePool};

use crate::{Kept, Owner, Store, StoreError, StoreFuture, StoreSize};
use write::Change;
use writer::Writer;

/// How long one process waits for another one's transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Reads are short; more readers than this wait for the disk and the cores, not for each other.
const READERS: u32 = 4;

/// SQLite's own name for files that are only in memory.
const IN_MEMORY: &str = "memdb";

/// After how many pages of 4 KiB in the write-ahead log they are moved into the file, which whoever writes waits for: the disk is
/// flushed. An answer writes a dozen pages, so with SQLite's own 1,000 one in eighty would wait.
const CHECKPOINT_PAGES: &str = "4000";

/// SQLite's own default: there are several readers, and the system keeps the file's pages for all of them.
const READER_CACHE: &str = "-2000";

/// In KiB, as the minus sign says. Answers come in no order, so each one touches another page of the key's index.
const WRITER_CACHE: &str = "-16384";

/// The store in the file `sends.db` of a state directory, or in memory.
///
/// The file can be read by its user only, and a file others have access to is refused. It must be opened within a tokio
/// runtime. Dropping it lets go of it as [`close`](Store::close) does, but not before the runtime gets to it.
pub struct SqliteStore {
    file: PathBuf,
    readers: SqlitePool,
    writer: Writer,
    /// Held so that nobody rebuilds the store meanwhile. `None` in memory, where nobody else can.
    in_use: Option<File>,
}

/// A store that was made anew.
pub struct Rebuilt {
    /// The new, empty store.
    pub store: SqliteStore,
    /// Where the former file is now, or `None` if there was none.
    pub set_aside: Option<PathBuf>,
}

impl SqliteStore {
    /// Opens the store of a state directory, and makes the directory (for this user only) and the store if they are not
    /// there.
    ///
    /// Damage is found when the damaged part is read, here or later: checking the whole file would take seconds.
    ///
    /// # Errors
    ///
    /// When the file is exposed to others, no store, damaged, or of a newer version, and when directory or file cannot be
    /// written. None of these changes the file.
    pub async fn open(dir: &Path) -> Result<Self, StoreError> {
        let file = files::prepare(dir)?;
        let in_use = files::lock_shared(dir)?;
        let options = SqliteConnectOptions::new()
            .filename(&file)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .foreign_keys(true)
            .pragma("cache_size", WRITER_CACHE)
            .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
            .busy_timeout(BUSY_TIMEOUT);
        Self::open_with(file, Some(in_use), options).await
    }

    /// An empty store in memory, gone with the process. Nothing bounds it but what is kept in it: some hundred bytes for
    /// each send.
    ///
    /// # Errors
    ///
    /// When there is no memory for it.
    pub async fn in_memory() -> Result<Self, StoreError> {
        static STORES: AtomicU64 = AtomicU64::new(0);
        // A name that begins with a slash is one database for all connections of the process.
        let name = format!("/sends-{}", STORES.fetch_add(1, Ordering::Relaxed));
        let options = SqliteConnectOptions::new()
            .filename(&name)
            .vfs(IN_MEMORY)
            .journal_mode(SqliteJournalMode::Memory)
            .synchronous(SqliteSynchronous::Off)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT);
        let store = Self::open_with(PathBuf::from(name), None, options).await?;
        // It lasts as long as a connection does, and that of the writer may be replaced.
        let lasting = store.readers.acquire().await;
        lasting.map_err(|error| StoreError::from_sqlx(&store.file, &error))?;
        Ok(store)
    }

    /// Whether a state directory holds a store, in whatever state that is.
    pub fn is_begun(dir: &Path) -> bool {
        files::database(dir).exists()
    }

    async fn open_with(
        file: PathBuf,
        in_use: Option<File>,
        options: SqliteConnectOptions,
    ) -> Result<Self, StoreError> {
        let mut connection = options
            .connect()
            .await
            .map_err(|error| StoreError::from_sqlx(&file, &error))?;
        schema::migrate(&mut connection, &file).await?;

        let reading = options.clone().read_only(true).pragma("cache_size", READER_CACHE);
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(BUSY_TIMEOUT)
            // A connection to a file does not go stale.
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_lazy_with(reading);
        Ok(Self {
            writer: Writer::start(connection, options, file.clone()),
            file,
            readers,
            in_use,
        })
    }

    /// Sets the store's file aside as `sends.db.damaged-` and the time, and opens an empty store in its place.
    ///
    /// # Errors
    ///
    /// [`StoreError::Busy`] while a process uses the store, this one included, and whatever [`open`](Self::open) may say.
    pub async fn rebuild(dir: &Path, now: Timestamp) -> Result<Rebuilt, StoreError> {
        let set_aside = if dir.exists() {
            let _nobody_uses_it = files::lock_exclusive(dir)?;
            files::set_aside(dir, now)?
        } else {
            None
        };
        let store = Self::open(dir).await?;
        Ok(Rebuilt { store, set_aside })
    }

    /// Notes at a moment that an owner is in use who may not come back, such as one of a token that somebody else replaces
    /// some day. Every such owner is dropped with everything kept that was neither noted nor had anything fetched since
    /// `unused_since`. Returns how many these were.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot be written.
    pub async fn keep_passing(
        &self,
        owner: Owner,
        now: Timestamp,
        unused_since: Timestamp,
    ) -> Result<u64, StoreError> {
        let change = Change::KeepPassing {
            owner,
            now,
            unused_since,
        };
        self.writer.write(change).await
    }

    /// The store's file, or the name of the store in memory.
    pub fn file(&self) -> &Path {
        &self.file
    }
}

impl Store for SqliteStore {
    fn history(&self, owner: Owner, activity: ActivityId, _: Timestamp) -> StoreFuture<'_, Option<Kept>> {
        Box::pin(async move {
            let mut kept = read::histories(&self.readers, &self.file, owner, &[activity]).await?;
            Ok(kept.pop().flatten())
        })
    }

    fn histories<'a>(
        &'a self,
        owner: Owner,
        activities: &'a [ActivityId],
        _: Timestamp,
    ) -> StoreFuture<'a, Vec<Option<Kept>>> {
        Box::pin(read::histories(&self.readers, &self.file, owner, activities))
    }

    fn keep(&self, owner: Owner, activity: ActivityId, kept: Kept) -> StoreFuture<'_, ()> {
        self.change(Change::Keep {
            owner,
            activity,
            kept,
        })
    }

    fn forget(&self, owner: Owner) -> StoreFuture<'_, ()> {
        self.change(Change::Forget(owner))
    }

    fn calls_on(&self, day: Date) -> StoreFuture<'_, u64> {
        Box::pin(read::calls_on(&self.readers, &self.file, day))
    }

    fn add_calls(&self, day: Date, calls: u64) -> StoreFuture<'_, u64> {
        Box::pin(self.writer.write(Change::AddCalls { day, calls }))
    }

    fn raise_calls(&self, day: Date, at_least: u64) -> StoreFuture<'_, u64> {
        Box::pin(self.writer.write(Change::RaiseCalls { day, at_least }))
    }

    fn size(&self) -> StoreFuture<'_, StoreSize> {
        Box::pin(async move {
            let (activities, sends) = read::size(&self.readers, &self.file).await?;
            Ok(StoreSize {
                activities,
                sends,
                bytes: match &self.in_use {
                    Some(_) => files::size(&self.file),
                    None => read::pages(&self.readers, &self.file).await?,
                },
            })
        })
    }

    fn check_writable(&self) -> StoreFuture<'_, ()> {
        self.change(Change::Probe)
    }

    fn close(&self) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            // The readers first: the last connection to be closed moves the log into the file.
            self.readers.close().await;
            self.writer.close().await;
            Ok(())
        })
    }
}

impl SqliteStore {
    fn change(&self, change: Change) -> StoreFuture<'_, ()> {
        Box::pin(async move { self.writer.write(change).await.map(drop) })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sends_core::{SendAttempt, SendHistory, SendStatus};

    use super::*;
    use crate::Answer;

    const OWNER: Owner = Owner::new([1; 16]);

    /// SQLite reports a full disk and its own limit on pages alike.
    #[tokio::test]
    async fn a_full_disk_is_reported_and_what_was_kept_can_be_read() {
        let dir = tempfile::tempdir().unwrap();
        let file = files::prepare(dir.path()).unwrap();
        let in_use = files::lock_shared(dir.path()).unwrap();
        let options = SqliteConnectOptions::new()
            .filename(&file)
            .journal_mode(SqliteJournalMode::Wal)
            .pragma("max_page_count", "60");
        let store = SqliteStore::open_with(file.clone(), Some(in_use), options)
            .await
            .unwrap();

        let first = ActivityId::from_bytes([0; 16]);
        store.keep(OWNER, first, of_one_send(100)).await.unwrap();
        for number in 1..=20 {
            let outcome = store
                .keep(OWNER, ActivityId::from_bytes([number; 16]), of_one_send(20_000))
                .await;
            if number == 20 {
                assert_eq!(outcome, Err(StoreError::DiskFull { file: file.clone() }));
            }
        }
        let found = store.history(OWNER, first, Timestamp::MAX).await.unwrap();
        assert_eq!(found, Some(of_one_send(100)));
        store.forget(OWNER).await.unwrap();
        store.keep(OWNER, first, of_one_send(20_000)).await.unwrap();
    }

    fn of_one_send(status_length: usize) -> Kept {
        let send = SendAttempt {
            send_id: 1,
            contact_list_ids: Vec::new(),
            segment_ids: Vec::new(),
            count: None,
            run_date: None,
            send_status: Some(SendStatus::from("x".repeat(status_length))),
            reason_code: None,
        };
        Kept {
            fetched_at: Timestamp::UNIX_EPOCH,
            answer: Answer::History(Arc::new(SendHistory::new(vec![send]))),
        }
    }
}
