//! HTTP server of the redirect URI, which runs until a request has the right state.
//!
//! Any program on this machine can connect, and any web page can make the browser connect. A request without the right state
//! therefore gets an error page and has no other effect.

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
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinSet,
    time::{sleep, timeout},
};

use super::CodeLogin;
use crate::{LoginError, token_response::OAuthError};

/// Maximum number of concurrent connections. A browser opens several, some of them speculatively.
const CONNECTION_LIMIT: usize = 32;
/// Maximum duration of a connection, so that idle connections do not block the browser.
const CONNECTION_TIME: Duration = Duration::from_secs(10);
/// Maximum size of a request head in bytes. A code and a state are far shorter.
const HEAD_LIMIT: usize = 16 << 10;
/// Time for the page to reach the browser before the server stops. Idle connections are closed afterwards.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(1);

type Outcome = Result<String, LoginError>;

struct Login {
    state: SecretString,
    outcome: Mutex<Option<oneshot::Sender<Outcome>>>,
}

pub(super) async fn receive(listener: TcpListener, state: SecretString) -> Outcome {
    let (sender, mut receiver) = oneshot::channel();
    let login = Arc::new(Login {
        state,
        outcome: Mutex::new(Some(sender)),
    });
    let not_allowed = async || page(StatusCode::METHOD_NOT_ALLOWED, "Only GET is allowed.");
    let router = Router::new()
        .route(CodeLogin::REDIRECT_PATH, get(callback).head(not_allowed))
        .fallback(async || page(StatusCode::NOT_FOUND, "Not found."))
        .method_not_allowed_fallback(not_allowed)
        .with_state(login);
    // The connections are aborted on drop, for example after the login timeout.
    let mut connections = JoinSet::new();
    let outcome = loop {
        tokio::select! {
            outcome = &mut receiver => break outcome,
            accepted = listener.accept(), if connections.len() < CONNECTION_LIMIT => match accepted {
                Ok((stream, _)) => drop(connections.spawn(serve(stream, router.clone()))),
                Err(error) => {
                    tracing::debug!(%error, "a connection could not be accepted");
                    // If no file descriptor is free, an immediate attempt would fail again.
                    sleep(Duration::from_millis(50)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    };
    let drained = async { while connections.join_next().await.is_some() {} };
    let _ = timeout(SHUTDOWN_GRACE, drained).await;
    outcome.unwrap_or(Err(LoginError::Expired))
}

async fn serve(stream: TcpStream, router: Router) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(CONNECTION_TIME)
        .keep_alive(false)
        .max_buf_size(HEAD_LIMIT)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    // An invalid or slow request is ignored, because the right request may still arrive.
    let _ = timeout(CONNECTION_TIME, connection).await;
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
        // The receiver is dropped after the login timeout.
        let _ = sender.send(outcome);
    }
    page(StatusCode::OK, text)
}

#[derive(Default)]
struct Parameters {
    state: String,
    code: Option<String>,
    error: Option<String>,
    description: Option<String>,
}

impl Parameters {
    /// Returns `None` for a repeated parameter, which RFC 6749, section 3.1, forbids.
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
    /// Compares in constant time. A comparison that stops at the first difference would reveal the state piece by piece.
    fn has_state(&self, parameters: &Parameters) -> bool {
        let expected = self.state.expose_secret().as_bytes();
        parameters.state.as_bytes().ct_eq(expected).into()
    }
}

/// Renders a page that contains nothing from the request. The URL of the page contains the code, which must not be cached or sent
/// as a referrer.
fn page(status: StatusCode, text: &str) -> Response {
    let headers = [
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'"),
    ];
    let html = format!("<!doctype html><meta charset=\"utf-8\"><title>Login</title><p>{text}</p>\n");
    (status, headers, Html(html)).into_response()
}
