//! The one task that writes.
//!
//! Owns the queue of changes and their grouping into transactions. Must not know what a change does.
//!
//! SQLite has one writer at a time, and a commit costs about as much as the changes in it. So while one transaction is
//! being committed the next changes gather in the queue, and all of them make up the next one: nobody waits for company,
//! and under load many share a commit. A change is reported as done only after its transaction was committed.

use std::path::PathBuf;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use tokio::sync::{mpsc, oneshot};

use super::write::Change;
use crate::StoreError;

/// How many changes may wait. Whoever comes next waits for room, which is what slows a writer down to the disk's pace.
const QUEUE_LENGTH: usize = 1_024;

/// How many changes share a transaction at most, so that none of them waits long for the others and another process gets
/// its turn.
const CHANGES_PER_TRANSACTION: usize = 256;

/// The way to the writing task. The task ends, with everything queued written, when this is dropped or closed.
pub(super) struct Writer {
    queue: mpsc::Sender<Message>,
    file: PathBuf,
}

type Done = oneshot::Sender<Result<u64, StoreError>>;

enum Message {
    /// Boxed, since a change may be large and a queue is long.
    Change(Box<Change>, Done),
    Close(oneshot::Sender<()>),
}

impl Writer {
    /// Starts the task. `options` is for when the connection has to be replaced.
    pub(super) fn start(connection: SqliteConnection, options: SqliteConnectOptions, file: PathBuf) -> Self {
        let (queue, messages) = mpsc::channel(QUEUE_LENGTH);
        let task = Task {
            connection: Some(connection),
            options,
            file: file.clone(),
        };
        tokio::spawn(task.run(messages));
        Self { queue, file }
    }

    /// Makes a change and returns its number, once it is committed.
    pub(super) async fn write(&self, change: Change) -> Result<u64, StoreError> {
        let (done, outcome) = oneshot::channel();
        let closed = || StoreError::Closed {
            file: self.file.clone(),
        };
        self.queue
            .send(Message::Change(Box::new(change), done))
            .await
            .map_err(|_| closed())?;
        outcome.await.map_err(|_| closed())?
    }

    /// Writes what was queued before this and ends the task. Done at once if it has ended.
    pub(super) async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.queue.send(Message::Close(done)).await.is_ok() {
            // An error means that another `close` was first.
            let _ = closed.await;
        }
    }
}

struct Task {
    /// `None` after a failure: whatever state that left the connection in, a new one is clean.
    connection: Option<SqliteConnection>,
    options: SqliteConnectOptions,
    file: PathBuf,
}

impl Task {
    async fn run(mut self, mut messages: mpsc::Receiver<Message>) {
        let mut gathered = Vec::new();
        let mut close = None;
        while close.is_none() && messages.recv_many(&mut gathered, CHANGES_PER_TRANSACTION).await > 0 {
            let mut changes = Vec::with_capacity(gathered.len());
            for message in gathered.drain(..) {
                match message {
                    // Whatever was queued after the close is answered with `Closed` as its sender is dropped.
                    _ if close.is_some() => {}
                    Message::Change(change, done) => changes.push((change, done)),
                    Message::Close(done) => close = Some(done),
                }
            }
            self.write(changes).await;
        }
        if let Some(connection) = self.connection {
            // Should it fail, nothing is lost: what was committed is in the write-ahead log, and the next one to open the
            // store reads it.
            let _ = connection.close().await;
        }
        if let Some(done) = close {
            let _ = done.send(());
        }
    }

    async fn write(&mut self, changes: Vec<(Box<Change>, Done)>) {
        if changes.is_empty() {
            return;
        }
        match self.transaction(&changes).await {
            Ok(numbers) => {
                for ((_, done), number) in changes.into_iter().zip(numbers) {
                    // Whoever does not wait any more does not want to know.
                    let _ = done.send(Ok(number));
                }
            }
            Err(error) => {
                // No change can be at fault by itself (every value fits its column), so all share the failure.
                self.connection = None;
                let error = StoreError::from_sqlx(&self.file, &error);
                for (_, done) in changes {
                    let _ = done.send(Err(error.clone()));
                }
            }
        }
    }

    async fn transaction(&mut self, changes: &[(Box<Change>, Done)]) -> Result<Vec<u64>, sqlx::Error> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(self.options.connect().await?),
        };
        // Begun as a writer: one that begins as a reader cannot wait for another process's commit, and fails at once.
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        let mut numbers = Vec::with_capacity(changes.len());
        for (change, _) in changes {
            numbers.push(change.apply(&mut transaction).await?);
        }
        transaction.commit().await?;
        Ok(numbers)
    }
}
