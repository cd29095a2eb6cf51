//! The connections that read.
//!
//! Owns how many reads run at a time, and on which threads. Must not know what is read.
//!
//! A read may wait for the disk, so it runs on a thread that has nothing else to do. To look up a few rows takes less time than
//! it takes to wake that thread and to be woken by it, and the rows are in memory as a rule. So that is done where it is asked
//! for, by one thread at a time: should the disk keep it waiting after all, the runtime's other threads go on.

use std::panic;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::Connection;
use tokio::runtime::Handle;
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
    /// For looking up; opened when it is first needed.
    here: Mutex<Option<Connection>>,
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
            here: Mutex::default(),
        }
    }

    /// Reads a few rows: here where that is possible at once, and else as everything is read.
    pub(super) async fn look_up<T: Send + 'static>(
        &self,
        read: impl Fn(&mut Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        match self.read_here(&read) {
            Some(found) => Ok(found),
            None => self.read(read).await,
        }
    }

    /// `None` when it did not work, for whatever reason.
    fn read_here<T>(&self, read: impl Fn(&mut Connection) -> Result<T, Fault>) -> Option<T> {
        let others_go_on = Handle::current().metrics().num_workers() > 1;
        let _turn = self.turns.try_acquire().ok().filter(|_| others_go_on)?;
        let mut here = self.here.try_lock().ok()?;
        let mut connection = match here.take() {
            Some(connection) => connection,
            None => self.shared.database.open_to_look_up().ok()?,
        };
        let found = read(&mut connection).ok()?;
        *here = Some(connection);
        Some(found)
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
            self.here.lock().unwrap_or_else(PoisonError::into_inner).take();
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
    use std::thread;

    use super::*;

    async fn looked_up_on(readers: &Readers) -> thread::ThreadId {
        readers
            .look_up(|connection| {
                connection.query_one("SELECT count(*) FROM sqlite_schema", (), |_| Ok(()))?;
                Ok(thread::current().id())
            })
            .await
            .unwrap()
    }

    #[expect(clippy::await_holding_lock, reason = "nobody waits for it")]
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_look_up_takes_no_other_thread_unless_somebody_looks_up() {
        let readers = Readers::new(Database::in_memory().unwrap());
        let this = thread::current().id();
        assert_eq!(looked_up_on(&readers).await, this);
        let somebody = readers.here.lock().unwrap();
        assert_ne!(looked_up_on(&readers).await, this);
        drop(somebody);
        assert_eq!(looked_up_on(&readers).await, this);
    }

    #[tokio::test]
    async fn the_only_thread_of_a_runtime_does_not_wait_for_the_disk() {
        let readers = Readers::new(Database::in_memory().unwrap());
        assert_ne!(looked_up_on(&readers).await, thread::current().id());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_is_locked_is_waited_for_on_another_thread() {
        let database = Database::in_memory().unwrap();
        let readers = Readers::new(database.clone());
        looked_up_on(&readers).await;
        let writer = database.open_to_write().map_err(drop).unwrap();
        writer.execute_batch("BEGIN EXCLUSIVE").unwrap();
        let unlocked = thread::spawn(move || {
            thread::sleep(Duration::from_millis(50));
            writer.execute_batch("COMMIT").unwrap();
        });
        assert_ne!(looked_up_on(&readers).await, thread::current().id());
        unlocked.join().unwrap();
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn nothing_is_looked_up_after_the_end() {
        let readers = Readers::new(Database::in_memory().unwrap());
        looked_up_on(&readers).await;
        readers.close().await;
        assert!(readers.here.lock().unwrap().is_none());
        let refused = readers.look_up(|_| Ok(())).await;
        assert!(matches!(refused, Err(StoreError::Closed { .. })), "{refused:?}");
    }

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
