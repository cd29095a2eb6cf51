//! Writer thread, which groups queued changes into transactions.
//!
//! SQLite allows one writer at a time, and a commit costs about as much as the changes in it. Changes that arrive during a
//! commit are queued and form the next transaction. [Grouped](Writer::write_grouped) changes are delayed until an ungrouped
//! change or a [flush](Writer::flush) arrives, but no longer than `GROUPING`. A change is acknowledged only after its
//! transaction is committed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, Thread},
    time::{Duration, Instant},
};

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{
    mpsc::{self, error::TrySendError},
    oneshot,
};

use super::connection::Database;
use super::fault::Fault;
use super::write::Change;
use crate::StoreError;

/// Queue capacity. A full queue applies backpressure, which slows callers down to the speed of the disk.
const QUEUE_LENGTH: usize = 1_024;

/// Maximum number of changes per transaction, which limits the latency of each change and the time that other processes wait
/// for the lock.
const CHANGES_PER_TRANSACTION: usize = 256;

/// Maximum delay of grouped changes. The responses to the calls of one operation arrive within a few milliseconds.
const GROUPING: Duration = Duration::from_millis(1);

/// Handle of the writer thread. When the handle is dropped or closed, the thread writes all queued changes and ends.
pub(super) struct Writer {
    queue: mpsc::Sender<Message>,
    database: Database,
    thread: Thread,
    flush: Arc<AtomicBool>,
}

type Done = oneshot::Sender<Result<u64, StoreError>>;

enum Message {
    /// The change is boxed because it may be large and the queue is long.
    Change(Box<Change>, Done),
    Close(oneshot::Sender<()>),
}

impl Writer {
    pub(super) fn start(connection: Connection, database: Database) -> Result<Self, StoreError> {
        Self::with_queue(QUEUE_LENGTH, connection, database)
    }

    fn with_queue(length: usize, connection: Connection, database: Database) -> Result<Self, StoreError> {
        let (queue, messages) = mpsc::channel(length);
        let flush = Arc::<AtomicBool>::default();
        let writing = Writing {
            connection: Some(connection),
            database: database.clone(),
            flush: Arc::clone(&flush),
        };
        let thread = thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(|| writing.run(messages))
            .map_err(|error| StoreError::Failed {
                file: database.name().to_path_buf(),
                detail: error.to_string(),
            })?;
        Ok(Self {
            queue,
            database,
            thread: thread.thread().clone(),
            flush,
        })
    }

    /// Queues a change for immediate writing. Returns the result of [`Change::apply`] after the transaction is committed.
    pub(super) async fn write(&self, change: Change) -> Result<u64, StoreError> {
        let outcome = self.send(change).await?;
        self.flush();
        outcome.await.map_err(|_| self.closed())?
    }

    /// Variant of [`write`](Self::write) with a delay, so that other changes share the transaction.
    pub(super) async fn write_grouped(&self, change: Change) -> Result<u64, StoreError> {
        let outcome = self.send(change).await?;
        outcome.await.map_err(|_| self.closed())?
    }

    pub(super) fn flush(&self) {
        self.flush.store(true, Ordering::Release);
        self.thread.unpark();
    }

    async fn send(&self, change: Change) -> Result<oneshot::Receiver<Result<u64, StoreError>>, StoreError> {
        let (done, outcome) = oneshot::channel();
        let is_queued = match self.queue.try_send(Message::Change(Box::new(change), done)) {
            Ok(()) => true,
            Err(TrySendError::Closed(_)) => false,
            Err(TrySendError::Full(message)) => {
                // A place in the queue is assigned to the first waiting sender, which blocks all others until it is polled. A
                // caller can stop polling, or be cancelled; the task does neither.
                let queue = self.queue.clone();
                let sent = tokio::spawn(async move { queue.send(message).await.is_ok() });
                sent.await.unwrap_or(false)
            }
        };
        is_queued.then_some(outcome).ok_or_else(|| self.closed())
    }

    fn closed(&self) -> StoreError {
        StoreError::Closed {
            file: self.database.name().to_path_buf(),
        }
    }

    /// Writes all changes queued so far and ends the thread. Returns immediately if the thread has ended.
    pub(super) async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.queue.send(Message::Close(done)).await.is_ok() {
            self.flush();
            // The result is an error if another `close` was processed first.
            let _ = closed.await;
        }
    }
}

struct Writing {
    /// `None` after a failure that left the connection in an unknown state. The next transaction opens a new connection.
    connection: Option<Connection>,
    database: Database,
    flush: Arc<AtomicBool>,
}

impl Writing {
    fn run(mut self, mut messages: mpsc::Receiver<Message>) {
        let mut gathered = Vec::new();
        let mut close = None;
        while close.is_none() && messages.blocking_recv_many(&mut gathered, CHANGES_PER_TRANSACTION) > 0 {
            self.gather(&mut messages, &mut gathered);
            let mut changes = Vec::with_capacity(gathered.len());
            for message in gathered.drain(..) {
                match message {
                    // Changes queued after the close fail with `Closed` because their sender is dropped.
                    _ if close.is_some() => {}
                    Message::Change(change, done) => changes.push((change, done)),
                    Message::Close(done) => close = Some(done),
                }
            }
            self.write(changes);
        }
        // A failed close loses nothing: committed changes are in the WAL, which the next process to open the store reads.
        drop(self);
        if let Some(done) = close {
            let _ = done.send(());
        }
    }

    fn gather(&self, messages: &mut mpsc::Receiver<Message>, gathered: &mut Vec<Message>) {
        let end = Instant::now() + GROUPING;
        loop {
            let is_flushed = self.flush.swap(false, Ordering::AcqRel);
            while gathered.len() < CHANGES_PER_TRANSACTION
                && let Ok(message) = messages.try_recv()
            {
                gathered.push(message);
            }
            let left = end.saturating_duration_since(Instant::now());
            if is_flushed
                || left.is_zero()
                || gathered.len() >= CHANGES_PER_TRANSACTION
                || messages.is_closed()
            {
                return;
            }
            thread::park_timeout(left);
        }
    }

    fn write(&mut self, changes: Vec<(Box<Change>, Done)>) {
        if changes.is_empty() {
            return;
        }
        let change_count: u64 = changes
            .iter()
            .map(|(change, _)| u64::from(!change.is_probe()))
            .sum();
        let outcome = self.transaction(&changes);
        let outcome = outcome.map_err(|fault| fault.at(self.database.name()));
        // Changes to a file that is no longer at its path are lost when the process ends.
        let outcome = outcome.and_then(|numbers| self.database.watch().check_place().map(|()| numbers));
        self.database
            .watch()
            .record_write(change_count, outcome.as_ref().err());
        match outcome {
            Ok(numbers) => {
                for ((_, done), number) in changes.into_iter().zip(numbers) {
                    // The receiver may have been dropped.
                    let _ = done.send(Ok(number));
                }
            }
            Err(error) => {
                // Every value fits its column, so no single change can be the cause, and all changes share the failure.
                for (_, done) in changes {
                    let _ = done.send(Err(error.clone()));
                }
                self.connection.take_if(|connection| !connection.is_autocommit());
            }
        }
    }

    fn transaction(&mut self, changes: &[(Box<Change>, Done)]) -> Result<Vec<u64>, Fault> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(self.database.open_to_write()?),
        };
        // A deferred transaction that starts as a reader fails immediately after another process's commit instead of waiting.
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let numbers = changes.iter().map(|(change, _)| change.apply(&transaction));
        let numbers = numbers.collect::<Result<_, _>>()?;
        transaction.commit()?;
        Ok(numbers)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use jiff::civil::date;
    use tokio::time::timeout;

    use super::*;
    use crate::sqlite::schema;

    #[tokio::test]
    async fn changes_that_are_no_longer_polled_are_written_and_leave_the_queue_to_others() {
        let dir = tempfile::tempdir().unwrap();
        let database = Database::in_dir(dir.path()).unwrap();
        let connection = schema::open(&database).unwrap();
        let writer = Writer::with_queue(1, connection, database.clone()).unwrap();
        let lock = database.open_to_write().ok().unwrap();
        lock.execute_batch("BEGIN IMMEDIATE").unwrap();
        let add_call = || Change::AddCalls {
            day: date(2026, 11, 23),
            calls: 1,
        };
        // More than the writer takes from the queue while the lock is held.
        let count = CHANGES_PER_TRANSACTION + 10;
        let mut changes: Vec<_> = (0..count)
            .map(|_| Box::pin(writer.write_grouped(add_call())))
            .collect();
        for change in &mut changes {
            assert!(change.now_or_never().is_none());
        }
        lock.execute_batch("ROLLBACK").unwrap();
        let total = timeout(Duration::from_mins(1), writer.write(add_call())).await;
        assert_eq!(total.expect("the queue moves on"), Ok(count as u64 + 1));
    }
}
