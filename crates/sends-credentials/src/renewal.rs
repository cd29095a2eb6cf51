//! Credential with automatic renewal: reloaded when its file changes, refreshed by one task at a time.
//!
//! | rejected or failed | next request |
//! |---|---|
//! | access token (401) | one refresh; if the new token is also rejected, the next refresh after 30 s, doubling to 1 h, until the upstream accepts a token |
//! | refresh token (`invalid_grant`) | one refresh as a probe after 1 min, doubling to 1 h; the file counts the probes of all processes |
//! | both tokens | the same as for the refresh token; the access token is removed from the file, so that no process sends it |
//! | any other failure | another refresh after 1 to 2 s, doubling to 5 min |
//!
//! A new login by another process ends all of these pauses.

mod background;
mod backoff;
mod refresh;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use secrecy::ExposeSecret;
use sends_client::{AccessToken, TokenError};
use tokio::time::Instant;

use crate::{
    Settings, StateDir, Status, StoreError,
    credential::{Credential, Freshness},
    credential_store::CredentialStore,
    private_file::Stamp,
};
use background::{BackgroundRefresh, Outcome};
use backoff::Backoff;

/// Maximum pause between refreshes while the upstream rejects the issued tokens.
const MAX_REJECTION_PAUSE: Duration = Duration::from_hours(1);

#[derive(Debug)]
struct Loaded {
    credential: Credential,
    /// `None` if the access token is missing or unusable.
    token: Option<AccessToken>,
    /// `None` for the seed, which has no file.
    stamp: Option<Stamp>,
}

/// Reason for a refresh, checked again under the lock because another process may have refreshed already.
#[derive(Clone, Debug)]
enum Cause {
    /// The token is missing or about to expire.
    Age,
    Rejection(AccessToken),
}

#[derive(Debug)]
struct Unsaved {
    /// Fingerprint of the refresh token that was used. The new tokens replace only this token.
    replaces: String,
    credential: Credential,
}

#[derive(Debug, Default)]
struct State {
    loaded: Option<Arc<Loaded>>,
    refresh: Option<BackgroundRefresh>,
    backoff: Backoff,
    /// Number of refreshes after a rejection whose tokens are not accepted yet, and the time of the last refresh.
    unaccepted: Option<(u32, Instant)>,
    /// Valid tokens that are not durable yet and must not be returned.
    unsaved: Option<Unsaved>,
}

#[derive(Debug)]
struct Core {
    dir: StateDir,
    store: CredentialStore,
    /// Credential to use while no file exists.
    seed: Option<Credential>,
    settings: Settings,
    state: Mutex<State>,
}

#[derive(Clone, Debug)]
pub(crate) struct Renewal(Arc<Core>);

impl Renewal {
    pub(crate) fn new(dir: &StateDir, name: &str, seed: Option<Credential>, settings: Settings) -> Self {
        Self(Arc::new(Core {
            dir: dir.clone(),
            store: CredentialStore::new(dir, name, settings.lock_timeout),
            seed,
            settings,
            state: Mutex::default(),
        }))
    }

    pub(crate) fn store(&self) -> &CredentialStore {
        &self.0.store
    }

    pub(crate) fn status(&self) -> Result<Option<Status>, StoreError> {
        let now = self.0.settings.clock.now();
        let loaded = self.0.read()?;
        Ok(loaded.map(|loaded| Status::of(&loaded.credential, now)))
    }

    pub(crate) async fn token(&self) -> Result<AccessToken, TokenError> {
        let outcome = {
            let mut state = self.0.state();
            let loaded = self.0.load(&mut state)?;
            match (loaded.freshness(&self.0.settings), &loaded.token) {
                (Freshness::Fresh, Some(token)) => return Ok(token.clone()),
                (Freshness::Ageing, Some(token)) => {
                    // A failure is only logged, because the current token still works.
                    if let Err(error) = self.0.join_or_start(&mut state, &loaded, Cause::Age) {
                        tracing::debug!(%error, "the access token is not refreshed now");
                    }
                    return Ok(token.clone());
                }
                _ => self.0.join_or_start(&mut state, &loaded, Cause::Age)?,
            }
        };
        outcome.await?.token.clone().ok_or(TokenError::LoginRequired)
    }

    pub(crate) fn accepted(&self, token: &AccessToken) {
        let mut state = self.0.state();
        let current = state.loaded.as_ref().and_then(|loaded| loaded.token.as_ref());
        if current == Some(token) {
            state.unaccepted = None;
        }
    }

    pub(crate) async fn renew(&self, rejected: &AccessToken) -> Result<AccessToken, TokenError> {
        // The second attempt follows a refresh that was in flight for another cause and changed nothing.
        for _ in 0..2 {
            let outcome = {
                let mut state = self.0.state();
                let loaded = self.0.load(&mut state)?;
                if let Some(token) = loaded.other_than(rejected) {
                    return Ok(token.clone());
                }
                self.0.check_rejection_pause(&state)?;
                self.0
                    .join_or_start(&mut state, &loaded, Cause::Rejection(rejected.clone()))?
            };
            if let Some(token) = outcome.await?.other_than(rejected) {
                return Ok(token.clone());
            }
        }
        Err(unavailable(
            "the token endpoint keeps issuing the access token that was rejected",
        ))
    }
}

impl Core {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the loaded credential, read again if the file has changed.
    ///
    /// The check runs on the calling thread, because it takes a microsecond. Reading 4 KB from the page cache takes a few more
    /// microseconds.
    fn load(&self, state: &mut State) -> Result<Arc<Loaded>, TokenError> {
        // During a refresh, the file may contain tokens that are not durable yet.
        if let (Some(loaded), true) = (&state.loaded, state.refresh_in_flight().is_some()) {
            return Ok(Arc::clone(loaded));
        }
        let stamp = self
            .store
            .stamp()
            .map_err(|error| unavailable(error.to_string()))?;
        if let Some(loaded) = &state.loaded
            && loaded.stamp == stamp
        {
            return Ok(Arc::clone(loaded));
        }
        let Some(loaded) = self.read().map_err(|error| unavailable(error.to_string()))? else {
            state.loaded = None;
            return Err(TokenError::LoginRequired);
        };
        // Only a different token ends the backoff. If other changes of the file did so, two processes would keep triggering each
        // other.
        let before = state.loaded.as_ref();
        if before.is_none_or(|before| before.token != loaded.token) {
            state.backoff = Backoff::default();
        }
        let loaded = Arc::new(loaded);
        state.loaded = Some(Arc::clone(&loaded));
        Ok(loaded)
    }

    fn read(&self) -> Result<Option<Loaded>, StoreError> {
        let Some((mut credential, stamp)) = self.store.read()? else {
            return Ok(self.seed.clone().map(|seed| Loaded::new(seed, None)));
        };
        if let Some(seed) = &self.seed {
            // The environment may have changed since the file was written.
            credential.application = seed.application.clone();
            credential.endpoints = seed.endpoints.clone();
        }
        Ok(Some(Loaded::new(credential, Some(stamp))))
    }

    fn join_or_start(
        self: &Arc<Self>,
        state: &mut State,
        loaded: &Loaded,
        cause: Cause,
    ) -> Result<Outcome, TokenError> {
        if let Some(outcome) = state.refresh_in_flight() {
            return Ok(outcome);
        }
        // The rejected token of a failed login must be removed from the file, where other processes would find it.
        let is_rejected = matches!(&cause, Cause::Rejection(token) if loaded.token.as_ref() == Some(token));
        let is_rejected_login = loaded.credential.login_required.is_some();
        let may_refresh = loaded.credential.may_refresh(self.settings.clock.now());
        if !(may_refresh || is_rejected_login && is_rejected) {
            return Err(TokenError::LoginRequired);
        }
        state.backoff.check()?;
        let core = Arc::clone(self);
        let refresh = BackgroundRefresh::start(async move { refresh::run(&core, cause).await })
            .map_err(|error| unavailable(format!("cannot start a thread for the refresh ({error})")))?;
        let outcome = refresh.outcome();
        state.refresh = Some(refresh);
        Ok(outcome)
    }

    /// Fails while refreshes are paused because the upstream rejected the token of the last refresh.
    fn check_rejection_pause(&self, state: &State) -> Result<(), TokenError> {
        let Some((refreshes, last)) = state.unaccepted else {
            return Ok(());
        };
        let doublings = 2_u32.saturating_pow(refreshes.saturating_sub(1));
        let pause = self.settings.rejection_pause.saturating_mul(doublings);
        let left = pause.min(MAX_REJECTION_PAUSE).saturating_sub(last.elapsed());
        if left.is_zero() {
            return Ok(());
        }
        Err(TokenError::Unavailable {
            reason: "the upstream rejects an access token that it has just issued".to_owned(),
            retry_after: Some(left),
        })
    }
}

impl State {
    fn refresh_in_flight(&self) -> Option<Outcome> {
        let refresh = self.refresh.as_ref()?;
        (!refresh.is_over()).then(|| refresh.outcome())
    }
}

impl Loaded {
    fn new(credential: Credential, stamp: Option<Stamp>) -> Self {
        let access = credential.access.as_ref();
        let token = access.and_then(|access| AccessToken::new(access.token.expose_secret()).ok());
        Self {
            credential,
            token,
            stamp,
        }
    }

    fn other_than(&self, rejected: &AccessToken) -> Option<&AccessToken> {
        self.token.as_ref().filter(|token| *token != rejected)
    }

    fn freshness(&self, settings: &Settings) -> Freshness {
        match &self.credential.access {
            None => Freshness::Expired,
            Some(access) => match access.freshness(settings.clock.now()) {
                // Another refresh shows whether the response was lost while the current token still works.
                Freshness::Fresh if self.credential.unanswered_refresh().is_some() => Freshness::Ageing,
                freshness => freshness,
            },
        }
    }
}

fn unavailable(reason: impl Into<String>) -> TokenError {
    TokenError::Unavailable {
        reason: reason.into(),
        retry_after: None,
    }
}
