//! GraphQL over HTTP: one request, from its head to the answer.
//!
//! Owns the order of the steps, and what differs between GET and POST. Each step is a module of its own.

use std::sync::Arc;

use async_graphql::Variables;
use async_graphql_axum::GraphQLResponse;
use axum::{
    body::{Body, HttpBody},
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use futures_util::future::join_all;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    Service,
    admission::{self, Admission},
    api_keys::ApiKeys,
    body::{self, Bodies},
    connection::Held,
    documents::{Documents, REGISTERED_BYTES},
    entity_tag, gate,
    media_type::MediaType,
    operation::{Executed, Operation},
    parameters::{Parameters, Requests},
    rejection::{EXAMPLE, Rejection},
    unrouted::METHODS,
};
use crate::{
    access::TokenMissing,
    answers::{self, AnswerMemory, Answers, Exceeded, Part},
    cli::HttpOptions,
    graphql::ErrorCode,
    histories::Asker,
    telemetry::operation,
};

/// What an answer depends on beside the URL. What the compression adds is its own to say.
const VARY: HeaderValue = HeaderValue::from_static("accept, authorization, x-api-key");

/// How many values a request may have beside its variables: its other parameters, and extensions of no great length.
const VALUES_BESIDE: usize = 100;

/// Bodies in bytes, texts in bytes and answers in values beyond this are [long work](crate::long_work): about a millisecond of
/// reading, of validating, or of executing. Another thread costs some microseconds more, so that the rest is done where it is.
const LONG_BODY: usize = 64 << 10;
const LONG_TEXT: usize = 8 << 10;
const LARGE_ANSWER: usize = 500;

/// What every request to the endpoint needs.
pub(super) struct Endpoint {
    service: Service,
    keys: Option<Arc<ApiKeys>>,
    documents: Documents,
    admission: Admission,
    answers: Arc<Answers>,
    bodies: Bodies,
    batch_limit: usize,
    /// How many values a body may have, in all requests of a batch together.
    most_values: usize,
}

impl Endpoint {
    pub(super) fn new(service: Service, options: HttpOptions, answers: Arc<Answers>) -> Self {
        let variable_values = service.schema.limits().variable_values;
        let bulkheads = service.bulkheads.clone();
        let request = options.capacity.request;
        Self {
            service,
            answers,
            keys: options.access.api_keys,
            documents: Documents::new(options.access.trusted_documents, REGISTERED_BYTES),
            admission: Admission::new(
                bulkheads.operations,
                bulkheads.waiting_operations,
                options.capacity.operation_wait,
            ),
            bodies: Bodies::new(bulkheads.bodies, request),
            batch_limit: request.batch,
            most_values: (variable_values.saturating_add(VALUES_BESIDE)).saturating_mul(request.batch),
        }
    }
}

/// A response whose body is longer than [`LONG_BODY`]: to compress it is long work.
#[derive(Clone, Copy, Debug)]
pub(super) struct Large;

/// Answers a request of any method.
pub(super) async fn answer(State(endpoint): State<Arc<Endpoint>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Some(media_type) = MediaType::negotiate(&parts.headers) else {
        return Rejection::new(
            StatusCode::NOT_ACCEPTABLE,
            ErrorCode::BadUserInput,
            "Answers are application/graphql-response+json or application/json; accept one of them.",
        )
        .into_response(MediaType::Json);
    };
    let answered = match parts.method {
        Method::GET | Method::HEAD => endpoint.get(&parts, media_type).await,
        Method::POST => endpoint.post(&parts, body, media_type).await,
        _ => Err(Rejection::new(
            StatusCode::METHOD_NOT_ALLOWED,
            ErrorCode::BadUserInput,
            "Send the operation with POST or GET.",
        )
        .header(header::ALLOW, METHODS)),
    };
    let mut response = answered.unwrap_or_else(|rejection| rejection.into_response(media_type));
    response.headers_mut().append(header::VARY, VARY);
    response
}

impl Endpoint {
    async fn get(self: &Arc<Self>, parts: &Parts, media_type: MediaType) -> Result<Response, Rejection> {
        let headers = &parts.headers;
        let query = parts.uri.query().unwrap_or_default();
        if query.is_empty() {
            return Err(Rejection::malformed(format!(
                "The request has no operation; send one with POST, as in: {EXAMPLE}"
            )));
        }
        gate::check_preflight(headers)?;
        self.check_caller(headers)?;
        let parameters = Parameters::from_query_string(query)?;
        let finish = move |executed: Executed| {
            // What has errors may be different the next time, and is not worth keeping.
            let response = &executed.response;
            let tag = response.is_ok().then(|| entity_tag::of(&response.data)).flatten();
            Ok((answer_of(executed, media_type)?, tag))
        };
        let (mut response, tag) = self.run(parameters, parts, Method::GET, finish).await?;
        let Some(tag) = tag else {
            return Ok(response);
        };
        let keep_and_ask = HeaderValue::from_static("private, no-cache");
        response.headers_mut().insert(header::CACHE_CONTROL, keep_and_ask);
        Ok(entity_tag::apply(response, tag, headers))
    }

    async fn post(
        self: &Arc<Self>,
        parts: &Parts,
        body: Body,
        media_type: MediaType,
    ) -> Result<Response, Rejection> {
        let headers = &parts.headers;
        // Takes the place of the preflight check: a page elsewhere cannot send this type without asking.
        body::check_type(headers)?;
        self.check_caller(headers)?;
        let body = self.bodies.read(headers, body).await?;
        let is_long = body.bytes().len() > LONG_BODY;
        let (batch_limit, most_values) = (self.batch_limit, self.most_values);
        // Others may use the body's room while this is answered.
        let read = async move { Requests::from_body(body.bytes(), batch_limit, most_values) };
        let requests = if is_long {
            self.apart(read).await
        } else {
            read.await
        }?;
        match requests {
            Requests::Single(parameters) => {
                let finish = move |executed: Executed| answer_of(executed, media_type);
                self.run(*parameters, parts, Method::POST, finish).await
            }
            Requests::Batch(batch) => {
                let finish = |executed: Executed| written(executed.response, executed.memory);
                let answers = batch
                    .into_iter()
                    .map(|parameters| self.run(parameters, parts, Method::POST, finish));
                let (json, held) = batch_of(join_all(answers).await);
                Ok(response_of(json, held, media_type))
            }
        }
    }

    /// Everything that can be said about the caller before anything of the request is read.
    fn check_caller(&self, headers: &HeaderMap) -> Result<(), Rejection> {
        gate::check_key(self.keys.as_deref(), headers)?;
        self.service.access.check(headers).map_err(token_missing)
    }

    fn asker(&self, headers: &HeaderMap) -> Result<Asker, Rejection> {
        let service = &self.service;
        let deadline = Instant::now() + service.request_timeout;
        let most_calls = service.schema.limits().upstream_calls;
        let asker = service.access.asker(headers, service.clock.now(), deadline);
        asker
            .map(|asker| asker.with_allowance(most_calls.try_into().unwrap_or(u32::MAX)))
            .map_err(token_missing)
    }

    /// Runs long work of this request on the runtime for long work, with the notes of its telemetry.
    async fn apart<F>(&self, work: F) -> F::Output
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let (output, notes) = self.service.long_work.run(operation::noted(work)).await;
        operation::add(notes);
        output
    }

    /// Runs one operation, and makes its answer with `finish`.
    async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        mut parameters: Parameters,
        parts: &Parts,
        method: Method,
        finish: impl FnOnce(Executed) -> Result<T, Rejection> + Send + 'static,
    ) -> Result<T, Rejection> {
        let document = self.documents.find(&mut parameters)?;
        let variables = Variables::from_json(Value::Object(parameters.variables));
        let schema = &self.service.schema;
        // Before the queue, in which nothing counts what it holds.
        let is_of_size = schema.check_size(&document.text, &variables);
        is_of_size.map_err(|refused| Rejection::of_document(refused.into_errors()))?;
        let place = self.admission.enter().await?;
        let is_long = document.text.len() > LONG_TEXT && !schema.is_known(&document.text);
        let endpoint = Arc::clone(self);
        let prepare = async move {
            let operation = Operation {
                text: &document.text,
                name: parameters.operation_name,
                variables,
            };
            let prepared = operation.prepare(&endpoint.service.schema, method == Method::GET);
            prepared.map(|prepared| (document, prepared))
        };
        let prepared = if is_long {
            place.waiting(self.apart(prepare)).await?
        } else {
            prepare.await
        };
        let (document, prepared) = prepared?;
        let estimate = prepared.estimate();
        let is_large = estimate.values > LARGE_ANSWER;
        let part = parts.extensions.get::<Part>().cloned();
        let part = part.unwrap_or_else(|| self.answers.part());
        let memory = place.waiting(self.answers.reserve(&part, estimate)).await?;
        let memory = memory.map_err(no_memory)?;
        // The time of the operation begins here.
        let asker = self.asker(&parts.headers)?;
        let endpoint = Arc::clone(self);
        let execute = async move {
            let executed = prepared.execute(&endpoint.service, asker, memory);
            let executed = place.of(Box::pin(executed)).await;
            match executed.memory.exceeded() {
                None => finish(executed),
                Some(exceeded) => Err(no_memory(exceeded)),
            }
        };
        let finished = if is_large {
            self.apart(execute).await
        } else {
            execute.await
        };
        self.documents.keep(document);
        finished
    }
}

fn token_missing(missing: TokenMissing) -> Rejection {
    Rejection::new(
        StatusCode::UNAUTHORIZED,
        ErrorCode::Unauthenticated,
        missing.to_string(),
    )
    .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
}

/// The refusal of an answer that there is no memory for.
fn no_memory(exceeded: Exceeded) -> Rejection {
    match exceeded {
        Exceeded::Busy => admission::busy(exceeded.message()),
        Exceeded::TooLarge => Rejection::of_request(exceeded.code(), exceeded.message()),
    }
}

fn answer_of(executed: Executed, media_type: MediaType) -> Result<Response, Rejection> {
    let memory = executed.memory;
    let mut response = if memory.bytes() <= answers::SMALL {
        small_answer(executed.response, memory, media_type)?
    } else {
        let (json, memory) = written(executed.response, memory)?;
        response_of(json, Held::new(memory), media_type)
    };
    if let Some(repeatable) = executed.repeatable {
        response.extensions_mut().insert(repeatable);
    }
    Ok(response)
}

/// A small answer as the library makes it, whose text grows by doubling: for that a large one has no memory.
fn small_answer(
    answer: async_graphql::Response,
    memory: Arc<AnswerMemory>,
    media_type: MediaType,
) -> Result<Response, Rejection> {
    let mut response = GraphQLResponse::from(answer).into_response();
    memory.settle(length(&response)).map_err(no_memory)?;
    mark(&mut response, Held::new(memory), media_type);
    Ok(response)
}

/// The bytes of a body that is there as a whole.
fn length(response: &Response) -> usize {
    let exact = response.body().size_hint().exact();
    exact
        .and_then(|bytes| bytes.try_into().ok())
        .unwrap_or(usize::MAX)
}

fn response_of(json: Vec<u8>, held: Held, media_type: MediaType) -> Response {
    let mut response = Response::new(Body::from(json));
    mark(&mut response, held, media_type);
    response
}

/// Sets the type of an answer, and what its connection holds until it is written.
fn mark(response: &mut Response, held: Held, media_type: MediaType) {
    if length(response) > LONG_BODY {
        response.extensions_mut().insert(Large);
    }
    let content_type = media_type.content_type();
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response.extensions_mut().insert(held);
}

/// An answer as JSON, and the memory that it is held in.
type Written = (Vec<u8>, Arc<AnswerMemory>);

/// Writes an answer as JSON, with the names in the order of the operation, and gives back the memory beyond that.
fn written(response: async_graphql::Response, memory: Arc<AnswerMemory>) -> Result<Written, Rejection> {
    // The text of a value takes less than the value, and what is not written to takes no memory.
    let mut json = Vec::with_capacity(memory.bytes() / 4);
    if let Err(error) = serde_json::to_writer(&mut json, &response) {
        tracing::error!("an answer could not be written as JSON: {error}");
        json = br#"{"errors":[{"message":"The service failed to answer."}]}"#.to_vec();
    }
    drop(response);
    memory.settle(json.len()).map_err(no_memory)?;
    Ok((json, memory))
}

/// The answer to a batch.
fn batch_of(answers: Vec<Result<Written, Rejection>>) -> (Vec<u8>, Held) {
    let (mut json, mut held) = (vec![b'['], Vec::with_capacity(answers.len()));
    for answer in answers {
        if json.len() > 1 {
            json.push(b',');
        }
        match answer {
            Ok((answer, memory)) => {
                json.extend(answer);
                held.push(memory);
            }
            Err(rejection) => {
                let errors = json!({ "errors": rejection.into_errors() });
                json.extend(errors.to_string().into_bytes());
            }
        }
    }
    json.push(b']');
    (json, Held::new(held))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_large_by_its_length() {
        let is_large = |bytes: usize| {
            let response = response_of(vec![b' '; bytes], Held::new(()), MediaType::Json);
            response.extensions().get::<Large>().is_some()
        };
        assert!(!is_large(LONG_BODY));
        assert!(is_large(LONG_BODY + 1));
    }
}
