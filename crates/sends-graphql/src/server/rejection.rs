//! GraphQL error response to a request that is not executed. The status code depends on the media type.

use async_graphql::ServerError;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};

use super::media_type::MediaType;
use crate::{execution::coded, schema::ErrorCode};

pub(super) const EXAMPLE: &str =
    r#"curl -H 'content-type: application/json' -d '{"query": "{ __typename }"}' URL"#;

#[derive(Debug)]
pub(super) struct Rejection {
    status: Status,
    errors: Vec<ServerError>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

#[derive(Clone, Copy, Debug)]
enum Status {
    /// Status of an invalid or unread request, for both media types.
    Http(StatusCode),
    /// Status of a valid request that is not executed: 400, or 200 for `application/json`, whose clients attribute other codes to
    /// intermediaries.
    OfRequest,
}

impl Rejection {
    /// Rejects a request before reading it.
    pub(super) fn new(status: StatusCode, code: ErrorCode, message: impl Into<String>) -> Self {
        Self::with(Status::Http(status), vec![coded(code, message)])
    }

    pub(super) fn malformed(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, ErrorCode::BadUserInput, message)
    }

    /// Rejects a valid request.
    pub(super) fn of_request(code: ErrorCode, message: impl Into<String>) -> Self {
        Self::with(Status::OfRequest, vec![coded(code, message)])
    }

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

    pub(super) fn header(mut self, name: HeaderName, value: impl Into<HeaderValue>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn into_errors(self) -> Vec<ServerError> {
        self.errors
    }

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
