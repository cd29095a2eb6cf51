//! GraphQL over HTTP: handles GET and POST requests, with each step in its own module.

mod running;

use std::sync::Arc;

use axum::{
    body::{Body, HttpBody},
    extract::{Request, State},
    response::Response,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts};
use serde_json::json;

use self::running::{no_memory, token_missing};
use super::{
    Service,
    admission::Admission,
    body::{self, Bodies},
    caller_checks,
    connection::BodyResources,
    documents::{Documents, REGISTERED_BYTES},
    entity_tag,
    media_type::MediaType,
    operation::Executed,
    parameters::{Parameters, Requests},
    pieces::{Pieces, Writer},
    rejection::{EXAMPLE, Rejection},
    unrouted::METHODS,
};
use crate::{
    api_keys::ApiKeys,
    bulkheads::answers::{AnswerBudget, AnswerMemory},
    schema::ErrorCode,
    server::HttpOptions,
};

/// Request headers that affect a response. The compression layer adds its own header.
const VARY: HeaderValue = HeaderValue::from_static("accept, authorization, x-api-key");

/// Maximum number of values in a request that are not variables, such as other parameters and short extensions.
const MAX_OTHER_VALUES: usize = 100;

/// Bytes of a body beyond which parsing counts as [long work](crate::bulkheads::long_work). Parsing such a body takes about a
/// millisecond. Smaller bodies do not justify the overhead of a thread switch.
const LONG_BODY: usize = 64 << 10;

pub(super) struct Endpoint {
    service: Service,
    keys: Option<Arc<ApiKeys>>,
    documents: Documents,
    admission: Admission,
    answers: AnswerBudget,
    bodies: Bodies,
    batch_limit: usize,
    /// Maximum number of values in a body, for all requests of a batch.
    max_values: usize,
}

impl Endpoint {
    pub(super) fn new(service: Service, options: HttpOptions, answers: AnswerBudget) -> Self {
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
            max_values: (variable_values.saturating_add(MAX_OTHER_VALUES)).saturating_mul(request.batch),
        }
    }
}

/// Response extension for a body longer than [`LONG_BODY`], whose compression counts as long work.
#[derive(Clone, Copy, Debug)]
pub(super) struct Large;

pub(super) async fn handle(State(endpoint): State<Arc<Endpoint>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Some(media_type) = MediaType::negotiate(&parts.headers) else {
        return Rejection::new(
            StatusCode::NOT_ACCEPTABLE,
            ErrorCode::BadUserInput,
            "Responses are application/graphql-response+json or application/json; accept one of them.",
        )
        .into_response(MediaType::Json);
    };
    let result = match parts.method {
        Method::GET | Method::HEAD => {
            // Releases the body's buffer before the operation runs.
            drop(body);
            endpoint.get(&parts, media_type).await
        }
        Method::POST => endpoint.post(&parts, body, media_type).await,
        _ => Err(Rejection::new(
            StatusCode::METHOD_NOT_ALLOWED,
            ErrorCode::BadUserInput,
            "Send the operation with POST or GET.",
        )
        .header(header::ALLOW, METHODS)),
    };
    let mut response = result.unwrap_or_else(|rejection| rejection.into_response(media_type));
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
        caller_checks::check_preflight(headers)?;
        self.check_caller(headers)?;
        let parameters = Parameters::from_query_string(query)?;
        let finish = move |executed: Executed| {
            // A response with errors has no entity tag, since the next response can differ.
            let response = &executed.response;
            let tag = response
                .is_ok()
                .then(|| entity_tag::of_data(&response.data))
                .flatten();
            Ok((executed_response(executed, media_type)?, tag))
        };
        let (mut response, tag) = self.run(parameters, parts, Method::GET, finish).await?;
        let Some(tag) = tag else {
            return Ok(response);
        };
        let revalidate = HeaderValue::from_static("private, no-cache");
        response.headers_mut().insert(header::CACHE_CONTROL, revalidate);
        Ok(entity_tag::apply(response, tag, headers))
    }

    async fn post(
        self: &Arc<Self>,
        parts: &Parts,
        body: Body,
        media_type: MediaType,
    ) -> Result<Response, Rejection> {
        let headers = &parts.headers;
        // This check replaces the preflight check, since cross-origin pages cannot send this content type without a preflight.
        body::check_type(headers)?;
        self.check_caller(headers)?;
        let body = self.bodies.read(headers, body).await?;
        let is_long = body.bytes().len() > LONG_BODY;
        let (batch_limit, max_values) = (self.batch_limit, self.max_values);
        // The future drops the body after parsing, which releases its memory.
        let read = async move { Requests::from_body(body.bytes(), batch_limit, max_values) };
        let requests = if is_long {
            self.run_long(read).await
        } else {
            read.await
        }?;
        match requests {
            Requests::Single(parameters) => {
                let finish = move |executed: Executed| executed_response(executed, media_type);
                self.run(*parameters, parts, Method::POST, finish).await
            }
            Requests::Batch(batch) => {
                let (json, resources) = batch_of(self.run_batch(batch, parts).await?);
                Ok(response_of(json, resources, media_type))
            }
        }
    }

    /// Checks the API key and the presence of an access token before the body is read.
    fn check_caller(&self, headers: &HeaderMap) -> Result<(), Rejection> {
        caller_checks::check_key(self.keys.as_deref(), headers)?;
        self.service.backend.access.check(headers).map_err(token_missing)
    }
}

fn executed_response(executed: Executed, media_type: MediaType) -> Result<Response, Rejection> {
    let (json, memory) = serialise(executed.response, executed.memory)?;
    let resources = BodyResources::new(memory, json.length());
    let mut response = response_of(json, resources, media_type);
    if let Some(cacheable) = executed.cacheable {
        response.extensions_mut().insert(cacheable);
    }
    Ok(response)
}

/// Returns the length of a body, or `usize::MAX` if the length is unknown.
fn length(response: &Response) -> usize {
    let exact = response.body().size_hint().exact();
    exact
        .and_then(|bytes| bytes.try_into().ok())
        .unwrap_or(usize::MAX)
}

fn response_of(json: impl Into<Body>, resources: BodyResources, media_type: MediaType) -> Response {
    let mut response = Response::new(json.into());
    if length(&response) > LONG_BODY {
        response.extensions_mut().insert(Large);
    }
    let content_type = media_type.content_type();
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response.extensions_mut().insert(resources);
    response
}

type Serialised = (Pieces, Arc<AnswerMemory>);

fn serialise(response: async_graphql::Response, memory: Arc<AnswerMemory>) -> Result<Serialised, Rejection> {
    let mut json = Writer::default();
    if let Err(error) = serde_json::to_writer(&mut json, &response) {
        tracing::error!("serialising a response failed: {error}");
        json = Writer::from(br#"{"errors":[{"message":"The service failed to answer."}]}"#.to_vec());
    }
    drop(response);
    let json = json.finish();
    memory.settle(json.length()).map_err(no_memory)?;
    Ok((json, memory))
}

/// Concatenates the responses of a batch. The responses stay separate, since joining them would double their memory.
fn batch_of(responses: Vec<Result<Serialised, Rejection>>) -> (Pieces, BodyResources) {
    let (mut json, mut memories) = (Pieces::default(), Vec::with_capacity(responses.len()));
    json.push("[");
    for (index, response) in responses.into_iter().enumerate() {
        if index > 0 {
            json.push(",");
        }
        match response {
            Ok((response, memory)) => {
                json.append(response);
                memories.push(memory);
            }
            Err(rejection) => {
                let errors = json!({ "errors": rejection.into_errors() });
                json.push(errors.to_string());
            }
        }
    }
    json.push("]");
    let resources = BodyResources::new(memories, json.length());
    (json, resources)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn response_beyond_the_threshold_is_large() {
        let is_large = |bytes: usize| {
            let response = response_of(vec![b' '; bytes], BodyResources::new((), bytes), MediaType::Json);
            response.extensions().get::<Large>().is_some()
        };
        assert!(!is_large(LONG_BODY));
        assert!(is_large(LONG_BODY + 1));
    }
}
