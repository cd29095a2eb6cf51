//! The fields of an operation that ask for the schema, answered by `apollo-compiler`: of the schema that documents are
//! validated against, as the specification has it.

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

/// The answers to the fields of the operation itself that ask for the schema. What is wrong with an argument in them, the
/// plan says as it does everywhere.
pub(super) fn answer(
    document: &Valid<ExecutableDocument>,
    fields: &[Node<Field>],
    variables: &Variables,
    types: &Types,
) -> Result<IndexMap<Name, Value>, Unanswered> {
    let variables: JsonMap = variables
        .iter()
        .map(|(name, value)| {
            Ok((
                name.as_str().into(),
                serde_json::from_str(&serde_json::to_string(value)?)?,
            ))
        })
        .collect::<Result<_, serde_json::Error>>()?;
    // The failure of another field must not make the answer null.
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
    // Through text, since the two crates have values of their own.
    Ok(serde_json::from_str(&serde_json::to_string(
        &data.unwrap_or_default(),
    )?)?)
}

/// Why introspection has no answer. A defect of the service.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unanswered {
    #[error("{}", .0.message())]
    Invalid(RequestError),
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

impl From<RequestError> for Unanswered {
    fn from(error: RequestError) -> Self {
        Self::Invalid(error)
    }
}
