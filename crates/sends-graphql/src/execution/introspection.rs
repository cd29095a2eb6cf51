//! Introspection by `apollo-compiler`, of the schema that documents are validated against.

use apollo_compiler::{
    ExecutableDocument, Node,
    executable::{DirectiveList, Field, Operation, OperationType, Selection, SelectionSet},
    introspection::partial_execute,
    request::RequestError,
    response::{ExecutionResponse, JsonMap},
    validation::Valid,
};
use async_graphql::{Name, Value, indexmap::IndexMap};

use super::coercion::Variables;
use crate::execution::validation::Types;

/// Values of the introspected root fields. Errors in their arguments are those of the plan.
pub(super) fn answer(
    document: &Valid<ExecutableDocument>,
    fields: &[Node<Field>],
    variables: &Variables,
    types: &Types,
) -> Result<IndexMap<Name, Value>, IntrospectionError> {
    let variables: JsonMap = variables
        .iter()
        .map(|(name, value)| {
            Ok((
                name.as_str().into(),
                serde_json::from_str(&serde_json::to_string(value)?)?,
            ))
        })
        .collect::<Result<_, serde_json::Error>>()?;
    // Without other fields, whose failure would make the result null.
    let operation = Operation {
        operation_type: OperationType::Query,
        name: None,
        variables: Vec::new(),
        directives: DirectiveList::new(),
        selection_set: SelectionSet {
            ty: types.query(),
            selections: fields.iter().cloned().map(Selection::Field).collect(),
        },
    };
    let ExecutionResponse { data, .. } = partial_execute(
        types.schema(),
        types.implementers(),
        document,
        &operation,
        &Valid::assume_valid(variables),
    )?;
    // By way of JSON text, since both crates have their own type of values.
    Ok(serde_json::from_str(&serde_json::to_string(
        &data.unwrap_or_default(),
    )?)?)
}

/// Failed introspection, which is an error of the service.
#[derive(Debug, thiserror::Error)]
pub(super) enum IntrospectionError {
    #[error("{}", .0.message())]
    Invalid(RequestError),
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

impl From<RequestError> for IntrospectionError {
    fn from(error: RequestError) -> Self {
        Self::Invalid(error)
    }
}
