//! Credential file, and the lock that each change of the file requires.

use std::{path::PathBuf, sync::Arc, time::Duration};

use crate::{
    StateDir, StoreError, credential::Credential, document, file_lock::FileLock, private_file,
    private_file::Stamp,
};

#[derive(Clone, Debug)]
pub(crate) struct CredentialStore {
    file: PathBuf,
    lock_file: PathBuf,
    lock_timeout: Duration,
}

/// Exclusive write access to the credential across all processes.
#[derive(Debug)]
pub(crate) struct Locked {
    store: CredentialStore,
    lock: Arc<FileLock>,
}

impl CredentialStore {
    pub(crate) fn new(dir: &StateDir, name: &str, lock_timeout: Duration) -> Self {
        Self {
            file: dir.path().join(format!("{name}.json")),
            lock_file: dir.path().join(format!("{name}.lock")),
            lock_timeout,
        }
    }

    pub(crate) fn stamp(&self) -> Result<Option<Stamp>, StoreError> {
        private_file::stamp(&self.file)
    }

    pub(crate) fn read(&self) -> Result<Option<(Credential, Stamp)>, StoreError> {
        let Some((content, stamp)) = private_file::read(&self.file)? else {
            return Ok(None);
        };
        Ok(Some((document::read(&self.file, &content)?, stamp)))
    }

    pub(crate) async fn lock(&self) -> Result<Locked, StoreError> {
        Ok(Locked {
            lock: Arc::new(FileLock::acquire(&self.lock_file, self.lock_timeout).await?),
            store: self.clone(),
        })
    }
}

impl Locked {
    pub(crate) fn read(&self) -> Result<Option<Credential>, StoreError> {
        Ok(self.store.read()?.map(|(credential, _)| credential))
    }

    /// Returns the credential of a write that was complete but interrupted before the rename.
    pub(crate) fn interrupted(&self) -> Option<Credential> {
        let (content, _) = private_file::read_interrupted(&self.store.file).ok()??;
        document::read(&self.store.file, &content).ok()
    }

    /// Writes the credential durably, so that it survives a crash or a power loss.
    pub(crate) async fn write(&self, credential: &Credential) -> Result<Stamp, StoreError> {
        let content = document::write(credential)
            .map_err(|error| StoreError::damaged(&self.store.file, error.to_string()))?;
        self.blocking(move |file| private_file::replace(&file, &content))
            .await
    }

    pub(crate) async fn remove(&self) -> Result<bool, StoreError> {
        self.blocking(|file| private_file::remove(&file)).await
    }

    /// Runs disk work on a blocking thread that shares the lock. If this future is dropped, the lock is held until the work is
    /// done.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(PathBuf) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let lock = Arc::clone(&self.lock);
        let file = self.store.file.clone();
        let worked = tokio::task::spawn_blocking(move || {
            let result = work(file);
            drop(lock);
            result
        });
        worked.await.unwrap_or_else(|_| {
            Err(StoreError::Io {
                action: "write",
                path: self.store.file.clone(),
                reason: "the program is shutting down".to_owned(),
            })
        })
    }
}
