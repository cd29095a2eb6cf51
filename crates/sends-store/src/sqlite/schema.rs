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
const MIGRATIONS: [(i64, &str, &str); 4] = [
    (
        1,
        "kept answers",
        include_str!("../../migrations/0001_kept_answers.sql"),
    ),
    (2, "send log", include_str!("../../migrations/0002_send_log.sql")),
    (
        3,
        "unreadable",
        include_str!("../../migrations/0003_unreadable.sql"),
    ),
    (
        4,
        "passing owners",
        include_str!("../../migrations/0004_passing_owners.sql"),
    ),
];

/// Brings the tables to this version.
pub(super) async fn migrate(connection: &mut SqliteConnection, file: &Path) -> Result<(), StoreError> {
    migrate_by(&MIGRATIONS, connection, file).await
}

async fn migrate_by(
    migrations: &[(i64, &'static str, &'static str)],
    connection: &mut SqliteConnection,
    file: &Path,
) -> Result<(), StoreError> {
    let migrator = Migrator::with_migrations(
        migrations
            .iter()
            .map(|&(version, description, sql)| {
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

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use sends_core::{ActivityId, ListId, SegmentId, SendFilter};
    use sqlx::ConnectOptions;
    use sqlx::sqlite::SqliteConnectOptions;

    use super::*;
    use crate::sqlite::files;
    use crate::{Answer, LogFilter, LogPageRequest, Owner, SendLog, SqliteStore, Store};

    const FIRST_VERSION: &str = r#"
        INSERT INTO owner (id, key) VALUES (4, zeroblob(16));
        INSERT INTO activity_history (id, owner, activity, fetched_at, fetched_at_nanos, sends)
        VALUES (5, 4, zeroblob(16), 100, 0, 2);
        INSERT INTO send (history, ordinal, owner, send_id, run_date, run_date_nanos, status, reason_code, outcome, count,
                          contact_list_ids, segment_ids)
        VALUES (5, 0, 4, 1, 10, 0, 'COMPLETED', 0, 1, 7, x'0000000000000000000000000000000100000000000000000000000000000000', NULL),
               (5, 1, 4, 2, 20, 0, 'COMPLETED', 12, 4, 0, '["A list"]', '[3,4]');
    "#;

    #[tokio::test]
    async fn a_store_of_the_first_version_becomes_a_log() {
        let dir = tempfile::tempdir().unwrap();
        let file = files::prepare(dir.path()).unwrap();
        let options = SqliteConnectOptions::new().filename(&file);
        let mut connection = options.connect().await.unwrap();
        migrate_by(&MIGRATIONS[..1], &mut connection, &file)
            .await
            .unwrap();
        sqlx::raw_sql(FIRST_VERSION)
            .execute(&mut connection)
            .await
            .unwrap();
        connection.close().await.unwrap();

        let store = SqliteStore::open(dir.path()).await.unwrap();
        let owner = Owner::new([0; 16]);
        let kept = store
            .history(owner, ActivityId::from_bytes([0; 16]), Timestamp::MAX)
            .await
            .unwrap();
        let Some(Answer::History(history)) = kept.map(|kept| kept.answer) else {
            panic!("the history is still there")
        };
        let request = LogPageRequest {
            limit: 9,
            ..LogPageRequest::default()
        };
        let page = store.page(owner, &LogFilter::default(), request).await.unwrap();
        let sends: Vec<_> = page.sends.into_iter().map(|logged| logged.send).rev().collect();
        assert_eq!(sends, history.sends());

        let lists = [
            "00000000-0000-0000-0000-000000000001",
            "00000000-0000-0000-0000-000000000000",
            "A list",
        ];
        let by_list = lists.map(|list| SendFilter {
            contact_lists: vec![ListId::from(list)],
            ..SendFilter::default()
        });
        let by_segment = SendFilter {
            segments: vec![SegmentId::new(4)],
            ..SendFilter::default()
        };
        for send in by_list.into_iter().chain([by_segment]) {
            let filter = LogFilter {
                send,
                ..LogFilter::default()
            };
            assert_eq!(store.count(owner, &filter).await.unwrap(), 1, "{filter:?}");
        }
    }
}
