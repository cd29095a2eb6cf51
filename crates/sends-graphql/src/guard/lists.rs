//! How long the lists are that a document writes out. Lists in variables are for `variables.rs`.

use async_graphql::{
    Positioned,
    parser::types::{Directive, ExecutableDocument, Selection, SelectionSet},
};
use async_graphql_value::Value;

use super::{
    limits::Limits,
    refused::{Limit, Refused},
};

/// Refuses a document with a list that is too long. Each fragment is looked at once, wherever it is spread.
pub(super) fn check(document: &ExecutableDocument, limits: &Limits) -> Result<(), Refused> {
    for (_, operation) in document.operations.iter() {
        for variable in &operation.node.variable_definitions {
            if let Some(default) = &variable.node.default_value {
                value(&default.node.clone().into_value(), limits)?;
            }
        }
        directives(&operation.node.directives, limits)?;
        selection_set(&operation.node.selection_set.node, limits)?;
    }
    document
        .fragments
        .values()
        .try_for_each(|fragment| selection_set(&fragment.node.selection_set.node, limits))
}

/// What is refused when a list is too long, wherever it stands.
pub(super) fn length(found: usize, limits: &Limits) -> Result<(), Refused> {
    let limit = Limit {
        option: Some("max-list-length"),
        counted: "items in one list",
        found,
        allowed: limits.list_length,
    };
    limit.check()
}

fn selection_set(set: &SelectionSet, limits: &Limits) -> Result<(), Refused> {
    for selection in &set.items {
        directives(selection.node.directives(), limits)?;
        match &selection.node {
            Selection::Field(field) => {
                for (_, argument) in &field.node.arguments {
                    value(&argument.node, limits)?;
                }
                selection_set(&field.node.selection_set.node, limits)?;
            }
            Selection::InlineFragment(fragment) => selection_set(&fragment.node.selection_set.node, limits)?,
            Selection::FragmentSpread(_) => {}
        }
    }
    Ok(())
}

fn directives(directives: &[Positioned<Directive>], limits: &Limits) -> Result<(), Refused> {
    let mut arguments = directives.iter().flat_map(|directive| &directive.node.arguments);
    arguments.try_for_each(|(_, argument)| value(&argument.node, limits))
}

fn value(value: &Value, limits: &Limits) -> Result<(), Refused> {
    match value {
        Value::List(items) => {
            length(items.len(), limits)?;
            items.iter().try_for_each(|item| self::value(item, limits))
        }
        Value::Object(fields) => fields.values().try_for_each(|field| self::value(field, limits)),
        _ => Ok(()),
    }
}
