//! Checks literals beyond the validator of apollo-compiler 1.33: list lengths, duplicate fields of objects, types of variables in
//! lists and objects, and custom scalars.

use std::collections::HashSet;

use apollo_compiler::{
    ExecutableDocument, Name, Node,
    ast::{Argument, Directive, InputValueDefinition, Type, Value},
    executable::{Operation, Selection, SelectionSet},
    schema::ExtendedType,
};

use super::{
    limits::Limits,
    rejected::{Limit, Rejected},
    types::Types,
};
use crate::schema::check_scalar;

/// Rejects a document with an invalid literal. The size of the document must be limited.
pub(super) fn check(document: &ExecutableDocument, types: &Types, limits: &Limits) -> Result<(), Rejected> {
    document.operations.iter().try_for_each(|operation| {
        let mut walk = Walk {
            document,
            operation,
            types,
            limits,
            visited: HashSet::new(),
        };
        for variable in &operation.variables {
            if let Some(default) = &variable.default_value {
                walk.value(Some(&*variable.ty), None, default)?;
            }
        }
        walk.directives(&operation.directives)?;
        walk.selection_set(&operation.selection_set)
    })
}

pub(super) fn check_length(found: usize, limits: &Limits) -> Result<(), Rejected> {
    Limit::check(None, "items in one list", found, limits.list_length)
}

struct Walk<'d> {
    document: &'d ExecutableDocument,
    operation: &'d Operation,
    types: &'d Types,
    limits: &'d Limits,
    visited: HashSet<&'d Name>,
}

impl<'d> Walk<'d> {
    fn selection_set(&mut self, set: &'d SelectionSet) -> Result<(), Rejected> {
        for selection in &set.selections {
            self.directives(selection.directives())?;
            match selection {
                Selection::Field(field) => {
                    self.arguments(&field.definition.arguments, &field.arguments)?;
                    self.selection_set(&field.selection_set)?;
                }
                Selection::InlineFragment(fragment) => self.selection_set(&fragment.selection_set)?,
                Selection::FragmentSpread(spread) => {
                    if self.visited.insert(&spread.fragment_name)
                        && let Some(fragment) = self.document.fragments.get(&spread.fragment_name)
                    {
                        self.directives(&fragment.directives)?;
                        self.selection_set(&fragment.selection_set)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn directives(&self, directives: &[Node<Directive>]) -> Result<(), Rejected> {
        directives.iter().try_for_each(|directive| {
            let definition = self.types.schema().directive_definitions.get(&directive.name);
            let definitions = definition.map_or(&[][..], |definition| &definition.arguments);
            self.arguments(definitions, &directive.arguments)
        })
    }

    fn arguments(
        &self,
        definitions: &[Node<InputValueDefinition>],
        arguments: &[Node<Argument>],
    ) -> Result<(), Rejected> {
        arguments.iter().try_for_each(|argument| {
            let definition = definitions
                .iter()
                .find(|definition| definition.name == argument.name);
            definition.map_or(Ok(()), |definition| {
                self.value(
                    Some(&*definition.ty),
                    definition.default_value.as_deref(),
                    &argument.value,
                )
            })
        })
    }

    /// Checks a literal. `of` is `None` within a custom scalar, whose nested values can have any type. `default` is the default
    /// of the argument or input field.
    fn value(&self, of: Option<&Type>, default: Option<&Value>, value: &Node<Value>) -> Result<(), Rejected> {
        let named = of.and_then(|of| self.types.schema().types.get(of.inner_named_type()));
        let mut of = of;
        if let (Some(Type::Named(_) | Type::NonNullNamed(_)), Some(ExtendedType::Scalar(scalar))) =
            (of, named)
            && !matches!(**value, Value::Null | Value::Variable(_))
        {
            check_scalar(&scalar.name, || constant(value))
                .map_err(|problem| self.invalid(format!("The value is invalid: {problem}."), value))?;
            of = None;
        }
        match &**value {
            Value::Variable(name) => of.map_or(Ok(()), |of| self.variable(of, default, name, value)),
            Value::List(items) => {
                check_length(items.len(), self.limits)?;
                let of = of.map(Type::item_type);
                items.iter().try_for_each(|item| self.value(of, None, item))
            }
            Value::Object(members) => {
                self.check_names(members)?;
                members.iter().try_for_each(|(name, value)| {
                    let field = match named {
                        Some(ExtendedType::InputObject(definition)) => definition.fields.get(name),
                        _ => None,
                    };
                    let default = field.and_then(|field| field.default_value.as_deref());
                    self.value(field.map(|field| &*field.ty), default, value)
                })
            }
            _ => Ok(()),
        }
    }

    fn check_names(&self, members: &[(Name, Node<Value>)]) -> Result<(), Rejected> {
        let mut names = HashSet::with_capacity(members.len());
        members.iter().try_for_each(|(name, value)| {
            if names.insert(name) {
                return Ok(());
            }
            let message = format!("The input field \"{name}\" is specified more than once.");
            Err(self.invalid(message, value))
        })
    }

    /// Implements `IsVariableUsageAllowed` of the specification.
    fn variable(
        &self,
        of: &Type,
        default: Option<&Value>,
        name: &Name,
        at: &Node<Value>,
    ) -> Result<(), Rejected> {
        let definition = self
            .operation
            .variables
            .iter()
            .find(|definition| definition.name == *name);
        let Some(definition) = definition else {
            return Ok(());
        };
        let own_default = definition
            .default_value
            .as_deref()
            .filter(|default| !default.is_null());
        let fits = if of.is_non_null() && !definition.ty.is_non_null() {
            let has_default = own_default.or(default).is_some();
            has_default && definition.ty.is_assignable_to(&of.clone().nullable())
        } else {
            definition.ty.is_assignable_to(of)
        };
        if fits {
            return Ok(());
        }
        let message = format!(
            "The variable \"${name}\" of type \"{}\" is used where \"{of}\" is expected.",
            definition.ty
        );
        Err(self.invalid(message, at))
    }

    fn invalid(&self, message: String, at: &Node<Value>) -> Rejected {
        Rejected::invalid(message, at.location(), &self.document.sources)
    }
}

/// Converts a literal, but omits its nested values.
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
