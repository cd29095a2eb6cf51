//! The connections that read.
//!
//! Owns how many reads run at a time, and on which threads. Must not know what is read.

use std::panic;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;
use tokio::task;

use super::connection::Database;
use super::fault::Fault;
use crate::StoreError;

/// Reads are short; more readers than this wait for the disk and the cores, not for each other.
const READERS: u32 = 4;

/// The way to read. What began to read goes on when nobody waits for it any more.
pub(super) struct Readers {
    /// Closed with the store.
    turns: Arc<Semaphore>,
    shared: Arc<Shared>,
}

struct Shared {
    database: Database,
    /// As many as were needed at a time, and nobody reads with.
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(super) fn new(database: Database) -> Self {
        let idle = Mutex::default();
        Self {
            turns: Arc::new(Semaphore::new(READERS as usize)),
            shared: Arc::new(Shared { database, idle }),
        }
    }

    /// Reads on a thread that may wait for the disk.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&mut Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let turn = turn.map_err(|_| self.closed())?;
        let shared = Arc::clone(&self.shared);
        let reading = task::spawn_blocking(move || {
            let found = shared.read(read);
            // Whoever waits for the turn to close the store finds that nobody holds on to it.
            drop((shared, turn));
            found
        });
        match reading.await {
            Ok(found) => found.map_err(|fault| fault.at(self.shared.database.name())),
            Err(error) => match error.try_into_panic() {
                Ok(panicked) => panic::resume_unwind(panicked),
                // The runtime ends before it began.
                Err(_) => Err(self.closed()),
            },
        }
    }

    /// Waits for the reads that have begun, refuses all others, and closes the connections.
    pub(super) async fn close(&self) {
        // An error means that another `close` was first.
        if let Ok(all) = self.turns.acquire_many(READERS).await {
            self.turns.close();
            self.shared.lock().clear();
            drop(all);
        }
    }

    fn closed(&self) -> StoreError {
        StoreError::Closed {
            file: self.shared.database.name().to_path_buf(),
        }
    }
}

impl Shared {
    fn read<T>(&self, read: impl FnOnce(&mut Connection) -> Result<T, Fault>) -> Result<T, Fault> {
        let idle = self.lock().pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => self.database.open_to_read()?,
        };
        let found = read(&mut connection)?;
        // After a failure a new one is clean, whatever state this one is in.
        self.lock().push(connection);
        Ok(found)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
