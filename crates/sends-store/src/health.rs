//! Health of an open store: presence of its file, and failures of reads and writes.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use crate::StoreError;

/// Failures observed by a [`Store`](crate::Store). The default is a healthy store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// [`StoreError::Gone`] if the file is currently not at its path.
    pub gone: Option<StoreError>,
    /// Detected damage. Only reopening the store clears this field, since unread pages may be damaged as well.
    pub damage: Option<StoreError>,
    /// Failure of the last read, excluding damage. `None` after a successful read.
    pub read_failure: Option<StoreError>,
    /// Failure of the last write, excluding damage and [`gone`](Self::gone). `None` after a successful write.
    pub write_failure: Option<StoreError>,
    /// Number of failed reads since the store was opened, including damage and excluding rejected and interrupted reads.
    pub failed_reads: u64,
    /// Number of failed writes since the store was opened.
    pub failed_writes: u64,
    /// Number of reads and writes that failed because of damage. [`failed_reads`](Self::failed_reads) and
    /// [`failed_writes`](Self::failed_writes) include them.
    pub damaged: u64,
    /// Number of writes that failed because the file was not at its path. [`failed_writes`](Self::failed_writes) includes them.
    pub lost_writes: u64,
}

#[derive(Default)]
pub(crate) struct Watch {
    file: Option<WatchedFile>,
    failed_reads: AtomicU64,
    failed_writes: AtomicU64,
    damaged: AtomicU64,
    lost_writes: AtomicU64,
    last: Mutex<Last>,
}

struct WatchedFile {
    path: PathBuf,
    identity: Identity,
    /// Maximum observed length in bytes. No write shortens the file, so a shorter file is damaged.
    max_length: AtomicU64,
    /// Identity of the write-ahead log, which exists from the first use until the store is closed.
    log: OnceLock<Identity>,
}

impl WatchedFile {
    fn log_path(&self) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push("-wal");
        path.into()
    }

    /// Returns [`StoreError::Damaged`] if the opened file has shrunk. Another file at its path is ignored.
    fn check_length(&self) -> Result<(), StoreError> {
        let Ok(metadata) = std::fs::metadata(&self.path) else {
            return Ok(());
        };
        if Identity::of(&metadata) != self.identity {
            return Ok(());
        }
        let length = metadata.len();
        let max_length = self.max_length.fetch_max(length, Ordering::Relaxed);
        if length < max_length {
            return Err(StoreError::Damaged {
                file: self.path.clone(),
                detail: format!("it was {max_length} bytes long and is {length} now"),
            });
        }
        Ok(())
    }

    fn problem(&self) -> Option<String> {
        match Identity::at(&self.path) {
            Ok(found) if found == self.identity => {}
            Ok(_) => return Some("another file is in its place".to_owned()),
            Err(error) => return Some(error.to_string()),
        }
        let known = self.log.get()?;
        match Identity::at(&self.log_path()) {
            Ok(found) if found == *known => None,
            _ => Some("its write-ahead log, the file with the suffix -wal, was removed".to_owned()),
        }
    }
}

#[derive(Default)]
struct Last {
    damage: Option<StoreError>,
    read_failure: Option<StoreError>,
    write_failure: Option<StoreError>,
}

impl Watch {
    pub(crate) fn of_file(path: &Path) -> Result<Self, StoreError> {
        let metadata = std::fs::metadata(path).map_err(|error| StoreError::from_io(path, &error))?;
        Ok(Self {
            file: Some(WatchedFile {
                path: path.to_path_buf(),
                identity: Identity::of(&metadata),
                max_length: AtomicU64::new(metadata.len()),
                log: OnceLock::new(),
            }),
            ..Self::default()
        })
    }

    /// Returns [`StoreError::Gone`] unless the file at the path is the opened file.
    pub(crate) fn check_place(&self) -> Result<(), StoreError> {
        match self.file.as_ref().and_then(|file| Some((file, file.problem()?))) {
            Some((file, detail)) => Err(StoreError::Gone {
                file: file.path.clone(),
                detail,
            }),
            None => Ok(()),
        }
    }

    pub(crate) fn record_read(&self, error: Option<&StoreError>) {
        match error {
            None => self.record_success(&self.failed_reads, |last| &mut last.read_failure),
            Some(error) => {
                if self.record_failure(error, |last| &mut last.read_failure) {
                    self.failed_reads.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }

    pub(crate) fn record_write(&self, changes: u64, error: Option<&StoreError>) {
        match error {
            // A successful probe clears the last failure as well, although a probe does not count as a write.
            None => {
                self.note_log();
                self.note_length();
                self.record_success(&self.failed_writes, |last| &mut last.write_failure);
            }
            Some(_) if changes == 0 => {}
            Some(StoreError::Gone { .. }) => {
                self.lost_writes.fetch_add(changes, Ordering::Relaxed);
                self.failed_writes.fetch_add(changes, Ordering::Relaxed);
            }
            Some(error) => {
                if self.record_failure(error, |last| &mut last.write_failure) {
                    self.failed_writes.fetch_add(changes, Ordering::Relaxed);
                }
            }
        }
    }

    pub(crate) fn health(&self, header: Result<(), StoreError>) -> Health {
        self.note_log();
        self.note_damage(header);
        self.note_length();
        let last = self.last();
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Health {
            gone: self.check_place().err(),
            damage: last.damage.clone(),
            read_failure: last.read_failure.clone(),
            write_failure: last.write_failure.clone(),
            failed_reads: count(&self.failed_reads),
            failed_writes: count(&self.failed_writes),
            damaged: count(&self.damaged),
            lost_writes: count(&self.lost_writes),
        }
    }

    fn note_log(&self) {
        if let Some(file) = &self.file
            && file.log.get().is_none()
            && let Ok(log) = Identity::at(&file.log_path())
        {
            let _ = file.log.set(log);
        }
    }

    fn note_length(&self) {
        if let Some(file) = &self.file {
            self.note_damage(file.check_length());
        }
    }

    fn note_damage(&self, checked: Result<(), StoreError>) {
        if let Err(damage) = checked {
            self.last().damage.get_or_insert(damage);
        }
    }

    fn record_success(&self, failures: &AtomicU64, failure: impl Fn(&mut Last) -> &mut Option<StoreError>) {
        // This check avoids the lock unless a failure has occurred.
        if failures.load(Ordering::Relaxed) > 0 {
            *failure(&mut self.last()) = None;
        }
    }

    /// Records a failure. Returns `false` for failures that do not concern the file, such as overload.
    fn record_failure(
        &self,
        error: &StoreError,
        failure: impl Fn(&mut Last) -> &mut Option<StoreError>,
    ) -> bool {
        match error {
            StoreError::Closed { .. } | StoreError::Overloaded { .. } | StoreError::TookTooLong { .. } => {
                return false;
            }
            StoreError::Damaged { .. } | StoreError::NotADatabase { .. } => {
                self.damaged.fetch_add(1, Ordering::Relaxed);
                self.last().damage = Some(error.clone());
            }
            _ => *failure(&mut self.last()) = Some(error.clone()),
        }
        true
    }

    fn last(&self) -> MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Device and inode numbers, which distinguish files at the same path. Constant on systems other than Unix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    fn at(path: &Path) -> std::io::Result<Self> {
        std::fs::metadata(path).map(|metadata| Self::of(&metadata))
    }

    #[cfg(unix)]
    fn of(metadata: &std::fs::Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
        }
    }

    #[cfg(not(unix))]
    fn of(_: &std::fs::Metadata) -> Self {
        Self { device: 0, inode: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed() -> StoreError {
        StoreError::DiskFull { file: "f".into() }
    }

    fn damaged() -> StoreError {
        StoreError::NotADatabase { file: "f".into() }
    }

    #[test]
    fn success_clears_a_failure_but_not_damage() {
        let watch = Watch::default();
        for error in [failed(), damaged()] {
            watch.record_read(Some(&error));
            watch.record_write(3, Some(&error));
        }
        let expected = Health {
            damage: Some(damaged()),
            read_failure: Some(failed()),
            write_failure: Some(failed()),
            failed_reads: 2,
            failed_writes: 6,
            damaged: 2,
            ..Health::default()
        };
        assert_eq!(watch.health(Ok(())), expected);
        watch.record_read(None);
        watch.record_write(0, None);
        let expected = Health {
            read_failure: None,
            write_failure: None,
            ..expected
        };
        assert_eq!(watch.health(Ok(())), expected);
    }

    #[test]
    fn overload_timeout_and_closure_are_not_counted() {
        let watch = Watch::default();
        let file = PathBuf::from("f");
        watch.record_read(Some(&StoreError::Overloaded { file: file.clone() }));
        watch.record_read(Some(&StoreError::TookTooLong { file: file.clone() }));
        watch.record_write(1, Some(&StoreError::Closed { file }));
        assert_eq!(watch.health(Ok(())), Health::default());
    }

    #[test]
    fn shrunk_file_stays_damaged() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, "0123").unwrap();
        let watch = Watch::of_file(&path).unwrap();
        std::fs::write(&path, "012345").unwrap();
        assert_eq!(watch.health(Ok(())), Health::default());
        std::fs::write(&path, "01234567").unwrap();
        watch.record_write(1, None);
        let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
        for length in [4, 0, 8] {
            file.set_len(length).unwrap();
            let damage = watch.health(Ok(())).damage.unwrap().to_string();
            assert!(damage.contains("it was 8 bytes long and is 4 now"), "{damage}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn missing_or_replaced_file_is_reported_until_restored() {
        let dir = tempfile::tempdir().unwrap();
        let (file, aside) = (dir.path().join("file"), dir.path().join("aside"));
        std::fs::write(&file, "").unwrap();
        let watch = Watch::of_file(&file).unwrap();
        assert_eq!(watch.check_place(), Ok(()));
        std::fs::rename(&file, &aside).unwrap();
        assert!(matches!(watch.check_place(), Err(StoreError::Gone { .. })));
        std::fs::write(&file, "").unwrap();
        let error = watch.check_place().unwrap_err();
        assert!(
            error.to_string().contains("another file is in its place"),
            "{error}"
        );
        std::fs::rename(&aside, &file).unwrap();
        assert_eq!(watch.check_place(), Ok(()));
    }
}
