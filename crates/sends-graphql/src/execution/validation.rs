//! The limits on what an operation may be and ask for, checked before anything of it runs.
//!
//! A text is measured before it is parsed (`text.rs`), the parsed document before it is validated (`document_size.rs`, without
//! expanding its fragments), its literal values (`values.rs`) and its variables (`variables.rs`) before they are coerced, and
//! `calls.rs` estimates what the planned operation may cost upstream. `limits.rs` has the bounds. Parsing and validation are
//! `apollo-compiler`'s, by the schema in `types.rs`.
//!
//! Nothing here knows HTTP or resolvers, and nothing here calls upstream.

mod calls;
mod document_size;
mod limits;
mod refused;
mod text;
mod types;
mod values;
mod variables;

use apollo_compiler::{
    ExecutableDocument, Node,
    executable::{Operation, OperationType},
    parser::Parser,
    validation::Valid,
};

pub use self::{
    document_size::DocumentSize,
    limits::Limits,
    refused::{Limit, Mistake, Refused},
    types::Types,
};
pub(crate) use self::{types::is_nullable, variables::check_size as check_variables};
use crate::{
    bulkheads::answers::Estimate,
    execution::plan::{ARGUMENT_BYTES, Plan},
};

/// A valid document, with its size. It does not depend on variables, so that it can be kept for the next request with
/// the same text.
#[derive(Clone, Debug)]
pub struct Document {
    /// The document, each field with its definition.
    pub executable: Valid<ExecutableDocument>,
    /// How large it becomes.
    pub size: DocumentSize,
}

/// Checks how long a query text and its variables are. Yields how many bytes the variables take.
pub fn check_size(
    query: &str,
    variables: &async_graphql::Variables,
    limits: &Limits,
) -> Result<usize, Refused> {
    text::check_length(query, limits)?;
    check_variables(variables, limits)
}

/// Parses and validates a query text.
pub fn read(query: &str, types: &Types, limits: &Limits) -> Result<Document, Refused> {
    text::check(query, limits)?;
    let query = text::without_ignored(query);
    // The nesting was counted above, but not behind a string without an end.
    let parsed = Parser::new()
        .recursion_limit(2 * limits::NESTING)
        .parse_ast(&*query, "query.graphql")
        .map_err(|invalid| Refused::of_diagnostics(&invalid.errors))?;
    // The parser of version 0.8.7 passes over what is incomplete in places, as over the first name in `@skip(if if: true)`:
    // only what it has understood is in what it writes.
    if !text::are_same(&query, &parsed.serialize().no_indent().to_string()) {
        return Err(Refused::incomplete());
    }
    let has_mutation = parsed.definitions.iter().any(|definition| {
        definition
            .as_operation_definition()
            .is_some_and(|operation| operation.operation_type == OperationType::Mutation)
    });
    if has_mutation && types.schema().root_operation(OperationType::Mutation).is_none() {
        return Err(Refused::Mutation);
    }
    let parsed = parsed
        .to_executable(types.schema())
        .map_err(|invalid| Refused::of_diagnostics(&invalid.errors))?;
    let size = document_size::of(&parsed, limits)?;
    let executable = parsed
        .validate(types.schema())
        .map_err(|invalid| Refused::of_diagnostics(&invalid.errors))?;
    values::check(&executable, types, limits)?;
    Ok(Document { executable, size })
}

/// Checks a planned operation: how often its objects repeat a field, and what it may cost. Returns what it is
/// expected to answer.
pub(crate) fn check_plan(plan: &Plan, types: &Types, limits: &Limits) -> Result<Estimate, Refused> {
    if let Some(conflict) = &plan.conflict {
        return Err(conflict.clone());
    }
    let repeated = "fields under a name that their object already has";
    Limit::check(None, repeated, plan.repeated_fields, limits.repeated_fields)?;
    let arguments = "bytes of arguments, or more, with the values of its variables in their places";
    Limit::check(None, arguments, plan.argument_bytes, ARGUMENT_BYTES)?;
    let estimate = calls::check(plan.root.as_deref().unwrap_or_default(), types, limits)?;
    Ok(Estimate {
        fields: plan.fields,
        arguments: plan.argument_bytes,
        ..estimate
    })
}

/// The operation that a request means.
pub fn operation<'d>(
    document: &'d ExecutableDocument,
    name: Option<&str>,
) -> Result<&'d Node<Operation>, Refused> {
    document.operations.get(name).map_err(|_| match name {
        Some(name) => Refused::unknown_operation(name),
        None => Refused::OperationNotNamed,
    })
}
