//! Access modes, which determine the credential of upstream calls and the owner of the data that a request reads.
//!
//! The service runs in one of two modes. With its own credential, every caller reads the data of one account. With callers'
//! tokens, every caller reads the data that its own token permits.

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

#[derive(Clone)]
pub enum Access {
    OwnCredential {
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
    /// The login can change to another account while the service runs.
    Login {
        login: Login,
        /// Time of the last check of the login, and the owner at that time.
        seen: Arc<Mutex<(Instant, Owner)>>,
    },
}

/// Interval at which the login is checked for a change of account.
const LOGIN_CHECK_INTERVAL: Duration = Duration::from_secs(1);

impl OwnOwner {
    /// Derives the owner from the initial token of the environment. A token refresh does not change the owner.
    pub fn of_environment(variables: &EnvironmentVariables) -> Self {
        let token = variables
            .refresh_token
            .as_ref()
            .or(variables.access_token.as_ref());
        let token = token.map_or("", |token| token.expose_secret());
        Self::Fixed(owner_of("sends 2026-11 owner by the environment's token", token))
    }

    /// Derives the owner from a login. All logins to the same account have the same owner.
    pub fn of_login(login: Login) -> Self {
        let owner = current_owner(&login);
        Self::Login {
            login,
            seen: Arc::new(Mutex::new((Instant::now(), owner))),
        }
    }

    /// Returns the owner for a command that uses the service's own credential: the environment's token if set, else the login.
    /// Returns `None` if neither exists.
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

    /// Returns the current owner. Checks the login again after [`LOGIN_CHECK_INTERVAL`].
    pub(crate) fn now(&self) -> Owner {
        match self {
            Self::Fixed(owner) => *owner,
            Self::Login { login, seen } => {
                let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                if seen.0.elapsed() > LOGIN_CHECK_INTERVAL {
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

/// Assigns a separate data owner to each caller's token.
#[derive(Clone)]
pub struct CallersTokens {
    /// Key of the token hash. The key is random at each start and never shared, so a leaked hash is useless outside the process.
    key: [u8; 32],
    /// Maximum age of a cached response, for which the upstream does not check the token. A revoked token can read cached data
    /// for this time.
    oldest: Duration,
}

impl CallersTokens {
    /// Creates owners from a new random key. `oldest` is the maximum age of a cached response.
    pub fn new(oldest: Duration) -> Result<Self, getrandom::Error> {
        let mut key = [0; 32];
        getrandom::fill(&mut key)?;
        Ok(Self { key, oldest })
    }

    /// Hashes the whole token. Its claims are unverified here, so an owner derived from the subject would give a forged token
    /// access to another user's data.
    fn owner(&self, token: &str) -> Owner {
        truncated(blake3::keyed_hash(&self.key, token.as_bytes()))
    }
}

/// Error of a request that has no usable bearer token, in the mode that requires a token.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("Send your Constant Contact access token as `Authorization: Bearer …`.")]
pub struct TokenMissing;

impl Access {
    /// Returns whether a request that read this owner's data would still read the same data. Always `true` with callers' tokens,
    /// because the request's own token identifies the owner.
    pub fn still_reads(&self, owner: Owner) -> bool {
        match self {
            Self::OwnCredential { owner: own, .. } => own.now() == owner,
            Self::CallersTokens(_) => true,
        }
    }

    /// Checks that the headers are sufficient for a request [context](Self::context).
    pub fn check(&self, headers: &HeaderMap) -> Result<(), TokenMissing> {
        match self {
            Self::OwnCredential { .. } => Ok(()),
            Self::CallersTokens(_) => token(headers).map(drop),
        }
    }

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

fn token(headers: &HeaderMap) -> Result<(&str, AccessToken), TokenMissing> {
    let token = bearer(headers).ok_or(TokenMissing)?;
    let access = AccessToken::new(token).map_err(|_| TokenMissing)?;
    Ok((token, access))
}

/// Returns the bearer token if there is exactly one `Authorization` header. Several headers would make the caller ambiguous.
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
    fn owner_depends_on_the_whole_token() {
        let access = callers();
        // Both tokens have the same header and claims, but different signatures.
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
    fn request_without_exactly_one_usable_token_is_rejected() {
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
