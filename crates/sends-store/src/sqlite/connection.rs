//! Connections to the database: where it is, and the settings of whoever writes and whoever reads.
//!
//! Must not know what is in it.

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

/// How long one process waits for another one's transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// How often whoever makes the database tries to give it its journal while others have it open.
const JOURNAL_INTERVAL: Duration = Duration::from_millis(1);

/// SQLite's own name for files that are only in memory.
const IN_MEMORY: &str = "memdb";

/// In KiB, as the minus sign says, and SQLite's own default: there are several readers, and the system keeps the file's pages for
/// all of them.
const READER_CACHE: i64 = -2_000;

/// Answers come in no order, so each one touches another page of the key's index.
const WRITER_CACHE: i64 = -16_384;

/// More than there are statements with a text that stays the same.
const STATEMENTS: usize = 64;

/// Where a database is. It is there, and nobody rebuilds it, for as long as somebody has one of these.
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
    /// Gone when no connection is left.
    Memory {
        _lasting: Arc<Mutex<Connection>>,
    },
    /// On a simulated disk, for one connection.
    #[cfg(test)]
    Vfs(&'static str),
}

impl Database {
    /// The one of a state directory, which is made if it is not there.
    pub(super) fn in_dir(dir: &Path) -> Result<Self, StoreError> {
        let name = files::prepare(dir)?;
        let place = Place::File {
            _lock: Arc::new(files::lock_shared(dir)?),
        };
        let watch = Arc::new(Watch::of_file(&name)?);
        Ok(Self { name, place, watch })
    }

    /// One of its own.
    pub(super) fn in_memory() -> Result<Self, StoreError> {
        static DATABASES: AtomicU64 = AtomicU64::new(0);
        // A name that begins with a slash is one database for all connections of the process.
        let name = PathBuf::from(format!("/sends-{}", DATABASES.fetch_add(1, Ordering::Relaxed)));
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        let lasting = Connection::open_with_flags_and_vfs(&name, flags, IN_MEMORY);
        let lasting = lasting.map_err(|error| StoreError::from_sqlite(&name, &error))?;
        let place = Place::Memory {
            _lasting: Arc::new(Mutex::new(lasting)),
        };
        let watch = Arc::default();
        Ok(Self { name, place, watch })
    }

    /// One on a VFS that is registered under this name.
    #[cfg(test)]
    pub(super) fn on_vfs(name: &str, vfs: &'static str) -> Self {
        Self {
            name: name.into(),
            place: Place::Vfs(vfs),
            watch: Arc::default(),
        }
    }

    /// What goes wrong with it.
    pub(super) fn watch(&self) -> &Watch {
        &self.watch
    }

    /// What has gone wrong with it, with a look at the file.
    pub(super) fn health(&self) -> Health {
        let header = match self.place {
            Place::File { .. } if self.watch.check_place().is_ok() => check_header(&self.name),
            _ => Ok(()),
        };
        self.watch.health(header)
    }

    /// The file, or the name in memory.
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
            checkpoints::follow(&mut connection, self)?;
        }
        Ok(connection)
    }

    /// Moves the write-ahead log into the file, as far as nobody has to wait for that.
    pub(super) fn checkpoint(&self) -> Result<(), Fault> {
        let connection = self.open(OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        // Only a connection that has read has opened the log, and without it a checkpoint does nothing.
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
        // Each connection is one thread's at a time, so it needs no lock of SQLite's.
        let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = match self.place {
            Place::File { .. } => Connection::open_with_flags(&self.name, flags)?,
            Place::Memory { .. } => Connection::open_with_flags_and_vfs(&self.name, flags, IN_MEMORY)?,
            #[cfg(test)]
            Place::Vfs(vfs) => {
                let connection = Connection::open_with_flags_and_vfs(&self.name, flags, vfs)?;
                connection.pragma_update_and_check(None, "locking_mode", "EXCLUSIVE", |_| Ok(()))?;
                connection
            }
        };
        // Another file in its place is another database.
        self.watch.check_place().map_err(Fault::Store)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        Ok(connection)
    }
}

/// [`StoreError::Damaged`] where the file does not begin as a database does. A file without content does.
///
/// The look is SQLite's own: a file opened and closed beside it would drop its locks. `immutable` reads the file itself, without
/// its locks and its write-ahead log. What else SQLite says is no damage: the pages may be on their way from the log to the file.
fn check_header(file: &Path) -> Result<(), StoreError> {
    let Some(mut uri) = std::path::absolute(file)
        .ok()
        .and_then(|path| Url::from_file_path(path).ok())
    else {
        return Ok(());
    };
    uri.set_query(Some("immutable=1"));
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    let looked = Connection::open_with_flags(uri.as_str(), flags)
        .and_then(|connection| connection.pragma_query_value(None, "schema_version", |_| Ok(())));
    match looked {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) => {
            Err(StoreError::Damaged {
                file: file.to_path_buf(),
                detail: "its header is not that of a database".to_owned(),
            })
        }
        _ => Ok(()),
    }
}

/// Sets the journal, for which SQLite itself waits for nobody: a process that makes the same database at this moment is enough for
/// it to fail.
fn set_journal(connection: &Connection, journal: &str) -> rusqlite::Result<()> {
    let began = Instant::now();
    loop {
        // It answers with the journal there is then.
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
    fn a_database_that_is_being_made_by_another_one_is_waited_for() {
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
