//! One operation, from the text to the answer: the one way in which the schema is executed.
//!
//! `guard.rs` decides whether the operation may run at all, unless `execution/documents.rs` knows the document already, or
//! one with other ids (`execution/shape.rs`); the library runs it, and then `execution/completion.rs` brings the answer and
//! `execution/errors.rs` the errors into the shape that callers may see. A resolver that panics ends its own operation and
//! nothing else.
//!
//! Nothing here knows HTTP.

mod completion;
mod documents;
mod errors;
mod repeatable;
mod shape;

use std::{any::Any, panic::AssertUnwindSafe, sync::Arc};

use async_graphql::{
    Request, Response, ServerError, Value,
    parser::types::{DocumentOperations, ExecutableDocument, OperationType},
};
use futures_util::FutureExt;

use self::{completion::Plan, documents::Documents};
use crate::{
    graphql::{ErrorCode, Schema},
    guard::{self, Limits, Refused, Types},
    telemetry::{metrics::Outcome, operation},
};

/// The schema behind its guard.
#[derive(Clone)]
pub struct Executor {
    schema: Schema,
    types: Arc<Types>,
    limits: Limits,
    introspection: bool,
    documents: Arc<Documents>,
}

/// An operation that may run.
pub struct Admitted<'e> {
    executor: &'e Executor,
    request: Request,
    is_repeatable: bool,
    plan: Arc<Plan>,
    kind: OperationType,
    name: Option<String>,
}

impl Executor {
    /// Executes operations on this schema, within these limits.
    pub fn new(schema: Schema, limits: Limits) -> Self {
        let types = Arc::new(Types::of(&schema.sdl()));
        Self {
            schema,
            types,
            limits,
            introspection: true,
            documents: Arc::new(Documents::new()),
        }
    }

    /// The same, which tells of its schema only when it is to: neither does it answer what the fields and types are, nor
    /// does it guess in its errors which of them somebody meant.
    #[must_use]
    pub fn with_introspection(self, introspection: bool) -> Self {
        Self {
            introspection,
            ..self
        }
    }

    /// The limits that operations are held to.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The answer to one operation. An operation that did not run is answered with errors alone; [`is_request_error`]
    /// tells the two apart.
    pub async fn execute(&self, request: Request) -> Response {
        match self.admit(request) {
            Ok(admitted) => admitted.execute().await,
            Err(error) => Response::from_errors(vec![error]),
        }
    }

    /// Decides whether an operation may run, as far as that can be told before it is validated.
    ///
    /// # Errors
    ///
    /// What is wrong with it, for the caller to read.
    pub fn admit(&self, request: Request) -> Result<Admitted<'_>, ServerError> {
        self.check(request).map_err(|refused| {
            operation::ended(None, Outcome::Refused);
            refused.into_error()
        })
    }

    fn check(&self, mut request: Request) -> Result<Admitted<'_>, Refused> {
        let known = self.documents.find(&request.query, &self.types, &self.limits)?;
        let document = &known.document;
        if document.measure.asks_for_schema && !self.introspection {
            return Err(Refused::SchemaHidden);
        }
        guard::admit(document, &mut request, &self.limits)?;
        let operation = guard::operation(&document.parsed, request.operation_name.as_deref())?;
        let kind = operation.ty;
        let plan = known.plan(operation, &request.variables, &self.types);
        let name = name_of(&document.parsed, request.operation_name.as_deref());
        operation::named(name.as_deref());
        let is_repeatable = known.is_repeatable;
        request.set_parsed_query(known.into_executable());
        Ok(Admitted {
            executor: self,
            request,
            is_repeatable,
            plan,
            kind,
            name,
        })
    }
}

impl Admitted<'_> {
    /// Whether it reads, writes or subscribes.
    pub fn kind(&self) -> OperationType {
        self.kind
    }

    /// The name of the operation, if it has one.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Whether it asks for nothing but send histories and what follows from them.
    pub fn is_repeatable(&self) -> bool {
        self.is_repeatable
    }

    /// The same with something that resolvers can use.
    #[must_use]
    pub fn data<D: Any + Send + Sync>(mut self, data: D) -> Self {
        self.request = self.request.data(data);
        self
    }

    /// Runs it.
    pub async fn execute(self) -> Response {
        let Executor {
            schema,
            types,
            introspection,
            ..
        } = self.executor;
        let executed = AssertUnwindSafe(schema.execute(self.request)).catch_unwind();
        let mut response = executed.await.unwrap_or_else(|_| {
            tracing::error!("a resolver panicked");
            let error = ServerError::new("The service failed to answer.", None);
            Response::from_errors(vec![errors::with_code(error, ErrorCode::Internal)])
        });
        errors::publish(&mut response.errors, *introspection);
        if response.errors.iter().all(|error| !error.path.is_empty()) {
            self.plan.complete(types, &mut response.data);
        }
        let outcome = outcome(&response);
        // What is not an operation of this schema has no name worth counting.
        operation::ended(self.name.filter(|_| outcome != Outcome::Refused), outcome);
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
        Value::Null => Outcome::Failed,
        _ => Outcome::Partial,
    }
}

/// Whether the request was at fault and nothing of it ran, so that its answer has no `data` at all.
pub fn is_request_error(response: &Response) -> bool {
    let ran = |error: &ServerError| !error.path.is_empty() || errors::is_internal(error);
    !response.errors.is_empty() && response.data == Value::Null && !response.errors.iter().any(ran)
}
