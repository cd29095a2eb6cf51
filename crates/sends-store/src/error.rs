//! The one error of a store: what is wrong with which file, and what to do about it.
//!
//! Owns the wording, in one sentence for the operator. Must not know which operation failed.

use std::path::{Path, PathBuf};

use rusqlite::Error;
use rusqlite::ffi;

/// Why a store could not be opened, read or written.
///
/// `Display` names the file and what to do. "Rebuild" stands for [`SqliteStore::rebuild`](crate::SqliteStore::rebuild):
/// it sets the file aside, and what is lost is only a cache and the day's count of calls.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The file is a database, but its content contradicts itself.
    #[error("the store {} is damaged ({detail}): rebuild it, which costs calls but no data", .file.display())]
    Damaged {
        /// The damaged file.
        file: PathBuf,
        /// What was found.
        detail: String,
    },
    /// The file is something else than a database, or so damaged that it cannot be told.
    #[error("{} is not a store: move it away if it is yours, or rebuild the store", .file.display())]
    NotADatabase {
        /// The file.
        file: PathBuf,
    },
    /// The store's tables are of a version that this program does not know: a newer one, or one before the first release.
    #[error(
        "the store {} was written by another version of this program (schema {version}): \
         use that version, or rebuild the store", .file.display()
    )]
    UnknownSchema {
        /// The store's file.
        file: PathBuf,
        /// The schema version this program does not know.
        version: i64,
    },
    /// Others than the file's owner may read or write it.
    #[error(
        "others can access the store {} (mode {mode:03o}): take that away with chmod 600 and start again",
        .file.display()
    )]
    Exposed {
        /// The file others have access to.
        file: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file or its directory cannot be created, opened or written.
    #[error(
        "{} cannot be opened or written ({detail}): \
         give this user write access to it and its directory, or choose another state directory",
        .path.display()
    )]
    NotWritable {
        /// The file or directory.
        path: PathBuf,
        /// What the operating system or the database said.
        detail: String,
    },
    /// The disk has no room left. What was kept before can still be read.
    #[error("no room is left on the disk to write the store {}: free some space", .file.display())]
    DiskFull {
        /// The store's file.
        file: PathBuf,
    },
    /// Another process kept the store locked for longer than a write is expected to take.
    #[error("another process keeps the store {} locked: wait for it to finish, or end it", .file.display())]
    Busy {
        /// The store's file.
        file: PathBuf,
    },
    /// The file was removed or replaced while it was in use. What the store held is read on from the file that is still open;
    /// changes fail, since they would be lost with the process.
    #[error(
        "the store {} was removed or replaced while it was in use ({detail}): put it back, or restart the service, \
         which then begins with what is there", .file.display()
    )]
    Gone {
        /// Where the store's file was.
        file: PathBuf,
        /// What is there instead, or what the operating system said.
        detail: String,
    },
    /// The disk or the file system failed.
    #[error(
        "the disk failed to read or write the store {} ({detail}): look into the system's log for the disk, \
         and rebuild the store on another one if it goes on", .file.display()
    )]
    DiskFailed {
        /// The store's file.
        file: PathBuf,
        /// What the database or the operating system said.
        detail: String,
    },
    /// This process reads so much from the store that a read had no turn for 10 seconds.
    #[error("the store {} is busy with other reads: try again, and search for less at a time", .file.display())]
    Overloaded {
        /// The store's file.
        file: PathBuf,
    },
    /// A search of the log was stopped after the time that a search may take (10 seconds).
    #[error("a search of the store {} was stopped after 10 seconds: search for a shorter time or for fewer sends", .file.display())]
    TookTooLong {
        /// The store's file.
        file: PathBuf,
    },
    /// The store was closed by its own process.
    #[error("the store {} is closed: this process is shutting down", .file.display())]
    Closed {
        /// The store's file.
        file: PathBuf,
    },
    /// Something else failed.
    #[error("the store {} failed ({detail}): try again, and rebuild it if that does not help", .file.display())]
    Failed {
        /// The store's file.
        file: PathBuf,
        /// What the database or the operating system said.
        detail: String,
    },
}

impl StoreError {
    pub(crate) fn from_sqlite(file: &Path, error: &rusqlite::Error) -> Self {
        let path = file.to_path_buf();
        let detail = error.to_string();
        match error {
            Error::SqliteFailure(code, message) => {
                let detail = message.clone().unwrap_or(detail);
                Self::from_result_code(path, code.extended_code, detail)
            }
            // The statements ask for columns and types that exist in the schema: it is the row that is wrong.
            Error::FromSqlConversionFailure(..)
            | Error::IntegralValueOutOfRange(..)
            | Error::InvalidColumnType(..)
            | Error::Utf8Error(..) => Self::Damaged { file: path, detail },
            _ => Self::Failed { file: path, detail },
        }
    }

    pub(crate) fn from_io(path: &Path, error: &std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::StorageFull {
            return Self::DiskFull {
                file: path.to_path_buf(),
            };
        }
        Self::NotWritable {
            path: path.to_path_buf(),
            detail: error.to_string(),
        }
    }

    /// `code` is an extended result code, whose low byte is the primary one: <https://sqlite.org/rescode.html>.
    fn from_result_code(file: PathBuf, code: i32, detail: String) -> Self {
        match code & 0xff {
            ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED => Self::Busy { file },
            ffi::SQLITE_CORRUPT => Self::Damaged { file, detail },
            ffi::SQLITE_NOTADB => Self::NotADatabase { file },
            ffi::SQLITE_FULL => Self::DiskFull { file },
            ffi::SQLITE_INTERRUPT => Self::TookTooLong { file },
            ffi::SQLITE_IOERR => Self::DiskFailed {
                file,
                detail: format!("{detail}, SQLite's code {code}"),
            },
            ffi::SQLITE_PERM | ffi::SQLITE_READONLY | ffi::SQLITE_CANTOPEN => {
                Self::NotWritable { path: file, detail }
            }
            _ => Self::Failed { file, detail },
        }
    }
}
