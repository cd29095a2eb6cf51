//! Pools of read connections, used on blocking threads.
//!
//! Lookups and searches have separate pools as bulkheads: a lookup takes microseconds and must not wait for a search, which may
//! scan the whole log. A search is interrupted at its time limit, or when its caller drops the future.

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

/// Time limit of a search: three times the maximum measured on a log of 1,000,000 sends. The slowest search was totals by list,
/// with a filter on more than date and outcome that matches nearly all sends.
const SEARCH_TIMEOUT: Duration = Duration::from_secs(10);

/// Number of virtual machine instructions between two checks of the time limit, about a tenth of a millisecond.
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

    pub(super) async fn search<T: Send + 'static>(
        &self,
        read: impl FnOnce(&mut Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.search_within(SEARCH_TIMEOUT, read).await
    }

    async fn search_within<T: Send + 'static>(
        &self,
        limit: Duration,
        read: impl FnOnce(&mut Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        // Dropping this future cancels the token.
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
            // The connection must be returned before the permit, since closing the store waits for all permits.
            drop((shared, permit));
            found
        });
        match reading.await {
            Ok(found) => found,
            Err(error) => match error.try_into_panic() {
                Ok(panicked) => panic::resume_unwind(panicked),
                // The runtime shut down before the read started.
                Err(_) => Err(self.closed()),
            },
        }
    }

    pub(super) async fn close(&self) {
        // An error means that the pool is already closed.
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
        self.database.watch().record_read(found.as_ref().err());
        found
    }

    fn read_with_idle<T>(&self, read: impl FnOnce(&mut Connection) -> Result<T, Fault>) -> Result<T, Fault> {
        let idle = self.lock().pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => self.database.open_to_read()?,
        };
        let found = read(&mut connection)?;
        // A failed read drops its connection, since the state of the connection is unknown.
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

    const ENDLESS: &str =
        "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n";

    fn run_endless_query(connection: &mut Connection) -> Result<i64, Fault> {
        Ok(connection.query_one(ENDLESS, (), |row| row.get(0))?)
    }

    #[tokio::test]
    async fn reads_after_close_are_rejected() {
        let readers = readers();
        assert_eq!(readers.read(|_| Ok(7)).await, Ok(7));
        readers.close().await;
        assert!(readers.shared.lock().is_empty());
        let rejected = readers.read(|_| Ok(())).await;
        assert!(matches!(rejected, Err(StoreError::Closed { .. })), "{rejected:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn read_without_a_free_connection_is_rejected_and_counted() {
        let readers = readers();
        let all = readers.permits.acquire_many(LIMIT).await.unwrap();
        let began = time::Instant::now();
        let rejected = readers.read(|_| Ok(())).await;
        assert!(
            matches!(rejected, Err(StoreError::Overloaded { .. })),
            "{rejected:?}"
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
    async fn search_is_interrupted_at_its_time_limit() {
        let readers = readers();
        let stopped = readers
            .search_within(Duration::from_millis(20), run_endless_query)
            .await;
        assert!(
            matches!(stopped, Err(StoreError::TookTooLong { .. })),
            "{stopped:?}"
        );
        assert!(readers.shared.lock().is_empty());
        assert_eq!(readers.search(|_| Ok(7)).await, Ok(7));
        // The time limit of the interrupted search does not apply to later reads.
        assert_eq!(readers.shared.lock().len(), 1);
        assert_eq!(readers.read(|_| Ok(8)).await, Ok(8));
    }

    #[tokio::test]
    async fn search_is_interrupted_when_its_future_is_dropped() {
        let readers = readers();
        let search = readers.search_within(Duration::from_mins(10), run_endless_query);
        assert!(time::timeout(Duration::from_millis(50), search).await.is_err());
        let all = time::timeout(Duration::from_mins(1), readers.permits.acquire_many(LIMIT)).await;
        assert!(all.is_ok(), "the search was not interrupted");
    }
}
