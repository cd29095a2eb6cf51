//! Corrects async-graphql's response according to the plan: field order, null for failed fields, and null propagation from
//! non-null fields.

use apollo_compiler::ast::Type;
use async_graphql::{Name, PathSegment, Response, ServerError, Value, indexmap::IndexMap};

use super::{
    lowering::{self, MARKER},
    plan::{Field, Mistake, Object, Plan, Selections, is_introspection},
};
use crate::{bulkheads::answers, execution::validation::is_nullable};

pub(super) fn complete(plan: &Plan, response: &mut Response, introspected: IndexMap<Name, Value>) {
    let Response { data, errors, .. } = response;
    let mut completion = Completion {
        path: Vec::new(),
        errors,
        introspected,
    };
    let mut root = match std::mem::take(data) {
        Value::Object(root) => root,
        _ => IndexMap::new(),
    };
    let completed = match &plan.root {
        Ok(fields) => completion.fields(fields, &mut root),
        Err(mistake) => completion.fail(mistake),
    };
    if completed.is_ok() {
        *data = Value::Object(root);
    }
}

/// Error for a null value of a non-null type, which nulls the parent.
struct Nulled;

enum Step<'p> {
    Key(&'p Name),
    Index(usize),
}

struct Completion<'p, 'a> {
    path: Vec<Step<'p>>,
    errors: &'a mut Vec<ServerError>,
    introspected: IndexMap<Name, Value>,
}

impl<'p> Completion<'p, '_> {
    fn fields(&mut self, fields: &'p [Field], object: &mut IndexMap<Name, Value>) -> Result<(), Nulled> {
        let is_in_order = fields.len() == object.len()
            && fields
                .iter()
                .zip(object.keys())
                .all(|(field, key)| field.key == *key);
        if is_in_order {
            let mut values = fields.iter().zip(object.values_mut());
            return values.try_for_each(|(field, value)| self.field(field, value));
        }
        let mut resolved = std::mem::take(object);
        object.reserve(fields.len());
        for field in fields {
            let mut value = resolved.swap_remove(&field.key).unwrap_or_default();
            self.field(field, &mut value)?;
            object.insert(field.key.clone(), value);
        }
        Ok(())
    }

    fn field(&mut self, field: &'p Field, value: &mut Value) -> Result<(), Nulled> {
        self.path.push(Step::Key(&field.key));
        if self.path.len() == 1 && is_introspection(&field.name) {
            *value = self.introspected.swap_remove(&field.key).unwrap_or_default();
        }
        let completed = if let Err(mistake) = &field.arguments {
            self.fail(mistake)
        } else {
            self.value(field.ty(), field.below.as_ref(), value)
        };
        self.path.pop();
        or_null(field.ty(), completed, value)
    }

    fn value(&mut self, ty: &Type, below: Option<&'p Selections>, value: &mut Value) -> Result<(), Nulled> {
        match (ty, value) {
            (_, Value::Null) => Err(Nulled),
            (Type::List(of) | Type::NonNullList(of), Value::List(items)) => {
                if below.is_none() && is_nullable(of) {
                    return Ok(());
                }
                items.iter_mut().enumerate().try_for_each(|(index, item)| {
                    self.path.push(Step::Index(index));
                    let completed = self.value(of, below, item);
                    self.path.pop();
                    or_null(of, completed, item)
                })
            }
            (_, Value::Object(object)) => below.map_or(Ok(()), |selections| self.object(selections, object)),
            _ => Ok(()),
        }
    }

    fn object(
        &mut self,
        selections: &'p Selections,
        object: &mut IndexMap<Name, Value>,
    ) -> Result<(), Nulled> {
        let planned = match &selections.objects[..] {
            [only] if !selections.is_abstract => {
                object.swap_remove(MARKER);
                only
            }
            possible => {
                let Some(Value::String(of)) = object.shift_remove(MARKER) else {
                    return Err(Nulled);
                };
                possible
                    .iter()
                    .find(|object| object.of == of.as_str())
                    .ok_or(Nulled)?
            }
        };
        let Object { fields, .. } = planned;
        match fields {
            Ok(fields) => self.fields(fields, object),
            Err(mistake) => self.fail(mistake),
        }
    }

    fn fail(&mut self, mistake: &Mistake) -> Result<(), Nulled> {
        if answers::charge_error().is_err() {
            return Err(Nulled);
        }
        let path = self.path.iter().map(|step| match step {
            Step::Key(key) => PathSegment::Field(key.to_string()),
            Step::Index(index) => PathSegment::Index(*index),
        });
        let mut error = ServerError::new(&*mistake.message, Some(lowering::position(mistake.at)));
        error.path = path.collect();
        self.errors.push(error);
        Err(Nulled)
    }
}

fn or_null(ty: &Type, completed: Result<(), Nulled>, value: &mut Value) -> Result<(), Nulled> {
    match completed {
        Err(Nulled) if is_nullable(ty) => {
            *value = Value::Null;
            Ok(())
        }
        other => other,
    }
}
