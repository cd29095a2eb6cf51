//! GraphQL over HTTP: one request, from its head to the answer.
//!
//! Owns the order of the steps, and what differs between GET and POST. Each step is a module of its own.

use std::sync::Arc;

use async_graphql_axum::GraphQLResponse;
use axum::{
    body::Body,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use futures_util::future::join_all;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts};
use serde_json::json;
use tokio::time::Instant;

use super::{
    Service,
    admission::Admission,
    api_keys::ApiKeys,
    body::{self, Bodies},
    documents::Documents,
    entity_tag, gate,
    media_type::MediaType,
    operation::{Executed, Operation},
    parameters::{Parameters, Requests},
    rejection::{EXAMPLE, Rejection},
    unrouted::METHODS,
};
use crate::{access::TokenMissing, graphql::ErrorCode, histories::Asker, settings::HttpSettings};

/// What an answer depends on beside the URL. What the compression adds is its own to say.
const VARY: HeaderValue = HeaderValue::from_static("accept, authorization, x-api-key");

/// How many values a request may have beside its variables: its other parameters, and extensions of no great length.
const VALUES_BESIDE: usize = 100;

/// What every request to the endpoint needs.
pub(super) struct Endpoint {
    service: Service,
    keys: Option<Arc<ApiKeys>>,
    documents: Documents,
    admission: Admission,
    bodies: Bodies,
    batch_limit: usize,
    /// How many values a body may have, in all requests of a batch together.
    most_values: usize,
}

impl Endpoint {
    pub(super) fn new(service: Service, settings: HttpSettings) -> Self {
        let variable_values = service.schema.limits().variable_values;
        Self {
            service,
            keys: settings.api_keys,
            documents: Documents::new(settings.documents),
            admission: Admission::new(settings.max_operations, settings.operation_wait),
            bodies: Bodies::new(settings.request),
            batch_limit: settings.request.batch,
            most_values: (variable_values.saturating_add(VALUES_BESIDE))
                .saturating_mul(settings.request.batch),
        }
    }
}

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
    async fn get(&self, parts: &Parts, media_type: MediaType) -> Result<Response, Rejection> {
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
        let response = self.run(parameters, headers, Method::GET).await?.response;
        // What has errors may be different the next time, and is not worth keeping.
        let tag = response.is_ok().then(|| entity_tag::of(&response.data)).flatten();
        let mut response = answer_of(response, media_type);
        if let Some(tag) = tag {
            let keep_and_ask = HeaderValue::from_static("private, no-cache");
            response.headers_mut().insert(header::CACHE_CONTROL, keep_and_ask);
            response = entity_tag::apply(response, tag, headers);
        }
        Ok(response)
    }

    async fn post(&self, parts: &Parts, body: Body, media_type: MediaType) -> Result<Response, Rejection> {
        let headers = &parts.headers;
        // Takes the place of the preflight check: a page elsewhere cannot send this type without asking.
        body::check_type(headers)?;
        self.check_caller(headers)?;
        let body = self.bodies.read(headers, body).await?;
        let requests = Requests::from_body(body.bytes(), self.batch_limit, self.most_values)?;
        // Others may use its room while this is answered.
        drop(body);
        match requests {
            Requests::Single(parameters) => {
                let executed = self.run(*parameters, headers, Method::POST).await?;
                let mut response = answer_of(executed.response, media_type);
                if let Some(repeatable) = executed.repeatable {
                    response.extensions_mut().insert(repeatable);
                }
                Ok(response)
            }
            Requests::Batch(batch) => {
                let answers = batch
                    .into_iter()
                    .map(|parameters| self.run(parameters, headers, Method::POST));
                let answers: Vec<_> = join_all(answers).await.into_iter().map(element).collect();
                let mut response = Response::new(Body::from(format!("[{}]", answers.join(","))));
                response
                    .headers_mut()
                    .insert(header::CONTENT_TYPE, media_type.content_type());
                Ok(response)
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

    async fn run(
        &self,
        mut parameters: Parameters,
        headers: &HeaderMap,
        method: Method,
    ) -> Result<Executed, Rejection> {
        let document = self.documents.find(&mut parameters)?;
        let _place = self.admission.enter().await?;
        let operation = Operation {
            text: &document.text,
            name: parameters.operation_name,
            variables: parameters.variables,
        };
        let prepared = operation.prepare(&self.service.schema, method == Method::GET)?;
        let executed = prepared.execute(&self.service, self.asker(headers)?).await;
        self.documents.keep(document);
        Ok(executed)
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

fn answer_of(response: async_graphql::Response, media_type: MediaType) -> Response {
    let mut response = GraphQLResponse::from(response).into_response();
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, media_type.content_type());
    response
}

/// One answer among those to a batch, as JSON with the names in the order of the operation.
fn element(answer: Result<Executed, Rejection>) -> String {
    let response = match answer {
        Ok(executed) => executed.response,
        Err(rejection) => return json!({ "errors": rejection.into_errors() }).to_string(),
    };
    serde_json::to_string(&response).unwrap_or_else(|error| {
        tracing::error!("an answer could not be written as JSON: {error}");
        json!({ "errors": [{ "message": "The service failed to answer." }] }).to_string()
    })
}
