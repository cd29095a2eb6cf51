//! Validates merged fields whose arguments are lists of different lengths.
//!
//! apollo-compiler 1.33.1 treats `[1]` and `[1, 2]` as equal (`validation/selection.rs`, lines 204–207), but compares objects
//! correctly. A document with such lists is therefore validated again, with the lists replaced by objects. This module can be
//! deleted once the validator compares lengths.

use std::collections::HashMap;

use apollo_compiler::{
    ExecutableDocument, Name, Node,
    ast::Value,
    executable::{Selection, SelectionSet},
};

use super::{rejected::Rejected, types::Types};

/// Prefix of the validator's message.
const CONFLICT: &str = "operation must not provide conflicting field arguments";

/// Rejects a document with a conflict that the validator missed.
pub(super) fn check(document: &ExecutableDocument, types: &Types) -> Result<(), Rejected> {
    let mut lengths = HashMap::new();
    let operations = document
        .operations
        .iter()
        .map(|operation| &operation.selection_set);
    let fragments = document
        .fragments
        .values()
        .map(|fragment| &fragment.selection_set);
    if operations
        .chain(fragments)
        .all(|set| have_equal_lengths(set, &mut lengths))
    {
        return Ok(());
    }
    let mut marked = document.clone();
    let named = marked.operations.named.values_mut();
    for operation in named.chain(&mut marked.operations.anonymous) {
        mark(&mut operation.make_mut().selection_set);
    }
    for fragment in marked.fragments.values_mut() {
        mark(&mut fragment.make_mut().selection_set);
    }
    let Err(invalid) = marked.validate(types.schema()) else {
        return Ok(());
    };
    let mut conflicts = invalid.errors.iter();
    conflicts
        .find(|diagnostic| diagnostic.error.to_string().starts_with(CONFLICT))
        .map_or(Ok(()), |conflict| Err(Rejected::of_diagnostic(&conflict)))
}

/// Returns whether all fields with the same response name have lists of equal lengths. Such documents need no second validation.
fn have_equal_lengths<'d>(set: &'d SelectionSet, lengths: &mut HashMap<&'d Name, Vec<usize>>) -> bool {
    set.selections.iter().all(|selection| match selection {
        Selection::Field(field) => {
            let mut own = Vec::new();
            for argument in &field.arguments {
                collect(&argument.value, &mut own);
            }
            let first = lengths.entry(field.response_key()).or_insert_with(|| own.clone());
            *first == own && have_equal_lengths(&field.selection_set, lengths)
        }
        Selection::InlineFragment(fragment) => have_equal_lengths(&fragment.selection_set, lengths),
        Selection::FragmentSpread(_) => true,
    })
}

fn collect(value: &Value, lengths: &mut Vec<usize>) {
    match value {
        Value::List(items) => {
            lengths.push(items.len());
            for item in items {
                collect(item, lengths);
            }
        }
        Value::Object(members) => members.iter().for_each(|(_, member)| collect(member, lengths)),
        _ => {}
    }
}

fn mark(set: &mut SelectionSet) {
    for selection in &mut set.selections {
        match selection {
            Selection::Field(field) => {
                let field = field.make_mut();
                for argument in &mut field.arguments {
                    mark_value(&mut argument.make_mut().value);
                }
                mark(&mut field.selection_set);
            }
            Selection::InlineFragment(fragment) => mark(&mut fragment.make_mut().selection_set),
            Selection::FragmentSpread(_) => {}
        }
    }
}

fn mark_value(value: &mut Node<Value>) {
    match value.make_mut() {
        Value::List(items) => {
            items.iter_mut().for_each(mark_value);
            let names = (0..items.len()).map(|index| Name::new(&format!("item{index}")));
            let members = names.zip(items.drain(..));
            let members = members
                .filter_map(|(name, item)| Some((name.ok()?, item)))
                .collect();
            *value.make_mut() = Value::Object(members);
        }
        Value::Object(members) => members.iter_mut().for_each(|(_, member)| mark_value(member)),
        _ => {}
    }
}
