//! Synchronises the log of all sends, in the background of `serve` (`sync/background.rs`) and in the command `sync`
//! (`cli/sync.rs`).
//!
//! The `sends-sync` crate selects the calls, `sync/upstream.rs` makes them, and `sync/lease.rs` restricts synchronisation to one
//! process at a time.

mod background;
mod lease;
mod tokens;
mod upstream;

use std::{io, path::PathBuf, sync::Arc};

use sends_client::{Clock, ConstantContact, TokenSource};
use sends_store::{Owner, Store, StoreError};
use sends_sync::{Ended, Progress, Synchronisation};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub use self::background::{fill_sandbox_log, synchronise_periodically};
use self::{lease::Lease, upstream::BackgroundUpstream};
use crate::{
    backend::Backend,
    sources::access::{Access, OwnOwner},
    sources::histories::Histories,
    sources::send_log::Log,
};

/// Dependencies of a synchronisation, which covers the account that is connected at its start.
pub struct Synchroniser {
    owner: OwnOwner,
    tokens: Arc<dyn TokenSource>,
    client: ConstantContact,
    histories: Histories,
    store: Arc<dyn Store>,
    log: Log,
    log_folder: Option<PathBuf>,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
}

impl Synchroniser {
    /// Creates a synchroniser that runs until `stop` is cancelled. Returns `None` if the service has no account or no log.
    pub fn of(backend: &Backend, stop: CancellationToken) -> Option<Self> {
        let Access::OwnCredential { owner, tokens } = &backend.access else {
            return None;
        };
        Some(Self {
            owner: owner.clone(),
            tokens: Arc::clone(tokens),
            client: backend.client.clone(),
            histories: backend.histories.clone(),
            store: Arc::clone(&backend.store),
            log: backend.log.clone()?,
            log_folder: backend.log_folder.clone(),
            clock: Arc::clone(&backend.clock),
            stop,
        })
    }

    pub(crate) fn synchronisation(&self) -> Synchronisation {
        let owner = self.owner.now();
        Synchronisation {
            owner,
            upstream: Arc::new(BackgroundUpstream::new(self, owner)),
            log: Arc::clone(&self.log.sync),
            store: Arc::clone(&self.store),
            clock: Arc::clone(&self.clock),
            progress: watch::Sender::new(Progress::default()),
            stop: self.stop.clone(),
        }
    }

    /// Acquires the lease of the log. Returns `None` if another process has the lease.
    pub(crate) fn lease(&self) -> io::Result<Option<Lease>> {
        match &self.log_folder {
            Some(folder) => Lease::of_folder(folder),
            None => Ok(Some(Lease::unshared())),
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum FillError {
    #[error("there is no log to synchronise")]
    NoLog,
    #[error("{0}")]
    Failed(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

pub async fn filled_log(backend: &Backend) -> Result<(Log, Owner), FillError> {
    let synchroniser = Synchroniser::of(backend, CancellationToken::new()).ok_or(FillError::NoLog)?;
    let synchronisation = synchroniser.synchronisation();
    match synchronisation.run().await?.ended {
        Ended::Failed { reason, .. } => Err(FillError::Failed(reason)),
        Ended::Complete | Ended::Stopped | Ended::DayUsedUp { .. } => {
            Ok((synchroniser.log.clone(), synchronisation.owner))
        }
    }
}
