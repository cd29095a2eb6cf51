//! One refresh, from taking the lock to the new tokens on disk.
//!
//! # Where a token answer can be lost
//!
//! With rotating refresh tokens the answer to a refresh holds the only token that still works. What a process that is killed
//! leaves (SIGKILL; each row is a test in `crash_points.rs`):
//!
//! | killed after | on disk | the next start |
//! |---|---|---|
//! | the lock is taken and the file read again | the old tokens | nothing has changed |
//! | the note "refresh with token X sent" is durable | the old tokens, the note | refreshes with the old token |
//! | the request is sent, the upstream has not acted | the same | the same |
//! | **the upstream has rotated, the answer is on its way** | the same | is refused, and tells from the note that an answer was lost: log in again |
//! | **the answer is received, not written** | the same | the same loss |
//! | the answer is written beside the file, not renamed | the same, and the answer beside it | takes the answer from there |
//! | the file is renamed, the folder not yet synchronised | the new tokens; after a loss of power perhaps the row above | uses them |
//! | the answer is stored, not used | the new tokens | uses them |
//!
//! The protocol cannot close the two rows in bold: a server that has rotated keeps no way back for a client without its answer.
//! Short of a kill they are not met, since the refresh has a thread of its own (`flight.rs`) that no cancelled request and no
//! runtime that ends can stop, and the end of the process waits for it (`in_flight.rs`) whatever ends it: a signal, an error, a
//! panic elsewhere, or the end of a command. SIGTERM never gives up an answer, however often it comes; Ctrl-C does after a
//! warning, if the answer is not received. A disk that does not take the answer leaves it in memory for the next attempt. A panic
//! between answer and disk is as a kill there.
//!
//! A login in the browser or on a device is lost where its process is killed before its file is renamed; the login before it stays,
//! and the user logs in once more.
//!
//! Nothing is handed out before it is stored. Must not know who waits for the result.

use std::{sync::Arc, time::Duration};

use secrecy::ExposeSecret;
use sends_client::{AccessToken, TokenError};
use tokio::time::Instant;

use super::{Backoff, Cause, Core, Held, Unsaved};
use crate::{
    LoginError, LoginRequired, StoreError,
    credential::{Access, Credential, Freshness, Refresh, RefreshInFlight},
    credential_store::Locked,
    fingerprint::fingerprint,
    in_flight::InFlightRequest,
    oauth::{NO_ACCESS_TOKEN, OAuth, RequestError},
    token_http::TransportError,
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
            if matches!(cause, Cause::Rejection(_)) {
                let before = state.unaccepted.map_or(0, |(renewals, _)| renewals);
                state.unaccepted = Some((before.saturating_add(1), Instant::now()));
            }
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
    let now = core.settings.clock.now();
    let refresh = found.credential.refresh.clone();
    let Some(refresh) = refresh.filter(|_| found.credential.may_refresh(now)) else {
        let found = core.without_rejected(&locked, found, cause).await;
        return Ok(Ended::Dead(Some(found)));
    };
    let used = fingerprint(&refresh.token);
    if let Some(credential) = core.interrupted(&found.credential, &used) {
        let replaces = used;
        return core.keep(&locked, Unsaved { replaces, credential }).await;
    }
    let unsaved = core.state().unsaved.take();
    if let Some(unsaved) = unsaved.filter(|unsaved| unsaved.replaces == used) {
        return core.keep(&locked, unsaved).await;
    }
    core.ask(&locked, found.credential, &refresh, used, cause).await
}

impl Cause {
    /// Whether there is nothing left to do, since another process was faster.
    fn is_met_by(&self, found: &Held, core: &Core) -> bool {
        match self {
            Self::Age => found.freshness(&core.settings) == Freshness::Fresh,
            Self::Rejection(rejected) => found.token.as_ref().is_some_and(|token| token != rejected),
        }
    }

    /// Drops the access token if it is the rejected one: without a refresh token that works, no process needs to try it again.
    fn drop_rejected(&self, credential: &mut Credential) -> bool {
        let Self::Rejection(rejected) = self else {
            return false;
        };
        let is_rejected = |access: &mut Access| {
            AccessToken::new(access.token.expose_secret()).is_ok_and(|token| token == *rejected)
        };
        credential.access.take_if(is_rejected).is_some()
    }
}

impl Core {
    /// The answer to the noted refresh, if it was written and the process died before the file took its place.
    fn interrupted(&self, noted: &Credential, used: &str) -> Option<Credential> {
        noted.unanswered_refresh()?;
        let mut answered = self
            .store
            .interrupted()
            .filter(|answered| answered.id == noted.id)?;
        let refresh = answered.refresh.as_ref()?;
        if fingerprint(&refresh.token) == used {
            return None;
        }
        answered.application = noted.application.clone();
        answered.endpoints = noted.endpoints.clone();
        Some(answered)
    }

    /// Sends the refresh, with a note of it on disk before and the answer on disk after.
    async fn ask(
        &self,
        locked: &Locked,
        mut credential: Credential,
        refresh: &Refresh,
        used: String,
        cause: &Cause,
    ) -> Result<Ended, Failure> {
        let longest = self.settings.lock_patience + self.settings.call_timeout;
        let in_flight = InFlightRequest::begin(longest)
            .map_err(|closed| RequestError::from(TransportError::from(closed)))?;
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
        #[cfg(test)]
        crate::crash_points::reached("note written");
        let asked_at = self.settings.clock.now();
        let answered = oauth.refresh(&refresh.token).await;
        in_flight.answered();
        #[cfg(test)]
        crate::crash_points::reached("answer received");
        match answered {
            Ok(grant) => {
                credential.renew(grant);
                let replaces = used;
                self.keep(locked, Unsaved { replaces, credential }).await
            }
            Err(RequestError::InvalidGrant { description }) => {
                tracing::debug!(description, "the refresh token was refused");
                let held = self.bury(locked, credential, earlier, cause).await;
                Ok(Ended::Dead(Some(held)))
            }
            // The old one is used up, and this one is worth a refresh of its own.
            Err(
                ref error @ RequestError::NoAccessToken {
                    refresh_token: Some(ref token),
                },
            ) => {
                credential.replace_refresh_token(token.clone(), asked_at);
                let replaces = used;
                self.keep(locked, Unsaved { replaces, credential }).await?;
                Err(error.clone().into())
            }
            // The note stays: should the next attempt be refused, this one was why.
            Err(
                error @ (RequestError::Transport(TransportError::PerhapsDone { .. })
                | RequestError::NoAccessToken { .. }),
            ) => Err(error.into()),
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
            Ok(stamp) => {
                #[cfg(test)]
                crate::crash_points::reached("answer stored");
                Ok(Ended::Renewed(Held::new(unsaved.credential, Some(stamp))))
            }
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
        cause: &Cause,
    ) -> Held {
        let since = self.settings.clock.now();
        let required = earlier.map_or(LoginRequired::Refused { since }, |earlier| {
            LoginRequired::AnswerLost {
                sent_at: earlier.since,
                since,
            }
        });
        if credential.login_required.is_none() {
            tracing::error!("log in again with `sends-graphql login`: {required}");
        }
        credential.bury(required, since);
        cause.drop_rejected(&mut credential);
        self.note(locked, credential).await
    }

    /// A login that is dead, without the access token if that is what was rejected.
    async fn without_rejected(&self, locked: &Locked, mut found: Held, cause: &Cause) -> Held {
        if found.credential.login_required.is_some() && cause.drop_rejected(&mut found.credential) {
            return self.note(locked, found.credential).await;
        }
        found
    }

    async fn note(&self, locked: &Locked, credential: Credential) -> Held {
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
        match error {
            RequestError::Transport(error) => Self {
                reason: error.reason().to_owned(),
                retry_after: error.retry_after(),
            },
            RequestError::NoAccessToken { .. } => Self {
                reason: NO_ACCESS_TOKEN.to_owned(),
                retry_after: None,
            },
            other => Self {
                reason: LoginError::from(other).to_string(),
                retry_after: None,
            },
        }
    }
}
