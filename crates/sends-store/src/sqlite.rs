//! SQLite store, in a file or in memory.
//!
//! # Durability
//!
//! The journal mode is WAL with `synchronous=NORMAL`. A committed change survives a crash of the process at any instruction. A
//! power failure may revert the transactions since the last sync of the WAL, but never a part of a transaction, and never
//! damages the file. The WAL is synced before each checkpoint, every 4,000 pages (`checkpoints.rs`). `tests/power_loss.rs`
//! simulates a power failure at every write, with SQLite's automatic checkpoints.
//!
//! Responses can be fetched again. [`Store::raise_calls`] corrects a reverted daily call count when the upstream rejects further
//! calls. `synchronous=FULL` would add a disk flush to every call.
//!
//! Any number of processes may share a store, since each change is one transaction under SQLite's locks.
//!
//! # Costs
//!
//! The figures were measured on two busy cores with 50,000 to 200,000 activities of three sends each. The 99th percentile is in
//! parentheses. The file takes 870 bytes per activity, indexes of the log included. A point read takes 0.012 ms (0.03 ms), 40
//! concurrent reads take 0.4 ms (5 ms), and a write takes 0.06 ms (4 ms). With 256 concurrent writers, the throughput is 7,700
//! responses per second.

mod campaigns;
mod checkpoints;
mod connection;
mod fault;
mod files;
mod log;
mod read;
mod readers;
mod schema;
mod searches;
mod statement;
mod sync;
mod unreadable;
mod write;
mod writer;

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::civil::Date;
use rusqlite::Connection;
use sends_core::ActivityId;

use crate::{Health, Owner, Store, StoreError, StoreFuture, StorePools, StoreSize, StoredAnswer};
use connection::Database;
use fault::Fault;
use readers::Readers;
use write::Change;
use writer::Writer;

const IDS_PER_READ: usize = 1_000;

/// Maximum number of concurrent lookups. More lookups would wait for the disk and the cores.
const MAX_LOOKUPS: u32 = 4;

/// Maximum number of concurrent searches, each of which occupies a core.
const MAX_SEARCHES: u32 = 2;

/// SQLite store in the file `sends.db` of a state directory, or in memory.
///
/// The file is private to its user, and a file that is accessible to other users is rejected. A tokio runtime is required.
/// Dropping the store has the effect of [`close`](Store::close), but does not wait for pending writes.
pub struct SqliteStore {
    database: Database,
    look_ups: Readers,
    searches: Readers,
    writer: Writer,
}

pub struct Rebuilt {
    pub store: SqliteStore,
    /// Path of the former file. `None` if there was no file.
    pub set_aside: Option<PathBuf>,
}

impl SqliteStore {
    /// Opens or creates the store of a state directory. An error leaves the file unchanged.
    ///
    /// Damage is detected only when the damaged page is read, since a check of the whole file would take seconds.
    pub async fn open(dir: &Path) -> Result<Self, StoreError> {
        let dir = dir.to_path_buf();
        blocking(move || {
            let database = Database::in_dir(&dir)?;
            let connection = schema::open(&database)?;
            Self::start(database, connection)
        })
        .await
    }

    /// Creates an empty store in memory that has no size limit. Each send takes some hundred bytes.
    pub async fn in_memory() -> Result<Self, StoreError> {
        blocking(|| {
            let database = Database::in_memory()?;
            let connection = schema::open(&database)?;
            Self::start(database, connection)
        })
        .await
    }

    /// Returns whether a state directory has a store, which may be invalid.
    pub fn is_begun(dir: &Path) -> bool {
        files::database(dir).exists()
    }

    fn start(database: Database, connection: Connection) -> Result<Self, StoreError> {
        Ok(Self {
            look_ups: Readers::new(database.clone(), MAX_LOOKUPS),
            searches: Readers::new(database.clone(), MAX_SEARCHES),
            writer: Writer::start(connection, database.clone())?,
            database,
        })
    }

    /// Renames the store's file to `sends.db.damaged-` followed by the time, and opens an empty store. Returns
    /// [`StoreError::Busy`] while any process uses the store, including the current process.
    pub async fn rebuild(dir: &Path, now: Timestamp) -> Result<Rebuilt, StoreError> {
        let set_aside = if dir.exists() {
            let _exclusive = files::lock_exclusive(dir)?;
            files::set_aside(dir, now)?
        } else {
            None
        };
        let store = Self::open(dir).await?;
        Ok(Rebuilt { store, set_aside })
    }

    /// Records a use of a temporary owner, such as the owner for a token that will be replaced. Deletes temporary owners that had
    /// no use or fetch since `unused_since`, and returns their number.
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

    pub fn file(&self) -> &Path {
        self.database.name()
    }
}

impl Store for SqliteStore {
    fn history(
        &self,
        owner: Owner,
        activity: ActivityId,
        _: Timestamp,
    ) -> StoreFuture<'_, Option<StoredAnswer>> {
        Box::pin(self.look_ups.read(move |connection| {
            let mut found = read::histories(connection, owner, &[activity])?;
            Ok(found.pop().flatten())
        }))
    }

    fn histories<'a>(
        &'a self,
        owner: Owner,
        activities: &'a [ActivityId],
        _: Timestamp,
    ) -> StoreFuture<'a, Vec<Option<StoredAnswer>>> {
        Box::pin(async move {
            let mut all = Vec::with_capacity(activities.len());
            for some in activities.chunks(IDS_PER_READ) {
                let some = some.to_vec();
                let read = move |connection: &mut Connection| read::histories(connection, owner, &some);
                all.extend(self.look_ups.read(read).await?);
            }
            Ok(all)
        })
    }

    fn keep(&self, owner: Owner, activity: ActivityId, answer: StoredAnswer) -> StoreFuture<'_, ()> {
        self.change(Change::Keep {
            owner,
            activity,
            kept: answer,
        })
    }

    fn keep_grouped(&self, owner: Owner, activity: ActivityId, kept: StoredAnswer) -> StoreFuture<'_, ()> {
        let change = Change::Keep {
            owner,
            activity,
            kept,
        };
        Box::pin(async move { self.writer.write_grouped(change).await.map(drop) })
    }

    fn flush(&self) {
        self.writer.flush();
    }

    fn forget(&self, owner: Owner) -> StoreFuture<'_, ()> {
        self.change(Change::Forget(owner))
    }

    fn calls_on(&self, day: Date) -> StoreFuture<'_, u64> {
        self.read(move |connection| read::calls_on(connection, day))
    }

    fn add_calls(&self, day: Date, calls: u64) -> StoreFuture<'_, u64> {
        // The change is grouped because only the next count waits for it.
        Box::pin(self.writer.write_grouped(Change::AddCalls { day, calls }))
    }

    fn raise_calls(&self, day: Date, at_least: u64) -> StoreFuture<'_, u64> {
        Box::pin(self.writer.write(Change::RaiseCalls { day, at_least }))
    }

    fn size(&self) -> StoreFuture<'_, StoreSize> {
        Box::pin(async move {
            let (activities, sends) = self.read(|connection| read::size(connection)).await?;
            Ok(StoreSize {
                activities,
                sends,
                bytes: if self.database.is_in_memory() {
                    self.read(|connection| read::pages(connection)).await?
                } else {
                    files::size(self.file())
                },
            })
        })
    }

    fn health(&self) -> Health {
        self.database.health()
    }

    fn pools(&self) -> StorePools {
        StorePools {
            look_ups: self.look_ups.used(),
            searches: self.searches.used(),
        }
    }

    fn check_writable(&self) -> StoreFuture<'_, ()> {
        self.change(Change::Probe)
    }

    fn close(&self) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            // The writer closes last, because the last connection to close runs the checkpoint.
            self.look_ups.close().await;
            self.searches.close().await;
            self.writer.close().await;
            Ok(())
        })
    }
}

impl SqliteStore {
    fn change(&self, change: Change) -> StoreFuture<'_, ()> {
        Box::pin(async move { self.writer.write(change).await.map(drop) })
    }

    fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&mut Connection) -> Result<T, Fault> + Send + 'static,
    ) -> StoreFuture<'_, T> {
        Box::pin(self.look_ups.read(read))
    }

    fn search<T: Send + 'static>(
        &self,
        read: impl FnOnce(&mut Connection) -> Result<T, Fault> + Send + 'static,
    ) -> StoreFuture<'_, T> {
        Box::pin(self.searches.search(read))
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

#[cfg(test)]
mod tests;
