//! Input coercion: the values of variables and arguments, brought into the types that the schema and the operation give
//! them, as the specification (and graphql-js) has it.
//!
//! Documents are valid here, so that literals need no check but for the variables in them.

use apollo_compiler::{
    Node,
    ast::{Argument, InputValueDefinition, Type, Value as Literal},
    executable::Operation,
    schema::ExtendedType,
};
use async_graphql::{Name, Value, indexmap::IndexMap};
use foldhash::HashMap;

use crate::{
    execution::validation::{Refused, Types},
    schema::check_scalar,
};

/// The coerced values of the variables that have one.
pub(super) type Variables = HashMap<apollo_compiler::Name, Value>;

/// What a variable or argument is given and cannot take: what is expected instead, and where.
struct Mismatch {
    expected: String,
    /// From the inside out.
    path: Vec<String>,
}

impl Mismatch {
    fn expected(what: impl Into<String>) -> Self {
        Self {
            expected: what.into(),
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

/// Coerces the variables of a request.
///
/// # Errors
///
/// [`Refused`] when one that is required is missing, and when a value is not of its variable's type.
pub(super) fn variables(
    types: &Types,
    sources: &apollo_compiler::parser::SourceMap,
    operation: &Operation,
    given: &async_graphql::Variables,
) -> Result<Variables, Refused> {
    let mut coerced = Variables::default();
    for definition in &operation.variables {
        let refuse = |problem: &str| {
            let message = format!(
                "The variable \"${}\" of type \"{}\" {problem}.",
                definition.name, definition.ty
            );
            Refused::invalid(message, definition.location(), sources)
        };
        let value = match given.get(definition.name.as_str()) {
            Some(Value::Null) if definition.ty.is_non_null() => return Err(refuse("must not be null")),
            Some(value) => coerce(types, &definition.ty, value).map_err(|mismatch| {
                let problem = mismatch.text(&definition.name);
                refuse(&format!("is given a value of another type: {problem}"))
            })?,
            None => match &definition.default_value {
                Some(default) => literal(types, &definition.ty, default, &Variables::default())
                    .map_err(|Invalid| refuse("has a default of another type"))?,
                None if definition.ty.is_non_null() => {
                    return Err(refuse("is required, but not given"));
                }
                None => continue,
            },
        };
        coerced.insert(definition.name.clone(), value);
    }
    Ok(coerced)
}

/// Coerces a value from the variables of a request.
fn coerce(types: &Types, of: &Type, value: &Value) -> Result<Value, Mismatch> {
    match (of, value) {
        (Type::NonNullNamed(_) | Type::NonNullList(_), Value::Null) => {
            Err(Mismatch::expected(format!("expected {of}, not null,")))
        }
        (_, Value::Null) => Ok(Value::Null),
        (Type::List(of) | Type::NonNullList(of), Value::List(items)) => {
            let items = items.iter().enumerate();
            let coerced = items
                .map(|(index, item)| {
                    coerce(types, of, item).map_err(|mismatch| mismatch.under(format!("[{index}]")))
                })
                .collect::<Result<_, _>>()?;
            Ok(Value::List(coerced))
        }
        // One value is a list of one.
        (Type::List(of) | Type::NonNullList(of), one) => Ok(Value::List(vec![coerce(types, of, one)?])),
        (Type::Named(name) | Type::NonNullNamed(name), value) => match types.schema().types.get(name) {
            Some(ExtendedType::InputObject(object)) => {
                let Value::Object(members) = value else {
                    return Err(Mismatch::expected(format!("expected an object of type {name}")));
                };
                let unknown = members
                    .keys()
                    .find(|member| !object.fields.contains_key(member.as_str()));
                if let Some(unknown) = unknown {
                    return Err(
                        Mismatch::expected(format!("{name} has no field")).under(format!(".{unknown}"))
                    );
                }
                let mut coerced = IndexMap::with_capacity(object.fields.len());
                for field in object.fields.values() {
                    let value = match members.get(field.name.as_str()) {
                        Some(value) => Some(coerce(types, &field.ty, value)),
                        None => default_of(types, field)
                            .map_err(|Invalid| Mismatch::expected(format!("expected {}", field.ty)))
                            .transpose(),
                    };
                    if let Some(value) = value {
                        let value = value.map_err(|mismatch| mismatch.under(format!(".{}", field.name)))?;
                        coerced.insert(Name::new(&field.name), value);
                    }
                }
                Ok(Value::Object(coerced))
            }
            Some(ExtendedType::Enum(definition)) => match value {
                Value::String(text) if definition.values.contains_key(text.as_str()) => {
                    Ok(Value::Enum(Name::new(text)))
                }
                _ => Err(Mismatch::expected(format!("expected a value of {name}"))),
            },
            _ => scalar(name, value),
        },
    }
}

fn scalar(name: &str, value: &Value) -> Result<Value, Mismatch> {
    // JSON knows one kind of numbers: 1.0 is a whole one.
    let whole = |value: &Value| match value {
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().and_then(whole_number)),
        _ => None,
    };
    let coerced = match (name, value) {
        ("Int", value) => whole(value)
            .and_then(|value| i32::try_from(value).ok())
            .map(Value::from),
        ("Float", Value::Number(_))
        | ("String" | "ID", Value::String(_))
        | ("Boolean", Value::Boolean(_)) => Some(value.clone()),
        ("ID", value) => match value {
            Value::Number(number) if number.is_u64() => Some(number.to_string().into()),
            value => whole(value).map(|number| number.to_string().into()),
        },
        ("Float" | "String" | "Boolean", _) => None,
        (name, value) => {
            return check_scalar(name, || value.clone())
                .map(|()| value.clone())
                .map_err(Mismatch::expected);
        }
    };
    coerced.ok_or_else(|| Mismatch::expected(format!("expected {name}")))
}

/// The whole number that a float stands for, where it is one that floats can tell from its neighbours.
fn whole_number(float: f64) -> Option<i64> {
    const GREATEST: f64 = 9_007_199_254_740_992.0;
    (float.fract() == 0.0 && float.abs() <= GREATEST).then(|| format!("{float:.0}").parse().ok())?
}

/// The default of an argument or of an input field, `None` where it has none and may be left out.
fn default_of(types: &Types, definition: &InputValueDefinition) -> Result<Option<Value>, Invalid> {
    match &definition.default_value {
        Some(default) => literal(types, &definition.ty, default, &Variables::default()).map(Some),
        None if definition.ty.is_non_null() => Err(Invalid),
        None => Ok(None),
    }
}

/// A value that would be null, or missing, where the type allows neither.
struct Invalid;

/// Coerces the arguments of a field or a directive.
///
/// # Errors
///
/// What is wrong with them, for the caller to read.
pub(super) fn arguments(
    types: &Types,
    definitions: &[Node<InputValueDefinition>],
    given: &[Node<Argument>],
    variables: &Variables,
) -> Result<Vec<(Name, Value)>, String> {
    let mut coerced = Vec::with_capacity(definitions.len());
    for definition in definitions {
        let argument = given.iter().find(|argument| argument.name == definition.name);
        let argument = argument.filter(|argument| !is_missing(&argument.value, variables));
        let value = match argument {
            Some(argument) => literal(types, &definition.ty, &argument.value, variables).map(Some),
            None => default_of(types, definition),
        };
        let value = value.map_err(|Invalid| {
            format!(
                "The argument \"{}\" of type \"{}\" must not be null, nor hold a null that its type does not allow.",
                definition.name, definition.ty
            )
        })?;
        if let Some(value) = value {
            coerced.push((Name::new(&definition.name), value));
        }
    }
    Ok(coerced)
}

/// Memory of a value beside its text, with what the allocator adds.
const VALUE: usize = size_of::<Value>() + 16;

/// Memory of the name of a member of an object beside its text: a shared text and its place in the index.
const MEMBER: usize = 64;

/// How many bytes a value takes.
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

/// How many bytes the arguments of a field take once they are coerced, the defaults of the schema aside, which are short.
pub(super) fn argument_bytes(given: &[Node<Argument>], variables: &Variables) -> usize {
    given
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

/// Whether a value is a variable that has none.
fn is_missing(value: &Literal, variables: &Variables) -> bool {
    matches!(value, Literal::Variable(name) if !variables.contains_key(name))
}

/// Coerces a literal.
fn literal(types: &Types, of: &Type, value: &Literal, variables: &Variables) -> Result<Value, Invalid> {
    let or_null = |value: Value| {
        if value == Value::Null && of.is_non_null() {
            Err(Invalid)
        } else {
            Ok(value)
        }
    };
    match (of, value) {
        (_, Literal::Null) => or_null(Value::Null),
        (_, Literal::Variable(name)) => or_null(variables.get(name).cloned().unwrap_or_default()),
        (Type::List(of) | Type::NonNullList(of), Literal::List(items)) => {
            let items = items.iter().map(|item| literal(types, of, item, variables));
            items.collect::<Result<_, _>>().map(Value::List)
        }
        (Type::List(of) | Type::NonNullList(of), one) => {
            Ok(Value::List(vec![literal(types, of, one, variables)?]))
        }
        (Type::Named(name) | Type::NonNullNamed(name), value) => match types.schema().types.get(name) {
            Some(ExtendedType::InputObject(object)) => {
                let members = value.as_object().ok_or(Invalid)?;
                let mut coerced = IndexMap::with_capacity(object.fields.len());
                for field in object.fields.values() {
                    let given = members.iter().find(|(member, _)| *member == field.name);
                    let given = given.filter(|(_, value)| !is_missing(value, variables));
                    let value = match given {
                        Some((_, value)) => Some(literal(types, &field.ty, value, variables)?),
                        None => default_of(types, field)?,
                    };
                    if let Some(value) = value {
                        coerced.insert(Name::new(&field.name), value);
                    }
                }
                Ok(Value::Object(coerced))
            }
            Some(ExtendedType::Enum(_)) => match value {
                Literal::Enum(value) => Ok(Value::Enum(Name::new(value))),
                _ => Err(Invalid),
            },
            _ => Ok(untyped(name, value, variables)),
        },
    }
}

/// A literal as a scalar takes it. An ID may be written as a number.
fn untyped(of: &str, value: &Literal, variables: &Variables) -> Value {
    match value {
        Literal::Null => Value::Null,
        Literal::Enum(value) => Value::Enum(Name::new(value)),
        Literal::Variable(name) => variables.get(name).cloned().unwrap_or_default(),
        Literal::String(text) => Value::String(text.clone()),
        Literal::Boolean(value) => Value::Boolean(*value),
        Literal::Int(number) if of == "ID" => Value::String(number.as_str().to_owned()),
        Literal::Int(number) => match number.as_str().parse::<i64>() {
            Ok(number) => number.into(),
            Err(_) => number.try_to_f64().map_or(Value::Null, Value::from),
        },
        Literal::Float(number) => number.try_to_f64().map_or(Value::Null, Value::from),
        Literal::List(items) => Value::List(items.iter().map(|item| untyped(of, item, variables)).collect()),
        Literal::Object(members) => {
            let members = members.iter();
            Value::Object(
                members
                    .map(|(name, value)| (Name::new(name), untyped(of, value, variables)))
                    .collect(),
            )
        }
    }
}
