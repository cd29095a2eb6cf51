//! The tables' versions.
//!
//! Owns which migrations there are and that a store of a newer version is refused. The tables themselves are in
//! `migrations/`. Must not know what is read from them or written to them.
//!
//! The version is SQLite's `user_version`. It is looked at only within the transaction that changes it: of two processes that
//! start at the same time the second waits, and finds everything done.

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::connection::Database;
use super::fault::Fault;
use crate::StoreError;

/// Every migration there ever was, in order; the first one leads to version 1. One that was released is never changed.
const MIGRATIONS: [&str; 7] = [
    include_str!("../../migrations/0001_kept_answers.sql"),
    include_str!("../../migrations/0002_send_log.sql"),
    include_str!("../../migrations/0003_unreadable.sql"),
    include_str!("../../migrations/0004_passing_owners.sql"),
    include_str!("../../migrations/0005_as_it_came.sql"),
    include_str!("../../migrations/0006_marks.sql"),
    include_str!("../../migrations/0007_checks.sql"),
];

const VERSION: &str = "user_version";

/// A connection that writes to tables of this version.
pub(super) fn open(database: &Database) -> Result<Connection, StoreError> {
    let at = |fault: Fault| fault.at(database.name());
    let mut connection = database.open_to_write().map_err(at)?;
    migrate(&MIGRATIONS, &mut connection).map_err(at)?;
    Ok(connection)
}

fn migrate(migrations: &[&str], connection: &mut Connection) -> Result<(), Fault> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version = version(&transaction)?;
    let known = usize::try_from(version).map_err(|_| Fault::Row("a version below 0"))?;
    let missing = migrations.get(known..).ok_or(Fault::NewerSchema(version))?;
    for (migration, leads_to) in missing.iter().zip(version + 1..) {
        transaction.execute_batch(migration)?;
        transaction.pragma_update(None, VERSION, leads_to)?;
    }
    Ok(transaction.commit()?)
}

/// The version of the tables, which the first programs noted in a table of its own.
fn version(transaction: &Transaction<'_>) -> rusqlite::Result<i64> {
    const FORMER: &str = "_sqlx_migrations";
    if transaction.table_exists(None, FORMER)? {
        let version: i64 =
            transaction.query_one("SELECT max(version) FROM _sqlx_migrations", (), |row| row.get(0))?;
        transaction.pragma_update(None, VERSION, version)?;
        transaction.execute_batch("DROP TABLE _sqlx_migrations")?;
    }
    transaction.pragma_query_value(None, VERSION, |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use sends_core::{ActivityId, ListId, SegmentId, SendFilter};

    use super::*;
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

    /// As the first programs left it.
    const FORMER_RECORD: &str = "
        CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY);
        INSERT INTO _sqlx_migrations VALUES (1);
        PRAGMA user_version = 0;
    ";

    #[tokio::test]
    async fn a_store_of_the_first_version_becomes_a_log() {
        for former_record in ["", FORMER_RECORD] {
            let dir = tempfile::tempdir().unwrap();
            let database = Database::in_dir(dir.path()).unwrap();
            let mut connection = database.open_to_write().map_err(drop).unwrap();
            migrate(&MIGRATIONS[..1], &mut connection).map_err(drop).unwrap();
            connection.execute_batch(FIRST_VERSION).unwrap();
            connection.execute_batch(former_record).unwrap();
            drop((connection, database));

            let store = SqliteStore::open(dir.path()).await.unwrap();
            check_log(&store).await;
        }
    }

    async fn check_log(store: &SqliteStore) {
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
