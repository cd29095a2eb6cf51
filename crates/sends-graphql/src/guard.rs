//! What an operation may ask for, decided before anything of it runs.
//!
//! The library's parser, validator and executor each trust the text they are given: nested lists overflow the stack,
//! fragments that spread each other grow without bound, and the library's own limits look at the tree *after* it has grown.
//! So the text is looked at before it is parsed (`text.rs`), by a quicker parser than the library's where the two agree
//! (`syntax.rs`), and the parsed document before the validator: `measure.rs` works out how large it becomes without
//! expanding it, `merged.rs` whether one name of the answer has one meaning, `variables.rs` and `lists.rs` look at the
//! values, and `calls.rs` counts what the operation may cost upstream. `limits.rs` has the bounds.
//!
//! Nothing here knows HTTP or resolvers, and nothing here calls upstream.

mod calls;
mod limits;
mod lists;
mod measure;
pub mod merged;
mod refused;
mod syntax;
mod text;
pub mod types;
mod variables;

use async_graphql::{
    Request,
    parser::types::{DocumentOperations, ExecutableDocument, OperationDefinition},
};

pub use self::{
    limits::Limits,
    measure::Measure,
    refused::{Limit, Refused},
    types::Types,
};

/// A document that is safe to validate, with its measure. It does not depend on variables, so that it can be kept for the
/// next request with the same text.
#[derive(Clone, Debug)]
pub struct Document {
    /// The document as the library's parser makes it.
    pub parsed: ExecutableDocument,
    /// How large it becomes.
    pub measure: Measure,
}

/// Parses a query text, unless that would be dangerous or what it asks for is too much.
///
/// # Errors
///
/// [`Refused`], in words for the caller.
pub fn read(query: &str, types: &Types, limits: &Limits) -> Result<Document, Refused> {
    text::check(query, limits)?;
    let parsed = syntax::parse(query).map_err(|error| Refused::syntax(query, &error))?;
    let measure = measure::of(&parsed, limits)?;
    lists::check(&parsed, limits)?;
    merged::check(&parsed, types, limits)?;
    variables::check_types(&parsed, types)?;
    Ok(Document { parsed, measure })
}

/// Checks what the request brings beside the document, and completes its variables with the operation's defaults: where
/// a directive asks for a variable, the library would not look at them.
///
/// # Errors
///
/// [`Refused`], in words for the caller.
pub fn admit(document: &Document, request: &mut Request, limits: &Limits) -> Result<(), Refused> {
    variables::check_size(&request.variables, limits)?;
    let operation = operation(&document.parsed, request.operation_name.as_deref())?;
    variables::complete(operation, &mut request.variables)?;
    calls::check(&document.parsed, operation, &request.variables, limits)
}

/// The operation that a request means.
///
/// # Errors
///
/// [`Refused`] when there is no such operation, or several and none is named.
pub fn operation<'d>(
    document: &'d ExecutableDocument,
    name: Option<&str>,
) -> Result<&'d OperationDefinition, Refused> {
    match (&document.operations, name) {
        (DocumentOperations::Single(operation), None) => Ok(&operation.node),
        (DocumentOperations::Multiple(operations), None) => {
            let mut all = operations.values();
            match (all.next(), all.next()) {
                (Some(only), None) => Ok(&only.node),
                _ => Err(Refused::OperationNotNamed),
            }
        }
        (DocumentOperations::Multiple(operations), Some(name)) => operations
            .get(name)
            .map(|operation| &operation.node)
            .ok_or_else(|| Refused::unknown_operation(name)),
        (DocumentOperations::Single(_), Some(name)) => Err(Refused::unknown_operation(name)),
    }
}
