//! Query text, through the guard's reading of it, which uses the library's own parser only where it has to.

use std::collections::BTreeMap;

use async_graphql::parser::{
    parse_query,
    types::{DocumentOperations, ExecutableDocument},
};
use sends_graphql::guard::{self, Limits, Types};

/// Reads an input. What is read is what the library's own parser reads.
pub fn feed(input: &[u8]) -> bool {
    let text = String::from_utf8_lossy(input);
    // A schema that describes nothing allows the most.
    let Ok(document) = guard::read(&text, &Types::default(), &Limits::default()) else {
        return false;
    };
    let expected = parse_query(&text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
    assert_eq!(shown(&document.parsed), shown(&expected), "{text:?}");
    true
}

/// Everything in a document but the order of its definitions, which it has not.
fn shown(document: &ExecutableDocument) -> String {
    let operations: BTreeMap<_, _> = document.operations.iter().collect();
    let fragments: BTreeMap<_, _> = document.fragments.iter().collect();
    let is_single = matches!(document.operations, DocumentOperations::Single(_));
    format!("{is_single} {operations:?} {fragments:?}")
}
