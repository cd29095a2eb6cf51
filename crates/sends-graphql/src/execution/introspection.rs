//! Executes introspection with `apollo-compiler`, on the schema used for validation.

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

/// Returns the values of the introspection fields. Errors in their arguments are omitted, because the plan reports them.
pub(super) fn execute(
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
    // Other fields are excluded, because their failure would make the result null.
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
    // The conversion goes through JSON text, since the two crates have different value types.
    Ok(serde_json::from_str(&serde_json::to_string(
        &data.unwrap_or_default(),
    )?)?)
}

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
