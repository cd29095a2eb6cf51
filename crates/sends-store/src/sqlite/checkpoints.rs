//! Checkpoints, which copy the write-ahead log into the database file.
//!
//! A checkpoint flushes the disk twice, which takes 10 to 30 ms, and therefore runs on a thread and a connection of its own, concurrently
//! with changes. All checkpoints are passive: they do not wait for readers, whose snapshot they leave in the log. While a reader keeps a
//! snapshot, the log grows.

use std::thread::{self, JoinHandle};

use rusqlite::{Connection, hooks::Wal, wal::CheckpointMode};

use super::connection::Database;
use super::fault::Fault;

/// Pages of 4 KiB by which the log grows between checkpoints.
const PAGES: i32 = 4_000;

/// Pages of the log from which the writer runs the checkpoint itself. Without a pause between changes SQLite cannot restart the log,
/// which would grow without limit.
const MAX_PAGES: i32 = 4 * PAGES;

/// Checkpoints of one writing connection.
struct Checkpoints {
    database: Database,
    /// Length of the log after the last change, in pages.
    pages: i32,
    /// Length of the log at which the next checkpoint starts, in pages.
    due: i32,
    running: Option<JoinHandle<()>>,
}

/// Replaces SQLite's automatic checkpoints for this connection. Closing the connection waits for the last checkpoint.
pub(super) fn follow(connection: &mut Connection, database: &Database) -> Result<(), Fault> {
    let mut checkpoints = Checkpoints {
        database: database.clone(),
        pages: 0,
        due: PAGES,
        running: None,
    };
    connection.wal_hook(Some(move |log: &mut Wal, pages| {
        if pages < MAX_PAGES {
            checkpoints.begin_if_due(pages);
        } else {
            // SQLite rejects a checkpoint at once while another one runs.
            checkpoints.finish();
            // Repeated after the next change if a reader prevents it.
            let _ = log.checkpoint_v2(CheckpointMode::PASSIVE);
        }
        Ok(())
    }))?;
    Ok(())
}

impl Checkpoints {
    fn begin_if_due(&mut self, pages: i32) {
        if pages < self.pages {
            // The log was restarted.
            self.due = PAGES;
        }
        self.pages = pages;
        let is_running = self
            .running
            .as_ref()
            .is_some_and(|running| !running.is_finished());
        if pages < self.due || is_running {
            return;
        }
        self.due = pages + PAGES;
        let database = self.database.clone();
        let checkpoint = move || {
            // A failed checkpoint leaves the log unchanged, and the next one copies it.
            let _ = database.checkpoint();
        };
        let running = thread::Builder::new()
            .name("checkpoint".to_owned())
            .spawn(checkpoint);
        self.running = running.ok();
    }

    fn finish(&mut self) {
        if let Some(running) = self.running.take() {
            // The thread has already reported its panic.
            let _ = running.join();
        }
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        self.finish();
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::{Duration, Instant};

    use super::*;

    const PAGE: u64 = 4_096;
    /// Pages that a checkpoint may leave in the log, since they were written while it ran.
    const LATER: u64 = 1_000;

    /// A database with a writing connection.
    fn opened(dir: &std::path::Path) -> (Database, Connection) {
        let database = Database::in_dir(dir).unwrap();
        let connection = database.open_to_write().map_err(drop).unwrap();
        connection
            .execute_batch("CREATE TABLE filler (content BLOB)")
            .unwrap();
        (database, connection)
    }

    fn fill(connection: &Connection, pages: u64) {
        let insert = "INSERT INTO filler (content) VALUES (zeroblob(?1))";
        connection
            .execute(insert, [i64::try_from(pages * PAGE).unwrap()])
            .unwrap();
    }

    fn length(database: &Database) -> u64 {
        fs::metadata(database.name()).unwrap().len()
    }

    #[test]
    fn log_is_moved_into_the_file_while_the_connection_is_open() {
        let dir = tempfile::tempdir().unwrap();
        let (database, connection) = opened(dir.path());
        let due = u64::try_from(PAGES).unwrap();
        for _ in 0..due / 500 {
            fill(&connection, 500);
        }
        let deadline = Instant::now() + Duration::from_secs(20);
        while length(&database) < (due - LATER) * PAGE {
            assert!(Instant::now() < deadline, "{} bytes", length(&database));
            thread::sleep(Duration::from_millis(10));
        }
        drop(connection);
        drop(database);
        let left: Vec<_> = fs::read_dir(dir.path()).unwrap().collect();
        assert!(
            left.iter()
                .flatten()
                .all(|entry| !entry.file_name().to_string_lossy().ends_with("-wal")),
            "closing moves the rest: {left:?}"
        );
    }

    #[test]
    fn reader_with_a_snapshot_delays_no_change() {
        let dir = tempfile::tempdir().unwrap();
        let (database, connection) = opened(dir.path());
        let reader = database.open_to_read().map_err(drop).unwrap();
        reader
            .execute_batch("BEGIN; SELECT count(*) FROM filler")
            .unwrap();
        let began = Instant::now();
        fill(&connection, u64::try_from(MAX_PAGES).unwrap() + 1);
        for _ in 0..20 {
            fill(&connection, 1);
        }
        // Each change that waits for the reader takes the busy timeout of ten seconds.
        assert!(
            began.elapsed() < Duration::from_secs(100),
            "{:?}",
            began.elapsed()
        );
        reader.execute_batch("COMMIT").unwrap();
        fill(&connection, 1);
        assert!(length(&database) >= u64::try_from(MAX_PAGES).unwrap() * PAGE);
    }

    #[test]
    fn writer_moves_a_log_itself_that_has_become_long() {
        let dir = tempfile::tempdir().unwrap();
        let (database, connection) = opened(dir.path());
        let most = u64::try_from(MAX_PAGES).unwrap();
        fill(&connection, most + 1);
        assert!(length(&database) >= most * PAGE, "{} bytes", length(&database));
    }
}
