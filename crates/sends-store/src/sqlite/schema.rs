//! Creation of the tables (`schema.sql`), and check of the schema version.
//!
//! The version is SQLite's `user_version`, which is read in the transaction that sets it. If two processes start concurrently,
//! the second waits and finds the tables.

use rusqlite::{Connection, TransactionBehavior};

use super::connection::Database;
use super::fault::Fault;
use crate::StoreError;

const SCHEMA: &str = include_str!("schema.sql");

/// Version of [`SCHEMA`]. Development versions before the first release had lower numbers.
const SCHEMA_VERSION: i64 = 9;

const VERSION: &str = "user_version";

pub(super) fn open(database: &Database) -> Result<Connection, StoreError> {
    let at = |fault: Fault| fault.at(database.name());
    let mut connection = database.open_to_write().map_err(at)?;
    create_tables(&mut connection).map_err(at)?;
    Ok(connection)
}

fn create_tables(connection: &mut Connection) -> Result<(), Fault> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    match transaction.pragma_query_value(None, VERSION, |row| row.get(0))? {
        0 => {
            transaction.execute_batch(SCHEMA)?;
            transaction.pragma_update(None, VERSION, SCHEMA_VERSION)?;
        }
        SCHEMA_VERSION => {}
        other => return Err(Fault::UnknownSchema(other)),
    }
    Ok(transaction.commit()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_created_once() {
        let mut connection = Connection::open_in_memory().unwrap();
        for _ in 0..2 {
            create_tables(&mut connection).map_err(drop).unwrap();
            let version: i64 = connection
                .pragma_query_value(None, VERSION, |row| row.get(0))
                .unwrap();
            assert_eq!(version, SCHEMA_VERSION);
        }
    }

    #[test]
    fn unknown_versions_are_rejected() {
        for version in [-1, 1, SCHEMA_VERSION - 1, SCHEMA_VERSION + 1] {
            let mut connection = Connection::open_in_memory().unwrap();
            connection.pragma_update(None, VERSION, version).unwrap();
            let rejected = create_tables(&mut connection);
            assert!(matches!(rejected, Err(Fault::UnknownSchema(found)) if found == version));
        }
    }
}
