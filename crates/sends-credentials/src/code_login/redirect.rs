//! The browser's answer: a server on a loopback port that lives until one request brings the right state.
//!
//! Anything on this machine can connect, and any web page can make the browser do so: what does not bring the state is
//! answered and forgotten, and ends nothing. Must not know what the code is good for.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, REFERRER_POLICY},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use subtle::ConstantTimeEq;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, oneshot},
    task::JoinSet,
    time::{sleep, timeout},
};

use super::CodeLogin;
use crate::{LoginError, oauth::printable};

/// Connections at a time. A browser opens a few, some of them in case it needs them.
const CONNECTION_LIMIT: usize = 32;
/// How long a connection may be open: a request is one line and some headers, from the same machine.
const CONNECTION_TIME: Duration = Duration::from_secs(10);
/// The size of a request: a code and a state are far below it.
const REQUEST_LIMIT: usize = 16 << 10;
/// How long the page for the user may take to be delivered before the program goes on.
const FAREWELL_TIME: Duration = Duration::from_secs(1);

type Outcome = Result<String, LoginError>;

/// What is waited for, until it comes.
struct Expected {
    state: String,
    outcome: Mutex<Option<oneshot::Sender<Outcome>>>,
}

/// Serves until the answer has come, and gives the authorization code.
pub(super) async fn receive(listener: TcpListener, state: String) -> Outcome {
    let (sender, mut outcome) = oneshot::channel();
    let expected = Arc::new(Expected {
        state,
        outcome: Mutex::new(Some(sender)),
    });
    let places = Arc::new(Semaphore::new(CONNECTION_LIMIT));
    let mut connections = JoinSet::new();
    let outcome = loop {
        tokio::select! {
            outcome = &mut outcome => break outcome,
            // Those that are open are waited for before more are taken.
            accepted = accept(&listener, &places) => {
                if let Some((stream, place)) = accepted {
                    let expected = Arc::clone(&expected);
                    connections.spawn(async move {
                        serve(stream, expected).await;
                        drop(place);
                    });
                }
            }
            Some(_) = connections.join_next() => {}
        }
    };
    // The user sees the page before the port is closed. Whoever keeps a connection open for longer is cut off.
    let _ = timeout(FAREWELL_TIME, async {
        while connections.join_next().await.is_some() {}
    })
    .await;
    outcome.unwrap_or(Err(LoginError::Expired))
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => Some((stream, place)),
        Err(error) => {
            tracing::debug!(%error, "a connection of the browser failed");
            // Out of file descriptors, an accept fails at once and again.
            sleep(Duration::from_millis(50)).await;
            None
        }
    }
}

async fn serve(stream: TcpStream, expected: Arc<Expected>) {
    let service = service_fn(|request: Request<Incoming>| {
        let answer = expected.answer(request.method(), request.uri());
        async move { Ok::<_, Infallible>(answer) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(CONNECTION_TIME)
        .keep_alive(false)
        .max_buf_size(REQUEST_LIMIT)
        .serve_connection(TokioIo::new(stream), service);
    // Neither a broken request nor a slow one is of interest: the right one can still come.
    let _ = timeout(CONNECTION_TIME, connection).await;
}

/// What a request to the redirect URI brings.
#[derive(Default)]
struct Parameters {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
    description: Option<String>,
}

impl Parameters {
    /// `None` when one comes twice, which is an attempt at confusion (RFC 6749, section 3.1).
    fn read(query: &str) -> Option<Self> {
        let mut parameters = Self::default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let place = match &*name {
                "state" => &mut parameters.state,
                "code" => &mut parameters.code,
                "error" => &mut parameters.error,
                "error_description" => &mut parameters.description,
                _ => continue,
            };
            if place.replace(value.into_owned()).is_some() {
                return None;
            }
        }
        Some(parameters)
    }

    fn outcome(self) -> Option<Outcome> {
        let description = self.description.as_deref().map(printable);
        match (self.code, self.error) {
            (Some(code), None) if !code.is_empty() => Some(Ok(code)),
            (None, Some(error)) if error == "access_denied" => Some(Err(LoginError::Denied { description })),
            (None, Some(error)) => Some(Err(LoginError::Refused {
                error: printable(&error),
                description,
            })),
            _ => None,
        }
    }
}

impl Expected {
    fn answer(&self, method: &Method, uri: &hyper::Uri) -> Response<Full<Bytes>> {
        if uri.path() != CodeLogin::REDIRECT_PATH {
            return page(StatusCode::NOT_FOUND, "There is nothing here.");
        }
        if method != Method::GET {
            return page(StatusCode::METHOD_NOT_ALLOWED, "Only GET is answered here.");
        }
        let parameters = Parameters::read(uri.query().unwrap_or_default());
        let Some(parameters) = parameters.filter(|parameters| self.is_mine(parameters)) else {
            let text = "This answer belongs to another login. Use the address that the program shows now.";
            return page(StatusCode::BAD_REQUEST, text);
        };
        let Some(outcome) = parameters.outcome() else {
            return page(StatusCode::BAD_REQUEST, "This answer is incomplete.");
        };
        let sender = self.outcome.lock().unwrap_or_else(PoisonError::into_inner).take();
        let text = match &outcome {
            Ok(_) => "Thank you. Go back to the program: it finishes the login. This page can be closed.",
            Err(_) => {
                "Access was not granted. Go back to the program for the reason. This page can be closed."
            }
        };
        if let Some(sender) = sender {
            // The receiver is gone when the time for the login is over.
            let _ = sender.send(outcome);
        }
        page(StatusCode::OK, text)
    }

    /// Compared in constant time, so that the state cannot be guessed piece by piece.
    fn is_mine(&self, parameters: &Parameters) -> bool {
        let state = parameters.state.as_deref().unwrap_or_default();
        state.as_bytes().ct_eq(self.state.as_bytes()).into()
    }
}

/// A page for a person. Nothing of the request is repeated in it.
fn page(status: StatusCode, text: &str) -> Response<Full<Bytes>> {
    let html = format!("<!doctype html><meta charset=\"utf-8\"><title>Login</title><p>{text}</p>\n");
    let mut response = Response::new(Full::from(html));
    *response.status_mut() = status;
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        // The address holds the code: it is neither stored nor passed on.
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'"),
    ];
    for (name, value) in headers {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}
