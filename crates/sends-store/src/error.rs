//! Error type of the stores. Each message names the file, the cause and the next step.

use std::path::{Path, PathBuf};

use rusqlite::Error;
use rusqlite::ffi;

/// Failure to open, read or write a store.
///
/// "Rebuild" in a message refers to [`SqliteStore::rebuild`](crate::SqliteStore::rebuild), which moves the file aside and loses
/// the cache and the daily call count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    #[error("the store {} is damaged ({detail}): rebuild it, which costs calls but no data", .file.display())]
    Damaged { file: PathBuf, detail: String },
    #[error("{} is not a store: move the file to another directory, or rebuild the store", .file.display())]
    NotADatabase { file: PathBuf },
    #[error(
        "the store {} was written by another version of this program (schema {version}): \
         use that version, or rebuild the store", .file.display()
    )]
    UnknownSchema { file: PathBuf, version: i64 },
    #[error(
        "the store {} is accessible to other users (mode {mode:03o}): run chmod 600 on it and start again",
        .file.display()
    )]
    Exposed { file: PathBuf, mode: u32 },
    #[error(
        "{} cannot be opened or written ({detail}): \
         give this user write access to it and its directory, or choose another state directory",
        .path.display()
    )]
    NotWritable { path: PathBuf, detail: String },
    /// Reads continue to work.
    #[error("the store {} cannot be written because the disk is full: free some space", .file.display())]
    DiskFull { file: PathBuf },
    /// Another process held the lock beyond the busy timeout, or the store to rebuild is in use.
    #[error("the store {} is locked by another process: wait until that has finished, or stop it", .file.display())]
    Busy { file: PathBuf },
    /// The file was removed or replaced while in use. Reads continue from the open file. Writes fail because their data would
    /// be lost with the process.
    #[error(
        "the store {} was removed or replaced while it was in use ({detail}): restore it, or restart the service \
         to use the file that is now at this path", .file.display()
    )]
    Gone { file: PathBuf, detail: String },
    #[error(
        "the store {} cannot be read or written because the disk failed ({detail}): check the system log, \
         and rebuild the store on another disk if the failure persists", .file.display()
    )]
    DiskFailed { file: PathBuf, detail: String },
    /// No read connection became free within 10 seconds.
    #[error("the store {} is overloaded by other reads: try again with a narrower search", .file.display())]
    Overloaded { file: PathBuf },
    #[error("a search of the store {} was stopped after 10 seconds: search a shorter period or fewer sends", .file.display())]
    TookTooLong { file: PathBuf },
    #[error("the store {} is closed: this process is shutting down", .file.display())]
    Closed { file: PathBuf },
    #[error("the store {} failed ({detail}): try again, and rebuild it if that does not help", .file.display())]
    Failed { file: PathBuf, detail: String },
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
            // The statements match the schema's columns and types, so a conversion error means that the row is damaged.
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

    /// Maps an [extended result code](https://sqlite.org/rescode.html), whose low byte is the primary code.
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
