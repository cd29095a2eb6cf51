//! The connections that read.
//!
//! Owns how many reads run at a time, and on which threads. Must not know what is read.

use std::panic;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::Semaphore;
use tokio::{task, time};

use super::connection::Database;
use super::fault::Fault;
use crate::StoreError;

/// Reads are short; more readers than this wait for the disk and the cores, not for each other.
const READERS: u32 = 4;

/// Whoever has not had a turn by then is told so, rather than left waiting behind searches that take their time.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

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
        let turn = time::timeout(LONGEST_WAIT, Arc::clone(&self.turns).acquire_owned()).await;
        let turn = turn.map_err(|_| self.overloaded())?.map_err(|_| self.closed())?;
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

    fn overloaded(&self) -> StoreError {
        StoreError::Overloaded {
            file: self.shared.database.name().to_path_buf(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_has_no_turn_for_long_is_told_so_and_may_come_again() {
        let readers = Readers::new(Database::in_memory().unwrap());
        let all = readers.turns.acquire_many(READERS).await.unwrap();
        let began = time::Instant::now();
        let refused = readers.read(|_| Ok(())).await;
        assert!(
            matches!(refused, Err(StoreError::Overloaded { .. })),
            "{refused:?}"
        );
        assert_eq!(began.elapsed().as_secs(), LONGEST_WAIT.as_secs());
        drop(all);
        assert_eq!(readers.read(|_| Ok(7)).await, Ok(7));
    }
}
