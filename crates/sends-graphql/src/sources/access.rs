//! On whose behalf a request asks the upstream, and whose data it may read.
//!
//! The service works in one of two modes, never in both: with its own credential, where every caller reads the data of
//! one account, or with its callers' tokens, where every caller reads what that caller's token may.

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

/// The mode.
#[derive(Clone)]
pub enum Access {
    /// The service's own credential answers, whoever asks.
    OwnCredential {
        /// Whose data it is.
        owner: OwnOwner,
        /// Where the tokens come from.
        tokens: Arc<dyn TokenSource>,
    },
    /// The caller's own `Authorization: Bearer` goes upstream.
    CallersTokens(CallersTokens),
}

/// Whose data the service's own credential reads.
#[derive(Clone)]
pub enum OwnOwner {
    /// The credential never becomes another account's.
    Fixed(Owner),
    /// Somebody may log in to another account while the service runs.
    Login {
        /// The login.
        login: Login,
        /// What was last seen of it, and when.
        seen: Arc<Mutex<(Instant, Owner)>>,
    },
}

/// How long an answer to "who is logged in?" is good for.
const LOGIN_SEEN_FOR: Duration = Duration::from_secs(1);

impl OwnOwner {
    /// The owner of what the tokens of the environment fetch: a hash of the token that it began with.
    pub fn of_environment(variables: &EnvironmentVariables) -> Self {
        let token = variables
            .refresh_token
            .as_ref()
            .or(variables.access_token.as_ref());
        let token = token.map_or("", |token| token.expose_secret());
        Self::Fixed(owner_of("sends 2026-11 owner by the environment's token", token))
    }

    /// The owner of what a login fetches: the same for every login to the same account.
    pub fn of_login(login: Login) -> Self {
        let owner = current_owner(&login);
        Self::Login {
            login,
            seen: Arc::new(Mutex::new((Instant::now(), owner))),
        }
    }

    /// Who a command reads for that brings its own credential: the environment's token if there is one, or else the login.
    /// `None` when there is neither.
    ///
    /// # Errors
    ///
    /// When the login cannot be read.
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

    /// Whose data it reads now.
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
    // A login that cannot be read gives out no token either, so that nothing is fetched for this owner.
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

/// What keeps the data of different tokens apart.
#[derive(Clone)]
pub struct CallersTokens {
    /// Tokens are told apart by a hash keyed with this. It is drawn at every start and never leaves the process, so that the
    /// hash of a token is of no use elsewhere.
    key: [u8; 32],
    /// How old an answer may be that a caller reads without its token being tried upstream. So long, at most, a revoked
    /// token can still read.
    oldest: Duration,
}

impl CallersTokens {
    /// Answers that a token has fetched serve it for `oldest`.
    ///
    /// # Errors
    ///
    /// When the operating system gives no random numbers.
    pub fn new(oldest: Duration) -> Result<Self, getrandom::Error> {
        let mut key = [0; 32];
        getrandom::fill(&mut key)?;
        Ok(Self { key, oldest })
    }

    /// The hash covers the whole token. A claim inside it, such as its subject, is unverified here: a forged token with
    /// somebody else's subject would read that person's data.
    fn owner(&self, token: &str) -> Owner {
        truncated(blake3::keyed_hash(&self.key, token.as_bytes()))
    }
}

/// The request does not carry what its mode needs.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("Send your Constant Contact access token as `Authorization: Bearer …`.")]
pub struct TokenMissing;

impl Access {
    /// Whether whoever read this owner's data with a request would read the same owner's with it now. With a token of its own
    /// the request says so itself.
    pub fn still_reads(&self, owner: Owner) -> bool {
        match self {
            Self::OwnCredential { owner: own, .. } => own.now() == owner,
            Self::CallersTokens(_) => true,
        }
    }

    /// Whether a request with these headers has a [context](Self::context).
    ///
    /// # Errors
    ///
    /// [`TokenMissing`] when the caller has to bring a token and brings none that could be one.
    pub fn check(&self, headers: &HeaderMap) -> Result<(), TokenMissing> {
        match self {
            Self::OwnCredential { .. } => Ok(()),
            Self::CallersTokens(_) => token(headers).map(drop),
        }
    }

    /// Who asks with these headers.
    ///
    /// # Errors
    ///
    /// [`TokenMissing`] when the caller has to bring a token and brings none that could be one.
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

/// The token that the caller brings, as text and ready to be used.
fn token(headers: &HeaderMap) -> Result<(&str, AccessToken), TokenMissing> {
    let token = bearer(headers).ok_or(TokenMissing)?;
    let access = AccessToken::new(token).map_err(|_| TokenMissing)?;
    Ok((token, access))
}

/// The token of the one `Authorization: Bearer` header. With two of them it would be unclear who asks.
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
