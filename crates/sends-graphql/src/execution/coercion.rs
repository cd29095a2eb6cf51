//! Input coercion of variables and arguments, following the specification and graphql-js.
//!
//! Documents are already validated, so a literal can fail coercion only because of its variables.

use apollo_compiler::{
    Node,
    ast::{Argument, InputValueDefinition, Type, Value as Literal},
    executable::Operation,
    schema::{ExtendedType, InputObjectType},
};
use async_graphql::{Name, Value, indexmap::IndexMap};
use foldhash::HashMap;

use crate::{
    execution::validation::{Rejected, Types},
    schema::check_scalar,
};

/// Coerced values of all variables that have a value.
pub(super) type Variables = HashMap<apollo_compiler::Name, Value>;

struct Mismatch {
    expected: String,
    /// Path segments, innermost first.
    path: Vec<String>,
}

impl Mismatch {
    fn expected(expected: impl Into<String>) -> Self {
        Self {
            expected: expected.into(),
            path: Vec::new(),
        }
    }

    fn under(mut self, step: impl Into<String>) -> Self {
        self.path.push(step.into());
        self
    }

    fn text(&self, root: &str) -> String {
        let steps: String = self.path.iter().rev().map(String::as_str).collect();
        format!("{} at \"{root}{steps}\"", self.expected)
    }
}

pub(super) fn variables(
    types: &Types,
    sources: &apollo_compiler::parser::SourceMap,
    operation: &Operation,
    provided: &async_graphql::Variables,
) -> Result<Variables, Rejected> {
    let mut coerced = Variables::default();
    for definition in &operation.variables {
        let reject = |problem: &str| {
            let message = format!(
                "The variable \"${}\" of type \"{}\" {problem}.",
                definition.name, definition.ty
            );
            Rejected::invalid(message, definition.location(), sources)
        };
        let value = match (provided.get(definition.name.as_str()), &definition.default_value) {
            (Some(Value::Null), _) if definition.ty.is_non_null() => return Err(reject("must not be null")),
            (Some(value), _) => coerce(types, &definition.ty, value.clone()).map_err(|mismatch| {
                let problem = mismatch.text(&definition.name);
                reject(&format!("has a value of another type: {problem}"))
            })?,
            (None, Some(default)) => {
                let default = literal(types, &definition.ty, default, &Variables::default());
                coerce(types, &definition.ty, default).map_err(|_| reject("has a default of another type"))?
            }
            (None, None) if definition.ty.is_non_null() => {
                return Err(reject("is required, but not provided"));
            }
            (None, None) => continue,
        };
        coerced.insert(definition.name.clone(), value);
    }
    Ok(coerced)
}

/// Coerces the arguments of a field or a directive. The error is a message for the caller.
pub(super) fn arguments(
    types: &Types,
    definitions: &[Node<InputValueDefinition>],
    provided: &[Node<Argument>],
    variables: &Variables,
) -> Result<Vec<(Name, Value)>, String> {
    let mut coerced = Vec::with_capacity(definitions.len());
    for definition in definitions {
        let argument = provided.iter().find(|argument| argument.name == definition.name);
        let argument = argument.filter(|argument| !is_unset_variable(&argument.value, variables));
        let value = match argument {
            Some(argument) => {
                let value = literal(types, &definition.ty, &argument.value, variables);
                coerce(types, &definition.ty, value).map(Some)
            }
            None => default_of(types, definition),
        };
        let value = value.map_err(|_| {
            format!(
                "The argument \"{}\" of type \"{}\" must not be null or contain a null that its type does not allow.",
                definition.name, definition.ty
            )
        })?;
        if let Some(value) = value {
            coerced.push((Name::new(&definition.name), value));
        }
    }
    Ok(coerced)
}

fn coerce(types: &Types, of: &Type, value: Value) -> Result<Value, Mismatch> {
    match (of, value) {
        (Type::NonNullNamed(_) | Type::NonNullList(_), Value::Null) => {
            Err(Mismatch::expected(format!("expected {of}, not null,")))
        }
        (_, Value::Null) => Ok(Value::Null),
        (Type::List(of) | Type::NonNullList(of), Value::List(items)) => {
            let items = items.into_iter().enumerate().map(|(index, item)| {
                coerce(types, of, item).map_err(|mismatch| mismatch.under(format!("[{index}]")))
            });
            items.collect::<Result<_, _>>().map(Value::List)
        }
        (Type::List(of) | Type::NonNullList(of), one) => Ok(Value::List(vec![coerce(types, of, one)?])),
        (Type::Named(name) | Type::NonNullNamed(name), value) => match types.schema().types.get(name) {
            Some(ExtendedType::InputObject(object)) => input_object(types, object, value),
            Some(ExtendedType::Enum(definition)) => match value {
                // JSON represents enum values as strings. The validator has already checked literals.
                Value::String(text) if definition.values.contains_key(text.as_str()) => {
                    Ok(Value::Enum(Name::new(text)))
                }
                Value::Enum(value) => Ok(Value::Enum(value)),
                _ => Err(Mismatch::expected(format!("expected a value of {name}"))),
            },
            _ => scalar(name, value),
        },
    }
}

fn input_object(types: &Types, object: &InputObjectType, value: Value) -> Result<Value, Mismatch> {
    let name = &object.name;
    let Value::Object(mut members) = value else {
        return Err(Mismatch::expected(format!("expected an object of type {name}")));
    };
    let unknown = members
        .keys()
        .find(|member| !object.fields.contains_key(member.as_str()));
    if let Some(unknown) = unknown {
        return Err(Mismatch::expected(format!("{name} has no field")).under(format!(".{unknown}")));
    }
    let mut coerced = IndexMap::with_capacity(object.fields.len());
    for field in object.fields.values() {
        let value = match members.swap_remove(field.name.as_str()) {
            Some(value) => coerce(types, &field.ty, value).map(Some),
            None => default_of(types, field),
        };
        let value = value.map_err(|mismatch| mismatch.under(format!(".{}", field.name)))?;
        if let Some(value) = value {
            coerced.insert(Name::new(&field.name), value);
        }
    }
    Ok(Value::Object(coerced))
}

fn scalar(name: &str, value: Value) -> Result<Value, Mismatch> {
    let whole = whole_number(&value);
    let coerced = match (name, value) {
        ("Int", _) => whole
            .and_then(|number| i32::try_from(number).ok())
            .map(Value::from),
        ("Float", value @ Value::Number(_))
        | ("String" | "ID", value @ Value::String(_))
        | ("Boolean", value @ Value::Boolean(_)) => Some(value),
        ("ID", Value::Number(number)) if number.is_u64() => Some(number.to_string().into()),
        ("ID", _) => whole.map(|number| number.to_string().into()),
        ("Float" | "String" | "Boolean", _) => None,
        (_, value) => {
            check_scalar(name, || value.clone()).map_err(Mismatch::expected)?;
            Some(value)
        }
    };
    coerced.ok_or_else(|| Mismatch::expected(format!("expected {name}")))
}

/// Returns the integer value of a number, such as 1 for `1.0`. `None` beyond 2^53, where a float cannot represent every integer.
fn whole_number(value: &Value) -> Option<i64> {
    const MAX_VALUE: f64 = 9_007_199_254_740_992.0;
    let Value::Number(number) = value else { return None };
    number.as_i64().or_else(|| {
        let float = number.as_f64()?;
        (float.fract() == 0.0 && float.abs() <= MAX_VALUE).then(|| format!("{float:.0}").parse().ok())?
    })
}

fn default_of(types: &Types, definition: &InputValueDefinition) -> Result<Option<Value>, Mismatch> {
    match &definition.default_value {
        Some(default) => {
            let default = literal(types, &definition.ty, default, &Variables::default());
            coerce(types, &definition.ty, default).map(Some)
        }
        None if definition.ty.is_non_null() => Err(Mismatch::expected(format!("expected {}", definition.ty))),
        None => Ok(None),
    }
}

/// Substitutes the variables of a literal. Integers of type `ID` become strings, since their number of digits is unlimited.
fn literal(types: &Types, of: &Type, value: &Literal, variables: &Variables) -> Value {
    match value {
        Literal::Null => Value::Null,
        Literal::Enum(value) => Value::Enum(Name::new(value)),
        Literal::Variable(name) => variables.get(name).cloned().unwrap_or_default(),
        Literal::String(text) => Value::String(text.clone()),
        Literal::Boolean(value) => Value::Boolean(*value),
        Literal::Int(number) if of.inner_named_type() == "ID" => Value::String(number.as_str().to_owned()),
        Literal::Int(number) => match number.as_str().parse::<i64>() {
            Ok(number) => number.into(),
            Err(_) => number.try_to_f64().map_or(Value::Null, Value::from),
        },
        Literal::Float(number) => number.try_to_f64().map_or(Value::Null, Value::from),
        Literal::List(items) => {
            let items = items
                .iter()
                .map(|item| literal(types, of.item_type(), item, variables));
            Value::List(items.collect())
        }
        Literal::Object(members) => {
            let object = types.schema().get_input_object(of.inner_named_type());
            let provided = members
                .iter()
                .filter(|(_, value)| !is_unset_variable(value, variables));
            let provided = provided.filter_map(|(name, value)| {
                let of = &object?.fields.get(name)?.ty;
                Some((Name::new(name), literal(types, of, value, variables)))
            });
            Value::Object(provided.collect())
        }
    }
}

fn is_unset_variable(value: &Literal, variables: &Variables) -> bool {
    matches!(value, Literal::Variable(name) if !variables.contains_key(name))
}

/// Bytes of a value excluding its text, but including allocator overhead.
const VALUE: usize = size_of::<Value>() + 16;

/// Bytes of an object member excluding its name and value.
const MEMBER: usize = 64;

pub(super) fn bytes_of(value: &Value) -> usize {
    let within = match value {
        Value::String(text) => text.len(),
        Value::Enum(name) => name.len(),
        Value::List(items) => items.iter().map(bytes_of).sum(),
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| MEMBER + name.len() + bytes_of(value))
            .sum(),
        Value::Null | Value::Boolean(_) | Value::Number(_) | Value::Binary(_) => 0,
    };
    VALUE + within
}

/// Returns the bytes of a field's coerced arguments. Schema defaults are not counted, since they are short.
pub(super) fn argument_bytes(provided: &[Node<Argument>], variables: &Variables) -> usize {
    provided
        .iter()
        .map(|argument| literal_bytes(&argument.value, variables))
        .sum()
}

fn literal_bytes(value: &Literal, variables: &Variables) -> usize {
    let within = match value {
        Literal::Variable(name) => return variables.get(name).map_or(VALUE, bytes_of),
        Literal::String(text) => text.len(),
        Literal::Enum(name) => name.len(),
        Literal::List(items) => items.iter().map(|item| literal_bytes(item, variables)).sum(),
        Literal::Object(members) => members
            .iter()
            .map(|(name, value)| MEMBER + name.len() + literal_bytes(value, variables))
            .sum(),
        Literal::Int(number) => number.as_str().len(),
        Literal::Null | Literal::Boolean(_) | Literal::Float(_) => 0,
    };
    VALUE + within
}
