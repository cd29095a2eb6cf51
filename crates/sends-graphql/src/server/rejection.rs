//! A request that never became a running operation, answered in the shape of a GraphQL error all the same.
//!
//! Owns the status code of each refusal, under either media type. Must not know who refuses.

use async_graphql::ServerError;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};

use super::media_type::MediaType;
use crate::{execution::coded, schema::ErrorCode};

/// A request that works, for messages about requests that do not.
pub(super) const EXAMPLE: &str =
    r#"curl -H 'content-type: application/json' -d '{"query": "{ __typename }"}' URL"#;

/// Why a request is not executed, for the caller to read. There is no `data` in the answer.
#[derive(Debug)]
pub(super) struct Rejection {
    status: Status,
    errors: Vec<ServerError>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

#[derive(Clone, Copy, Debug)]
enum Status {
    /// The same under both media types: there was no GraphQL request, or it was not looked at.
    Http(StatusCode),
    /// A GraphQL request that was understood and is wrong: 400, but 200 as `application/json`, where clients take other
    /// codes for those of something on the way.
    OfRequest,
}

impl Rejection {
    /// Refuses what is no GraphQL request, or not one to look at.
    pub(super) fn new(status: StatusCode, code: ErrorCode, message: impl Into<String>) -> Self {
        Self::with(Status::Http(status), vec![coded(code, message)])
    }

    /// A request that cannot be read.
    pub(super) fn malformed(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, ErrorCode::BadUserInput, message)
    }

    /// A GraphQL request that was understood and cannot be executed.
    pub(super) fn of_request(code: ErrorCode, message: impl Into<String>) -> Self {
        Self::with(Status::OfRequest, vec![coded(code, message)])
    }

    /// The same, with the errors that were found in its document or variables.
    pub(super) fn of_document(errors: Vec<ServerError>) -> Self {
        Self::with(Status::OfRequest, errors)
    }

    fn with(status: Status, errors: Vec<ServerError>) -> Self {
        Self {
            status,
            errors,
            headers: Vec::new(),
        }
    }

    /// Adds a header to the answer.
    pub(super) fn header(mut self, name: HeaderName, value: impl Into<HeaderValue>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Only the errors, for a place in the answer to a batch.
    pub(super) fn into_errors(self) -> Vec<ServerError> {
        self.errors
    }

    /// The answer.
    pub(super) fn into_response(self, media_type: MediaType) -> Response {
        let status = match self.status {
            Status::Http(status) => status,
            Status::OfRequest if media_type == MediaType::GraphqlResponse => StatusCode::BAD_REQUEST,
            Status::OfRequest => StatusCode::OK,
        };
        let body = serde_json::json!({ "errors": self.errors });
        let mut response = (status, axum::Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, media_type.content_type());
        headers.extend(self.headers.into_iter().map(|(name, value)| (Some(name), value)));
        response
    }
}
