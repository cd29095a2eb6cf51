//! Answers that were given before and would be given again.
//!
//! A request that is the same to the last byte, header by header, gets the answer that the whole way through the service
//! gave it the last time: as long as every history in it is still the one that was read then, and as fresh as the request
//! asks for. Since nothing of the request may differ, nothing of the way has to be known here: neither GraphQL, nor what
//! the headers mean. Whose data it is and whether the caller may still ask is looked at again.
//!
//! Only what [says](Repeatable) what it rests on is kept, from the second time on that it is asked for, and within a bound of
//! bytes.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::{Body, Bytes},
    response::Response,
};
use futures_util::{StreamExt, stream};
use http::{
    HeaderMap, HeaderName, Method, Request, header,
    request::Parts,
    uri::{Authority, PathAndQuery},
};
use http_body_util::BodyExt;
use quick_cache::{Weighter, sync::Cache};
use tokio::time::timeout;
use tower::ServiceExt;

use super::{
    api_keys::ApiKeys,
    connection::Held,
    gate,
    request_id::{self, RequestId},
};
use crate::{
    access::Access,
    answers::{Answers, Part},
    bulkheads::Room,
    doorkeeper::Doorkeeper,
    histories::{Evidence, Histories},
    telemetry::metrics::{Metrics, OperationMetrics},
};

/// Longer requests are rarely the same.
const LONGEST_REQUEST: usize = 16 << 10;

/// Longer answers take more time to make than to look at.
const LONGEST_ANSWER: usize = 256 << 10;

/// About how much an answer takes, to begin with a cache of the right size.
const USUAL_ANSWER: u64 = 4 << 10;

/// How many requests are remembered as having come once.
const REMEMBERED: usize = 1 << 14;

/// What names one request among others and may differ between two that are the same: it decides nothing.
const OF_ONE_REQUEST: [HeaderName; 4] = [
    request_id::REQUEST_ID,
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
    header::CONTENT_LENGTH,
];

/// Secrets are kept as their hashes alone.
const SECRET: [HeaderName; 2] = [header::AUTHORIZATION, gate::API_KEY];

/// Goes with an answer that would be given again: what it rests on, and what it counts as.
#[derive(Clone, Debug)]
pub(super) struct Repeatable {
    /// What the answer rests on.
    pub(super) evidence: Evidence,
    /// The name of the operation.
    pub(super) operation: Option<String>,
}

/// The answers that were given before.
pub(super) struct Reuse {
    answers: Cache<Box<[u8]>, Arc<Given>, Weight>,
    seen: Doorkeeper,
    histories: Histories,
    access: Access,
    keys: Option<Arc<ApiKeys>>,
    metrics: Metrics,
    memory: Arc<Answers>,
    /// The headers of the last answer that was kept: most have the same.
    headers: Mutex<Arc<HeaderMap>>,
    /// How long a body may take to begin.
    patience: Duration,
    /// For the hashes of secrets.
    salt: [u8; 32],
}

/// An answer, ready to be sent.
struct Given {
    evidence: Evidence,
    headers: Arc<HeaderMap>,
    body: Bytes,
    /// The memory of the body while it is being written to anyone: it can leave the cache meanwhile.
    lent: Mutex<Weak<Room>>,
    operation: Option<String>,
    metrics: OperationMetrics,
}

impl Given {
    /// Memory for writing the body once more. It is there once, and each connection counts it for itself.
    fn lend(&self, answers: &Answers, part: Option<&Part>) -> Option<Held> {
        let bytes = self.body.len();
        let of_part = match part {
            Some(part) => Some(part.lend(bytes)?),
            None => None,
        };
        let mut lent = self.lent.lock().unwrap_or_else(PoisonError::into_inner);
        let room = match lent.upgrade() {
            Some(room) => room,
            None => Arc::new(answers.lend(bytes)?),
        };
        *lent = Arc::downgrade(&room);
        Some(Held::new((room, of_part)))
    }
}

#[derive(Clone)]
struct Weight;

impl Weighter<Box<[u8]>, Arc<Given>> for Weight {
    fn weight(&self, request: &Box<[u8]>, given: &Arc<Given>) -> u64 {
        /// Links and counters.
        const BESIDE: usize = 300;
        (request.len() + given.body.len() + given.evidence.bytes() + BESIDE) as u64
    }
}

/// What answers that are reused have to be held against.
pub(super) struct Witnesses {
    pub(super) histories: Histories,
    pub(super) access: Access,
    pub(super) keys: Option<Arc<ApiKeys>>,
    pub(super) metrics: Metrics,
    pub(super) answers: Arc<Answers>,
}

impl Reuse {
    /// Keeps up to so many bytes of answers, and waits for so long for a body to begin.
    ///
    /// # Errors
    ///
    /// When the operating system gives no random numbers.
    pub(super) fn new(bytes: u64, patience: Duration, of: Witnesses) -> Result<Self, getrandom::Error> {
        let Witnesses {
            histories,
            access,
            keys,
            metrics,
            answers: memory,
        } = of;
        let mut salt = [0; 32];
        getrandom::fill(&mut salt)?;
        let items = usize::try_from(bytes / USUAL_ANSWER).unwrap_or(usize::MAX);
        Ok(Self {
            answers: Cache::with_weighter(items.clamp(16, 1 << 16), bytes, Weight),
            seen: Doorkeeper::new(REMEMBERED),
            histories,
            access,
            keys,
            metrics,
            memory,
            headers: Mutex::default(),
            patience,
            salt,
        })
    }

    /// Answers a request as it was answered before, or has it answered and keeps the answer for the next one.
    pub(super) async fn answer(
        &self,
        request: Request<Body>,
        onward: Router,
    ) -> Result<Response, Infallible> {
        let Some(length) = length_of_short_question(&request) else {
            return onward.oneshot(request).await;
        };
        let began = Instant::now();
        let (head, mut body) = request.into_parts();
        // A short body comes in one piece or is not short of time.
        let piece = match timeout(self.patience, body.frame()).await {
            Ok(Some(Ok(frame))) => frame.into_data().unwrap_or_default(),
            _ => Bytes::new(),
        };
        if piece.len() != length {
            let whole = stream::iter([Ok(piece)]).chain(body.into_data_stream());
            let request = Request::from_parts(head, Body::from_stream(whole));
            return onward.oneshot(request).await;
        }
        let key = self.key(&head, &piece);
        if let Some(response) = self.find(&key, &head, began) {
            return Ok(response);
        }
        let request = Request::from_parts(head, Body::from(piece));
        let response = onward.oneshot(request).await?;
        Ok(self.keep(key, response).await)
    }

    fn find(&self, key: &[u8], head: &Parts, began: Instant) -> Option<Response> {
        let given = self.answers.get(key)?;
        let may_ask = gate::check_key(self.keys.as_deref(), &head.headers).is_ok()
            && self.access.still_reads(given.evidence.owner());
        if !may_ask || !self.histories.hold(&given.evidence) {
            return None;
        }
        let memory = given.lend(&self.memory, head.extensions.get())?;
        let mut response = Response::new(Body::from(given.body.clone()));
        response.extensions_mut().insert(memory);
        *response.headers_mut() = HeaderMap::clone(&given.headers);
        let id = RequestId::of(&head.headers);
        let took = began.elapsed();
        given.metrics.answered_again(took);
        tracing::debug!(
            target: "sends_graphql::access",
            request_id = id.as_str(),
            operation = given.operation,
            duration_ms = took.as_secs_f64() * 1_000.0,
            "answered as before"
        );
        id.mark(&mut response);
        Some(response)
    }

    /// Keeps an answer if it would be given again.
    async fn keep(&self, key: Vec<u8>, response: Response) -> Response {
        let Some(repeatable) = response.extensions().get::<Repeatable>() else {
            return response;
        };
        if !self.seen.knows(&key[..]) {
            return response;
        }
        let Repeatable { evidence, operation } = repeatable.clone();
        let (head, body) = response.into_parts();
        // It was made in one piece, or compressed from one, so that nothing is waited for.
        let Ok(body) = body.collect().await else {
            return Response::from_parts(head, Body::empty());
        };
        let body = body.to_bytes();
        if body.len() <= LONGEST_ANSWER {
            let given = Given {
                evidence,
                headers: self.shared(&head.headers),
                body: body.clone(),
                lent: Mutex::default(),
                metrics: self.metrics.of_operation(operation.as_deref()),
                operation,
            };
            self.answers.insert(key.into(), Arc::new(given));
        }
        Response::from_parts(head, Body::from(body))
    }

    /// The headers of an answer without those that are its own, in common with other answers where they are the same.
    fn shared(&self, headers: &HeaderMap) -> Arc<HeaderMap> {
        let mut headers = headers.clone();
        headers.remove(request_id::REQUEST_ID);
        headers.remove(header::CONTENT_LENGTH);
        let mut last = self.headers.lock().unwrap_or_else(PoisonError::into_inner);
        if **last != headers {
            *last = Arc::new(headers);
        }
        Arc::clone(&last)
    }

    /// Everything of a request that can decide its answer, in one piece.
    fn key(&self, head: &Parts, body: &[u8]) -> Vec<u8> {
        let mut key = Vec::with_capacity(body.len() + 512);
        let mut add = |piece: &[u8]| {
            key.extend_from_slice(&piece.len().to_le_bytes());
            key.extend_from_slice(piece);
        };
        for (name, value) in &head.headers {
            if OF_ONE_REQUEST.contains(name) {
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

/// The length of a request that could have been answered before. How it arrived is part of no answer.
fn length_of_short_question<B>(request: &Request<B>) -> Option<usize> {
    let is_question = request.method() == Method::POST && request.uri().path() == "/graphql";
    let length = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .filter(|_| is_question)?;
    let length = length.to_str().ok()?.parse().ok()?;
    (1..=LONGEST_REQUEST).contains(&length).then_some(length)
}

#[cfg(test)]
mod tests {
    use sends_store::Owner;

    use super::*;
    use crate::{
        bulkheads::{Bulkhead, Bulkheads},
        histories::Witness,
    };

    #[tokio::test]
    async fn an_answer_that_is_written_to_many_is_counted_once_and_by_each_connection_for_itself() {
        let bulkheads = Bulkheads {
            connections: Bulkhead::new("connections", 1),
            bodies: Bulkhead::new("bodies", 1),
            operations: Bulkhead::new("operations", 1),
            waiting_operations: Bulkhead::new("waiting_operations", 1),
            large_answers: Bulkhead::new("large_answers", 1),
            small_answers: Bulkhead::new("small_answers", 4_000),
        };
        let answers = Answers::new(&bulkheads, Duration::ZERO);
        let given = Given {
            evidence: Witness::default().evidence(Owner::new([1; 16])).unwrap(),
            headers: Arc::default(),
            body: Bytes::from(vec![b'x'; 900]),
            lent: Mutex::default(),
            operation: None,
            metrics: Metrics::new().of_operation(None),
        };
        let (one, other) = (answers.part(), answers.part());
        let written: Vec<_> = [&one, &one, &other]
            .map(|part| given.lend(&answers, Some(part)))
            .into();
        assert!(written.iter().all(Option::is_some));
        assert_eq!(bulkheads.small_answers.occupancy().in_use, 900);
        assert!(given.lend(&answers, Some(&one)).is_none());
        drop(written);
        assert_eq!(bulkheads.small_answers.occupancy().in_use, 0);
        assert!(given.lend(&answers, Some(&one)).is_some());
    }
}
