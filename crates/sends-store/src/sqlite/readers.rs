//! Pools of connections for reading, on blocking threads.
//!
//! Lookups and searches have separate pools: a lookup takes microseconds and must not wait for a search, which may scan the
//! whole log. A search is stopped at its time limit and when its caller drops the future.

use std::panic;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::Semaphore;
use tokio::{task, time};
use tokio_util::sync::CancellationToken;

use super::connection::Database;
use super::fault::Fault;
use crate::{PoolUse, StoreError};

/// Maximum wait for a free connection.
const MAX_WAIT: Duration = Duration::from_secs(10);

/// The time limit of a search: three times that of the slowest one on a log of 1,000,000 sends (totals by list, with a filter
/// that matches nearly all of them and is not on date and outcome alone).
const SEARCH_TIME: Duration = Duration::from_secs(10);

/// Instructions of SQLite's virtual machine between two checks of the time: about a tenth of a millisecond.
const INSTRUCTIONS_PER_CHECK: i32 = 10_000;

pub(super) struct Readers {
    limit: u32,
    permits: Arc<Semaphore>,
    shared: Arc<Shared>,
    refused: AtomicU64,
}

struct Shared {
    database: Database,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    /// A pool of at most `limit` connections, opened on demand.
    pub(super) fn new(database: Database, limit: u32) -> Self {
        Self {
            limit,
            permits: Arc::new(Semaphore::new(limit as usize)),
            shared: Arc::new(Shared {
                database,
                idle: Mutex::default(),
            }),
            refused: AtomicU64::default(),
        }
    }

    pub(super) fn used(&self) -> PoolUse {
        let free = u32::try_from(self.permits.available_permits()).unwrap_or(self.limit);
        PoolUse {
            limit: self.limit,
            in_use: self.limit.saturating_sub(free),
            refused: self.refused.load(Ordering::Relaxed),
        }
    }

    /// Reads within [`SEARCH_TIME`].
    pub(super) async fn search<T: Send + 'static>(
        &self,
        read: impl FnOnce(&mut Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.search_within(SEARCH_TIME, read).await
    }

    async fn search_within<T: Send + 'static>(
        &self,
        limit: Duration,
        read: impl FnOnce(&mut Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        // Cancelled when the caller drops this future.
        let cancelled = CancellationToken::new();
        let guard = cancelled.clone().drop_guard();
        let found = self.read(move |connection| {
            let end = Instant::now() + limit;
            let is_over = move || Instant::now() >= end || cancelled.is_cancelled();
            connection.progress_handler(INSTRUCTIONS_PER_CHECK, Some(is_over))?;
            let found = read(connection)?;
            connection.progress_handler(0, None::<fn() -> bool>)?;
            Ok(found)
        });
        let found = found.await;
        drop(guard);
        found
    }

    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&mut Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit = time::timeout(MAX_WAIT, Arc::clone(&self.permits).acquire_owned()).await;
        let permit = permit
            .map_err(|_| self.overloaded())?
            .map_err(|_| self.closed())?;
        let shared = Arc::clone(&self.shared);
        let reading = task::spawn_blocking(move || {
            let found = shared.read(read);
            // Closing the store waits for all permits, after which no connection may be in use.
            drop((shared, permit));
            found
        });
        match reading.await {
            Ok(found) => found,
            Err(error) => match error.try_into_panic() {
                Ok(panicked) => panic::resume_unwind(panicked),
                // The runtime has shut down before the start.
                Err(_) => Err(self.closed()),
            },
        }
    }

    /// Waits for reads in progress, rejects others, and closes the connections.
    pub(super) async fn close(&self) {
        // An error means that the pool is closed already.
        if let Ok(all) = self.permits.acquire_many(self.limit).await {
            self.permits.close();
            self.shared.lock().clear();
            drop(all);
        }
    }

    fn overloaded(&self) -> StoreError {
        self.refused.fetch_add(1, Ordering::Relaxed);
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
    fn read<T>(&self, read: impl FnOnce(&mut Connection) -> Result<T, Fault>) -> Result<T, StoreError> {
        let found = self
            .read_with_idle(read)
            .map_err(|fault| fault.at(self.database.name()));
        self.database.watch().read(found.as_ref().err());
        found
    }

    fn read_with_idle<T>(&self, read: impl FnOnce(&mut Connection) -> Result<T, Fault>) -> Result<T, Fault> {
        let idle = self.lock().pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => self.database.open_to_read()?,
        };
        let found = read(&mut connection)?;
        // After a failure, the connection is dropped, since its state is unknown.
        self.lock().push(connection);
        Ok(found)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: u32 = 2;

    fn readers() -> Readers {
        Readers::new(Database::in_memory().unwrap(), LIMIT)
    }

    /// Runs until it is stopped.
    const ENDLESS: &str =
        "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n";

    fn without_end(connection: &mut Connection) -> Result<i64, Fault> {
        Ok(connection.query_one(ENDLESS, (), |row| row.get(0))?)
    }

    #[tokio::test]
    async fn nothing_is_read_after_the_end() {
        let readers = readers();
        assert_eq!(readers.read(|_| Ok(7)).await, Ok(7));
        readers.close().await;
        assert!(readers.shared.lock().is_empty());
        let refused = readers.read(|_| Ok(())).await;
        assert!(matches!(refused, Err(StoreError::Closed { .. })), "{refused:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_read_without_a_connection_is_refused_counted_and_may_come_again() {
        let readers = readers();
        let all = readers.permits.acquire_many(LIMIT).await.unwrap();
        let began = time::Instant::now();
        let refused = readers.read(|_| Ok(())).await;
        assert!(
            matches!(refused, Err(StoreError::Overloaded { .. })),
            "{refused:?}"
        );
        assert_eq!(began.elapsed().as_secs(), MAX_WAIT.as_secs());
        let used = PoolUse {
            limit: LIMIT,
            in_use: LIMIT,
            refused: 1,
        };
        assert_eq!(readers.used(), used);
        drop(all);
        assert_eq!(readers.read(|_| Ok(7)).await, Ok(7));
        assert_eq!(readers.used(), PoolUse { in_use: 0, ..used });
    }

    #[tokio::test]
    async fn a_search_is_stopped_when_its_time_is_up_and_its_connection_dropped() {
        let readers = readers();
        let stopped = readers
            .search_within(Duration::from_millis(20), without_end)
            .await;
        assert!(
            matches!(stopped, Err(StoreError::TookTooLong { .. })),
            "{stopped:?}"
        );
        assert!(readers.shared.lock().is_empty());
        assert_eq!(readers.search(|_| Ok(7)).await, Ok(7));
        // The next search has its own limit.
        assert_eq!(readers.shared.lock().len(), 1);
        assert_eq!(readers.read(|_| Ok(8)).await, Ok(8));
    }

    #[tokio::test]
    async fn a_search_is_stopped_when_its_caller_is_gone() {
        let readers = readers();
        let search = readers.search_within(Duration::from_mins(10), without_end);
        assert!(time::timeout(Duration::from_millis(50), search).await.is_err());
        let all = time::timeout(Duration::from_mins(1), readers.permits.acquire_many(LIMIT)).await;
        assert!(all.is_ok(), "the search continues");
    }
}
