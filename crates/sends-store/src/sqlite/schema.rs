//! The tables' versions.
//!
//! Owns which migrations there are and that a store of a newer version is refused. The tables themselves are in
//! `migrations/`. Must not know what is read from them or written to them.

use std::path::Path;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{Connection, SqlSafeStr, SqliteConnection};

use crate::StoreError;

/// Every migration there ever was, in order. One that was released is never changed: its checksum is in the stores.
///
/// They are listed here and not found by `sqlx::migrate!`, whose macro would build SQLite a second time.
const MIGRATIONS: [(i64, &str, &str); 1] = [(
    1,
    "kept answers",
    include_str!("../../migrations/0001_kept_answers.sql"),
)];

/// Brings the tables to this version.
pub(super) async fn migrate(connection: &mut SqliteConnection, file: &Path) -> Result<(), StoreError> {
    let migrator = Migrator::with_migrations(
        MIGRATIONS
            .into_iter()
            .map(|(version, description, sql)| {
                Migration::new(
                    version,
                    description.into(),
                    MigrationType::Simple,
                    sql.into_sql_str(),
                    false,
                )
            })
            .collect(),
    );
    let sqlx = |error| StoreError::from_sqlx(file, &error);
    // All of it in one transaction that begins as a writer: of two processes that start at the same time the second
    // waits, and finds everything done.
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(sqlx)?;
    migrator
        .run_direct(None, &mut *transaction, false)
        .await
        .map_err(|error| StoreError::from_migration(file, &error))?;
    transaction.commit().await.map_err(sqlx)
}
