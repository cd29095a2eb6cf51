//! Where the credential is kept, and the lock without which nobody changes it.
//!
//! Must not know why it is changed.

use std::{path::PathBuf, sync::Arc, time::Duration};

use crate::{
    StateDir, StoreError, credential::Credential, document, file_lock::FileLock, private_file,
    private_file::Stamp,
};

/// A credential file and its lock file.
#[derive(Clone, Debug)]
pub(crate) struct CredentialStore {
    file: PathBuf,
    lock_file: PathBuf,
    patience: Duration,
}

/// The credential as found on disk.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) credential: Credential,
    pub(crate) stamp: Stamp,
}

/// The right to change the credential, which one holder has at a time over all processes.
#[derive(Debug)]
pub(crate) struct Locked {
    store: CredentialStore,
    lock: Arc<FileLock>,
}

impl CredentialStore {
    pub(crate) fn new(dir: &StateDir, name: &str, patience: Duration) -> Self {
        Self {
            file: dir.path().join(format!("{name}.json")),
            lock_file: dir.path().join(format!("{name}.lock")),
            patience,
        }
    }

    pub(crate) fn stamp(&self) -> Result<Option<Stamp>, StoreError> {
        private_file::stamp(&self.file)
    }

    pub(crate) fn read(&self) -> Result<Option<Found>, StoreError> {
        let Some((content, stamp)) = private_file::read(&self.file)? else {
            return Ok(None);
        };
        let credential = document::read(&self.file, &content)?;
        Ok(Some(Found { credential, stamp }))
    }

    /// The credential of a write that was interrupted once all of it was in the file beside. Only for the holder of the lock.
    pub(crate) fn interrupted(&self) -> Option<Credential> {
        let (content, _) = private_file::read_interrupted(&self.file).ok()??;
        document::read(&self.file, &content).ok()
    }

    pub(crate) async fn lock(&self) -> Result<Locked, StoreError> {
        Ok(Locked {
            lock: Arc::new(FileLock::acquire(&self.lock_file, self.patience).await?),
            store: self.clone(),
        })
    }
}

impl Locked {
    pub(crate) fn read(&self) -> Result<Option<Found>, StoreError> {
        self.store.read()
    }

    /// Writes the credential durably: once this has returned, no crash and no loss of power can take it back.
    pub(crate) async fn write(&self, credential: &Credential) -> Result<Stamp, StoreError> {
        let content = document::write(credential)
            .map_err(|error| StoreError::damaged(&self.store.file, error.to_string()))?;
        self.blocking(move |file| private_file::replace(&file, &content))
            .await
    }

    /// Removes the credential durably. Tells whether there was one.
    pub(crate) async fn remove(&self) -> Result<bool, StoreError> {
        self.blocking(|file| private_file::remove(&file)).await
    }

    /// Waiting for the disk is for another thread, and the lock goes along: should this future be dropped, nobody else
    /// may write before that thread is done.
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
