//! Validation and limits of operations before execution.
//!
//! `text.rs` checks a document before parsing, and `document_size.rs` checks its size before validation, without expanding
//! its fragments. `values.rs` and `variables.rs` check literals and variables before coercion, and `calls.rs` checks the
//! estimated upstream calls of the plan. `apollo-compiler` parses and validates documents against the schema in `types.rs`.
//!
//! The module is independent of HTTP and of resolvers.

mod calls;
mod document_size;
mod limits;
mod merging;
mod rejected;
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
    rejected::{Limit, Mistake, Rejected},
    types::Types,
};
pub(crate) use self::{types::is_nullable, variables::check_size as check_variables};
use crate::{
    bulkheads::answers::Estimate,
    execution::plan::{ARGUMENT_BYTES, Plan},
};

#[derive(Clone, Debug)]
pub struct Document {
    pub executable: Valid<ExecutableDocument>,
    pub size: DocumentSize,
}

/// Checks the size of a document and its variables. Returns the size of the variables in bytes.
pub fn check_size(
    query: &str,
    variables: &async_graphql::Variables,
    limits: &Limits,
) -> Result<usize, Rejected> {
    text::check_length(query, limits)?;
    check_variables(variables, limits)
}

pub fn read(query: &str, types: &Types, limits: &Limits) -> Result<Document, Rejected> {
    text::check(query, limits)?;
    let query = text::without_ignored(query);
    // The parser's recursion limit is a second check, since the check above ignores invalid tokens.
    let parsed = Parser::new()
        .recursion_limit(2 * limits::NESTING)
        .parse_ast(&*query, "query.graphql")
        .map_err(|invalid| Rejected::of_diagnostics(&invalid.errors))?;
    // apollo-parser 0.8.7 ignores some incomplete constructs, such as the first name in `@skip(if if: true)`. These constructs
    // are missing from the serialised document.
    if !text::are_same(&query, &parsed.serialize().no_indent().to_string()) {
        return Err(Rejected::incomplete());
    }
    let has_mutation = parsed.definitions.iter().any(|definition| {
        definition
            .as_operation_definition()
            .is_some_and(|operation| operation.operation_type == OperationType::Mutation)
    });
    if has_mutation && types.schema().root_operation(OperationType::Mutation).is_none() {
        return Err(Rejected::Mutation);
    }
    let parsed = parsed
        .to_executable(types.schema())
        .map_err(|invalid| Rejected::of_diagnostics(&invalid.errors))?;
    let size = document_size::of(&parsed, limits)?;
    let executable = parsed
        .validate(types.schema())
        .map_err(|invalid| Rejected::of_diagnostics(&invalid.errors))?;
    merging::check(&executable, types)?;
    values::check(&executable, types, limits)?;
    Ok(Document { executable, size })
}

pub(crate) fn check_plan(plan: &Plan, types: &Types, limits: &Limits) -> Result<Estimate, Rejected> {
    let repeated = "fields with a repeated response name";
    Limit::check(None, repeated, plan.repeated_fields, limits.repeated_fields)?;
    let arguments = "bytes of arguments, or more, after variable substitution";
    Limit::check(None, arguments, plan.argument_bytes, ARGUMENT_BYTES)?;
    let estimate = calls::check(plan.root.as_deref().unwrap_or_default(), types, limits)?;
    Ok(Estimate {
        fields: plan.fields,
        arguments: plan.argument_bytes,
        ..estimate
    })
}

pub fn operation<'d>(
    document: &'d ExecutableDocument,
    name: Option<&str>,
) -> Result<&'d Node<Operation>, Rejected> {
    document.operations.get(name).map_err(|_| match name {
        Some(name) => Rejected::unknown_operation(name),
        None => Rejected::OperationNotNamed,
    })
}
