//! One operation, from the text to the answer: the one way in which the schema is executed.
//!
//! `guard.rs` decides whether the operation may run at all, the library runs it, and `execution/errors.rs` brings what the
//! library says into the shape that callers may see. A resolver that panics ends its own operation and nothing else.
//!
//! Nothing here knows HTTP.

mod errors;

use std::panic::AssertUnwindSafe;

use async_graphql::{Request, Response, ServerError};
use futures_util::FutureExt;

use crate::{
    graphql::{ErrorCode, Schema},
    guard::{self, Limits},
};

/// The schema behind its guard.
#[derive(Clone)]
pub struct Executor {
    schema: Schema,
    limits: Limits,
}

impl Executor {
    /// Executes operations on this schema, within these limits.
    pub fn new(schema: Schema, limits: Limits) -> Self {
        Self { schema, limits }
    }

    /// The answer to one operation. An operation that did not run is answered with errors alone; [`is_request_error`]
    /// tells the two apart.
    pub async fn execute(&self, mut request: Request) -> Response {
        let document = match guard::read(&request.query, &self.limits) {
            Ok(document) => document,
            Err(refused) => return Response::from_errors(vec![refused.into_error()]),
        };
        if let Err(refused) = guard::admit(&document, &mut request, &self.limits) {
            return Response::from_errors(vec![refused.into_error()]);
        }
        request.set_parsed_query(document.parsed);
        let executed = AssertUnwindSafe(self.schema.execute(request)).catch_unwind();
        let mut response = executed.await.unwrap_or_else(|_| {
            tracing::error!("a resolver panicked");
            let error = ServerError::new("The service failed to answer.", None);
            Response::from_errors(vec![errors::with_code(error, ErrorCode::Internal)])
        });
        errors::publish(&mut response.errors);
        response
    }
}

/// Whether the request was at fault and nothing of it ran, so that its answer has no `data` at all.
pub fn is_request_error(response: &Response) -> bool {
    let ran = |error: &ServerError| !error.path.is_empty() || errors::is_internal(error);
    !response.errors.is_empty()
        && response.data == async_graphql::Value::Null
        && !response.errors.iter().any(ran)
}
