//! One refresh, from the lock to the new tokens on disk. Tokens are stored before they are returned.
//!
//! # Where a token response can be lost
//!
//! With rotating refresh tokens, the response to a refresh holds the only valid one. The effect of a kill (SIGKILL; each row is a
//! test in `crash_tests.rs`):
//!
//! | killed after | on disk | the next start |
//! |---|---|---|
//! | the lock is taken and the file read again | the old tokens | nothing has changed |
//! | the record "refresh with token X sent" is durable | the old tokens, the record | refreshes with the old token |
//! | the request is sent, the upstream has not acted | the same | the same |
//! | **the upstream has rotated, the response is in transit** | the same | is rejected, and recognises the loss by the record: log in again |
//! | **the response is received, not written** | the same | the same loss |
//! | the response is written to the temporary file, not renamed | the same, and the temporary file | takes the response from there |
//! | the file is renamed, the folder not yet synchronised | the new tokens; after a power loss perhaps the row above | uses them |
//! | the response is stored, not used | the new tokens | uses them |
//!
//! The protocol has no remedy for the two rows in bold: after a rotation, a client without the response cannot recover.
//! Everything short of a kill is covered: the refresh has its own thread (`background.rs`), and the end of the process waits for
//! it (`in_flight.rs`) after a signal, an error, a panic elsewhere, or the end of a command. SIGTERM never abandons a response;
//! Ctrl-C does so after a warning, unless the response is received. If the disk does not accept a response, it stays in memory
//! for the next attempt. A panic between response and disk has the effect of a kill there.
//!
//! A browser or device login is lost if its process is killed before the rename; the previous login stays.

use std::{sync::Arc, time::Duration};

use secrecy::ExposeSecret;
use sends_client::{AccessToken, TokenError};
use tokio::time::Instant;

use super::{Backoff, Cause, Core, Loaded, Unsaved};
use crate::{
    LoginRequired, StoreError,
    credential::{Access, Credential, Freshness, Refresh, RefreshInFlight},
    credential_store::Locked,
    fingerprint::fingerprint,
    in_flight::InFlightRequest,
    oauth::{OAuth, RequestError},
    token_http::TransportError,
};

enum Ended {
    /// Another process had refreshed.
    Found(Loaded),
    /// The new tokens are on disk.
    Renewed(Loaded),
    /// A login is needed. `None` after a logout.
    Refused(Option<Loaded>),
}

/// A transient failure, which another attempt may resolve.
struct Failure {
    reason: String,
    retry_after: Option<Duration>,
}

pub(super) async fn run(core: &Core, cause: Cause) -> Result<Arc<Loaded>, TokenError> {
    let ended = refresh(core, &cause).await;
    let mut state = core.state();
    let loaded = match ended {
        Ok(Ended::Found(loaded)) => loaded,
        Ok(Ended::Renewed(loaded)) => {
            if matches!(cause, Cause::Rejection(_)) {
                let before = state.unaccepted.map_or(0, |(refreshes, _)| refreshes);
                state.unaccepted = Some((before.saturating_add(1), Instant::now()));
            }
            loaded
        }
        Ok(Ended::Refused(loaded)) => {
            state.loaded = loaded.map(Arc::new);
            return Err(TokenError::LoginRequired);
        }
        Err(Failure { reason, retry_after }) => {
            tracing::warn!(reason, "the access token could not be refreshed");
            return Err(state.backoff.failed(reason, retry_after));
        }
    };
    let loaded = Arc::new(loaded);
    state.loaded = Some(Arc::clone(&loaded));
    state.backoff = Backoff::default();
    Ok(loaded)
}

async fn refresh(core: &Core, cause: &Cause) -> Result<Ended, Failure> {
    let locked = core.store.lock().await?;
    let Some(found) = core.read()? else {
        return Ok(Ended::Refused(None));
    };
    if cause.is_met_by(&found, core) {
        return Ok(Ended::Found(found));
    }
    let now = core.settings.clock.now();
    let refresh = found.credential.refresh.as_ref();
    let Some(refresh) = refresh.filter(|_| found.credential.may_refresh(now)) else {
        let found = core.without_rejected(&locked, found, cause).await;
        return Ok(Ended::Refused(Some(found)));
    };
    let replaces = fingerprint(&refresh.token);
    if let Some(credential) = interrupted(&locked, &found.credential, &replaces) {
        return core.save(&locked, Unsaved { replaces, credential }).await;
    }
    let unsaved = core.state().unsaved.take();
    if let Some(unsaved) = unsaved.filter(|unsaved| unsaved.replaces == replaces) {
        return core.save(&locked, unsaved).await;
    }
    core.send(&locked, found.credential, replaces, cause).await
}

impl Cause {
    /// Whether another process has already refreshed.
    fn is_met_by(&self, found: &Loaded, core: &Core) -> bool {
        match self {
            Self::Age => found.freshness(&core.settings) == Freshness::Fresh,
            Self::Rejection(rejected) => found.other_than(rejected).is_some(),
        }
    }

    /// Removes the access token if it is the rejected one. Returns whether it was.
    fn remove_rejected(&self, credential: &mut Credential) -> bool {
        let Self::Rejection(rejected) = self else {
            return false;
        };
        let is_rejected = |access: &mut Access| {
            AccessToken::new(access.token.expose_secret()).is_ok_and(|token| token == *rejected)
        };
        credential.access.take_if(is_rejected).is_some()
    }
}

/// The response to the recorded refresh, if it was written and the process died before the rename.
fn interrupted(locked: &Locked, recorded: &Credential, used: &str) -> Option<Credential> {
    recorded.unanswered_refresh()?;
    let mut answered = locked
        .interrupted()
        .filter(|answered| answered.id == recorded.id)?;
    if fingerprint(&answered.refresh.as_ref()?.token) == used {
        return None;
    }
    answered.application = recorded.application.clone();
    answered.endpoints = recorded.endpoints.clone();
    Some(answered)
}

impl Core {
    /// Sends the refresh, with its record on disk before and the response on disk after.
    async fn send(
        &self,
        locked: &Locked,
        mut credential: Credential,
        replaces: String,
        cause: &Cause,
    ) -> Result<Ended, Failure> {
        let Some(refresh) = credential.refresh.clone() else {
            return Ok(Ended::Refused(Some(Loaded::new(credential, self.store.stamp()?))));
        };
        let timeout = self.settings.lock_timeout + self.settings.call_timeout;
        let in_flight = InFlightRequest::begin(timeout)
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
                token_fingerprint: replaces.clone(),
                since: self.settings.clock.now(),
            });
            locked.write(&credential).await?;
        }
        #[cfg(test)]
        crate::crash_tests::reached("note written");
        let requested_at = self.settings.clock.now();
        let answered = oauth.refresh(&refresh.token).await;
        in_flight.answered();
        #[cfg(test)]
        crate::crash_tests::reached("answer received");
        match answered {
            Ok(grant) => {
                credential.renew(grant);
                self.save(locked, Unsaved { replaces, credential }).await
            }
            Err(RequestError::OAuth(error)) if error.code == "invalid_grant" => {
                tracing::debug!(%error, "the refresh token was refused");
                let loaded = self.record_refusal(locked, credential, earlier, cause).await;
                Ok(Ended::Refused(Some(loaded)))
            }
            // The old refresh token is used up, and the new one needs a refresh of its own.
            Err(RequestError::NoAccessToken {
                refresh_token: Some(token),
            }) => {
                credential.refresh = Some(Refresh {
                    token,
                    obtained_at: requested_at,
                });
                credential.refresh_in_flight = None;
                self.save(locked, Unsaved { replaces, credential }).await?;
                Err(RequestError::NoAccessToken { refresh_token: None }.into())
            }
            // The record stays: if the next attempt is rejected, the response to this one was lost.
            Err(error @ RequestError::NoAccessToken { .. }) => Err(error.into()),
            Err(RequestError::Transport(error)) if error.is_perhaps_done() => {
                Err(RequestError::from(error).into())
            }
            Err(error) => {
                if earlier.is_none() {
                    credential.refresh_in_flight = None;
                    locked.write(&credential).await?;
                }
                Err(error.into())
            }
        }
    }

    /// Stores new tokens. If the disk does not accept them, they stay in memory for the next attempt.
    async fn save(&self, locked: &Locked, unsaved: Unsaved) -> Result<Ended, Failure> {
        match locked.write(&unsaved.credential).await {
            Ok(stamp) => {
                #[cfg(test)]
                crate::crash_tests::reached("answer stored");
                Ok(Ended::Renewed(Loaded::new(unsaved.credential, Some(stamp))))
            }
            Err(error) => {
                self.state().unsaved = Some(unsaved);
                Err(error.into())
            }
        }
    }

    /// Records the rejection and its reason on disk, so that processes that start later send no request.
    async fn record_refusal(
        &self,
        locked: &Locked,
        mut credential: Credential,
        earlier: Option<RefreshInFlight>,
        cause: &Cause,
    ) -> Loaded {
        let since = self.settings.clock.now();
        let required = match earlier {
            Some(RefreshInFlight { since: sent_at, .. }) => LoginRequired::AnswerLost { sent_at, since },
            None => LoginRequired::Refused { since },
        };
        if credential.login_required.is_none() {
            tracing::error!("{required}; log in again with `sends-graphql login`");
        }
        credential.refused(required, since);
        cause.remove_rejected(&mut credential);
        self.write_refused(locked, credential).await
    }

    /// Removes the rejected access token of a failed login from the file: no process needs to try it again.
    async fn without_rejected(&self, locked: &Locked, mut found: Loaded, cause: &Cause) -> Loaded {
        if found.credential.login_required.is_some() && cause.remove_rejected(&mut found.credential) {
            return self.write_refused(locked, found.credential).await;
        }
        found
    }

    async fn write_refused(&self, locked: &Locked, credential: Credential) -> Loaded {
        let stamp = match locked.write(&credential).await {
            Ok(stamp) => Some(stamp),
            Err(error) => {
                tracing::error!(%error, "the refusal of the login could not be recorded");
                // This process still uses the loaded credential until the file changes.
                self.store.stamp().unwrap_or_default()
            }
        };
        Loaded::new(credential, stamp)
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
        Self {
            reason: error.to_string(),
            retry_after: match error {
                RequestError::Transport(error) => error.retry_after,
                _ => None,
            },
        }
    }
}
