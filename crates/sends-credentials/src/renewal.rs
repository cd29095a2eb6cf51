//! A credential that stays usable: read when its file changes, refreshed by one task at a time.
//!
//! Owns who waits for what: single flight in this process, backing off after failures, and when nothing is asked of the
//! upstream at all. What one refresh does, and where its answer can be lost, is in [`refresh`]. Must not know where the
//! credential came from.
//!
//! | what the upstream did | what is sent after that |
//! |---|---|
//! | refused the access token (401) | one refresh; if its token is refused too, the next after 30 s, doubling to 1 h, until one is accepted |
//! | refused the refresh token (`invalid_grant`) | one refresh as a probe after 1 min, doubling to 1 h, counted in the file over all processes |
//! | refused both | the same; the access token is taken out of the file, so that no process sends it |
//! | failed in any other way | the refresh again, after 1 to 2 s, doubling to 5 min |
//!
//! A file that another process has changed by a new login ends all of these.

mod backoff;
mod flight;
mod refresh;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use secrecy::ExposeSecret;
use sends_client::{AccessToken, TokenError};
use tokio::time::Instant;

use crate::{
    Settings, StateDir, StoreError,
    credential::{Credential, Freshness},
    credential_store::{CredentialStore, Found},
    private_file::Stamp,
};
use backoff::Backoff;
use flight::{Flight, Outcome};

/// The longest rest between refreshes of tokens that the upstream issues and does not accept.
const LONGEST_REJECTION_REST: Duration = Duration::from_hours(1);

/// The credential as this process knows it.
#[derive(Debug)]
struct Held {
    credential: Credential,
    /// The credential's access token in the form that can be sent.
    token: Option<AccessToken>,
    /// What the file looked like. `None` when there was none and the seed took its place.
    stamp: Option<Stamp>,
}

/// Why a refresh is wanted. It is looked at again when all locks are held, since another process may have done it.
#[derive(Clone, Debug)]
enum Cause {
    /// The token is near its end, or there is none.
    Age,
    /// The upstream did not take this token.
    Rejection(AccessToken),
}

/// The result of a refresh that the disk did not take.
#[derive(Debug)]
struct Unsaved {
    /// The fingerprint of the refresh token it was made with: only in the place of that one is it right.
    replaces: String,
    credential: Credential,
}

#[derive(Debug, Default)]
struct State {
    held: Option<Arc<Held>>,
    flight: Option<Flight>,
    backoff: Backoff,
    /// The refreshes because of a rejection whose tokens the upstream has not accepted yet, and when the last one ended.
    unaccepted: Option<(u32, Instant)>,
    /// Tokens that are valid upstream and could not be stored yet: nobody gets to see them before they are.
    unsaved: Option<Unsaved>,
}

#[derive(Debug)]
struct Core {
    dir: StateDir,
    store: CredentialStore,
    /// The credential to begin with while there is no file.
    seed: Option<Credential>,
    settings: Settings,
    state: Mutex<State>,
}

/// The shared handle on a credential.
#[derive(Clone, Debug)]
pub(crate) struct Renewal(Arc<Core>);

impl Renewal {
    pub(crate) fn new(dir: &StateDir, name: &str, seed: Option<Credential>, settings: Settings) -> Self {
        Self(Arc::new(Core {
            dir: dir.clone(),
            store: CredentialStore::new(dir, name, settings.lock_patience),
            seed,
            settings,
            state: Mutex::default(),
        }))
    }

    pub(crate) fn store(&self) -> &CredentialStore {
        &self.0.store
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// The credential as it is on disk now, or the seed.
    pub(crate) fn credential(&self) -> Result<Option<Credential>, StoreError> {
        Ok(self.0.read()?.map(|held| held.credential))
    }

    pub(crate) async fn token(&self) -> Result<AccessToken, TokenError> {
        let flight = {
            let mut state = self.0.state();
            let held = self.0.look(&mut state)?;
            match (held.freshness(&self.0.settings), &held.token) {
                (Freshness::Fresh, Some(token)) => return Ok(token.clone()),
                (Freshness::Ageing, Some(token)) => {
                    // Nobody waits for a renewal as long as the present token works, even if it is the last one.
                    if let Err(error) = self.0.fly(&mut state, &held, Cause::Age) {
                        tracing::debug!(%error, "the access token is not refreshed now");
                    }
                    return Ok(token.clone());
                }
                _ => self.0.fly(&mut state, &held, Cause::Age)?,
            }
        };
        let held = flight.await?;
        held.token.clone().ok_or(TokenError::LoginRequired)
    }

    /// The upstream has accepted this token.
    pub(crate) fn accepted(&self, token: &AccessToken) {
        let mut state = self.0.state();
        if state.unaccepted.is_some()
            && state
                .held
                .as_ref()
                .is_some_and(|held| held.token.as_ref() == Some(token))
        {
            state.unaccepted = None;
        }
    }

    pub(crate) async fn renew(&self, rejected: &AccessToken) -> Result<AccessToken, TokenError> {
        // The second round is for a flight that was under way for another cause and found nothing to do.
        for _ in 0..2 {
            let flight = {
                let mut state = self.0.state();
                let held = self.0.look(&mut state)?;
                match &held.token {
                    Some(token) if token != rejected => return Ok(token.clone()),
                    _ => {}
                }
                self.0.refuse_pointless_renewal(&state)?;
                self.0
                    .fly(&mut state, &held, Cause::Rejection(rejected.clone()))?
            };
            let held = flight.await?;
            match &held.token {
                Some(token) if token != rejected => return Ok(token.clone()),
                _ => {}
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

    /// What is known, read again if the file has changed: another process may have logged in, refreshed or logged out.
    ///
    /// Asking costs a microsecond and reading a few more, on a file of 4 KB in the cache: too little for another thread.
    fn look(&self, state: &mut State) -> Result<Arc<Held>, TokenError> {
        // While this process writes, what it writes is not used: it may not be durable yet.
        if let (Some(held), true) = (&state.held, state.in_flight().is_some()) {
            return Ok(Arc::clone(held));
        }
        let stamp = self.store.stamp().map_err(|error| unusable(&error))?;
        if let Some(held) = &state.held
            && held.stamp == stamp
        {
            return Ok(Arc::clone(held));
        }
        let Some(held) = self.read().map_err(|error| unusable(&error))? else {
            state.held = None;
            return Err(TokenError::LoginRequired);
        };
        // With other tokens, what failed before may work now. A change of the notes about a refresh is none: two processes
        // would drive each other on.
        if state
            .held
            .as_ref()
            .is_none_or(|before| before.token != held.token)
        {
            state.backoff = Backoff::default();
        }
        let held = Arc::new(held);
        state.held = Some(Arc::clone(&held));
        Ok(held)
    }

    /// What is on disk, or else the seed.
    fn read(&self) -> Result<Option<Held>, StoreError> {
        if let Some(Found {
            mut credential,
            stamp,
        }) = self.store.read()?
        {
            if let Some(seed) = &self.seed {
                // Where the environment says who we are, it is right and the file may be old.
                credential.application = seed.application.clone();
                credential.endpoints = seed.endpoints.clone();
            }
            return Ok(Some(Held::new(credential, Some(stamp))));
        }
        Ok(self.seed.clone().map(|seed| Held::new(seed, None)))
    }

    /// Joins the refresh that is under way, or starts one.
    fn fly(self: &Arc<Self>, state: &mut State, held: &Held, cause: Cause) -> Result<Outcome, TokenError> {
        if let Some(outcome) = state.in_flight() {
            return Ok(outcome);
        }
        // A rejected token of a dead login is taken off the disk, where other processes would still find it.
        let is_rejected = matches!(&cause, Cause::Rejection(token) if held.token.as_ref() == Some(token));
        let is_dead = held.credential.login_required.is_some();
        let may_refresh = held.credential.may_refresh(self.settings.clock.now());
        if !(may_refresh || is_dead && is_rejected) {
            return Err(TokenError::LoginRequired);
        }
        state.backoff.check()?;
        let core = Arc::clone(self);
        let flight = Flight::start(async move { refresh::run(&core, cause).await })
            .map_err(|error| unavailable(format!("no thread could be started for the refresh ({error})")))?;
        let outcome = flight.outcome();
        state.flight = Some(flight);
        Ok(outcome)
    }

    /// A token that was rejected right after it was obtained because of a rejection will not be improved by another one.
    fn refuse_pointless_renewal(&self, state: &State) -> Result<(), TokenError> {
        let left = state.unaccepted.and_then(|(renewals, last)| {
            let rest = self.settings.rejection_rest;
            let rest = rest.saturating_mul(2_u32.saturating_pow(renewals.saturating_sub(1)));
            rest.min(LONGEST_REJECTION_REST).checked_sub(last.elapsed())
        });
        let left = left.filter(|left| !left.is_zero());
        match left {
            Some(left) => Err(TokenError::Unavailable {
                reason: "the upstream rejects an access token that it has just issued".to_owned(),
                retry_after: Some(left),
            }),
            None => Ok(()),
        }
    }
}

impl State {
    /// The refresh that is under way, if there is one.
    fn in_flight(&self) -> Option<Outcome> {
        let flight = self.flight.as_ref()?;
        (!flight.is_over()).then(|| flight.outcome())
    }
}

impl Held {
    fn new(credential: Credential, stamp: Option<Stamp>) -> Self {
        // A token that could not be sent is as good as none.
        let access = credential.access.as_ref();
        let token = access.and_then(|access| AccessToken::new(access.token.expose_secret()).ok());
        Self {
            credential,
            token,
            stamp,
        }
    }

    fn freshness(&self, settings: &Settings) -> Freshness {
        match &self.credential.access {
            None => Freshness::Expired,
            Some(access) => match access.freshness(settings.clock.now()) {
                // Whether the answer was lost is found out while the present token still works.
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

fn unusable(error: &StoreError) -> TokenError {
    unavailable(error.to_string())
}
