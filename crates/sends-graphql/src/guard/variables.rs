//! The variables of a request: how large they are, and whether the ones that the operation requires are there.

use async_graphql::{
    Value, Variables,
    parser::types::{BaseType, ExecutableDocument, OperationDefinition, VariableDefinition},
};

use super::{
    limits::Limits,
    lists,
    refused::{Limit, Refused},
    types::{Types, named},
};

/// Refuses variables that are too large.
pub(super) fn check_size(variables: &Variables, limits: &Limits) -> Result<(), Refused> {
    let mut size = Size::default();
    for (name, value) in variables.iter() {
        size.length += name.len();
        size.add(value, 1, limits)?;
    }
    let bounds = [
        (
            "max-variables-length",
            "bytes of variables",
            size.length,
            limits.variables_length,
        ),
        (
            "max-variable-values",
            "values in variables",
            size.values,
            limits.variable_values,
        ),
    ];
    bounds
        .into_iter()
        .try_for_each(|(option, counted, found, allowed)| {
            let limit = Limit {
                option: Some(option),
                counted,
                found,
                allowed,
            };
            limit.check()
        })
}

#[derive(Default)]
struct Size {
    length: usize,
    values: usize,
}

impl Size {
    fn add(&mut self, value: &Value, depth: usize, limits: &Limits) -> Result<(), Refused> {
        let limit = Limit {
            option: Some("max-variable-depth"),
            counted: "levels, or more, in a variable",
            found: depth,
            allowed: limits.variable_depth,
        };
        limit.check()?;
        self.values += 1;
        match value {
            Value::String(text) => self.length += text.len(),
            Value::List(items) => {
                lists::length(items.len(), limits)?;
                items
                    .iter()
                    .try_for_each(|item| self.add(item, depth + 1, limits))?;
            }
            Value::Object(fields) => {
                for (name, field) in fields {
                    self.length += name.len();
                    self.add(field, depth + 1, limits)?;
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// Refuses a document with a variable of a type that does not exist: where such a variable has a default, the library's
/// validator panics.
pub(super) fn check_types(document: &ExecutableDocument, types: &Types) -> Result<(), Refused> {
    let mut definitions = document
        .operations
        .iter()
        .flat_map(|(_, operation)| &operation.node.variable_definitions);
    definitions.try_for_each(|definition| {
        let name = named(&definition.node.var_type.node);
        if types.is_known(name) {
            return Ok(());
        }
        let message = format!("Unknown type \"{name}\".");
        Err(Refused::invalid(message, [definition.pos]))
    })
}

/// Puts the operation's defaults in the place of variables that were left out, and refuses the request when one that has
/// none is required. The library would execute the operation and fail at each field that uses the variable.
pub(super) fn complete(operation: &OperationDefinition, variables: &mut Variables) -> Result<(), Refused> {
    for definition in &operation.variable_definitions {
        let VariableDefinition {
            name,
            var_type,
            default_value,
            ..
        } = &definition.node;
        let refuse = |problem: &str| {
            let message = format!(
                "The variable \"${}\" of type \"{}\" {problem}.",
                name.node, var_type.node
            );
            Err(Refused::invalid(message, [definition.pos]))
        };
        match (variables.get(&name.node), default_value) {
            (None, Some(default)) => {
                variables.insert(name.node.clone(), default.node.clone());
            }
            (None, None) if !var_type.node.nullable => return refuse("is required, but not given"),
            (Some(Value::Null), _) if !var_type.node.nullable => return refuse("must not be null"),
            (Some(value), _) if !fits(&var_type.node.base, value) => {
                return refuse("is given a value of another type");
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whether a value can be of a type, as far as that can be told without the schema: the specification's own scalars.
/// Everything else is checked where the variable is used.
fn fits(base: &BaseType, value: &Value) -> bool {
    match (base, value) {
        (_, Value::Null) => true,
        (BaseType::List(of), Value::List(items)) => items.iter().all(|item| {
            if *item == Value::Null {
                of.nullable
            } else {
                fits(&of.base, item)
            }
        }),
        // One value is a list of one.
        (BaseType::List(of), single) => fits(&of.base, single),
        (BaseType::Named(name), value) => match name.as_str() {
            "Int" => {
                matches!(value, Value::Number(number) if number.as_i64().is_some_and(|number| i32::try_from(number).is_ok()))
            }
            "Float" => matches!(value, Value::Number(_)),
            "Boolean" => matches!(value, Value::Boolean(_)),
            "String" => matches!(value, Value::String(_)),
            "ID" => match value {
                Value::String(_) => true,
                Value::Number(number) => !number.is_f64(),
                _ => false,
            },
            _ => true,
        },
    }
}
