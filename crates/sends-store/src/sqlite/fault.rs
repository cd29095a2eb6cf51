//! What goes wrong between the tables and their users.
//!
//! Must not know which file it is about: that is said where a fault leaves for the outside.

use std::path::Path;

use crate::StoreError;

/// Why something could not be read or written, or is not what was written.
pub(super) enum Fault {
    Sqlite(rusqlite::Error),
    Row(&'static str),
    /// The tables are of this version, which is not known here.
    UnknownSchema(i64),
    /// It is already said what is wrong with which file.
    Store(StoreError),
}

impl<E: Into<rusqlite::Error>> From<E> for Fault {
    fn from(error: E) -> Self {
        Self::Sqlite(error.into())
    }
}

impl Fault {
    pub(super) fn at(self, file: &Path) -> StoreError {
        let path = file.to_path_buf();
        match self {
            Self::Sqlite(error) => StoreError::from_sqlite(file, &error),
            Self::Row(detail) => StoreError::Damaged {
                file: path,
                detail: detail.to_owned(),
            },
            Self::Store(error) => error,
            Self::UnknownSchema(version) => StoreError::UnknownSchema { file: path, version },
        }
    }
}
