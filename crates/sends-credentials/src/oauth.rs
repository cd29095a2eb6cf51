//! OAuth 2.0 requests.
//!
//! The module uses no OAuth library, because the strict parser of a library would reject usable token responses. The remaining
//! code is a form, a random state and a PKCE challenge (RFC 7636).

mod poll_interval;

use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use sends_client::Clock;
use sha2::{Digest, Sha256};
use tokio::time::{Instant, sleep};
use url::Url;

use self::poll_interval::PollInterval;
use crate::{
    Application, Endpoints, Grant, LoginError, Settings, StateDir,
    in_flight::InFlightRequest,
    token_http::{TokenHttp, TransportError, with_percent_encoded_spaces},
    token_response::{DeviceResponse, OAuthError, TokenResponse},
};

/// Maximum wait of a login for the rate limit of the token endpoint. An authorization code is valid for 5 minutes (documented).
const THROTTLED_LIMIT: Duration = Duration::from_mins(2);

/// Delay after a 429 response that has no `Retry-After`. The limit is one call a second (documented).
const THROTTLED_WAIT: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct OAuth {
    application: Application,
    endpoints: Endpoints,
    http: TokenHttp,
    clock: Arc<dyn Clock>,
    call_timeout: Duration,
}

#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum RequestError {
    #[error("the upstream rejected the request: {0}")]
    OAuth(#[from] OAuthError),
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The refresh token of such a response has replaced the token of the request.
    #[error("the token endpoint responded without a usable access token")]
    NoAccessToken { refresh_token: Option<SecretString> },
}

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

    pub(crate) fn authorization(
        &self,
        redirect: &Url,
        scopes: &[String],
    ) -> Result<Authorization, LoginError> {
        let (state, verifier) = (random_text()?, random_text()?);
        let mut url = self.endpoints.authorize.clone();
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
        let grant = retry_throttled(|| self.tokens(&form)).await?;
        Ok(grant.until_stored(in_flight))
    }

    pub(crate) async fn refresh(&self, token: &SecretString) -> Result<Grant, RequestError> {
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", token.expose_secret()),
        ];
        self.tokens(&form).await
    }

    pub(crate) async fn begin_device(&self, scopes: &[String]) -> Result<DeviceResponse, RequestError> {
        let scopes = scopes.join(" ");
        let form = [
            ("client_id", self.application.client_id.as_str()),
            ("scope", &scopes),
        ];
        retry_throttled(|| async {
            let device = &self.endpoints.device;
            let body = self.http.post(device, &self.application, &form).await?;
            DeviceResponse::read(&body).ok_or_else(|| error_in(&body, "the device endpoint"))
        })
        .await
    }

    pub(crate) async fn await_device(&self, device: &DeviceResponse) -> Result<Grant, LoginError> {
        let form = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("device_code", device.device_code.expose_secret()),
        ];
        let end = Instant::now() + device.expires_in;
        let mut interval = PollInterval::new(device.interval);
        let mut wait = device.interval;
        loop {
            // The loop also waits before the first poll, because a poll just after the code was shown would waste a call.
            if Instant::now() + wait > end {
                return Err(LoginError::Expired);
            }
            sleep(wait).await;
            let in_flight = self.begin_login()?;
            match self.tokens(&form).await {
                Ok(grant) => return Ok(grant.until_stored(in_flight)),
                Err(error) => wait = interval.after(error)?,
            }
        }
    }

    fn begin_login(&self) -> Result<InFlightRequest, RequestError> {
        InFlightRequest::begin(THROTTLED_LIMIT + self.call_timeout)
            .map_err(|closed| TransportError::from(closed).into())
    }

    /// Requests tokens. An application without a secret sends its id in the body (documented).
    async fn tokens(&self, form: &[(&str, &str)]) -> Result<Grant, RequestError> {
        let mut form = form.to_vec();
        if self.application.client_secret.is_none() {
            form.push(("client_id", &self.application.client_id));
        }
        let requested_at = self.clock.now();
        let token = &self.endpoints.token;
        let body = self.http.post(token, &self.application, &form).await?;
        let response = TokenResponse::read(&body).ok_or_else(|| error_in(&body, "the token endpoint"))?;
        // Some servers send an error with status 200.
        if let (None, Some(error)) = (&response.access_token, OAuthError::read(&body)) {
            return Err(error.into());
        }
        Grant::from_response(&self.application, &self.endpoints, requested_at, response)
            .map_err(|refresh_token| RequestError::NoAccessToken { refresh_token })
    }
}

/// Retries a rate-limited request for at most [`THROTTLED_LIMIT`].
async fn retry_throttled<T, F>(request: impl Fn() -> F) -> Result<T, RequestError>
where
    F: Future<Output = Result<T, RequestError>>,
{
    let end = Instant::now() + THROTTLED_LIMIT;
    loop {
        let error = match request().await {
            Err(RequestError::Transport(error)) if error.is_throttled() => error,
            other => return other,
        };
        let wait = error.retry_after.unwrap_or_default().max(THROTTLED_WAIT);
        if Instant::now() + wait > end {
            return Err(error.into());
        }
        tracing::warn!("{error}; trying again in {} s", wait.as_secs());
        sleep(wait).await;
    }
}

/// Returns the error in an unexpected response. The error repeats neither the body nor a parser's message, because both may
/// contain a token.
fn error_in(body: &[u8], endpoint: &str) -> RequestError {
    match OAuthError::read(body) {
        Some(error) => error.into(),
        None => TransportError::perhaps_done(format!("{endpoint} sent a body that is not an OAuth response"))
            .into(),
    }
}

/// Returns 256 random bits in 43 characters, as RFC 7636 recommends for a verifier.
fn random_text() -> Result<SecretString, LoginError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| LoginError::Unavailable {
        reason: format!("the operating system provides no random numbers ({error})"),
    })?;
    Ok(URL_SAFE_NO_PAD.encode(bytes).into())
}

fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
}

impl From<OAuthError> for LoginError {
    fn from(OAuthError { code, description }: OAuthError) -> Self {
        match code.as_str() {
            "access_denied" => Self::Denied { description },
            "expired_token" => Self::Expired,
            _ => Self::Refused {
                error: code,
                description,
            },
        }
    }
}

impl From<RequestError> for LoginError {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::OAuth(error) => error.into(),
            error => Self::Unavailable {
                reason: error.to_string(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use reqwest::StatusCode;

    use super::*;
    use crate::token_http::checked;

    #[test]
    fn challenge_matches_the_example_of_rfc_7636() {
        // The verifier and the challenge are the example in RFC 7636, appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(challenge(verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        let drawn = [random_text().unwrap(), random_text().unwrap()];
        assert_eq!(drawn[0].expose_secret().len(), 43);
        assert_ne!(drawn[0].expose_secret(), drawn[1].expose_secret());
    }

    /// Returns the number of requests, the outcome and the elapsed seconds.
    async fn retried(errors: impl Fn(u32) -> Option<RequestError>) -> (u32, Result<(), RequestError>, u64) {
        let (started, requests) = (Instant::now(), AtomicU32::new(0));
        let outcome =
            retry_throttled(async || errors(requests.fetch_add(1, Ordering::Relaxed)).map_or(Ok(()), Err));
        let outcome = outcome.await;
        (requests.into_inner(), outcome, started.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn rate_limited_request_is_retried_within_bounds() {
        let throttled = |seconds: Option<u64>| {
            let retry_after = seconds.map(Duration::from_secs);
            checked(StatusCode::TOO_MANY_REQUESTS, Vec::new(), retry_after).err()
        };
        let (requests, outcome, seconds) = retried(|request| match request {
            0 => throttled(None),
            1 => throttled(Some(30)),
            _ => None,
        })
        .await;
        assert!(outcome.is_ok());
        assert_eq!((requests, seconds), (3, 31));
        let (requests, outcome, seconds) = retried(|_| throttled(None)).await;
        assert!(outcome.is_err());
        assert_eq!((requests, seconds), (121, 120));
        let (requests, outcome, _) = retried(|_| throttled(Some(3_600))).await;
        assert!(outcome.is_err());
        assert_eq!(requests, 1);
        let (requests, ..) = retried(|_| Some(OAuthError::new("invalid_grant", None).into())).await;
        assert_eq!(requests, 1);
    }
}
