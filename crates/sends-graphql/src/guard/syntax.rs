//! A text becomes a document.
//!
//! The library's parser takes most of the time of a request whose text is new, so a quicker one reads the text first, and
//! what it has read is put into the library's terms here, with the same positions. The library's parser keeps the last word:
//! it reads, and words the refusal of, every text that the quicker one refuses and every text that the two might read in
//! different ways. Must not know what a document may ask for.

mod definitions;
mod reading;
mod selections;

use std::collections::HashMap;

use async_graphql::{
    Name,
    parser::{
        Error, parse_query,
        types::{DocumentOperations, ExecutableDocument},
    },
};
use bluejay_parser::ast::{Parse as _, executable as quicker};

use self::reading::Reading;

/// Parses a text that is safe to parse.
///
/// # Errors
///
/// The library's.
pub(super) fn parse(text: &str) -> Result<ExecutableDocument, Error> {
    parse_quickly(text).map_or_else(|| parse_query(text), Ok)
}

/// The document that the library would read; `None` when only the library can tell.
fn parse_quickly(text: &str) -> Option<ExecutableDocument> {
    // The library knows fewer escapes, and leaves those in block strings as they are.
    if text.contains('\\') || text.contains("\"\"\"") {
        return None;
    }
    let document = quicker::ExecutableDocument::parse(text).result.ok()?;
    let mut reading = Reading::of(text);
    let operations = match document.operation_definitions() {
        [] => return None,
        [only] if name(only).is_none() => DocumentOperations::Single(reading.operation(only)?),
        several => {
            let named = several.iter().map(|operation| {
                let name = Name::new(name(operation)?);
                Some((name, reading.operation(operation)?))
            });
            DocumentOperations::Multiple(each_once(named)?)
        }
    };
    let fragments = document.fragment_definitions().iter().map(|fragment| {
        let name = Name::new(fragment.name());
        Some((name, reading.fragment(fragment)?))
    });
    Some(ExecutableDocument {
        operations,
        fragments: each_once(fragments)?,
    })
}

fn name<'o>(operation: &'o quicker::OperationDefinition<'_>) -> Option<&'o str> {
    match operation {
        quicker::OperationDefinition::Explicit(operation) => Some(operation.name()?.as_str()),
        quicker::OperationDefinition::Implicit(_) => None,
    }
}

/// Definitions by their names, unless one of them is missing or two have the same.
fn each_once<D>(definitions: impl Iterator<Item = Option<(Name, D)>>) -> Option<HashMap<Name, D>> {
    let mut by_name = HashMap::new();
    for definition in definitions {
        let (name, definition) = definition?;
        if by_name.insert(name, definition).is_some() {
            return None;
        }
    }
    Some(by_name)
}

#[cfg(test)]
mod tests;
