//! One refresh, from the lock to the new tokens on disk. Tokens are stored before they are returned.
//!
//! # Where a token response can be lost
//!
//! With refresh token rotation, the response to a refresh contains the only valid token. The table shows the effect of a SIGKILL;
//! each row is a test in `crash_tests.rs`.
//!
//! | killed after | on disk | at the next start |
//! |---|---|---|
//! | the lock is taken and the file is read again | the old tokens | nothing has changed |
//! | the record "refresh with token X sent" is durable | the old tokens and the record | the old token is used for a refresh |
//! | the request is sent, but the upstream has not acted | the same | the same |
//! | **the upstream has rotated the token, and the response is in transit** | the same | the token is rejected, and the record shows the loss: a new login is required |
//! | **the response is received, but not written** | the same | the same loss |
//! | the response is written to the temporary file, which is not renamed yet | the same, and the temporary file | the response is read from the temporary file |
//! | the file is renamed, but the folder is not synchronised | the new tokens; after a power loss perhaps the state of the row above | the new tokens are used |
//! | the response is stored, but not used | the new tokens | the new tokens are used |
//!
//! After a rotation, a client without the response cannot recover, so the protocol has no remedy for the two rows in bold. All
//! other interruptions are covered: the refresh has a dedicated thread (`background.rs`), and the process waits for it before it
//! exits (`in_flight.rs`), whether after a signal, an error, a panic elsewhere or the end of a command. SIGTERM never abandons a
//! response. Ctrl-C does so after a warning, unless the response is received. If the disk does not accept a response, the
//! response stays in memory for the next attempt. A panic between the response and the disk has the same effect as a kill.
//!
//! A browser or device login is lost if its process is killed before the rename. The previous login stays.

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
    Found(Loaded),
    Renewed(Loaded),
    /// A new login is required. `None` after a logout.
    Refused(Option<Loaded>),
}

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
    fn is_met_by(&self, found: &Loaded, core: &Core) -> bool {
        match self {
            Self::Age => found.freshness(&core.settings) == Freshness::Fresh,
            Self::Rejection(rejected) => found.other_than(rejected).is_some(),
        }
    }

    /// Removes the access token if it is the rejected token. Returns whether it was removed.
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

/// Returns the response to the recorded refresh if it was written, but the process was killed before the rename.
fn interrupted(locked: &Locked, recorded: &Credential, used: &str) -> Option<Credential> {
    recorded.unanswered_refresh()?;
    let mut response = locked
        .interrupted()
        .filter(|response| response.id == recorded.id)?;
    if fingerprint(&response.refresh.as_ref()?.token) == used {
        return None;
    }
    response.application = recorded.application.clone();
    response.endpoints = recorded.endpoints.clone();
    Some(response)
}

impl Core {
    /// Records the refresh on disk, sends it, and stores the response.
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
        crate::crash_tests::reached("record written");
        let requested_at = self.settings.clock.now();
        let response = oauth.refresh(&refresh.token).await;
        in_flight.mark_received();
        #[cfg(test)]
        crate::crash_tests::reached("response received");
        match response {
            Ok(grant) => {
                credential.renew(grant);
                self.save(locked, Unsaved { replaces, credential }).await
            }
            Err(RequestError::OAuth(error)) if error.code == "invalid_grant" => {
                tracing::debug!(%error, "the refresh token was rejected");
                let loaded = self.record_rejection(locked, credential, earlier, cause).await;
                Ok(Ended::Refused(Some(loaded)))
            }
            // The old refresh token is no longer valid, and the new token requires another refresh.
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
            // The record stays, because a rejection of the next attempt would mean that this response was lost.
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
    async fn record_rejection(
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

    /// Removes the rejected access token of a failed login from the file, so that no process tries it again.
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
                tracing::error!(%error, "the rejection of the login could not be recorded");
                // This process uses the loaded credential until the file changes.
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
