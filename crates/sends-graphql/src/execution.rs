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

use apollo_compiler::parser::SourceMap;
use async_graphql::{Data, Name, Request, Response, ServerError, Value, indexmap::IndexMap};
use futures_util::FutureExt;

pub(crate) use self::errors::{coded, shorten};
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

/// Bytes of a text that was not validated yet, beyond which that is long work: about two milliseconds. An operation of 100 aliases
/// (10 KB) stays on the service's own threads: it takes a millisecond of processor time, and with other programs on 2 cores the
/// threads for long work, which have a lower priority, waited 13 to 30 ms for a core.
const LONG_TEXT: usize = 16 << 10;
/// Fields of a validated text, with every fragment in its place: about a millisecond of planning.
const LONG_FIELDS: usize = 500;
/// Bytes of variables, of which each field has its own copy: about a millisecond of planning.
const LONG_VARIABLES: usize = 16 << 10;

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
    plan: Arc<Plan>,
    /// The text, for the places of errors.
    sources: SourceMap,
    /// What introspection is answered from. Beyond that the parsed document is not needed, and a waiting operation does not
    /// hold it: it takes some forty times its text.
    asks_for_schema: Option<(Arc<Known>, Variables)>,
    is_cacheable: bool,
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

    /// Checks how long a text and its variables are, which is quick. Yields how many bytes the variables take.
    pub fn check_size(&self, text: &str, variables: &async_graphql::Variables) -> Result<usize, Refused> {
        validation::check_size(text, variables, &self.limits)
    }

    /// Whether to validate and plan an operation is [long work](crate::bulkheads::long_work), by its text and the bytes of its
    /// variables.
    pub fn is_long(&self, text: &str, variables: usize) -> bool {
        let is_long = match self.documents.known(text) {
            Some(known) => known.plan.is_none() && known.document.size.fields > LONG_FIELDS,
            None => text.len() > LONG_TEXT,
        };
        is_long || variables > LONG_VARIABLES || asks_for_schema(text)
    }

    /// Validates an operation and decides whether it may run.
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
            document: request.query.len(),
            ..estimate
        };
        let name = operation.name.as_ref().map(ToString::to_string);
        operation::named(name.as_deref());
        let asks_for_schema = !plan.introspection.is_empty();
        Ok(Admitted {
            schema: self.schema.clone(),
            types: Arc::clone(&self.types),
            plan,
            sources: Arc::clone(&document.sources),
            is_cacheable: known.is_cacheable,
            asks_for_schema: asks_for_schema.then(|| (Arc::clone(&known), variables)),
            data: request.data,
            name,
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
        self.is_cacheable
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
            return Response::from_errors(vec![coded(exceeded.into(), exceeded.message())]);
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
        errors::publish(&mut response.errors, Some(&self.sources));
        response
    }

    /// What the library answers, and what is asked of the schema itself.
    async fn run(&mut self, data: Data) -> Result<(Response, IndexMap<Name, Value>), Unanswered> {
        let (schema, types) = (&self.schema, &*self.types);
        let introspected = match self.asks_for_schema.take() {
            None => IndexMap::new(),
            Some((known, variables)) => {
                let document = &known.document.executable;
                introspection::answer(document, &self.plan.introspection, &variables, types)?
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

/// Whether a text may have `__schema` or `__type`, whose values are counted on the whole schema.
fn asks_for_schema(text: &str) -> bool {
    let mut names = text
        .match_indices("__")
        .map(|(at, underscores)| &text[at + underscores.len()..]);
    names.any(|name| name.starts_with("schema") || name.starts_with("type") && !name.starts_with("typename"))
}

fn internal_error() -> ServerError {
    coded(ErrorCode::Internal, "The service failed to answer.")
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

#[cfg(test)]
mod tests {
    use sends_client::{Pacer, pacing};

    use super::*;

    #[test]
    fn validating_and_planning_is_long_by_text_variables_fields_and_introspection() {
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
        assert!(!executor.is_long(&fragments, 0), "not known yet");
        let request = Request::new(&fragments).variables(async_graphql::Variables::from_json(
            serde_json::json!({ "id": "00000000-0000-4000-8000-000000000000" }),
        ));
        executor.admit(request).map(drop).unwrap();
        assert!(executor.is_long(&fragments, 0));
    }
}
