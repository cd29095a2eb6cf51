//! One operation, from the text to the answer: the one way in which the schema is executed.
//!
//! A text is validated within the limits of `validation.rs`, or found among the ones that were (`documents.rs`). Its variables are
//! coerced (`coercion.rs`), and the operation is planned (`plan.rs`) and lowered into what the library executes
//! (`lowering.rs`), but for introspection (`introspection.rs`). Then `completion.rs` brings the answer and `errors.rs` the
//! errors into the shape that callers see. A resolver that panics ends its own operation and nothing else.
//!
//! Nothing here knows HTTP.

mod coercion;
mod completion;
mod documents;
mod errors;
mod introspection;
mod lowering;
pub(crate) mod plan;
pub mod validation;

use std::{any::Any, panic::AssertUnwindSafe, sync::Arc};

use async_graphql::{Data, Name, Request, Response, ServerError, Value, indexmap::IndexMap};
use futures_util::FutureExt;

pub(crate) use self::errors::shorten;
use self::{
    coercion::Variables,
    documents::{Documents, Known},
    introspection::Unanswered,
    plan::Plan,
    validation::{Limits, Refused, Types},
};
use crate::{
    bulkheads::answers::{self, Estimate},
    schema::{ErrorCode, Schema},
    telemetry::{metrics::Outcome, operation},
};

/// Executes operations on the schema, within limits.
#[derive(Clone)]
pub struct Executor {
    schema: Schema,
    types: Arc<Types>,
    limits: Limits,
    introspection: bool,
    documents: Arc<Documents>,
}

/// An operation that may run.
pub struct Admitted {
    schema: Schema,
    types: Arc<Types>,
    known: Arc<Known>,
    plan: Arc<Plan>,
    variables: Variables,
    data: Data,
    name: Option<String>,
    estimate: Estimate,
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

    /// Enables or disables introspection.
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
            Err(refused) => Response::from_errors(refused.into_errors()),
        }
    }

    /// Checks how long a text and its variables are, which is quick.
    ///
    /// # Errors
    ///
    /// [`Refused`] with the limit that is exceeded.
    pub fn check_size(&self, text: &str, variables: &async_graphql::Variables) -> Result<(), Refused> {
        validation::check_size(text, variables, &self.limits)
    }

    /// Whether the document with this text is remembered, so that it need not be validated.
    pub fn is_known(&self, text: &str) -> bool {
        self.documents.is_known(text)
    }

    /// Validates an operation and decides whether it may run.
    ///
    /// # Errors
    ///
    /// [`Refused`], in words for the caller.
    pub fn admit(&self, request: Request) -> Result<Admitted, Refused> {
        let (types, limits) = (&*self.types, &self.limits);
        let known = self.documents.find(&request.query, types, limits)?;
        let document = &known.document.executable;
        if known.document.size.asks_for_schema && !self.introspection {
            return Err(Refused::SchemaHidden);
        }
        validation::check_variables(&request.variables, limits)?;
        let operation = validation::operation(document, request.operation_name.as_deref())?;
        let variables = coercion::variables(types, &document.sources, operation, &request.variables)?;
        let plan = known.plan.as_ref().map_or_else(
            || Arc::new(Plan::of(document, operation, &variables, types)),
            Arc::clone,
        );
        let estimate = validation::check_plan(&plan, types, limits)?;
        let estimate = Estimate {
            fields: estimate.fields.max(known.document.size.fields),
            ..estimate
        };
        let name = operation.name.as_ref().map(ToString::to_string);
        operation::named(name.as_deref());
        Ok(Admitted {
            schema: self.schema.clone(),
            types: Arc::clone(&self.types),
            plan,
            variables,
            data: request.data,
            name,
            known,
            estimate,
        })
    }
}

impl Admitted {
    /// The name of the operation, if it has one.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// What it is expected to answer.
    pub fn estimate(&self) -> Estimate {
        self.estimate
    }

    /// Whether its answer is [cacheable](crate::response_cache).
    pub fn is_cacheable(&self) -> bool {
        self.known.is_cacheable
    }

    /// The same with something that resolvers can use.
    #[must_use]
    pub fn data<D: Any + Send + Sync>(mut self, data: D) -> Self {
        self.data.insert(data);
        self
    }

    /// Runs it.
    pub async fn execute(mut self) -> Response {
        let data = std::mem::take(&mut self.data);
        let ran = AssertUnwindSafe(self.run(data)).catch_unwind().await;
        if let Some(exceeded) = answers::exceeded() {
            let error = ServerError::new(exceeded.message(), None);
            return Response::from_errors(vec![errors::with_code(error, exceeded.into())]);
        }
        let mut response = match ran {
            Ok(Ok((mut response, introspected))) => {
                if !response.errors.iter().any(errors::is_internal) {
                    completion::complete(&self.plan, &mut response, introspected);
                }
                response
            }
            Ok(Err(unanswered)) => {
                tracing::error!("introspection failed: {unanswered}");
                Response::from_errors(vec![internal_error()])
            }
            Err(_) => {
                tracing::error!("a resolver panicked");
                Response::from_errors(vec![internal_error()])
            }
        };
        errors::publish(&mut response.errors, Some(&self.known.document.executable));
        response
    }

    /// What the library answers, and what is asked of the schema itself.
    async fn run(&self, data: Data) -> Result<(Response, IndexMap<Name, Value>), Unanswered> {
        let (schema, types) = (&self.schema, &*self.types);
        let document = &self.known.document.executable;
        let introspected = if self.plan.introspection.is_empty() {
            IndexMap::new()
        } else {
            introspection::answer(document, &self.plan.introspection, &self.variables, types)?
        };
        let root = self.plan.root.as_deref().unwrap_or_default();
        let response = match lowering::lower(root) {
            Some(document) => {
                let mut request = Request::new("");
                request.set_parsed_query(document);
                request.data = data;
                schema.execute(request).await
            }
            None => Response::default(),
        };
        Ok((response, introspected))
    }
}

fn internal_error() -> ServerError {
    let error = ServerError::new("The service failed to answer.", None);
    errors::with_code(error, ErrorCode::Internal)
}

/// What came of an operation that was executed.
pub fn outcome(response: &Response) -> Outcome {
    match response.data {
        _ if response.errors.is_empty() => Outcome::Ok,
        Value::Null => Outcome::Failed,
        _ => Outcome::Partial,
    }
}

/// Whether the request was at fault and nothing of it ran, so that its answer has no `data` at all.
pub fn is_request_error(response: &Response) -> bool {
    let ran = |error: &ServerError| !error.path.is_empty() || errors::is_internal(error);
    !response.errors.is_empty() && response.data == Value::Null && !response.errors.iter().any(ran)
}
