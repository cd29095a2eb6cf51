//! The migrations of a store's tables (`migrations/`), and the refusal of a store whose version is unknown.
//!
//! The version is SQLite's `user_version`. It is read only within the transaction that changes it: of two processes that
//! start at the same time the second waits, and finds everything done.

use rusqlite::{Connection, TransactionBehavior};

use super::connection::Database;
use super::fault::Fault;
use crate::StoreError;

/// All migrations, in order. One that was released is never changed.
const MIGRATIONS: [&str; 1] = [include_str!("../../migrations/0001_store.sql")];

/// The version that the first migration leads to. Stores of development versions before the first release have lower ones.
const FIRST_VERSION: i64 = 9;

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
    let version: i64 = transaction.pragma_query_value(None, VERSION, |row| row.get(0))?;
    let done = match version {
        0 => Some(0),
        _ => usize::try_from(version - FIRST_VERSION + 1)
            .ok()
            .filter(|&done| done > 0),
    };
    let missing = done
        .and_then(|done| migrations.get(done..))
        .ok_or(Fault::UnknownSchema(version))?;
    for (migration, leads_to) in missing.iter().zip(FIRST_VERSION.max(version + 1)..) {
        transaction.execute_batch(migration)?;
        transaction.pragma_update(None, VERSION, leads_to)?;
    }
    Ok(transaction.commit()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: &str = "CREATE TABLE second (id INTEGER PRIMARY KEY) STRICT";

    fn version(connection: &Connection) -> i64 {
        connection
            .pragma_query_value(None, VERSION, |row| row.get(0))
            .unwrap()
    }

    #[test]
    fn missing_migrations_are_applied_once() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&MIGRATIONS, &mut connection).map_err(drop).unwrap();
        assert_eq!(version(&connection), FIRST_VERSION);
        let with_second = [MIGRATIONS[0], SECOND];
        for _ in 0..2 {
            migrate(&with_second, &mut connection).map_err(drop).unwrap();
            assert_eq!(version(&connection), FIRST_VERSION + 1);
        }
        assert!(connection.table_exists(None, "second").unwrap());
    }

    #[test]
    fn unknown_versions_are_refused() {
        for version in [-1, 1, FIRST_VERSION - 1, FIRST_VERSION + 1] {
            let mut connection = Connection::open_in_memory().unwrap();
            connection.pragma_update(None, VERSION, version).unwrap();
            let refused = migrate(&MIGRATIONS, &mut connection);
            assert!(matches!(refused, Err(Fault::UnknownSchema(found)) if found == version));
        }
    }
}
