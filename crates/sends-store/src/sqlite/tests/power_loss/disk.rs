//! In-memory disk, implemented as a SQLite VFS, that records every change and simulates power failures.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{Error, ErrorKind, Result};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use fastrand::Rng;
use sqlite_vfs::{DatabaseHandle, LockKind, OpenAccess, OpenOptions, Vfs, WalDisabled};

const SECTOR: usize = 512;
const LOG: &str = "-wal";

pub(super) const DATABASE: &str = "/sends.db";

#[derive(Clone)]
pub(super) struct Disk(Arc<Mutex<Content>>);

struct Content {
    random: Rng,
    files: Files,
    acknowledged: u64,
    durable: u64,
    moments: Vec<Moment>,
    is_recording_ended: bool,
}

type Files = BTreeMap<String, File>;

#[derive(Clone, Default)]
struct File {
    now: Arc<Vec<u8>>,
    synced: Arc<Vec<u8>>,
    since: Vec<Arc<Step>>,
}

enum Step {
    Write(usize, Vec<u8>),
    SetLength(usize),
}

#[derive(Clone)]
pub(super) struct Moment {
    files: Files,
    /// Number of committed transactions.
    pub(super) acknowledged: u64,
    /// Number of transactions in the synced WAL.
    pub(super) durable: u64,
}

impl Step {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Write(offset, data) => {
                let end = offset + data.len();
                if content.len() < end {
                    content.resize(end, 0);
                }
                content[*offset..end].copy_from_slice(data);
            }
            Self::SetLength(length) => content.resize(*length, 0),
        }
    }
}

impl File {
    fn step(&mut self, step: Step) {
        step.apply(Arc::make_mut(&mut self.now));
        self.since.push(Arc::new(step));
    }

    fn survive(&self, random: &mut Rng) -> Vec<u8> {
        let mut versions = vec![self.synced.to_vec()];
        for step in &self.since {
            let mut next = versions[versions.len() - 1].clone();
            step.apply(&mut next);
            versions.push(next);
        }
        let length = versions[random.usize(0..versions.len())].len();
        let mut left = Vec::with_capacity(length);
        while left.len() < length {
            let begin = left.len();
            let whole = length.min(begin + SECTOR);
            // One sector in eight may be torn.
            let torn = if random.u8(0..8) == 0 {
                random.usize(begin..=whole)
            } else {
                whole
            };
            for end in [torn, whole] {
                let version = &versions[random.usize(0..versions.len())];
                while left.len() < end {
                    left.push(version.get(left.len()).copied().unwrap_or(0));
                }
            }
        }
        left
    }
}

impl Disk {
    pub(super) fn with_seed(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(Content {
            random: Rng::with_seed(seed),
            files: Files::default(),
            acknowledged: 0,
            durable: 0,
            moments: Vec::new(),
            is_recording_ended: false,
        })))
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        self.0.lock().unwrap()
    }

    pub(super) fn acknowledge(&self, transactions: u64) {
        self.content().acknowledged = transactions;
    }

    pub(super) fn moments(&self) -> Vec<Moment> {
        let mut content = self.content();
        content.is_recording_ended = true;
        std::mem::take(&mut content.moments)
    }

    /// Stores the database under another name, as it is after a power failure.
    pub(super) fn lose_power(&self, moment: &Moment, name: &str, is_all_lost: bool, random: &mut Rng) {
        let mut content = self.content();
        content.files.clear();
        for (path, file) in &moment.files {
            let left = if is_all_lost {
                file.synced.to_vec()
            } else {
                file.survive(random)
            };
            // Suffix of the WAL or the rollback journal.
            let Some(suffix) = path.strip_prefix(DATABASE) else {
                continue;
            };
            let left = Arc::new(left);
            let file = File {
                now: Arc::clone(&left),
                synced: left,
                since: Vec::new(),
            };
            content.files.insert(format!("{name}{suffix}"), file);
        }
    }
}

impl Content {
    fn record(&mut self) {
        if !self.is_recording_ended {
            self.moments.push(Moment {
                files: self.files.clone(),
                acknowledged: self.acknowledged,
                durable: self.durable,
            });
        }
    }
}

impl Vfs for Disk {
    type Handle = Handle;

    fn open(&self, path: &str, options: OpenOptions) -> Result<Handle> {
        let mut content = self.content();
        let may_be_made = matches!(options.access, OpenAccess::Create | OpenAccess::CreateNew);
        // Opening for writing creates the file, since the store creates it outside SQLite.
        if !content.files.contains_key(path) && !may_be_made && options.access == OpenAccess::Read {
            return Err(ErrorKind::NotFound.into());
        }
        content.files.entry(path.to_owned()).or_default();
        Ok(Handle {
            disk: self.clone(),
            path: path.to_owned(),
            lock: LockKind::None,
        })
    }

    fn delete(&self, path: &str) -> Result<()> {
        let mut content = self.content();
        content.files.remove(path);
        content.record();
        Ok(())
    }

    fn exists(&self, path: &str) -> Result<bool> {
        Ok(self.content().files.contains_key(path))
    }

    fn temporary_name(&self) -> String {
        format!("/temporary-{}", self.content().files.len())
    }

    fn random(&self, buffer: &mut [i8]) {
        let mut content = self.content();
        buffer.fill_with(|| content.random.i8(..));
    }

    fn sleep(&self, duration: Duration) -> Duration {
        duration
    }

    fn full_pathname<'a>(&self, path: &'a str) -> Result<Cow<'a, str>> {
        Ok(path.into())
    }
}

pub(super) struct Handle {
    disk: Disk,
    path: String,
    lock: LockKind,
}

impl Handle {
    fn with<T>(&self, change: impl FnOnce(&mut File) -> T) -> T {
        change(self.disk.content().files.entry(self.path.clone()).or_default())
    }

    fn step(&self, step: Step) {
        self.with(|file| file.step(step));
        self.disk.content().record();
    }
}

impl DatabaseHandle for Handle {
    type WalIndex = WalDisabled;

    fn size(&self) -> Result<u64> {
        Ok(self.with(|file| file.now.len() as u64))
    }

    fn read_exact_at(&mut self, buffer: &mut [u8], offset: u64) -> Result<()> {
        let begin = usize::try_from(offset).map_err(Error::other)?;
        self.with(|file| {
            let there = file.now.get(begin..).unwrap_or_default();
            let length = there.len().min(buffer.len());
            buffer[..length].copy_from_slice(&there[..length]);
            // SQLite expects zeros beyond the end.
            buffer[length..].fill(0);
            if length < buffer.len() {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            Ok(())
        })
    }

    fn write_all_at(&mut self, buffer: &[u8], offset: u64) -> Result<()> {
        let begin = usize::try_from(offset).map_err(Error::other)?;
        self.step(Step::Write(begin, buffer.to_vec()));
        Ok(())
    }

    fn sync(&mut self, _: bool) -> Result<()> {
        self.with(|file| {
            file.synced = Arc::clone(&file.now);
            file.since.clear();
        });
        let mut content = self.disk.content();
        if self.path.ends_with(LOG) {
            content.durable = content.acknowledged;
        }
        content.record();
        Ok(())
    }

    fn set_len(&mut self, size: u64) -> Result<()> {
        self.step(Step::SetLength(usize::try_from(size).map_err(Error::other)?));
        Ok(())
    }

    fn lock(&mut self, lock: LockKind) -> Result<bool> {
        self.lock = lock;
        Ok(true)
    }

    fn reserved(&mut self) -> Result<bool> {
        Ok(false)
    }

    fn current_lock(&self) -> Result<LockKind> {
        Ok(self.lock)
    }

    fn wal_index(&self, _: bool) -> Result<WalDisabled> {
        Ok(WalDisabled)
    }
}
