//! One refresh, from taking the lock to the new tokens on disk.
//!
//! The order is what keeps a login alive through a crash at any instruction:
//!
//! | step | a crash after it leaves |
//! |---|---|
//! | lock, read the file again | nothing changed |
//! | note "refresh with token X sent", durably | a note; the token still works, and the next start uses it |
//! | send the refresh | a note; the upstream may have rotated, and nobody but the lost answer knows the new token |
//! | store the answer and clear the note, durably | the new tokens |
//! | hand out the access token | the new tokens |
//!
//! Between the third and the fourth step the protocol makes survival impossible for a rotating token. The note is how
//! that is told from a token that was revoked. Must not know who waits for the result.

use std::{sync::Arc, time::Duration};

use sends_client::TokenError;
use tokio::time::Instant;

use super::{Backoff, Cause, Core, Held, Unsaved};
use crate::{
    LoginError, LoginRequired, StoreError,
    credential::{Credential, Freshness, Refresh, RefreshInFlight},
    credential_store::Locked,
    fingerprint::fingerprint,
    oauth::{OAuth, RequestError},
};

/// How a refresh ended.
enum Ended {
    /// Another process had done it.
    Found(Held),
    /// The upstream answered with new tokens, and they are on disk.
    Renewed(Held),
    /// Only a person can help. `None` when somebody logged out meanwhile.
    Dead(Option<Held>),
}

/// It did not work, and may work later.
struct Failure {
    reason: String,
    retry_after: Option<Duration>,
}

pub(super) async fn run(core: &Core, cause: Cause) -> Result<Arc<Held>, TokenError> {
    let ended = refresh(core, &cause).await;
    let mut state = core.state();
    let held = match ended {
        Ok(Ended::Found(held)) => held,
        Ok(Ended::Renewed(held)) => {
            state.renewed_after_rejection = matches!(cause, Cause::Rejection(_)).then(Instant::now);
            held
        }
        Ok(Ended::Dead(held)) => {
            state.held = held.map(Arc::new);
            return Err(TokenError::LoginRequired);
        }
        Err(Failure { reason, retry_after }) => {
            tracing::warn!(reason, "the access token could not be refreshed");
            return Err(state.backoff.failed(reason, retry_after));
        }
    };
    let held = Arc::new(held);
    state.held = Some(Arc::clone(&held));
    state.backoff = Backoff::default();
    Ok(held)
}

async fn refresh(core: &Core, cause: &Cause) -> Result<Ended, Failure> {
    let locked = core.store.lock().await?;
    let Some(found) = core.read()? else {
        return Ok(Ended::Dead(None));
    };
    if cause.is_met_by(&found, core) {
        return Ok(Ended::Found(found));
    }
    let Some(refresh) = found.credential.refresh.clone() else {
        return Ok(Ended::Dead(Some(found)));
    };
    if found.credential.login_required.is_some() {
        return Ok(Ended::Dead(Some(found)));
    }
    let used = fingerprint(&refresh.token);
    let unsaved = core.state().unsaved.take();
    if let Some(unsaved) = unsaved.filter(|unsaved| unsaved.replaces == used) {
        return core.keep(&locked, unsaved).await;
    }
    core.ask(&locked, found.credential, &refresh, used).await
}

impl Cause {
    /// Whether there is nothing left to do, since another process was faster.
    fn is_met_by(&self, found: &Held, core: &Core) -> bool {
        match self {
            Self::Age => found.freshness(&core.settings) == Freshness::Fresh,
            Self::Rejection(rejected) => found.token.as_ref().is_some_and(|token| token != rejected),
        }
    }
}

impl Core {
    /// Sends the refresh, with a note of it on disk before and the answer on disk after.
    async fn ask(
        &self,
        locked: &Locked,
        mut credential: Credential,
        refresh: &Refresh,
        used: String,
    ) -> Result<Ended, Failure> {
        let oauth = OAuth::new(
            &credential.application,
            &credential.endpoints,
            &self.dir,
            &self.settings,
        )?;
        let earlier = credential.unanswered_refresh();
        if earlier.is_none() {
            credential.refresh_in_flight = Some(RefreshInFlight {
                token_fingerprint: used.clone(),
                since: self.settings.clock.now(),
            });
            locked.write(&credential).await?;
        }
        match oauth.refresh(&refresh.token).await {
            Ok(grant) => {
                credential.renew(grant);
                let replaces = used;
                self.keep(locked, Unsaved { replaces, credential }).await
            }
            Err(RequestError::InvalidGrant { description }) => {
                tracing::debug!(description, "the refresh token was refused");
                Ok(Ended::Dead(Some(self.bury(locked, credential, earlier).await)))
            }
            // The note stays: should the next attempt be refused, this one was why.
            Err(error @ RequestError::PerhapsDone { .. }) => Err(error.into()),
            Err(error) => {
                if earlier.is_none() {
                    credential.refresh_in_flight = None;
                    locked.write(&credential).await?;
                }
                Err(error.into())
            }
        }
    }

    /// Stores new tokens. If the disk does not take them they are kept in memory for the next attempt, and nobody gets to
    /// see them until then.
    async fn keep(&self, locked: &Locked, unsaved: Unsaved) -> Result<Ended, Failure> {
        match locked.write(&unsaved.credential).await {
            Ok(stamp) => Ok(Ended::Renewed(Held::new(unsaved.credential, Some(stamp)))),
            Err(error) => {
                self.state().unsaved = Some(unsaved);
                Err(error.into())
            }
        }
    }

    /// Notes that the refresh token is dead, and whether that is because an answer was lost. Processes that start later
    /// read it and do not ask the upstream again.
    async fn bury(
        &self,
        locked: &Locked,
        mut credential: Credential,
        earlier: Option<RefreshInFlight>,
    ) -> Held {
        let since = self.settings.clock.now();
        let required = earlier.map_or(LoginRequired::Refused { since }, |earlier| {
            LoginRequired::AnswerLost {
                sent_at: earlier.since,
                since,
            }
        });
        tracing::error!("log in again: {required}");
        credential.refresh_in_flight = None;
        credential.login_required = Some(required);
        let stamp = match locked.write(&credential).await {
            Ok(stamp) => Some(stamp),
            Err(error) => {
                tracing::error!(%error, "that a login is needed could not be noted");
                // In this process it is known all the same, until the file changes.
                self.store.stamp().unwrap_or_default()
            }
        };
        Held::new(credential, stamp)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self {
            reason: error.to_string(),
            retry_after: None,
        }
    }
}

impl From<RequestError> for Failure {
    fn from(error: RequestError) -> Self {
        let (reason, retry_after) = match error {
            RequestError::NotDone { reason, retry_after }
            | RequestError::PerhapsDone { reason, retry_after } => (reason, retry_after),
            other => (LoginError::from(other).to_string(), None),
        };
        Self { reason, retry_after }
    }
}
