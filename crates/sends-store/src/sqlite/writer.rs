//! The one thread that writes.
//!
//! Owns the queue of changes and their grouping into transactions. Must not know what a change does.
//!
//! SQLite has one writer at a time, and a commit costs about as much as the changes in it. So while one transaction is
//! being committed the next changes gather in the queue, and all of them make up the next one. Changes that are written
//! [grouped](Writer::write_grouped) wait a moment for others besides, until a change or a [flush](Writer::flush) comes that does
//! not wait. A change is reported as done only after its transaction was committed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, Thread},
    time::{Duration, Instant},
};

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use super::connection::Database;
use super::fault::Fault;
use super::write::Change;
use crate::StoreError;

/// How many changes may wait. Whoever comes next waits for room, which is what slows a writer down to the disk's pace.
const QUEUE_LENGTH: usize = 1_024;

/// How many changes share a transaction at most, so that none of them waits long for the others and another process gets
/// its turn.
const CHANGES_PER_TRANSACTION: usize = 256;

/// How long grouped changes wait for others. The answers to the calls of one operation come within some milliseconds.
const GROUPING: Duration = Duration::from_millis(1);

/// The way to the writing thread. The thread ends, with everything queued written, when this is dropped or closed.
pub(super) struct Writer {
    queue: mpsc::Sender<Message>,
    database: Database,
    thread: Thread,
    flush: Arc<AtomicBool>,
}

type Done = oneshot::Sender<Result<u64, StoreError>>;

enum Message {
    /// Boxed, since a change may be large and a queue is long.
    Change(Box<Change>, Done),
    Close(oneshot::Sender<()>),
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(connection: Connection, database: Database) -> Result<Self, StoreError> {
        let (queue, messages) = mpsc::channel(QUEUE_LENGTH);
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

    /// Makes a change and returns its number, once it is committed.
    pub(super) async fn write(&self, change: Change) -> Result<u64, StoreError> {
        let outcome = self.send(change).await?;
        self.flush();
        outcome.await.map_err(|_| self.closed())?
    }

    /// The same for a change that waits a moment for others to share its transaction.
    pub(super) async fn write_grouped(&self, change: Change) -> Result<u64, StoreError> {
        let outcome = self.send(change).await?;
        outcome.await.map_err(|_| self.closed())?
    }

    /// Has everything that was queued written without waiting for others.
    pub(super) fn flush(&self) {
        self.flush.store(true, Ordering::Release);
        self.thread.unpark();
    }

    async fn send(&self, change: Change) -> Result<oneshot::Receiver<Result<u64, StoreError>>, StoreError> {
        let (done, outcome) = oneshot::channel();
        let message = Message::Change(Box::new(change), done);
        self.queue.send(message).await.map_err(|_| self.closed())?;
        Ok(outcome)
    }

    fn closed(&self) -> StoreError {
        StoreError::Closed {
            file: self.database.name().to_path_buf(),
        }
    }

    /// Writes what was queued before this and ends the thread. Done at once if it has ended.
    pub(super) async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.queue.send(Message::Close(done)).await.is_ok() {
            self.flush();
            // An error means that another `close` was first.
            let _ = closed.await;
        }
    }
}

struct Writing {
    /// `None` after a failure that left it in a state nobody knows: a new one is clean.
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
                    // Whatever was queued after the close is answered with `Closed` as its sender is dropped.
                    _ if close.is_some() => {}
                    Message::Change(change, done) => changes.push((change, done)),
                    Message::Close(done) => close = Some(done),
                }
            }
            self.write(changes);
        }
        // Should closing fail, nothing is lost: what was committed is in the write-ahead log, and the next one to open the
        // store reads it.
        drop(self);
        if let Some(done) = close {
            let _ = done.send(());
        }
    }

    /// Waits for what shares the transaction, unless somebody waits for it.
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
        let told: u64 = changes
            .iter()
            .map(|(change, _)| u64::from(!change.is_probe()))
            .sum();
        let outcome = self.transaction(&changes);
        let outcome = outcome.map_err(|fault| fault.at(self.database.name()));
        // What is written to a file that is not in its place any more is lost with the process.
        let outcome = outcome.and_then(|numbers| self.database.watch().check_place().map(|()| numbers));
        self.database.watch().wrote(told, outcome.as_ref().err());
        match outcome {
            Ok(numbers) => {
                for ((_, done), number) in changes.into_iter().zip(numbers) {
                    // Whoever does not wait any more does not want to know.
                    let _ = done.send(Ok(number));
                }
            }
            Err(error) => {
                // No change can be at fault by itself (every value fits its column), so all share the failure.
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
        // Begun as a writer: one that begins as a reader cannot wait for another process's commit, and fails at once.
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let numbers = changes.iter().map(|(change, _)| change.apply(&transaction));
        let numbers = numbers.collect::<Result<_, _>>()?;
        transaction.commit()?;
        Ok(numbers)
    }
}
