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
pub(super) struct Plan {
    fields: Vec<Planned>,
}

#[derive(Debug)]
struct Planned {
    key: Name,
    /// The types whose objects have this field, where several are possible.
    on: Option<Vec<Name>>,
    /// `None` where the schema says nothing, as about introspection.
    of_type: Option<Type>,
    /// What the objects in the value should hold; `None` when there are none.
    below: Option<Plan>,
}

/// A null where the type allows none.
struct Nulled;

impl Plan {
    /// The plan of an operation whose variables are complete.
    pub(super) fn of(
        document: &ExecutableDocument,
        operation: &OperationDefinition,
        variables: &Variables,
        types: &Types,
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
        types: &Types,
        parent: Option<&str>,
        merged: Vec<Merged<'_>>,
        wanted: &impl Fn(&[Positioned<Directive>]) -> bool,
    ) -> Self {
        let is_open = parent.is_none_or(|parent| !types.is_object(parent));
        let plan = |Merged { key, fields }: Merged<'_>| {
            let (on, first) = *fields.first().filter(|_| key != OWN_TYPENAME)?;
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
                of_type: of_type.cloned(),
                below,
            })
        };
        Self {
            fields: merged.into_iter().filter_map(plan).collect(),
        }
    }

    /// Completes the data of an answer.
    pub(super) fn complete(&self, types: &Types, data: &mut Value) {
        if !matches!(data, Value::Object(_)) {
            // The library's word for an object of which nothing could be answered.
            *data = Value::Object(IndexMap::new());
        }
        if let Value::Object(object) = data
            && self.object(types, object).is_err()
        {
            *data = Value::Null;
        }
    }

    fn object(&self, types: &Types, object: &mut IndexMap<Name, Value>) -> Result<(), Nulled> {
        if self.is_as_planned(object) {
            let mut values = self.fields.iter().zip(object.values_mut());
            return values.try_for_each(|(planned, value)| planned.complete(types, value));
        }
        let mut answered = std::mem::take(object);
        let object_type = match answered.get(OWN_TYPENAME) {
            Some(Value::String(name)) => Some(name.clone()),
            _ => None,
        };
        let is_here = |planned: &&Planned| match (&planned.on, &object_type) {
            (Some(on), Some(object_type)) => on.iter().any(|on| types.applies(on, object_type)),
            _ => true,
        };
        object.reserve(self.fields.len());
        for planned in self.fields.iter().filter(is_here) {
            let mut value = answered.swap_remove(&planned.key).unwrap_or_default();
            planned.complete(types, &mut value)?;
            object.insert(planned.key.clone(), value);
        }
        Ok(())
    }

    /// Whether an object has all of its fields in their order already, as most have.
    fn is_as_planned(&self, object: &IndexMap<Name, Value>) -> bool {
        self.fields.len() == object.len()
            && self
                .fields
                .iter()
                .zip(object.keys())
                .all(|(planned, key)| planned.key == *key)
    }
}

impl Planned {
    fn complete(&self, types: &Types, value: &mut Value) -> Result<(), Nulled> {
        if let Some(of_type) = &self.of_type {
            self.value(types, of_type, value)
        } else {
            self.undescribed(types, value);
            Ok(())
        }
    }

    fn value(&self, types: &Types, of_type: &Type, value: &mut Value) -> Result<(), Nulled> {
        let completed = match (&of_type.base, &mut *value) {
            (_, Value::Null) => Err(Nulled),
            (BaseType::List(of), Value::List(items)) => {
                items.iter_mut().try_for_each(|item| self.value(types, of, item))
            }
            (BaseType::Named(_), Value::Object(object)) => self
                .below
                .as_ref()
                .map_or(Ok(()), |plan| plan.object(types, object)),
            _ => Ok(()),
        };
        match completed {
            Err(Nulled) if of_type.nullable => {
                *value = Value::Null;
                Ok(())
            }
            other => other,
        }
    }

    /// Only the order can be put right.
    fn undescribed(&self, types: &Types, value: &mut Value) {
        let Some(plan) = &self.below else { return };
        let is_void = match value {
            Value::Object(object) => plan.object(types, object).is_err(),
            Value::List(items) => {
                for item in items {
                    self.undescribed(types, item);
                }
                false
            }
            _ => false,
        };
        if is_void {
            *value = Value::Null;
        }
    }
}

/// Gives the selection sets of an operation the field of our own, where the answer could not be completed without it: where
/// an object can be of several types, and everywhere when directives may leave an object without fields.
pub(super) fn prepare(document: &mut ExecutableDocument, types: &Types, has_directives: bool) {
    let marker = Marker {
        types,
        everywhere: has_directives,
    };
    if !has_directives && !types.has_abstract() {
        return;
    }
    match &mut document.operations {
        DocumentOperations::Single(operation) => {
            marker.mark(types.query(), &mut operation.node.selection_set.node);
        }
        DocumentOperations::Multiple(operations) => {
            for operation in operations.values_mut() {
                marker.mark(types.query(), &mut operation.node.selection_set.node);
            }
        }
    }
    for fragment in document.fragments.values_mut() {
        let fragment = &mut fragment.node;
        marker.below(
            &fragment.type_condition.node.on.node,
            &mut fragment.selection_set.node,
        );
    }
}

struct Marker<'t> {
    types: &'t Types,
    everywhere: bool,
}

impl Marker<'_> {
    fn mark(&self, on: &str, set: &mut SelectionSet) {
        self.below(on, set);
        if !self.everywhere && self.types.is_object(on) {
            return;
        }
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

    fn below(&self, on: &str, set: &mut SelectionSet) {
        for selection in &mut set.items {
            match &mut selection.node {
                Selection::Field(field) if !field.node.selection_set.node.items.is_empty() => {
                    let of_type = self.types.field(on, &field.node.name.node).map_or("", named);
                    self.mark(of_type, &mut field.node.selection_set.node);
                }
                Selection::InlineFragment(fragment) => {
                    let fragment = &mut fragment.node;
                    let condition = fragment.type_condition.as_ref();
                    let on = condition.map_or(on, |condition| &condition.node.on.node);
                    self.below(on, &mut fragment.selection_set.node);
                }
                _ => {}
            }
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
