//! An answer, completed as the specification has it.
//!
//! The library orders the names of an object by which field was ready first, leaves out a field that failed, and calls an
//! object null whose fields were all skipped. Here the answer is held against the operation: the names stand in the order
//! of the operation, a field that is missing is null, and a null that a type does not allow makes the object around it null,
//! up to the next place that may be.
//!
//! To know which object a value is where the schema leaves that open, and to tell an object without fields from none, the
//! operation is given a field of our own, which the answer then does not show.

use async_graphql::{
    Name, Pos, Positioned, Value, Variables,
    indexmap::IndexMap,
    parser::types::{
        BaseType, Directive, DocumentOperations, ExecutableDocument, Field, OperationDefinition, Selection,
        SelectionSet, Type,
    },
};
use async_graphql_value::Value as Literal;

use crate::guard::{
    merged::{Merged, merge},
    types::{Types, named},
};

/// The name in the answer under which an object says what it is, when nobody asked.
const OWN_TYPENAME: &str = "sends__typename";

/// What an object of the answer should hold.
#[derive(Debug, Default)]
pub(super) struct Plan<'t> {
    fields: Vec<Planned<'t>>,
}

#[derive(Debug)]
struct Planned<'t> {
    key: Name,
    /// The types whose objects have this field, where several are possible.
    on: Option<Vec<Name>>,
    /// `None` where the schema says nothing, as about introspection.
    of_type: Option<&'t Type>,
    /// What the objects in the value should hold; `None` when there are none.
    below: Option<Plan<'t>>,
}

/// A null where the type allows none.
struct Nulled;

impl<'t> Plan<'t> {
    /// The plan of an operation whose variables are complete.
    pub(super) fn of(
        document: &ExecutableDocument,
        operation: &OperationDefinition,
        variables: &Variables,
        types: &'t Types,
    ) -> Self {
        let wanted = |directives: &[Positioned<Directive>]| !is_skipped(directives, variables);
        let root = [(types.query(), &operation.selection_set.node)];
        Self::level(
            document,
            types,
            Some(types.query()),
            merge(document, types, root, &wanted),
            &wanted,
        )
    }

    fn level(
        document: &ExecutableDocument,
        types: &'t Types,
        parent: Option<&str>,
        merged: Vec<Merged<'_>>,
        wanted: &impl Fn(&[Positioned<Directive>]) -> bool,
    ) -> Self {
        let is_open = parent.is_none_or(|parent| !types.is_object(parent));
        let plan = |Merged { key, fields }: Merged<'_>| {
            let (on, first) = *fields.first()?;
            let of_type = types.field(on, &first.node.name.node);
            let has_fields = !first.node.selection_set.node.items.is_empty();
            let below = has_fields.then(|| {
                let parent = of_type.map(named);
                let sets = fields.iter().map(|(on, field)| {
                    let below = types.field(on, &field.node.name.node).map_or("", named);
                    (below, &field.node.selection_set.node)
                });
                Self::level(
                    document,
                    types,
                    parent,
                    merge(document, types, sets, wanted),
                    wanted,
                )
            });
            let on = is_open.then(|| fields.iter().map(|(on, _)| Name::new(on)).collect());
            Some(Planned {
                key: key.clone(),
                on,
                of_type,
                below,
            })
        };
        Self {
            fields: merged.into_iter().filter_map(plan).collect(),
        }
    }

    /// The data of an answer, completed.
    pub(super) fn complete(&self, types: &Types, data: Value) -> Value {
        match data {
            Value::Object(object) => self.object(types, object),
            // The library's word for an object of which nothing could be answered.
            _ => self.object(types, IndexMap::new()),
        }
        .unwrap_or_default()
    }

    fn object(&self, types: &Types, mut object: IndexMap<Name, Value>) -> Result<Value, Nulled> {
        let object_type = match object.get(OWN_TYPENAME) {
            Some(Value::String(name)) => Some(name.clone()),
            _ => None,
        };
        let is_here = |planned: &Planned<'_>| match (&planned.on, &object_type) {
            (Some(on), Some(object_type)) => on.iter().any(|on| types.applies(on, object_type)),
            _ => true,
        };
        let mut completed = IndexMap::with_capacity(self.fields.len());
        for planned in self.fields.iter().filter(|planned| is_here(planned)) {
            let value = object.swap_remove(&planned.key).unwrap_or_default();
            let value = match planned.of_type {
                Some(of_type) => planned.value(types, of_type, value)?,
                None => planned.undescribed(types, value),
            };
            completed.insert(planned.key.clone(), value);
        }
        Ok(Value::Object(completed))
    }
}

impl Planned<'_> {
    fn value(&self, types: &Types, of_type: &Type, value: Value) -> Result<Value, Nulled> {
        let completed = match (&of_type.base, value) {
            (_, Value::Null) => Err(Nulled),
            (BaseType::List(of), Value::List(items)) => {
                let items = items.into_iter().map(|item| self.value(types, of, item));
                items.collect::<Result<Vec<_>, _>>().map(Value::List)
            }
            (BaseType::Named(_), Value::Object(object)) => match &self.below {
                Some(plan) => plan.object(types, object),
                None => Ok(Value::Object(object)),
            },
            (_, other) => Ok(other),
        };
        match completed {
            Err(Nulled) if of_type.nullable => Ok(Value::Null),
            other => other,
        }
    }

    /// Only the order can be put right.
    fn undescribed(&self, types: &Types, value: Value) -> Value {
        match (&self.below, value) {
            (Some(plan), Value::Object(object)) => plan.object(types, object).unwrap_or_default(),
            (Some(_), Value::List(items)) => Value::List(
                items
                    .into_iter()
                    .map(|item| self.undescribed(types, item))
                    .collect(),
            ),
            (_, other) => other,
        }
    }
}

/// Gives every selection set of an operation the field of our own, where the answer could not be completed without it.
pub(super) fn prepare(document: &mut ExecutableDocument, types: &Types, has_directives: bool) {
    if !has_directives && !types.has_abstract() {
        return;
    }
    match &mut document.operations {
        DocumentOperations::Single(operation) => {
            mark(&mut operation.node.selection_set.node);
        }
        DocumentOperations::Multiple(operations) => {
            for operation in operations.values_mut() {
                mark(&mut operation.node.selection_set.node);
            }
        }
    }
    for fragment in document.fragments.values_mut() {
        below(&mut fragment.node.selection_set.node);
    }
}

fn mark(set: &mut SelectionSet) {
    below(set);
    let position = Pos::default();
    let own = Field {
        alias: Some(Positioned::new(Name::new(OWN_TYPENAME), position)),
        name: Positioned::new(Name::new("__typename"), position),
        arguments: Vec::new(),
        directives: Vec::new(),
        selection_set: Positioned::default(),
    };
    let own = Selection::Field(Positioned::new(own, position));
    set.items.push(Positioned::new(own, position));
}

fn below(set: &mut SelectionSet) {
    for selection in &mut set.items {
        match &mut selection.node {
            Selection::Field(field) if !field.node.selection_set.node.items.is_empty() => {
                mark(&mut field.node.selection_set.node);
            }
            Selection::InlineFragment(fragment) => below(&mut fragment.node.selection_set.node),
            _ => {}
        }
    }
}

fn is_skipped(directives: &[Positioned<Directive>], variables: &Variables) -> bool {
    directives.iter().any(|directive| {
        let condition = directive
            .node
            .get_argument("if")
            .is_some_and(|value| match &value.node {
                Literal::Boolean(value) => *value,
                Literal::Variable(name) => variables.get(name) == Some(&Value::Boolean(true)),
                _ => false,
            });
        match directive.node.name.node.as_str() {
            "skip" => condition,
            "include" => !condition,
            _ => false,
        }
    })
}

#[cfg(test)]
mod tests;
