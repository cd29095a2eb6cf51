//! Access modes: the credential of upstream calls, and the owner of the data that a request reads.
//!
//! The service works in exactly one of two modes: with its own credential, where every caller reads the data of one account, or
//! with its callers' tokens, where every caller reads the data that its token permits.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use http::{HeaderMap, header};
use jiff::Timestamp;
use secrecy::ExposeSecret;
use sends_client::{AccessToken, Caller, TokenSource};
use sends_credentials::{CredentialId, Login, StateDir, environment::EnvironmentVariables};
use sends_store::Owner;
use tokio::time::Instant;

use crate::sources::histories::RequestContext;

/// Access mode of the service.
#[derive(Clone)]
pub enum Access {
    /// All callers read with the service's own credential.
    OwnCredential {
        /// Owner of the data.
        owner: OwnOwner,
        tokens: Arc<dyn TokenSource>,
    },
    /// The `Authorization: Bearer` token of each caller is sent upstream.
    CallersTokens(CallersTokens),
}

/// Owner of the data that the service's own credential reads.
#[derive(Clone)]
pub enum OwnOwner {
    /// The credential never changes to another account.
    Fixed(Owner),
    /// The login may change to another account while the service runs.
    Login {
        login: Login,
        /// Time of the last check of the login, and the owner found by it.
        seen: Arc<Mutex<(Instant, Owner)>>,
    },
}

/// Interval between checks of the account that is logged in.
const LOGIN_SEEN_FOR: Duration = Duration::from_secs(1);

impl OwnOwner {
    /// Owner of the data fetched with the environment's token: a hash of the initial token.
    pub fn of_environment(variables: &EnvironmentVariables) -> Self {
        let token = variables
            .refresh_token
            .as_ref()
            .or(variables.access_token.as_ref());
        let token = token.map_or("", |token| token.expose_secret());
        Self::Fixed(owner_of("sends 2026-11 owner by the environment's token", token))
    }

    /// Owner of the data fetched with a login: the same for all logins to the same account.
    pub fn of_login(login: Login) -> Self {
        let owner = current_owner(&login);
        Self::Login {
            login,
            seen: Arc::new(Mutex::new((Instant::now(), owner))),
        }
    }

    /// Owner for a command with its own credential: the environment's token if set, else the login. `None` without either.
    ///
    /// # Errors
    ///
    /// The login cannot be read.
    pub fn of(
        state: &StateDir,
        variables: &EnvironmentVariables,
    ) -> Result<Option<Owner>, sends_credentials::StoreError> {
        if variables.access_token.is_some() || variables.refresh_token.is_some() {
            return Ok(Some(Self::of_environment(variables).now()));
        }
        let login = Login::new(state, sends_credentials::Settings::default());
        let is_there = login.status()?.is_some();
        Ok(is_there.then(|| Self::of_login(login).now()))
    }

    /// Current owner. Checks the login again after [`LOGIN_SEEN_FOR`].
    pub(crate) fn now(&self) -> Owner {
        match self {
            Self::Fixed(owner) => *owner,
            Self::Login { login, seen } => {
                let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                if seen.0.elapsed() > LOGIN_SEEN_FOR {
                    *seen = (Instant::now(), current_owner(login));
                }
                seen.1
            }
        }
    }
}

fn current_owner(login: &Login) -> Owner {
    // A login that cannot be read yields no token either, so nothing is fetched for this owner.
    let id = login.status().ok().flatten().map(|status| status.credential_id);
    owner_of(
        "sends 2026-11 owner by login",
        id.as_ref().map_or("", CredentialId::as_str),
    )
}

fn owner_of(context: &str, identity: &str) -> Owner {
    truncated(blake3::Hash::from_bytes(blake3::derive_key(
        context,
        identity.as_bytes(),
    )))
}

fn truncated(hash: blake3::Hash) -> Owner {
    let mut owner = [0; 16];
    owner.copy_from_slice(&hash.as_bytes()[..16]);
    Owner::new(owner)
}

/// Separates the data of different tokens.
#[derive(Clone)]
pub struct CallersTokens {
    /// Key of the hash that identifies a token. Random at each start and never shared, so that the hash of a token is of no use
    /// outside the process.
    key: [u8; 32],
    /// Maximum age of a response that a caller reads without an upstream check of its token, which is also the time for which a
    /// revoked token can still read.
    oldest: Duration,
}

impl CallersTokens {
    /// Cached responses are returned to the token that fetched them until they are `oldest` old.
    ///
    /// # Errors
    ///
    /// The operating system provides no random numbers.
    pub fn new(oldest: Duration) -> Result<Self, getrandom::Error> {
        let mut key = [0; 32];
        getrandom::fill(&mut key)?;
        Ok(Self { key, oldest })
    }

    /// Hashes the whole token. Its claims, such as the subject, are unverified here: a forged token with another user's subject
    /// would read that user's data.
    fn owner(&self, token: &str) -> Owner {
        truncated(blake3::keyed_hash(&self.key, token.as_bytes()))
    }
}

/// The request has no usable bearer token although its mode requires one.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("Send your Constant Contact access token as `Authorization: Bearer …`.")]
pub struct TokenMissing;

impl Access {
    /// Whether a request that read this owner's data would still read it now. Always `true` with callers' tokens, since the
    /// request's own token identifies the owner.
    pub fn still_reads(&self, owner: Owner) -> bool {
        match self {
            Self::OwnCredential { owner: own, .. } => own.now() == owner,
            Self::CallersTokens(_) => true,
        }
    }

    /// Checks that a request with these headers has a [context](Self::context).
    ///
    /// # Errors
    ///
    /// [`TokenMissing`] if the mode requires a caller's token and the headers contain no valid one.
    pub fn check(&self, headers: &HeaderMap) -> Result<(), TokenMissing> {
        match self {
            Self::OwnCredential { .. } => Ok(()),
            Self::CallersTokens(_) => token(headers).map(drop),
        }
    }

    /// Builds the request context from these headers.
    ///
    /// # Errors
    ///
    /// [`TokenMissing`] if the mode requires a caller's token and the headers contain no valid one.
    pub fn context(
        &self,
        headers: &HeaderMap,
        now: Timestamp,
        deadline: Instant,
    ) -> Result<RequestContext, TokenMissing> {
        let (owner, caller, oldest) = match self {
            Self::OwnCredential { owner, tokens } => {
                (owner.now(), Caller::new(Arc::clone(tokens), deadline), None)
            }
            Self::CallersTokens(callers) => {
                let (token, access) = token(headers)?;
                let caller = Caller::new(Arc::new(access), deadline).bringing_its_token();
                (callers.owner(token), caller, Some(callers.oldest))
            }
        };
        Ok(RequestContext {
            owner,
            caller,
            asked_at: now,
            oldest,
            stale: Arc::default(),
            unwritten: Arc::default(),
        })
    }
}

/// The caller's token, as text and parsed.
fn token(headers: &HeaderMap) -> Result<(&str, AccessToken), TokenMissing> {
    let token = bearer(headers).ok_or(TokenMissing)?;
    let access = AccessToken::new(token).map_err(|_| TokenMissing)?;
    Ok((token, access))
}

/// The token of the only `Authorization` header, if its scheme is Bearer. With several headers the caller would be ambiguous.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        values
            .iter()
            .map(|value| (header::AUTHORIZATION, value.parse().unwrap()))
            .collect()
    }

    fn callers() -> Access {
        Access::CallersTokens(CallersTokens::new(Duration::from_mins(1)).unwrap())
    }

    fn owner(access: &Access, values: &[&str]) -> Result<Owner, TokenMissing> {
        access
            .context(&headers(values), Timestamp::now(), Instant::now())
            .map(|context| context.owner)
    }

    #[test]
    fn the_whole_token_decides_whose_data_it_is() {
        let access = callers();
        // The same header and claims with another signature.
        let genuine = owner(&access, &["Bearer eyJhbGciOi.eyJzdWIiOiJ2aWN0aW0ifQ.genuine"]).unwrap();
        let forged = owner(&access, &["Bearer eyJhbGciOi.eyJzdWIiOiJ2aWN0aW0ifQ.forged"]).unwrap();
        assert_ne!(genuine, forged);
        assert_eq!(
            genuine,
            owner(&access, &["bearer  eyJhbGciOi.eyJzdWIiOiJ2aWN0aW0ifQ.genuine"]).unwrap()
        );
        assert_ne!(
            genuine,
            owner(&callers(), &["Bearer eyJhbGciOi.eyJzdWIiOiJ2aWN0aW0ifQ.genuine"]).unwrap()
        );
    }

    #[test]
    fn a_request_without_exactly_one_usable_token_is_refused() {
        let cases: [&[&str]; 7] = [
            &[],
            &["Bearer"],
            &["Bearer "],
            &["Basic dXNlcg=="],
            &["Bearer a b"],
            &["token"],
            &["Bearer a", "Bearer b"],
        ];
        for values in cases {
            assert_eq!(owner(&callers(), values).unwrap_err(), TokenMissing, "{values:?}");
        }
    }
}
