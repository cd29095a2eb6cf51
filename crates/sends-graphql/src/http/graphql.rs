//! One GraphQL request over HTTP, from the body to the answer.

use async_graphql::{ErrorExtensionValues, ParseRequestError, ServerError};
use async_graphql_axum::{GraphQLRequest, GraphQLResponse};
use axum::{
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use tokio::time::Instant;

use super::Service;
use crate::{access::TokenMissing, graphql::ErrorCode, loader::HistoryLoader, telemetry::operation};

/// `POST /graphql` with a JSON body.
pub(super) async fn answer(State(service): State<Service>, request: Request) -> Response {
    // Browsers send other types across origins without asking first, so only JSON is taken.
    if !has_json_body(&request) {
        return Rejection::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "Send the request as application/json.",
        )
        .into_response();
    }
    let deadline = Instant::now() + service.request_timeout;
    let asker = match service
        .access
        .asker(request.headers(), service.clock.now(), deadline)
    {
        Ok(asker) => asker,
        Err(error) => return Rejection::unauthenticated(error).into_response(),
    };
    let request =
        match <GraphQLRequest<Rejection> as axum::extract::FromRequest<()>>::from_request(request, &()).await
        {
            Ok(request) => request.into_inner(),
            Err(rejection) => return rejection.into_response(),
        };
    let caller = asker.caller.clone();
    let loader = HistoryLoader::new(service.histories, asker);
    let mut response = service.schema.execute(request.data(loader)).await;
    // What the operation cost: the answers of the upstream that others waited for too are counted where they were asked.
    let cost = async_graphql::value!({ "calls": caller.calls_sent() });
    response.extensions.insert("upstream".to_owned(), cost);
    operation::cost(caller.calls_sent());
    GraphQLResponse::from(response).into_response()
}

fn has_json_body(request: &Request) -> bool {
    let content_type = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("");
    let essence = content_type.split(';').next().unwrap_or("").trim();
    essence.eq_ignore_ascii_case("application/json")
}

/// A request that never became a GraphQL operation, answered in the shape of a GraphQL error all the same.
struct Rejection {
    status: StatusCode,
    code: ErrorCode,
    message: String,
}

impl Rejection {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            code: ErrorCode::BadUserInput,
            message: message.into(),
        }
    }

    fn unauthenticated(error: TokenMissing) -> Self {
        Self {
            status: StatusCode::UNAUTHORIZED,
            code: ErrorCode::Unauthenticated,
            message: error.to_string(),
        }
    }
}

impl From<ParseRequestError> for Rejection {
    fn from(error: ParseRequestError) -> Self {
        match error {
            ParseRequestError::PayloadTooLarge => {
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, "The request is too large.")
            }
            ParseRequestError::UnsupportedBatch => Self::new(
                StatusCode::BAD_REQUEST,
                "Send one operation at a time; batches are not supported.",
            ),
            _ => Self::new(
                StatusCode::BAD_REQUEST,
                "The body must be a JSON object with the text of the operation in \"query\".",
            ),
        }
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        let mut error = ServerError::new(self.message, None);
        error.extensions = Some(code_only(self.code));
        let body = serde_json::json!({ "errors": [error] });
        (self.status, axum::Json(body)).into_response()
    }
}

fn code_only(code: ErrorCode) -> ErrorExtensionValues {
    let mut extensions = ErrorExtensionValues::default();
    extensions.set("code", code.as_str());
    extensions
}
