//! Middleware of the [response cache](crate::response_cache). If a request has the same headers and body as an earlier request,
//! the middleware returns the cached response while it is valid.
//!
//! The middleware is independent of GraphQL and of the meaning of headers, since the key contains all headers that can affect a
//! response. Authorization is checked for each request.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{
    body::{Body, Bytes},
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use futures_util::{StreamExt, stream};
use http::{
    HeaderMap, HeaderName, Method, header,
    request::Parts,
    uri::{Authority, PathAndQuery},
};
use http_body_util::BodyExt;
use tokio::time::timeout;

use super::{Service, caller_checks, connection::BodyResources};
use crate::{
    api_keys::ApiKeys,
    backend::Backend,
    bulkheads::answers::ConnectionBudget,
    response_cache::{CachedResponse, MAX_RESPONSE_BYTES, ResponseCache},
    sources::histories::ReadSet,
    telemetry::{REQUEST_ID, RequestId},
};

/// Maximum size of a request in bytes. Larger requests are rarely repeated.
const MAX_REQUEST_BYTES: usize = 16 << 10;

/// Headers that differ between requests but do not affect the response.
const IGNORED: [HeaderName; 4] = [
    REQUEST_ID,
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
    header::CONTENT_LENGTH,
];

/// Headers with secrets, whose hashes are part of the key.
const SECRET: [HeaderName; 2] = [header::AUTHORIZATION, caller_checks::API_KEY];

#[derive(Clone, Debug)]
pub(super) struct Cacheable {
    pub(super) read_set: ReadSet,
    pub(super) operation: Option<String>,
}

pub(super) struct Cached {
    cache: ResponseCache,
    backend: Arc<Backend>,
    keys: Option<Arc<ApiKeys>>,
    /// Timeout for the first frame of a body.
    body_timeout: Duration,
    /// Random key for hashing secrets.
    salt: [u8; 32],
}

pub(super) async fn layer(State(cached): State<Arc<Cached>>, request: Request, next: Next) -> Response {
    let Some(length) = length_if_cacheable(&request) else {
        return next.run(request).await;
    };
    let started = Instant::now();
    let (head, mut body) = request.into_parts();
    // A short body arrives in one frame; other requests are not cached.
    let piece = match timeout(cached.body_timeout, body.frame()).await {
        Ok(Some(Ok(frame))) => frame.into_data().unwrap_or_default(),
        _ => Bytes::new(),
    };
    if piece.len() != length {
        let whole = stream::iter([Ok(piece)]).chain(body.into_data_stream());
        return next
            .run(Request::from_parts(head, Body::from_stream(whole)))
            .await;
    }
    let key = cached.key(&head, &piece);
    if let Some(response) = cached.find(&key, &head, started) {
        return response;
    }
    let response = next.run(Request::from_parts(head, Body::from(piece))).await;
    cached.insert(key, response).await
}

impl Cached {
    pub(super) fn new(
        bytes: u64,
        body_timeout: Duration,
        keys: Option<Arc<ApiKeys>>,
        service: &Service,
    ) -> Result<Self, getrandom::Error> {
        let mut salt = [0; 32];
        getrandom::fill(&mut salt)?;
        Ok(Self {
            cache: ResponseCache::new(bytes),
            backend: Arc::clone(&service.backend),
            keys,
            body_timeout,
            salt,
        })
    }

    fn find(&self, key: &[u8], head: &Parts, started: Instant) -> Option<Response> {
        let cached = self.cache.get(key)?;
        let is_allowed = caller_checks::check_key(self.keys.as_deref(), &head.headers).is_ok()
            && self.backend.access.still_reads(cached.read_set.owner());
        if !is_allowed || !self.backend.histories.is_valid(&cached.read_set) {
            return None;
        }
        let memory = cached.lend(head.extensions.get::<ConnectionBudget>()?)?;
        let mut response = Response::new(Body::from(cached.body.clone()));
        response
            .extensions_mut()
            .insert(BodyResources::new(memory, cached.body.len()));
        *response.headers_mut() = HeaderMap::clone(&cached.headers);
        let id = RequestId::of(&head.headers);
        let took = started.elapsed();
        cached.metrics.cached(took);
        tracing::debug!(
            target: "sends_graphql::sources::access",
            request_id = id.as_str(),
            operation = cached.operation,
            duration_ms = took.as_secs_f64() * 1_000.0,
            "request served from the response cache"
        );
        id.mark(&mut response);
        Some(response)
    }

    async fn insert(&self, key: Vec<u8>, mut response: Response) -> Response {
        let Some(Cacheable { read_set, operation }) = response.extensions_mut().remove() else {
            return response;
        };
        let (head, body) = response.into_parts();
        // Completes immediately, since the body is in memory or is compressed from memory.
        let Ok(body) = body.collect().await else {
            return Response::from_parts(head, Body::empty());
        };
        let body = body.to_bytes();
        if body.len() <= MAX_RESPONSE_BYTES {
            let mut headers = head.headers.clone();
            headers.remove(REQUEST_ID);
            headers.remove(header::CONTENT_LENGTH);
            let cached = CachedResponse {
                read_set,
                headers: Arc::new(headers),
                body: body.clone(),
                lent: Mutex::default(),
                metrics: self.backend.metrics.of_operation(operation.as_deref()),
                operation,
            };
            self.cache.insert(key, cached);
        }
        Response::from_parts(head, Body::from(body))
    }

    /// Returns the cache key, which contains everything that can affect the response.
    fn key(&self, head: &Parts, body: &[u8]) -> Vec<u8> {
        let mut key = Vec::with_capacity(body.len() + 512);
        let mut add = |piece: &[u8]| {
            key.extend_from_slice(&piece.len().to_le_bytes());
            key.extend_from_slice(piece);
        };
        for (name, value) in &head.headers {
            if IGNORED.contains(name) {
                continue;
            }
            add(name.as_str().as_bytes());
            if SECRET.contains(name) {
                add(blake3::keyed_hash(&self.salt, value.as_bytes()).as_bytes());
            } else {
                add(value.as_bytes());
            }
        }
        add(head.uri.authority().map_or("", Authority::as_str).as_bytes());
        add(head
            .uri
            .path_and_query()
            .map_or("", PathAndQuery::as_str)
            .as_bytes());
        add(body);
        key
    }
}

fn length_if_cacheable(request: &Request) -> Option<usize> {
    let is_operation = request.method() == Method::POST && request.uri().path() == "/graphql";
    let length = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .filter(|_| is_operation)?;
    let length = length.to_str().ok()?.parse().ok()?;
    (1..=MAX_REQUEST_BYTES).contains(&length).then_some(length)
}
