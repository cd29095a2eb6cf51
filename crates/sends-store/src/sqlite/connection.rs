//! Connections to the database and their settings.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, MAIN_DB, OpenFlags, wal::CheckpointMode};
use url::Url;

use super::fault::Fault;
use super::{checkpoints, files};
use crate::StoreError;
use crate::health::{Health, Watch};

const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Retry interval for setting the journal mode while other connections are open.
const JOURNAL_INTERVAL: Duration = Duration::from_millis(1);

const MEMORY_VFS: &str = "memdb";

/// Size of the page cache in KiB, negative by SQLite's convention. SQLite's default suffices because the operating system caches
/// the file for all readers.
const READER_CACHE: i64 = -2_000;

/// Size of the page cache in KiB, negative by SQLite's convention. The writer needs a larger cache than the readers, since each
/// response touches another page of the key's index.
const WRITER_CACHE: i64 = -16_384;

/// Capacity of the prepared statement cache, greater than the number of constant statements.
const STATEMENT_CACHE_CAPACITY: usize = 64;

/// Location of a database. While a clone exists, the database cannot be rebuilt.
#[derive(Clone)]
pub(super) struct Database {
    name: PathBuf,
    place: Place,
    watch: Arc<Watch>,
}

#[derive(Clone)]
enum Place {
    File {
        _lock: Arc<File>,
    },
    /// The database exists as long as a connection to it is open.
    Memory {
        _lasting: Arc<Mutex<Connection>>,
    },
    #[cfg(test)]
    Vfs(&'static str),
}

impl Database {
    pub(super) fn in_dir(dir: &Path) -> Result<Self, StoreError> {
        let name = files::prepare(dir)?;
        let place = Place::File {
            _lock: Arc::new(files::lock_shared(dir)?),
        };
        let watch = Arc::new(Watch::of_file(&name)?);
        Ok(Self { name, place, watch })
    }

    pub(super) fn in_memory() -> Result<Self, StoreError> {
        static DATABASES: AtomicU64 = AtomicU64::new(0);
        // A leading slash makes all connections of the process share the database.
        let name = PathBuf::from(format!("/sends-{}", DATABASES.fetch_add(1, Ordering::Relaxed)));
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        let lasting = Connection::open_with_flags_and_vfs(&name, flags, MEMORY_VFS);
        let lasting = lasting.map_err(|error| StoreError::from_sqlite(&name, &error))?;
        let place = Place::Memory {
            _lasting: Arc::new(Mutex::new(lasting)),
        };
        let watch = Arc::default();
        Ok(Self { name, place, watch })
    }

    #[cfg(test)]
    pub(super) fn on_vfs(name: &str, vfs: &'static str) -> Self {
        Self {
            name: name.into(),
            place: Place::Vfs(vfs),
            watch: Arc::default(),
        }
    }

    pub(super) fn watch(&self) -> &Watch {
        &self.watch
    }

    pub(super) fn health(&self) -> Health {
        let header = match self.place {
            Place::File { .. } if self.watch.check_place().is_ok() => check_header(&self.name),
            _ => Ok(()),
        };
        self.watch.health(header)
    }

    pub(super) fn name(&self) -> &Path {
        &self.name
    }

    pub(super) fn is_in_memory(&self) -> bool {
        matches!(self.place, Place::Memory { .. })
    }

    pub(super) fn open_to_write(&self) -> Result<Connection, Fault> {
        let mut connection = self.open(OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let (journal, synchronous) = match self.place {
            Place::File { .. } => ("WAL", "NORMAL"),
            Place::Memory { .. } => ("MEMORY", "OFF"),
            #[cfg(test)]
            Place::Vfs(_) => ("WAL", "NORMAL"),
        };
        set_journal(&connection, journal)?;
        connection.pragma_update(None, "synchronous", synchronous)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "cache_size", WRITER_CACHE)?;
        if let Place::File { .. } = self.place {
            checkpoints::install(&mut connection, self)?;
        }
        Ok(connection)
    }

    /// Copies the WAL into the file, as far as possible without blocking other connections.
    pub(super) fn checkpoint(&self) -> Result<(), Fault> {
        let connection = self.open(OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        // A connection opens the WAL on its first read. Before that, a checkpoint has no effect.
        connection.pragma_query_value(None, "schema_version", |_| Ok(()))?;
        connection.wal_checkpoint_v2(Some(MAIN_DB), CheckpointMode::PASSIVE)?;
        Ok(())
    }

    pub(super) fn open_to_read(&self) -> Result<Connection, Fault> {
        let connection = self.open(OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection.pragma_update(None, "cache_size", READER_CACHE)?;
        Ok(connection)
    }

    fn open(&self, flags: OpenFlags) -> Result<Connection, Fault> {
        // A connection is used by one thread at a time and needs no mutex.
        let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = match self.place {
            Place::File { .. } => Connection::open_with_flags(&self.name, flags)?,
            Place::Memory { .. } => Connection::open_with_flags_and_vfs(&self.name, flags, MEMORY_VFS)?,
            #[cfg(test)]
            Place::Vfs(vfs) => {
                let connection = Connection::open_with_flags_and_vfs(&self.name, flags, vfs)?;
                connection.pragma_update_and_check(None, "locking_mode", "EXCLUSIVE", |_| Ok(()))?;
                connection
            }
        };
        // Another file may have replaced the original at this path.
        self.watch.check_place().map_err(Fault::Store)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE_CAPACITY);
        Ok(connection)
    }
}

/// Returns [`StoreError::Damaged`] if the file has an invalid header. An empty file is valid.
///
/// The check uses SQLite, since opening and closing the file directly would drop SQLite's locks. `immutable` reads the file
/// without locks and without the WAL. Other errors do not indicate damage, since a checkpoint may be in progress.
fn check_header(file: &Path) -> Result<(), StoreError> {
    let Some(mut uri) = std::path::absolute(file)
        .ok()
        .and_then(|path| Url::from_file_path(path).ok())
    else {
        return Ok(());
    };
    uri.set_query(Some("immutable=1"));
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    let checked = Connection::open_with_flags(uri.as_str(), flags)
        .and_then(|connection| connection.pragma_query_value(None, "schema_version", |_| Ok(())));
    match checked {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) => {
            Err(StoreError::Damaged {
                file: file.to_path_buf(),
                detail: "its header is not that of a database".to_owned(),
            })
        }
        _ => Ok(()),
    }
}

/// Sets the journal mode. Retries while another process creates the database, since SQLite does not wait in this case.
fn set_journal(connection: &Connection, journal: &str) -> rusqlite::Result<()> {
    let began = Instant::now();
    loop {
        match connection.pragma_update_and_check(None, "journal_mode", journal, |_| Ok(())) {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && began.elapsed() < BUSY_TIMEOUT =>
            {
                thread::sleep(JOURNAL_INTERVAL);
            }
            done => return done,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opening_waits_until_another_connection_has_created_the_database() {
        let dir = tempfile::tempdir().unwrap();
        let database = Database::in_dir(dir.path()).unwrap();
        let other = Connection::open(database.name()).unwrap();
        other
            .execute_batch("BEGIN IMMEDIATE; CREATE TABLE made (id INTEGER)")
            .unwrap();
        let opening = thread::spawn(move || {
            database
                .open_to_write()
                .map_err(|fault| fault.at(database.name()))
        });
        thread::sleep(Duration::from_millis(100));
        assert!(!opening.is_finished());
        other.execute_batch("COMMIT").unwrap();
        assert!(opening.join().unwrap().is_ok());
    }
}
