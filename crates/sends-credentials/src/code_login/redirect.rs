//! The server of the redirect URI, which runs until a request has the right state.
//!
//! Any program on this machine can connect, and any web page can make the browser do so: a request without the right state gets
//! an error page and has no other effect.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    extract::{RawQuery, State},
    http::{
        StatusCode,
        header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY},
    },
    response::{Html, IntoResponse, Response},
    routing::get,
};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;
use tokio::{net::TcpListener, sync::oneshot, time::timeout};

use super::CodeLogin;
use crate::{LoginError, token_answer::OAuthError};

/// Time for the page to reach the browser before the program continues. Idle connections are then closed.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(1);

type Outcome = Result<String, LoginError>;

struct Login {
    state: SecretString,
    outcome: Mutex<Option<oneshot::Sender<Outcome>>>,
}

/// Serves the redirect URI and returns the authorization code.
pub(super) async fn receive(listener: TcpListener, state: SecretString) -> Outcome {
    let (sender, receiver) = oneshot::channel();
    let login = Arc::new(Login {
        state,
        outcome: Mutex::new(Some(sender)),
    });
    let router = Router::new()
        .route(CodeLogin::REDIRECT_PATH, get(callback))
        .fallback(async || page(StatusCode::NOT_FOUND, "Not found."))
        .method_not_allowed_fallback(async || page(StatusCode::METHOD_NOT_ALLOWED, "Only GET is allowed."))
        .with_state(login);
    let (shutdown, is_shut_down) = oneshot::channel::<()>();
    let server = axum::serve(listener, router).with_graceful_shutdown(async move {
        let _ = is_shut_down.await;
    });
    let mut server = tokio::spawn(server.into_future());
    let outcome = receiver.await;
    drop(shutdown);
    if timeout(SHUTDOWN_GRACE, &mut server).await.is_err() {
        server.abort();
    }
    outcome.unwrap_or(Err(LoginError::Expired))
}

async fn callback(State(login): State<Arc<Login>>, RawQuery(query): RawQuery) -> Response {
    let parameters = Parameters::parse(&query.unwrap_or_default());
    let Some(parameters) = parameters.filter(|parameters| login.has_state(parameters)) else {
        let text = "This response belongs to another login. Use the address that the program shows now.";
        return page(StatusCode::BAD_REQUEST, text);
    };
    let Some(outcome) = parameters.outcome() else {
        return page(StatusCode::BAD_REQUEST, "This response is incomplete.");
    };
    let text = match &outcome {
        Ok(_) => "Thank you. Go back to the program: it finishes the login. This page can be closed.",
        Err(_) => "Access was not granted. Go back to the program for the reason. This page can be closed.",
    };
    let sender = login
        .outcome
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    if let Some(sender) = sender {
        // The receiver is gone after the login timeout.
        let _ = sender.send(outcome);
    }
    page(StatusCode::OK, text)
}

/// The query parameters of an authorization response.
#[derive(Default)]
struct Parameters {
    state: String,
    code: Option<String>,
    error: Option<String>,
    description: Option<String>,
}

impl Parameters {
    /// `None` for a repeated parameter, which RFC 6749, section 3.1, forbids.
    fn parse(query: &str) -> Option<Self> {
        let mut parameters = Self::default();
        let mut state = None;
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let parameter = match &*name {
                "state" => &mut state,
                "code" => &mut parameters.code,
                "error" => &mut parameters.error,
                "error_description" => &mut parameters.description,
                _ => continue,
            };
            if parameter.replace(value.into_owned()).is_some() {
                return None;
            }
        }
        parameters.state = state.unwrap_or_default();
        Some(parameters)
    }

    fn outcome(self) -> Option<Outcome> {
        match (self.code, self.error) {
            (Some(code), None) if !code.is_empty() => Some(Ok(code)),
            (None, Some(error)) => Some(Err(OAuthError::new(&error, self.description.as_deref()).into())),
            _ => None,
        }
    }
}

impl Login {
    /// In constant time: a comparison that stops at the first difference would reveal the state piece by piece.
    fn has_state(&self, parameters: &Parameters) -> bool {
        let expected = self.state.expose_secret().as_bytes();
        parameters.state.as_bytes().ct_eq(expected).into()
    }
}

/// A page without any content of the request. Its URL contains the code, which must be neither cached nor sent as a referrer.
fn page(status: StatusCode, text: &str) -> Response {
    let headers = [
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'"),
    ];
    let html = format!("<!doctype html><meta charset=\"utf-8\"><title>Login</title><p>{text}</p>\n");
    (status, headers, Html(html)).into_response()
}
