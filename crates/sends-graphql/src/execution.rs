//! Execution of operations on the schema, independent of HTTP.
//!
//! A document is validated (`validation.rs`) or found in the cache (`documents.rs`). Then its variables are coerced
//! (`coercion.rs`) and the operation is planned (`plan.rs`). async-graphql executes the plan as a document (`lowering.rs`), and
//! apollo-compiler executes introspection (`introspection.rs`). Finally, `completion.rs` corrects the response and `errors.rs`
//! its errors. A panic in a resolver affects only its own operation.

mod coercion;
mod completion;
mod documents;
mod errors;
mod introspection;
mod lowering;
pub(crate) mod plan;
pub mod validation;

use std::{any::Any, panic::AssertUnwindSafe, sync::Arc};

use apollo_compiler::parser::SourceMap;
use async_graphql::{Data, Name, Request, Response, ServerError, Value, indexmap::IndexMap};
use futures_util::FutureExt;

pub(crate) use self::errors::{coded, shorten};
use self::{
    coercion::Variables,
    documents::{CachedDocument, Documents},
    introspection::IntrospectionError,
    plan::Plan,
    validation::{Limits, Rejected, Types},
};
use crate::{
    bulkheads::answers::{self, Estimate},
    schema::{ErrorCode, Schema},
    telemetry::{metrics::Outcome, operation},
};

/// Document length in bytes beyond which validation counts as long work. Validation of such a document takes about two
/// milliseconds. An operation with 100 aliases (10 KB), which takes one millisecond, stays on the main runtime. On two contended
/// cores, it would wait 13 to 30 ms for a low-priority thread.
const LONG_TEXT: usize = 16 << 10;
/// Number of fields after fragment expansion beyond which planning counts as long work. Planning 500 fields takes about a
/// millisecond.
const LONG_FIELDS: usize = 500;
/// Bytes of variables beyond which planning counts as long work. Planning takes about a millisecond at this size, because
/// variables are copied for each field.
const LONG_VARIABLES: usize = 16 << 10;

#[derive(Clone)]
pub struct Executor {
    schema: Schema,
    types: Arc<Types>,
    limits: Limits,
    introspection: bool,
    documents: Arc<Documents>,
}

pub struct Admitted {
    schema: Schema,
    types: Arc<Types>,
    plan: Arc<Plan>,
    /// Source text for error locations.
    sources: SourceMap,
    /// Document and variables, retained only for introspection, because a parsed document takes forty times the memory of its
    /// text.
    uses_introspection: Option<(Arc<CachedDocument>, Variables)>,
    is_cacheable: bool,
    data: Data,
    name: Option<String>,
    estimate: Estimate,
}

impl Executor {
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

    #[must_use]
    pub fn with_introspection(self, introspection: bool) -> Self {
        Self {
            introspection,
            ..self
        }
    }

    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    pub async fn execute(&self, request: Request) -> Response {
        match self.admit(request) {
            Ok(admitted) => admitted.execute().await,
            Err(rejected) => Response::from_errors(rejected.into_errors()),
        }
    }

    /// Checks the size of a document and its variables without parsing. Returns the size of the variables in bytes.
    pub fn check_size(&self, text: &str, variables: &async_graphql::Variables) -> Result<usize, Rejected> {
        validation::check_size(text, variables, &self.limits)
    }

    /// Returns whether validating and planning the operation is [long work](crate::bulkheads::long_work). `variables` is a size
    /// in bytes.
    pub fn is_long(&self, text: &str, variables: usize) -> bool {
        let is_long = match self.documents.cached(text) {
            Some(cached) => cached.plan.is_none() && cached.document.size.fields > LONG_FIELDS,
            None => text.len() > LONG_TEXT,
        };
        is_long || variables > LONG_VARIABLES || uses_introspection(text)
    }

    pub fn admit(&self, request: Request) -> Result<Admitted, Rejected> {
        let (types, limits) = (&*self.types, &self.limits);
        let cached = self.documents.find(&request.query, types, limits)?;
        let document = &cached.document.executable;
        if cached.document.size.uses_introspection && !self.introspection {
            return Err(Rejected::IntrospectionDisabled);
        }
        validation::check_variables(&request.variables, limits)?;
        let operation = validation::operation(document, request.operation_name.as_deref())?;
        let variables = coercion::variables(types, &document.sources, operation, &request.variables)?;
        let plan = cached.plan.as_ref().map_or_else(
            || Arc::new(Plan::of(document, operation, &variables, types)),
            Arc::clone,
        );
        let estimate = validation::check_plan(&plan, types, limits)?;
        let estimate = Estimate {
            fields: estimate.fields.max(cached.document.size.fields),
            document: request.query.len(),
            ..estimate
        };
        let name = operation.name.as_ref().map(ToString::to_string);
        operation::named(name.as_deref());
        let uses_introspection = !plan.introspection.is_empty();
        Ok(Admitted {
            schema: self.schema.clone(),
            types: Arc::clone(&self.types),
            plan,
            sources: Arc::clone(&document.sources),
            is_cacheable: cached.is_cacheable,
            uses_introspection: uses_introspection.then(|| (Arc::clone(&cached), variables)),
            data: request.data,
            name,
            estimate,
        })
    }
}

impl Admitted {
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    pub fn estimate(&self) -> Estimate {
        self.estimate
    }

    pub fn is_cacheable(&self) -> bool {
        self.is_cacheable
    }

    #[must_use]
    pub fn data<D: Any + Send + Sync>(mut self, data: D) -> Self {
        self.data.insert(data);
        self
    }

    pub async fn execute(mut self) -> Response {
        let data = std::mem::take(&mut self.data);
        let ran = AssertUnwindSafe(self.run(data)).catch_unwind().await;
        if let Some(exceeded) = answers::exceeded() {
            return Response::from_errors(vec![coded(exceeded.into(), exceeded.message())]);
        }
        let mut response = match ran {
            Ok(Ok((mut response, introspected))) => {
                if !response.errors.iter().any(errors::is_internal) {
                    completion::complete(&self.plan, &mut response, introspected);
                }
                response
            }
            Ok(Err(error)) => {
                tracing::error!("introspection failed: {error}");
                Response::from_errors(vec![internal_error()])
            }
            Err(_) => {
                tracing::error!("a resolver panicked");
                Response::from_errors(vec![internal_error()])
            }
        };
        errors::publish(&mut response.errors, Some(&self.sources));
        response
    }

    async fn run(&mut self, data: Data) -> Result<(Response, IndexMap<Name, Value>), IntrospectionError> {
        let (schema, types) = (&self.schema, &*self.types);
        let introspected = match self.uses_introspection.take() {
            None => IndexMap::new(),
            Some((cached, variables)) => {
                let document = &cached.document.executable;
                introspection::execute(document, &self.plan.introspection, &variables, types)?
            }
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

/// Returns whether the document may contain `__schema` or `__type`, whose cost depends on the whole schema.
fn uses_introspection(text: &str) -> bool {
    let mut names = text
        .match_indices("__")
        .map(|(at, underscores)| &text[at + underscores.len()..]);
    names.any(|name| name.starts_with("schema") || name.starts_with("type") && !name.starts_with("typename"))
}

fn internal_error() -> ServerError {
    coded(ErrorCode::Internal, "The service failed to answer.")
}

pub fn outcome(response: &Response) -> Outcome {
    match response.data {
        _ if response.errors.is_empty() => Outcome::Ok,
        Value::Null => Outcome::Failed,
        _ => Outcome::Partial,
    }
}

/// Returns whether the request failed before execution, in which case the response has no `data`.
pub fn is_request_error(response: &Response) -> bool {
    let ran = |error: &ServerError| !error.path.is_empty() || errors::is_internal(error);
    !response.errors.is_empty() && response.data == Value::Null && !response.errors.iter().any(ran)
}

#[cfg(test)]
mod tests {
    use sends_client::{Pacer, pacing};

    use super::*;

    #[test]
    fn long_work_depends_on_text_variables_fields_and_introspection() {
        let schema = Schema::new(false, Pacer::in_memory(pacing::Limits::NONE));
        let executor = Executor::new(schema, Limits::default());
        let sends = "sendHistory { id count outcome runDate }";
        let fragments = format!(
            "fragment A on CampaignActivity {{ {sends} }} query($id: ID!) {{ {} }}",
            (0..150)
                .map(|index| format!("a{index}: campaignActivity(id: $id) {{ ...A }} "))
                .collect::<Vec<_>>()
                .concat()
        );
        assert!(!executor.is_long("{ __typename }", LONG_VARIABLES));
        assert!(executor.is_long("{ __typename }", LONG_VARIABLES + 1));
        assert!(executor.is_long(&" ".repeat(LONG_TEXT + 1), 0));
        assert!(executor.is_long("{ __schema { queryType { name } } }", 0));
        assert!(executor.is_long("{ __typename __type(name: \"Send\") { name } }", 0));
        assert!(!executor.is_long(&fragments, 0), "not cached yet");
        let request = Request::new(&fragments).variables(async_graphql::Variables::from_json(
            serde_json::json!({ "id": "00000000-0000-4000-8000-000000000000" }),
        ));
        executor.admit(request).map(drop).unwrap();
        assert!(executor.is_long(&fragments, 0));
    }
}
