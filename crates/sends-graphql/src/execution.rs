//! One operation, from the text to the answer: the one way in which the schema is executed.
//!
//! `guard.rs` decides whether the operation may run at all, the library runs it, and `execution/errors.rs` brings what the
//! library says into the shape that callers may see. A resolver that panics ends its own operation and nothing else.
//!
//! Nothing here knows HTTP.

mod errors;

use std::panic::AssertUnwindSafe;

use async_graphql::{
    Request, Response, ServerError,
    parser::types::{DocumentOperations, ExecutableDocument},
};
use futures_util::FutureExt;

use crate::{
    graphql::{ErrorCode, Schema},
    guard::{self, Limits},
    telemetry::{metrics::Outcome, operation},
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
    pub async fn execute(&self, request: Request) -> Response {
        let mut name = None;
        let response = self.run(request, &mut name).await;
        let outcome = outcome(&response);
        // What is not an operation of this schema has no name worth counting.
        operation::ended(name.filter(|_| outcome != Outcome::Refused), outcome);
        response
    }

    async fn run(&self, mut request: Request, name: &mut Option<String>) -> Response {
        let document = match guard::read(&request.query, &self.limits) {
            Ok(document) => document,
            Err(refused) => return Response::from_errors(vec![refused.into_error()]),
        };
        if let Err(refused) = guard::admit(&document, &mut request, &self.limits) {
            return Response::from_errors(vec![refused.into_error()]);
        }
        *name = name_of(&document.parsed, request.operation_name.as_deref());
        operation::named(name.as_deref());
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

/// The name of the operation in a document that is executed when `wanted` is asked for.
fn name_of(document: &ExecutableDocument, wanted: Option<&str>) -> Option<String> {
    let DocumentOperations::Multiple(operations) = &document.operations else {
        return None;
    };
    match wanted {
        Some(name) => operations.contains_key(name).then(|| name.to_owned()),
        None if operations.len() == 1 => operations.keys().next().map(ToString::to_string),
        None => None,
    }
}

fn outcome(response: &Response) -> Outcome {
    match response.data {
        _ if response.errors.is_empty() => Outcome::Ok,
        _ if is_request_error(response) => Outcome::Refused,
        async_graphql::Value::Null => Outcome::Failed,
        _ => Outcome::Partial,
    }
}

/// Whether the request was at fault and nothing of it ran, so that its answer has no `data` at all.
pub fn is_request_error(response: &Response) -> bool {
    let ran = |error: &ServerError| !error.path.is_empty() || errors::is_internal(error);
    !response.errors.is_empty()
        && response.data == async_graphql::Value::Null
        && !response.errors.iter().any(ran)
}
