//! Checkpoints, which copy the write-ahead log (WAL) into the database file.
//!
//! A checkpoint flushes the disk twice, which takes 10 to 30 ms, and therefore runs concurrently with changes, on a separate
//! thread and connection. All checkpoints are passive: they do not wait for readers, and leave pages newer than a reader's
//! snapshot in the WAL. The WAL grows while a snapshot stays open.

use std::thread::{self, JoinHandle};

use rusqlite::{Connection, hooks::Wal, wal::CheckpointMode};

use super::connection::Database;
use super::fault::Fault;

/// Growth of the WAL between checkpoints, in pages of 4 KiB.
const PAGES: i32 = 4_000;

/// Length of the WAL in pages at which the writer runs the checkpoint itself. Without a pause between changes, SQLite cannot
/// restart the WAL, which would grow without limit.
const MAX_PAGES: i32 = 4 * PAGES;

struct Checkpoints {
    database: Database,
    pages: i32,
    /// Length of the WAL at which the next checkpoint starts, in pages.
    due: i32,
    running: Option<JoinHandle<()>>,
}

/// Replaces SQLite's automatic checkpoints for this connection. Closing the connection waits for the last checkpoint.
pub(super) fn install(connection: &mut Connection, database: &Database) -> Result<(), Fault> {
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
            // SQLite rejects a checkpoint while another checkpoint runs.
            checkpoints.finish();
            // If a reader prevents the checkpoint, the next change retries it.
            let _ = log.checkpoint_v2(CheckpointMode::PASSIVE);
        }
        Ok(())
    }))?;
    Ok(())
}

impl Checkpoints {
    fn begin_if_due(&mut self, pages: i32) {
        if pages < self.pages {
            // SQLite has restarted the WAL.
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
            // A failed checkpoint leaves the WAL unchanged for the next attempt.
            let _ = database.checkpoint();
        };
        let running = thread::Builder::new()
            .name("checkpoint".to_owned())
            .spawn(checkpoint);
        self.running = running.ok();
    }

    fn finish(&mut self) {
        if let Some(running) = self.running.take() {
            // The panic hook has already reported a panic of the thread.
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
    /// Maximum number of pages left in the WAL because they were written during a checkpoint.
    const MAX_LEFT_PAGES: u64 = 1_000;

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
    fn wal_is_checkpointed_while_the_connection_is_open() {
        let dir = tempfile::tempdir().unwrap();
        let (database, connection) = opened(dir.path());
        let due = u64::try_from(PAGES).unwrap();
        for _ in 0..due / 500 {
            fill(&connection, 500);
        }
        let deadline = Instant::now() + Duration::from_secs(20);
        while length(&database) < (due - MAX_LEFT_PAGES) * PAGE {
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
            "the WAL remains after closing: {left:?}"
        );
    }

    #[test]
    fn reader_with_a_snapshot_does_not_delay_changes() {
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
        // Each change that waited for the reader would take the busy timeout of ten seconds.
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
    fn writer_checkpoints_a_long_wal_itself() {
        let dir = tempfile::tempdir().unwrap();
        let (database, connection) = opened(dir.path());
        let max_pages = u64::try_from(MAX_PAGES).unwrap();
        fill(&connection, max_pages + 1);
        assert!(
            length(&database) >= max_pages * PAGE,
            "{} bytes",
            length(&database)
        );
    }
}
