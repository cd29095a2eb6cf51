//! A store in one SQLite database, in a file or in memory.
//!
//! Owns opening and rebuilding. What is read, written and grouped is in the files beside it. Must not know how old an answer may
//! be.
//!
//! # Durability
//!
//! The journal is a write-ahead log and `synchronous` is `NORMAL`: a change that was reported as done survives the death
//! of the process at any instruction, since the operating system has it. A power failure may take back the changes since the log
//! was last synchronised, never part of one and never the file's consistency (`power_loss.rs` loses power at every write on a
//! simulated disk). The log is synchronised before it is moved into the file, which `checkpoints.rs` begins every 4,000 pages. That is right for answers, which can be fetched again, and good
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
//! Found by `examples/sqlite_figures.rs` on two cores that were busy with other programs too, with 50,000 to 200,000 activities of
//! three sends each in the store: 870 bytes an activity in the file, the indexes of the log included; a point read in 0.012 ms (99
//! of 100 within 0.03 ms), 40 at once in 0.4 ms (within 5 ms), an answer kept in 0.06 ms (within 4 ms), a call counted in 0.02 ms,
//! 7,700 answers a second kept when 256 wait at a time. `examples/log_figures.rs` finds what pages, counts and totals cost.

mod campaigns;
mod checkpoints;
mod connection;
mod fault;
mod files;
mod log;
#[cfg(test)]
mod power_loss;
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

/// A reader is not held for longer than this many look-ups take.
const IDS_PER_READ: usize = 1_000;

/// Look-ups at a time. More of them would wait for the disk and the cores, not for each other.
const LOOK_UPS: u32 = 4;

/// Searches at a time. Each keeps a core busy for as long as it takes.
const SEARCHES: u32 = 2;

/// The store in the file `sends.db` of a state directory, or in memory.
///
/// The file can be read by its user only, and a file others have access to is refused. It must be opened and used within a
/// tokio runtime. Dropping it lets go of it as [`close`](Store::close) does, but without waiting for what is still written.
pub struct SqliteStore {
    database: Database,
    look_ups: Readers,
    searches: Readers,
    writer: Writer,
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
    /// When the file is exposed to others, no store, damaged, or of a version unknown here, and when directory or file cannot be
    /// written. None of these changes the file.
    pub async fn open(dir: &Path) -> Result<Self, StoreError> {
        let dir = dir.to_path_buf();
        blocking(move || {
            let database = Database::in_dir(&dir)?;
            let connection = schema::open(&database)?;
            Self::start(database, connection)
        })
        .await
    }

    /// An empty store in memory, gone with the process. Nothing bounds it but what is kept in it: some hundred bytes for
    /// each send.
    ///
    /// # Errors
    ///
    /// When there is no memory for it.
    pub async fn in_memory() -> Result<Self, StoreError> {
        blocking(|| {
            let database = Database::in_memory()?;
            let connection = schema::open(&database)?;
            Self::start(database, connection)
        })
        .await
    }

    /// Whether a state directory holds a store, in whatever state that is.
    pub fn is_begun(dir: &Path) -> bool {
        files::database(dir).exists()
    }

    fn start(database: Database, connection: Connection) -> Result<Self, StoreError> {
        Ok(Self {
            look_ups: Readers::new(database.clone(), LOOK_UPS),
            searches: Readers::new(database.clone(), SEARCHES),
            writer: Writer::start(connection, database.clone())?,
            database,
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
            let mut kept = read::histories(connection, owner, &[activity])?;
            Ok(kept.pop().flatten())
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

    fn keep(&self, owner: Owner, activity: ActivityId, kept: StoredAnswer) -> StoreFuture<'_, ()> {
        self.change(Change::Keep {
            owner,
            activity,
            kept,
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
        // Nobody waits for it but the next count.
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
            // The readers first: the last connection to be closed moves the log into the file.
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

/// Does what waits for the disk where that delays nobody.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sends_core::{SendAttempt, SendHistory, Verbatim};

    use super::*;
    use crate::Answer;

    const OWNER: Owner = Owner::new([1; 16]);

    /// SQLite reports a full disk and its own limit on pages alike.
    #[tokio::test]
    async fn a_full_disk_is_reported_and_what_was_kept_can_be_read() {
        let dir = tempfile::tempdir().unwrap();
        let database = Database::in_dir(dir.path()).unwrap();
        let file = database.name().to_path_buf();
        let connection = schema::open(&database).unwrap();
        connection.pragma_update(None, "max_page_count", 60).unwrap();
        let store = SqliteStore::start(database, connection).unwrap();

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

    fn of_one_send(status_length: usize) -> StoredAnswer {
        let send = SendAttempt {
            send_id: 1,
            contact_list_ids: Vec::new(),
            segment_ids: Vec::new(),
            count: None,
            run_date: None,
            send_status: Some(Verbatim::from("x".repeat(status_length))),
            reason_code: None,
        };
        StoredAnswer {
            fetched_at: Timestamp::UNIX_EPOCH,
            answer: Answer::History(Arc::new(SendHistory::new(vec![send]))),
        }
    }
}
