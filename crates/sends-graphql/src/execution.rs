//! Execution of operations on the schema, independent of HTTP.
//!
//! A document is validated within the limits of `validation.rs`, or found in the cache (`documents.rs`). Its variables are
//! coerced (`coercion.rs`), and the operation is planned (`plan.rs`). async-graphql executes the plan as a document
//! (`lowering.rs`), and apollo-compiler its introspection (`introspection.rs`). Then `completion.rs` corrects the response and
//! `errors.rs` its errors. A panic of a resolver ends only its own operation.

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
    introspection::IntrospectionError,
    plan::Plan,
    validation::{Limits, Refused, Types},
};
use crate::{
    bulkheads::answers::{self, Estimate},
    schema::{ErrorCode, Schema},
    telemetry::{metrics::Outcome, operation},
};

/// Bytes of a text beyond which its validation is long work: about two milliseconds. An operation of 100 aliases (10 KB), which
/// takes a millisecond, stays on the service's threads: the threads for long work have a lower priority, and waited 13 to 30 ms
/// for one of 2 cores that other programs used.
const LONG_TEXT: usize = 16 << 10;
/// Fields of a validated document, with fragments expanded, beyond which planning is long work: about a millisecond.
const LONG_FIELDS: usize = 500;
/// Bytes of variables, which are copied for each field, beyond which planning is long work: about a millisecond.
const LONG_VARIABLES: usize = 16 << 10;

#[derive(Clone)]
pub struct Executor {
    schema: Schema,
    types: Arc<Types>,
    limits: Limits,
    introspection: bool,
    documents: Arc<Documents>,
}

/// Validated operation.
pub struct Admitted {
    schema: Schema,
    types: Arc<Types>,
    plan: Arc<Plan>,
    /// For the locations of errors.
    sources: SourceMap,
    /// For introspection only. A waiting operation does not need its parsed document, which takes forty times its text.
    asks_for_schema: Option<(Arc<Known>, Variables)>,
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

    /// Validates and executes an operation. [`is_request_error`] reports whether it was executed.
    pub async fn execute(&self, request: Request) -> Response {
        match self.admit(request) {
            Ok(admitted) => admitted.execute().await,
            Err(refused) => Response::from_errors(refused.into_errors()),
        }
    }

    /// Checks the length of a text and its variables without parsing. Returns the bytes of the variables.
    pub fn check_size(&self, text: &str, variables: &async_graphql::Variables) -> Result<usize, Refused> {
        validation::check_size(text, variables, &self.limits)
    }

    /// Whether the validation and planning of an operation are [long work](crate::bulkheads::long_work). `variables` is in bytes.
    pub fn is_long(&self, text: &str, variables: usize) -> bool {
        let is_long = match self.documents.known(text) {
            Some(known) => known.plan.is_none() && known.document.size.fields > LONG_FIELDS,
            None => text.len() > LONG_TEXT,
        };
        is_long || variables > LONG_VARIABLES || asks_for_schema(text)
    }

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
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    pub fn estimate(&self) -> Estimate {
        self.estimate
    }

    /// Whether the response is [cacheable](crate::response_cache).
    pub fn is_cacheable(&self) -> bool {
        self.is_cacheable
    }

    /// Adds a value for resolvers.
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

    /// Response of the library, and the introspected fields.
    async fn run(&mut self, data: Data) -> Result<(Response, IndexMap<Name, Value>), IntrospectionError> {
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

/// Whether a text can have `__schema` or `__type`, whose values are counted on the whole schema.
fn asks_for_schema(text: &str) -> bool {
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

/// Whether the request failed before its execution, so that the response has no `data`.
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
