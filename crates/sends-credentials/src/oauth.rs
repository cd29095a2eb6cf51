//! The requests of OAuth 2.0 that this project makes, and what their answers mean.
//!
//! Owns the use of the `oauth2` crate: no type of it leaves this crate. Must not know where tokens are kept.

use std::{borrow::Cow, fmt::Display, sync::Arc, time::Duration};

use jiff::Timestamp;
use oauth2::{
    AsyncHttpClient, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, DeviceAuthorizationUrl,
    EndpointNotSet, EndpointSet, ErrorResponseType, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl,
    RefreshToken, RequestTokenError, Scope, StandardDeviceAuthorizationResponse, StandardErrorResponse,
    TokenUrl,
    basic::{BasicClient, BasicTokenResponse},
};
use secrecy::{ExposeSecret, SecretString};
use sends_client::Clock;
use tokio::time::{sleep, timeout};
use url::Url;

use crate::{
    Application, Endpoints, Grant, LoginError, Settings, StateDir,
    token_http::{TokenHttp, TransportError, with_percent_encoded_spaces},
};

/// The longest text of the upstream that is repeated.
const DESCRIPTION_LIMIT: usize = 300;

/// Longer than any device code lives. What an answer says beyond this is not believed.
const DEVICE_TIME_LIMIT: Duration = Duration::from_hours(1);

type Client = BasicClient<EndpointSet, EndpointSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

/// One application at one authorization server.
#[derive(Debug)]
pub(crate) struct OAuth {
    application: Application,
    endpoints: Endpoints,
    client: Client,
    http: TokenHttp,
    clock: Arc<dyn Clock>,
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
    /// Nothing was done upstream.
    NotDone {
        reason: String,
        retry_after: Option<Duration>,
    },
    /// Nobody knows whether it was done.
    PerhapsDone {
        reason: String,
        retry_after: Option<Duration>,
    },
}

/// The beginning of a login in a browser.
pub(crate) struct Authorization {
    pub(crate) url: Url,
    pub(crate) state: CsrfToken,
    pub(crate) verifier: PkceCodeVerifier,
}

impl OAuth {
    pub(crate) fn new(
        application: &Application,
        endpoints: &Endpoints,
        dir: &StateDir,
        settings: &Settings,
    ) -> Result<Self, RequestError> {
        let mut client = BasicClient::new(ClientId::new(application.client_id.clone()))
            .set_auth_uri(AuthUrl::from_url(endpoints.authorize().clone()))
            .set_token_uri(TokenUrl::from_url(endpoints.token().clone()))
            .set_device_authorization_url(DeviceAuthorizationUrl::from_url(endpoints.device().clone()));
        if let Some(secret) = &application.client_secret {
            client = client.set_client_secret(ClientSecret::new(secret.expose_secret().to_owned()));
        }
        Ok(Self {
            application: application.clone(),
            endpoints: endpoints.clone(),
            client,
            http: TokenHttp::new(endpoints, dir, settings)?,
            clock: Arc::clone(&settings.clock),
        })
    }

    /// The address for the browser, with a fresh state and a fresh PKCE challenge (S256).
    pub(crate) fn authorization(&self, redirect: &RedirectUrl, scopes: &[String]) -> Authorization {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (mut url, state) = self
            .client
            .authorize_url(CsrfToken::new_random)
            .set_redirect_uri(Cow::Borrowed(redirect))
            .set_pkce_challenge(challenge)
            .add_scopes(scopes.iter().cloned().map(Scope::new))
            .url();
        let query = with_percent_encoded_spaces(url.query().unwrap_or_default().as_bytes());
        url.set_query(std::str::from_utf8(&query).ok());
        Authorization { url, state, verifier }
    }

    pub(crate) async fn redeem_code(
        &self,
        code: String,
        verifier: PkceCodeVerifier,
        redirect: RedirectUrl,
    ) -> Result<Grant, RequestError> {
        let asked_at = self.clock.now();
        let answer = self
            .client
            .exchange_code(AuthorizationCode::new(code))
            .set_pkce_verifier(verifier)
            .set_redirect_uri(Cow::Owned(redirect))
            .request_async(&self.http)
            .await
            .map_err(RequestError::from_answer)?;
        self.granted(asked_at, &answer)
    }

    pub(crate) async fn refresh(&self, token: &SecretString) -> Result<Grant, RequestError> {
        let asked_at = self.clock.now();
        let answer = self
            .client
            .exchange_refresh_token(&RefreshToken::new(token.expose_secret().to_owned()))
            .request_async(&self.http)
            .await
            .map_err(RequestError::from_answer)?;
        self.granted(asked_at, &answer)
    }

    pub(crate) async fn begin_device(
        &self,
        scopes: &[String],
    ) -> Result<StandardDeviceAuthorizationResponse, RequestError> {
        let device: StandardDeviceAuthorizationResponse = self
            .client
            .exchange_device_code()
            .add_scopes(scopes.iter().cloned().map(Scope::new))
            .request_async(&self.http)
            .await
            .map_err(RequestError::from_answer)?;
        if device.interval() > DEVICE_TIME_LIMIT || device.expires_in() > DEVICE_TIME_LIMIT {
            let reason = "the device endpoint answered with an interval or a life beyond an hour".to_owned();
            return Err(RequestError::NotDone {
                reason,
                retry_after: None,
            });
        }
        Ok(device)
    }

    pub(crate) async fn await_device(
        &self,
        device: &StandardDeviceAuthorizationResponse,
    ) -> Result<Grant, RequestError> {
        let answer = poll(&self.client, &self.http, device).await?;
        self.granted(self.clock.now(), &answer)
    }

    fn granted(&self, asked_at: Timestamp, answer: &BasicTokenResponse) -> Result<Grant, RequestError> {
        Grant::from_answer(&self.application, &self.endpoints, asked_at, answer).map_err(|_| {
            RequestError::perhaps_done("the token endpoint answered with an access token that cannot be sent")
        })
    }
}

/// Polls until the user decided or the code is dead: never faster than asked, 5 s slower after each `slow_down`
/// (RFC 8628, section 3.5), and slower as well after a failed connection.
async fn poll<'a, H>(
    client: &'a Client,
    http: &'a H,
    device: &'a StandardDeviceAuthorizationResponse,
) -> Result<BasicTokenResponse, RequestError>
where
    H: AsyncHttpClient<'a, Error = TransportError>,
{
    let polling = async {
        // Nobody has decided yet, a moment after the code was shown: the first poll would only cost a call.
        sleep(device.interval()).await;
        client
            .exchange_device_access_token(device)
            .request_async(http, sleep, None)
            .await
    };
    timeout(device.expires_in(), polling)
        .await
        .map_err(|_| RequestError::Expired)?
        .map_err(RequestError::from_answer)
}

impl RequestError {
    fn perhaps_done(reason: &str) -> Self {
        Self::PerhapsDone {
            reason: reason.to_owned(),
            retry_after: None,
        }
    }

    fn from_answer<T>(error: RequestTokenError<TransportError, StandardErrorResponse<T>>) -> Self
    where
        T: ErrorResponseType + Display + 'static,
    {
        let answer = match error {
            RequestTokenError::Request(error) => return error.into(),
            RequestTokenError::ServerResponse(answer) => answer,
            // Neither the body nor the parser's message is repeated: both may hold a token.
            RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
                return Self::perhaps_done("the token endpoint answered something that is no OAuth answer");
            }
        };
        let description = answer.error_description().map(|text| printable(text));
        match answer.error().to_string().as_str() {
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
        match error {
            TransportError::NotDone { reason, retry_after } => Self::NotDone { reason, retry_after },
            TransportError::PerhapsDone { reason, retry_after } => Self::PerhapsDone { reason, retry_after },
        }
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
            RequestError::NotDone { reason, .. } | RequestError::PerhapsDone { reason, .. } => {
                Self::Unavailable { reason }
            }
        }
    }
}

/// The upstream's words without what could control a terminal, and not too many of them.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .filter(|character| !character.is_control())
        .take(DESCRIPTION_LIMIT)
        .collect()
}

#[cfg(test)]
mod tests {
    use std::{future::ready, sync::Mutex};

    use oauth2::HttpResponse;
    use tokio::time::Instant;

    use super::*;

    const TOKENS: &str = r#"{"token_type":"Bearer","access_token":"a","refresh_token":"r","expires_in":60}"#;

    fn client() -> Client {
        BasicClient::new(ClientId::new("client".to_owned()))
            .set_auth_uri(AuthUrl::new("https://example.com/authorize".to_owned()).unwrap())
            .set_token_uri(TokenUrl::new("https://example.com/token".to_owned()).unwrap())
            .set_device_authorization_url(
                DeviceAuthorizationUrl::new("https://example.com/device".to_owned()).unwrap(),
            )
    }

    /// Polls an upstream that gives `answers` in turn and the last one for ever. Gives the outcome and the seconds after
    /// which it was asked.
    async fn polled(answers: &[&str]) -> (Result<BasicTokenResponse, RequestError>, Vec<u64>) {
        let device = serde_json::from_str(
            r#"{"device_code":"d","user_code":"U","verification_uri":"https://example.com","expires_in":60,"interval":5}"#,
        )
        .unwrap();
        let started = Instant::now();
        let asked = Mutex::new(Vec::new());
        let http = |_request| {
            let mut asked = asked.lock().unwrap();
            let answer = answers.get(asked.len()).or(answers.last()).unwrap();
            asked.push(started.elapsed().as_secs());
            ready(match *answer {
                "broken" => Err(TransportError::PerhapsDone {
                    reason: "broken".to_owned(),
                    retry_after: None,
                }),
                TOKENS => Ok(HttpResponse::new(TOKENS.into())),
                error => {
                    let mut answer = HttpResponse::new(format!(r#"{{"error":"{error}"}}"#).into());
                    *answer.status_mut() = reqwest::StatusCode::BAD_REQUEST;
                    Ok(answer)
                }
            })
        };
        let outcome = poll(&client(), &http, &device).await;
        (outcome, asked.into_inner().unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn a_device_is_polled_at_the_interval_and_slower_when_told() {
        let pending = "authorization_pending";
        let (outcome, asked) = polled(&[pending, pending, "slow_down", pending, "slow_down", TOKENS]).await;
        assert!(outcome.is_ok(), "{outcome:?}");
        assert_eq!(asked, [5, 10, 15, 25, 35, 50]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_device_is_polled_on_after_a_failed_connection_more_slowly() {
        let (outcome, asked) = polled(&["broken", "broken", TOKENS]).await;
        assert!(outcome.is_ok(), "{outcome:?}");
        assert_eq!(asked, [5, 15, 25]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_device_is_not_polled_after_the_decision_or_the_end() {
        let (denied, asked) = polled(&["authorization_pending", "access_denied"]).await;
        assert!(matches!(denied, Err(RequestError::Denied { .. })), "{denied:?}");
        assert_eq!(asked.len(), 2);
        let (expired, asked) = polled(&["expired_token"]).await;
        assert!(matches!(expired, Err(RequestError::Expired)), "{expired:?}");
        assert_eq!(asked.len(), 1);
        let (refused, asked) = polled(&["invalid_client"]).await;
        assert!(
            matches!(refused, Err(RequestError::Refused { .. })),
            "{refused:?}"
        );
        assert_eq!(asked.len(), 1);
        let (forgotten, asked) = polled(&["authorization_pending"]).await;
        assert!(matches!(forgotten, Err(RequestError::Expired)), "{forgotten:?}");
        assert!(
            asked.iter().all(|second| *second <= 60),
            "the code lives for 60 s: {asked:?}"
        );
    }
}
