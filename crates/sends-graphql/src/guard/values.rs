//! The literal values of a document, as far as the validator leaves them open: how long lists are, whether an object names
//! a field twice, and whether a value is one of a scalar of our own.
//!
//! Each fragment is walked once, wherever it is spread.

use std::collections::HashSet;

use apollo_compiler::{
    ExecutableDocument, Name, Node,
    ast::{Argument, Directive, InputValueDefinition, Type, Value},
    executable::{Selection, SelectionSet},
    schema::ExtendedType,
};

use super::{
    limits::Limits,
    refused::{Limit, Refused},
    types::Types,
};
use crate::graphql::check_scalar;

/// Refuses a document with a value of which this can be said without its variables.
pub(super) fn check(document: &ExecutableDocument, types: &Types, limits: &Limits) -> Result<(), Refused> {
    let walk = Walk {
        document,
        types,
        limits,
    };
    for operation in document.operations.iter() {
        for variable in &operation.variables {
            if let Some(default) = &variable.default_value {
                walk.value(&variable.ty, default)?;
            }
        }
        walk.directives(&operation.directives)?;
        walk.selection_set(&operation.selection_set)?;
    }
    document.fragments.values().try_for_each(|fragment| {
        walk.directives(&fragment.directives)?;
        walk.selection_set(&fragment.selection_set)
    })
}

/// Refuses a list that is too long, wherever it stands.
pub(super) fn check_length(found: usize, limits: &Limits) -> Result<(), Refused> {
    let limit = Limit {
        option: Some("max-list-length"),
        counted: "items in one list",
        found,
        allowed: limits.list_length,
    };
    limit.check()
}

struct Walk<'d> {
    document: &'d ExecutableDocument,
    types: &'d Types,
    limits: &'d Limits,
}

impl Walk<'_> {
    fn selection_set(&self, set: &SelectionSet) -> Result<(), Refused> {
        for selection in &set.selections {
            self.directives(selection.directives())?;
            match selection {
                Selection::Field(field) => {
                    self.arguments(&field.definition.arguments, &field.arguments)?;
                    self.selection_set(&field.selection_set)?;
                }
                Selection::InlineFragment(fragment) => self.selection_set(&fragment.selection_set)?,
                Selection::FragmentSpread(_) => {}
            }
        }
        Ok(())
    }

    fn directives(&self, directives: &[Node<Directive>]) -> Result<(), Refused> {
        directives.iter().try_for_each(|directive| {
            let definition = self.types.schema().directive_definitions.get(&directive.name);
            let definitions = definition.map_or(&[][..], |definition| &definition.arguments);
            self.arguments(definitions, &directive.arguments)
        })
    }

    fn arguments(
        &self,
        definitions: &[Node<InputValueDefinition>],
        given: &[Node<Argument>],
    ) -> Result<(), Refused> {
        given.iter().try_for_each(|argument| {
            let definition = definitions
                .iter()
                .find(|definition| definition.name == argument.name);
            definition.map_or(Ok(()), |definition| {
                self.value(&definition.ty, &argument.value)
            })
        })
    }

    fn value(&self, of: &Type, value: &Node<Value>) -> Result<(), Refused> {
        let scalar = match (of, self.types.schema().types.get(of.inner_named_type())) {
            (Type::Named(_) | Type::NonNullNamed(_), Some(ExtendedType::Scalar(scalar))) => Some(scalar),
            _ => None,
        };
        if let Some(scalar) = scalar
            && !matches!(**value, Value::Null | Value::Variable(_))
        {
            check_scalar(&scalar.name, || constant(value))
                .map_err(|problem| self.invalid(format!("The value is invalid: {problem}."), value))?;
        }
        match &**value {
            Value::List(items) => {
                check_length(items.len(), self.limits)?;
                let of = of.item_type();
                items.iter().try_for_each(|item| self.value(of, item))
            }
            Value::Object(members) => self.object(of, members),
            _ => Ok(()),
        }
    }

    fn object(
        &self,
        of: &Type,
        members: &[(Name, Node<Value>)],
    ) -> Result<(), Refused> {
        let definition = match self.types.schema().types.get(of.inner_named_type()) {
            Some(ExtendedType::InputObject(definition)) => Some(definition),
            _ => None,
        };
        let mut names = HashSet::with_capacity(members.len());
        for (name, value) in members {
            if !names.insert(name) {
                let message = format!("The input field \"{name}\" is given more than once.");
                return Err(self.invalid(message, value));
            }
            // An object of a scalar of our own has fields of any type, which need no check but for their lists.
            let field = definition.and_then(|definition| definition.fields.get(name));
            self.value(field.map_or(of, |field| &field.ty), value)?;
        }
        Ok(())
    }

    fn invalid(&self, message: String, at: &Node<Value>) -> Refused {
        Refused::invalid(message, at.location(), &self.document.sources)
    }
}

/// A literal without what is in it, which is enough to tell whether a scalar of our own takes it.
fn constant(value: &Value) -> async_graphql::Value {
    match value {
        Value::String(text) => text.as_str().into(),
        Value::Boolean(value) => (*value).into(),
        Value::Int(number) => number.try_to_i32().unwrap_or(i32::MAX).into(),
        Value::Float(number) => number.try_to_f64().unwrap_or(f64::MAX).into(),
        Value::Enum(name) => async_graphql::Value::Enum(async_graphql::Name::new(name)),
        Value::List(_) => async_graphql::Value::List(Vec::new()),
        Value::Object(_) => async_graphql::Value::Object(async_graphql::indexmap::IndexMap::new()),
        Value::Null | Value::Variable(_) => async_graphql::Value::Null,
    }
}
