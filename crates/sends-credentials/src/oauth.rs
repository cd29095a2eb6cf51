//! The requests of OAuth 2.0 that this project makes, and what their answers mean.
//!
//! Must not know where tokens are kept. Written without an OAuth library: what one adds is a strict reading of the answers,
//! which costs logins here, and of the rest a form, a random state and a PKCE challenge (RFC 7636) are left.

mod poll_pace;

use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use sends_client::Clock;
use sha2::{Digest, Sha256};
use tokio::time::{Instant, sleep};
use url::Url;

use self::poll_pace::PollPace;
use crate::{
    Application, Endpoints, Grant, LoginError, Settings, StateDir,
    in_flight::InFlightRequest,
    token_answer::{DeviceAnswer, OAuthError, TokenAnswer},
    token_http::{Answer, TokenHttp, TransportError, with_percent_encoded_spaces},
};

/// The longest text of the upstream that is repeated.
const DESCRIPTION_LIMIT: usize = 300;

/// How long a person's login waits for the rate limit of the token endpoint to let it through. A code lives for 5 minutes
/// (documented).
const THROTTLED_LIMIT: Duration = Duration::from_mins(2);

/// The wait after a 429 that names none; the limit is 1 a second (documented).
const THROTTLED_WAIT: Duration = Duration::from_secs(1);

/// One application at one authorization server.
#[derive(Debug)]
pub(crate) struct OAuth {
    application: Application,
    endpoints: Endpoints,
    http: TokenHttp,
    clock: Arc<dyn Clock>,
    call_timeout: Duration,
}

/// Why a request for tokens brought none.
#[derive(Clone, Debug)]
pub(crate) enum RequestError {
    /// The grant (refresh token, code) is not valid, or not any more.
    InvalidGrant { description: Option<String> },
    /// The user said no.
    Denied { description: Option<String> },
    /// The user did not decide while the device code lived.
    Expired,
    /// Refused for another reason, in OAuth's terms.
    Refused {
        error: String,
        description: Option<String>,
    },
    /// Not sent, or not answered, for a reason of the connection or the server.
    Transport(TransportError),
    /// The answer holds no access token. A refresh token in it has replaced the one it was asked with.
    NoAccessToken { refresh_token: Option<SecretString> },
}

/// The beginning of a login in a browser.
pub(crate) struct Authorization {
    pub(crate) url: Url,
    pub(crate) state: SecretString,
    pub(crate) verifier: SecretString,
}

impl OAuth {
    pub(crate) fn new(
        application: &Application,
        endpoints: &Endpoints,
        dir: &StateDir,
        settings: &Settings,
    ) -> Result<Self, RequestError> {
        Ok(Self {
            application: application.clone(),
            endpoints: endpoints.clone(),
            http: TokenHttp::new(endpoints, dir, settings)?,
            clock: Arc::clone(&settings.clock),
            call_timeout: settings.call_timeout,
        })
    }

    /// The address for the browser, with a fresh state and a fresh PKCE challenge (S256).
    pub(crate) fn authorization(
        &self,
        redirect: &Url,
        scopes: &[String],
    ) -> Result<Authorization, LoginError> {
        let (state, verifier) = (random_text()?, random_text()?);
        let mut url = self.endpoints.authorize().clone();
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.application.client_id)
            .append_pair("redirect_uri", redirect.as_str())
            .append_pair("scope", &scopes.join(" "))
            .append_pair("state", state.expose_secret())
            .append_pair("code_challenge", &challenge(verifier.expose_secret()))
            .append_pair("code_challenge_method", "S256");
        let query = with_percent_encoded_spaces(url.query().unwrap_or_default());
        url.set_query(Some(&query));
        Ok(Authorization { url, state, verifier })
    }

    pub(crate) async fn redeem_code(
        &self,
        code: &SecretString,
        verifier: &SecretString,
        redirect: &Url,
    ) -> Result<Grant, RequestError> {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code.expose_secret()),
            ("redirect_uri", redirect.as_str()),
            ("code_verifier", verifier.expose_secret()),
        ];
        let in_flight = self.begin_login()?;
        let patience = Patience::begin();
        loop {
            match self.tokens(&form).await {
                Ok(mut grant) => {
                    grant.until_stored(in_flight);
                    return Ok(grant);
                }
                Err(error) => patience.wait_out(error).await?,
            }
        }
    }

    pub(crate) async fn refresh(&self, token: &SecretString) -> Result<Grant, RequestError> {
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", token.expose_secret()),
        ];
        self.tokens(&form).await
    }

    pub(crate) async fn begin_device(&self, scopes: &[String]) -> Result<DeviceAnswer, RequestError> {
        let scopes = scopes.join(" ");
        let form = [
            ("client_id", self.application.client_id.as_str()),
            ("scope", &scopes),
        ];
        let patience = Patience::begin();
        loop {
            let answered = self
                .http
                .post(self.endpoints.device(), &self.application, &form)
                .await;
            match success(answered) {
                Ok(body) => {
                    return DeviceAnswer::read(&body)
                        .ok_or_else(|| no_oauth_answer(&body, "the device endpoint"));
                }
                Err(error) => patience.wait_out(error).await?,
            }
        }
    }

    /// Polls until the user has decided or the code is dead: never faster than asked.
    pub(crate) async fn await_device(&self, device: &DeviceAnswer) -> Result<Grant, RequestError> {
        let form = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("device_code", device.device_code.expose_secret()),
        ];
        let end = Instant::now() + device.expires_in;
        let mut pace = PollPace::new(device.interval);
        let mut wait = device.interval;
        loop {
            // Nobody has decided yet, a moment after the code was shown: a poll without a wait would only cost a call.
            if Instant::now() + wait > end {
                return Err(RequestError::Expired);
            }
            sleep(wait).await;
            let in_flight = self.begin_login()?;
            match self.tokens(&form).await {
                Ok(mut grant) => {
                    grant.until_stored(in_flight);
                    return Ok(grant);
                }
                Err(error) => wait = pace.after(error)?,
            }
        }
    }

    fn begin_login(&self) -> Result<InFlightRequest, RequestError> {
        InFlightRequest::begin(THROTTLED_LIMIT + self.call_timeout)
            .map_err(|closed| TransportError::from(closed).into())
    }

    /// Asks the token endpoint for tokens. An application without a secret names itself in the body (documented).
    async fn tokens(&self, form: &[(&str, &str)]) -> Result<Grant, RequestError> {
        let mut form = form.to_vec();
        if self.application.client_secret.is_none() {
            form.push(("client_id", &self.application.client_id));
        }
        let asked_at = self.clock.now();
        let answered = self
            .http
            .post(self.endpoints.token(), &self.application, &form)
            .await;
        self.granted(asked_at, &success(answered)?)
    }

    fn granted(&self, asked_at: Timestamp, body: &[u8]) -> Result<Grant, RequestError> {
        let answer = TokenAnswer::read(body).ok_or_else(|| no_oauth_answer(body, "the token endpoint"))?;
        // Some servers answer an error with 200.
        if let (None, Some(error)) = (&answer.access_token, OAuthError::read(body)) {
            return Err(error.into());
        }
        Grant::from_answer(&self.application, &self.endpoints, asked_at, answer)
            .map_err(|refresh_token| RequestError::NoAccessToken { refresh_token })
    }
}

/// How long a login waits for the rate limit of the token endpoint.
struct Patience {
    end: Instant,
}

impl Patience {
    fn begin() -> Self {
        Self {
            end: Instant::now() + THROTTLED_LIMIT,
        }
    }

    /// Waits until a request that met the rate limit may be sent again. Any other error is given back, and so is a limit that
    /// takes too long.
    async fn wait_out(&self, error: RequestError) -> Result<(), RequestError> {
        let RequestError::Transport(TransportError::Throttled { reason, retry_after }) = &error else {
            return Err(error);
        };
        let wait = retry_after.unwrap_or(THROTTLED_WAIT).max(THROTTLED_WAIT);
        if Instant::now() + wait > self.end {
            return Err(error);
        }
        tracing::warn!("{reason}; trying again in {} s", wait.as_secs());
        sleep(wait).await;
        Ok(())
    }
}

fn success(answered: Result<Answer, TransportError>) -> Result<Vec<u8>, RequestError> {
    match answered? {
        Answer::Success(body) => Ok(body),
        Answer::Error(error) => Err(error.into()),
    }
}

/// Neither the body nor a parser's message is repeated: both may hold a token.
fn no_oauth_answer(body: &[u8], endpoint: &str) -> RequestError {
    match OAuthError::read(body) {
        Some(error) => error.into(),
        None => RequestError::Transport(TransportError::PerhapsDone {
            reason: format!("{endpoint} answered something that is no OAuth answer"),
            retry_after: None,
        }),
    }
}

/// 256 random bits as text of 43 characters, which is what RFC 7636 recommends for a verifier.
fn random_text() -> Result<SecretString, LoginError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| LoginError::Unavailable {
        reason: format!("the operating system gives no random numbers ({error})"),
    })?;
    Ok(URL_SAFE_NO_PAD.encode(bytes).into())
}

fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
}

impl From<OAuthError> for RequestError {
    fn from(OAuthError { code, description }: OAuthError) -> Self {
        let description = description.as_deref().map(printable);
        match code.as_str() {
            "invalid_grant" => Self::InvalidGrant { description },
            "access_denied" => Self::Denied { description },
            "expired_token" => Self::Expired,
            other => Self::Refused {
                error: printable(other),
                description,
            },
        }
    }
}

impl From<TransportError> for RequestError {
    fn from(error: TransportError) -> Self {
        Self::Transport(error)
    }
}

impl From<RequestError> for LoginError {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::InvalidGrant { description } => Self::Refused {
                error: "invalid_grant".to_owned(),
                description,
            },
            RequestError::Denied { description } => Self::Denied { description },
            RequestError::Expired => Self::Expired,
            RequestError::Refused { error, description } => Self::Refused { error, description },
            RequestError::Transport(error) => Self::Unavailable {
                reason: error.reason().to_owned(),
            },
            RequestError::NoAccessToken { .. } => Self::Unavailable {
                reason: NO_ACCESS_TOKEN.to_owned(),
            },
        }
    }
}

pub(crate) const NO_ACCESS_TOKEN: &str =
    "the token endpoint answered without an access token that can be sent";

/// The upstream's words without what could control a terminal, and not too many of them.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .filter(|character| !character.is_control())
        .take(DESCRIPTION_LIMIT)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_that_of_the_standards_example() {
        // RFC 7636, appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(challenge(verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        let drawn = [random_text().unwrap(), random_text().unwrap()];
        assert_eq!(drawn[0].expose_secret().len(), 43);
        assert_ne!(drawn[0].expose_secret(), drawn[1].expose_secret());
    }

    fn throttled(seconds: Option<u64>) -> RequestError {
        RequestError::Transport(TransportError::Throttled {
            reason: "429".to_owned(),
            retry_after: seconds.map(Duration::from_secs),
        })
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_limit_is_waited_out_within_bounds() {
        let (started, patience) = (Instant::now(), Patience::begin());
        for error in [throttled(None), throttled(Some(30))] {
            patience.wait_out(error).await.unwrap();
        }
        assert_eq!(started.elapsed().as_secs(), 31);
        let mut asked = 0;
        while patience.wait_out(throttled(None)).await.is_ok() {
            asked += 1;
        }
        assert_eq!(asked, 89);
        assert!(started.elapsed() <= THROTTLED_LIMIT);
        let patience = Patience::begin();
        assert!(patience.wait_out(throttled(Some(3_600))).await.is_err());
        assert!(patience.wait_out(RequestError::Expired).await.is_err());
    }
}
