//! Failure of the database code that does not name the file yet.

use std::path::Path;

use crate::StoreError;

pub(super) enum Fault {
    Sqlite(rusqlite::Error),
    Row(&'static str),
    UnknownSchema(i64),
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
