//! Converts a plan to a document for async-graphql, whose executor deviates from the specification.
//!
//! Every possible object type has its own fragment, so that the executor need not merge selections. `completion.rs` corrects
//! these deviations of `resolver_utils/container.rs` in version 7.2.1:
//!
//! - Lines 191–196: the fields of an object are in the order of their completion.
//! - Line 188: a failed field is missing from its object, and a null of a non-null type does not propagate.
//! - Lines 203–204: an object is null if it has no field or all its fields failed. [`MARKER`] prevents that.
//! - Lines 374–388: a fragment applies if its type condition matches the Rust type or the type of the object.
//!
//! In `context.rs`, line 563, an argument with an omitted variable is null instead of its default.
//!
//! With a conforming executor, this file would remain necessary, but `completion.rs` would be needed only for failures in the
//! plan.

use std::collections::HashMap;

use async_graphql::{
    Name, Pos, Positioned, Value,
    parser::types::{
        DocumentOperations, ExecutableDocument, Field as LoweredField, InlineFragment, OperationDefinition,
        OperationType, Selection, SelectionSet, TypeCondition,
    },
};
use async_graphql_value::Value as Literal;

use super::plan::{Field, Object, Offset, Selections, is_introspection};

/// Response name of the `__typename` field that `completion.rs` reads. The name is not a valid alias, so that it cannot conflict
/// with a caller's alias.
pub(super) const MARKER: &str = "the type";

pub(super) fn lower(root: &[Field]) -> Option<ExecutableDocument> {
    let items: Vec<_> = root
        .iter()
        .filter(|field| !is_introspection(&field.name))
        .filter_map(lowered)
        .collect();
    if items.is_empty() {
        return None;
    }
    let operation = OperationDefinition {
        ty: OperationType::Query,
        variable_definitions: Vec::new(),
        directives: Vec::new(),
        selection_set: unpositioned(SelectionSet { items }),
    };
    Some(ExecutableDocument {
        operations: DocumentOperations::Single(unpositioned(operation)),
        fragments: HashMap::new(),
    })
}

fn lowered(field: &Field) -> Option<Positioned<Selection>> {
    let at = position(field.at);
    let arguments = field.arguments.as_ref().ok()?.iter();
    let arguments = arguments
        .map(|(name, value)| {
            (
                Positioned::new(name.clone(), at),
                Positioned::new(literal(value), at),
            )
        })
        .collect();
    let items = field.below.as_ref().map_or_else(Vec::new, selections);
    let field = LoweredField {
        alias: (field.key != field.name).then(|| Positioned::new(field.key.clone(), at)),
        name: Positioned::new(field.name.clone(), at),
        arguments,
        directives: Vec::new(),
        selection_set: Positioned::new(SelectionSet { items }, at),
    };
    Some(Positioned::new(Selection::Field(Positioned::new(field, at)), at))
}

fn selections(below: &Selections) -> Vec<Positioned<Selection>> {
    match &below.objects[..] {
        [only] if !below.is_abstract => {
            let mut items = fields(only);
            if items.is_empty() {
                items.push(marker());
            }
            items
        }
        objects => {
            let possible = objects.iter().map(|object| (object, fields(object)));
            let mut items: Vec<_> = possible
                .filter(|(_, items)| !items.is_empty())
                .map(|(object, items)| {
                    let fragment = InlineFragment {
                        type_condition: Some(unpositioned(TypeCondition {
                            on: unpositioned(Name::new(&object.of)),
                        })),
                        directives: Vec::new(),
                        selection_set: unpositioned(SelectionSet { items }),
                    };
                    unpositioned(Selection::InlineFragment(unpositioned(fragment)))
                })
                .collect();
            items.push(marker());
            items
        }
    }
}

fn fields(object: &Object) -> Vec<Positioned<Selection>> {
    let fields = object.fields.as_deref().unwrap_or_default();
    fields.iter().filter_map(lowered).collect()
}

fn marker() -> Positioned<Selection> {
    let field = LoweredField {
        alias: Some(unpositioned(Name::new(MARKER))),
        name: unpositioned(Name::new("__typename")),
        arguments: Vec::new(),
        directives: Vec::new(),
        selection_set: Positioned::default(),
    };
    unpositioned(Selection::Field(unpositioned(field)))
}

fn literal(value: &Value) -> Literal {
    value.clone().into_value()
}

/// Encodes an offset as a position, which `errors.rs` converts to a line and column.
pub(super) fn position(at: Offset) -> Pos {
    Pos { line: 0, column: at }
}

fn unpositioned<T>(node: T) -> Positioned<T> {
    Positioned::new(node, Pos::default())
}
