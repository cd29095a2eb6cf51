//! Files of a store: permissions, the lock against rebuilding a store in use, and moving a damaged file aside.
//!
//! The module never opens a file that SQLite has open, since closing it would drop SQLite's locks on Unix.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::ErrorKind;
#[cfg(unix)]
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::StoreError;

pub(super) fn database(dir: &Path) -> PathBuf {
    dir.join("sends.db")
}

/// Creates the directory and the file, both private to this user, unless they exist. Checks that an existing file is private.
///
/// SQLite creates its other files with the permissions of this file. An existing directory is not changed.
pub(super) fn prepare(dir: &Path) -> Result<PathBuf, StoreError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    builder.mode(0o700);
    builder
        .create(dir)
        .map_err(|error| StoreError::from_io(dir, &error))?;

    let file = database(dir);
    match private().create_new(true).open(&file) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => check_private(&file)?,
        Err(error) => return Err(StoreError::from_io(&file, &error)),
    }
    Ok(file)
}

/// Prevents rebuilding of the store while the returned file is open.
pub(super) fn lock_shared(dir: &Path) -> Result<File, StoreError> {
    let (lock, path) = lock_file(dir)?;
    lock.try_lock_shared()
        .map_err(|error| lock_error(dir, &path, error))?;
    Ok(lock)
}

pub(super) fn lock_exclusive(dir: &Path) -> Result<File, StoreError> {
    let (lock, path) = lock_file(dir)?;
    lock.try_lock().map_err(|error| lock_error(dir, &path, error))?;
    Ok(lock)
}

pub(super) fn set_aside(dir: &Path, now: Timestamp) -> Result<Option<PathBuf>, StoreError> {
    let file = database(dir);
    let failed = |error: std::io::Error| StoreError::from_io(&file, &error);
    if !fs::exists(&file).map_err(failed)? {
        return Ok(None);
    }
    let aside = with_suffix(&file, &now.strftime(".damaged-%Y%m%dT%H%M%S%.fZ").to_string());
    for part in ["-wal", "-shm", ""] {
        match fs::rename(with_suffix(&file, part), with_suffix(&aside, part)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
    }
    Ok(Some(aside))
}

pub(super) fn size(file: &Path) -> u64 {
    ["", "-wal"]
        .iter()
        .filter_map(|part| fs::metadata(with_suffix(file, part)).ok())
        .map(|metadata| metadata.len())
        .sum()
}

fn lock_file(dir: &Path) -> Result<(File, PathBuf), StoreError> {
    let path = with_suffix(&database(dir), ".lock");
    let lock = private()
        .create(true)
        .open(&path)
        .map_err(|error| StoreError::from_io(&path, &error))?;
    Ok((lock, path))
}

fn lock_error(dir: &Path, lock: &Path, error: TryLockError) -> StoreError {
    match error {
        TryLockError::WouldBlock => StoreError::Busy { file: database(dir) },
        TryLockError::Error(error) => StoreError::from_io(lock, &error),
    }
}

/// Returns options that create files private to this user. `truncate` is not set, so an existing file keeps its content.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    options.mode(0o600);
    options
}

#[cfg(unix)]
fn check_private(file: &Path) -> Result<(), StoreError> {
    let metadata = fs::metadata(file).map_err(|error| StoreError::from_io(file, &error))?;
    let mode = metadata.permissions().mode() & 0o777;
    let for_this_user_only = mode & 0o700;
    if mode == for_this_user_only {
        return Ok(());
    }
    Err(StoreError::Exposed {
        file: file.to_path_buf(),
        mode,
    })
}

/// Always succeeds, since other systems rely on the access list of the state directory.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "the Unix version can fail")]
fn check_private(_file: &Path) -> Result<(), StoreError> {
    Ok(())
}

fn with_suffix(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
