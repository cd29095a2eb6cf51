//! A plan in the form that async-graphql executes, and what that executor gets wrong about it.
//!
//! Every object type that is possible gets its fields in a fragment of its own, so that nothing is left for the executor to
//! decide. What it answers is put right by `completion.rs`. By the file `resolver_utils/container.rs` of version 7.2.1:
//!
//! - Lines 191–196: the names of an object stand in the order in which their values were ready.
//! - Line 188: a field that failed is missing from its object, and a null that its type does not allow stays where it is.
//! - Lines 203–204: an object without a field, or of which every field failed, is null. [`MARKER`] prevents that.
//! - Lines 374–388: a fragment applies by the type that Rust knows as well as by the type of the object.
//!
//! And by `context.rs`, line 563: an argument whose variable was left out is null, where it has to be its default.
//!
//! Once the executor is mended this file stays, and `completion.rs` shrinks to the fields that `plan.rs` knows to have
//! failed.

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

/// The name in the answer under which an object says what it is, where the plan has to know. No alias can be written like
/// this.
pub(super) const MARKER: &str = "the type";

/// The fields of an operation as a document. `None` where there is nothing to execute.
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
        selection_set: somewhere(SelectionSet { items }),
    };
    Some(ExecutableDocument {
        operations: DocumentOperations::Single(somewhere(operation)),
        fragments: HashMap::new(),
    })
}

/// A field, unless its arguments are wrong.
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
                        type_condition: Some(somewhere(TypeCondition {
                            on: somewhere(Name::new(&object.of)),
                        })),
                        directives: Vec::new(),
                        selection_set: somewhere(SelectionSet { items }),
                    };
                    somewhere(Selection::InlineFragment(somewhere(fragment)))
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
        alias: Some(somewhere(Name::new(MARKER))),
        name: somewhere(Name::new("__typename")),
        arguments: Vec::new(),
        directives: Vec::new(),
        selection_set: Positioned::default(),
    };
    somewhere(Selection::Field(somewhere(field)))
}

fn literal(value: &Value) -> Literal {
    value.clone().into_value()
}

/// An offset in the place of a position: lines are counted where an error is told, see `errors.rs`.
pub(super) fn position(at: Offset) -> Pos {
    Pos { line: 0, column: at }
}

fn somewhere<T>(node: T) -> Positioned<T> {
    Positioned::new(node, Pos::default())
}
