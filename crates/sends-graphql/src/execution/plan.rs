//! Plan of an operation: the ordered fields of each possible object type, with coerced arguments. As in `CollectFields` of the
//! specification, variables, directives and fragments are resolved and fields are merged.
//!
//! The executed document (`lowering.rs`), the corrected response (`completion.rs`) and the estimate of upstream calls
//! ([`validation`](crate::execution::validation)) derive from the plan.

use std::collections::hash_map::Entry;

use apollo_compiler::{
    ExecutableDocument, Node,
    ast::{DirectiveList, Type},
    executable::{self, Operation, Selection, SelectionSet},
    schema::FieldDefinition,
};
use async_graphql::{Name, Value};
use foldhash::{HashMap, HashSet};

use super::coercion::{self, Variables};
use crate::execution::validation::Types;

#[derive(Debug)]
pub(crate) struct Plan {
    /// Root fields, or the error in their directives.
    pub(crate) root: Result<Vec<Field>, Mistake>,
    pub(crate) introspection: Vec<Node<executable::Field>>,
    /// Number of fields with the same response name as an earlier field of their object.
    pub(crate) repeated_fields: usize,
    /// Number of fields, counted for each possible type.
    pub(crate) fields: usize,
    /// Bytes of all arguments. Arguments beyond [`ARGUMENT_BYTES`] are omitted.
    pub(crate) argument_bytes: usize,
}

/// Maximum bytes of an operation's arguments after variable substitution, enough for nine lists of 500 ids. The limit is required
/// because a plan is created before its memory is reserved.
pub(crate) const ARGUMENT_BYTES: usize = 512 << 10;

#[derive(Debug)]
pub(crate) struct Selections {
    pub(crate) is_abstract: bool,
    pub(crate) objects: Vec<Object>,
}

#[derive(Debug)]
pub(crate) struct Object {
    pub(crate) of: apollo_compiler::Name,
    /// An error in a directive makes the object null.
    pub(crate) fields: Result<Vec<Field>, Mistake>,
}

#[derive(Debug)]
pub(crate) struct Field {
    /// Name in the response.
    pub(crate) key: Name,
    /// Name in the schema.
    pub(crate) name: Name,
    pub(crate) definition: Node<FieldDefinition>,
    /// Coerced arguments, including defaults.
    pub(crate) arguments: Result<Vec<(Name, Value)>, Mistake>,
    /// `None` for scalars and enums.
    pub(crate) below: Option<Selections>,
    pub(crate) at: Offset,
}

/// Byte offset in the document.
pub(crate) type Offset = usize;

/// Error in an argument or a directive, which makes the field or the object null.
#[derive(Clone, Debug)]
pub(crate) struct Mistake {
    pub(crate) message: String,
    pub(crate) at: Offset,
}

impl Field {
    pub(crate) fn ty(&self) -> &Type {
        &self.definition.ty
    }

    pub(crate) fn argument_bytes(&self) -> usize {
        let arguments = self.arguments.iter().flatten();
        arguments.map(|(_, value)| coercion::bytes_of(value)).sum()
    }

    pub(crate) fn argument(&self, name: &str) -> Option<&Value> {
        let arguments = self.arguments.as_ref().ok()?;
        arguments
            .iter()
            .find(|(argument, _)| argument == name)
            .map(|(_, value)| value)
    }
}

impl Plan {
    /// Plans an operation of a valid document, whose size must be limited.
    pub(super) fn of(
        document: &ExecutableDocument,
        operation: &Operation,
        variables: &Variables,
        types: &Types,
    ) -> Self {
        let mut planning = Planning {
            document,
            variables,
            types,
            repeated_fields: 0,
            fields: 0,
            argument_bytes: 0,
        };
        let set = &operation.selection_set;
        let collected = planning.collected(&set.ty, &[set]);
        let introspection = collected.iter().flatten().flat_map(|collected| &collected.fields);
        let introspection = introspection.filter(|field| is_introspection(&field.name));
        let introspection = introspection.map(|field| (*field).clone()).collect();
        let root = collected.map(|collected| planning.fields_of(&set.ty, collected));
        Self {
            introspection,
            root,
            repeated_fields: planning.repeated_fields,
            fields: planning.fields,
            argument_bytes: planning.argument_bytes,
        }
    }
}

struct Planning<'d> {
    document: &'d ExecutableDocument,
    variables: &'d Variables,
    types: &'d Types,
    repeated_fields: usize,
    fields: usize,
    argument_bytes: usize,
}

/// Fields with the same response name in document order, and the parent type of the first field.
struct Collected<'d> {
    on: &'d str,
    fields: Vec<&'d Node<executable::Field>>,
}

#[derive(Default)]
struct Collecting<'d> {
    collected: Vec<Collected<'d>>,
    positions: HashMap<&'d str, usize>,
    visited: HashSet<&'d str>,
}

impl<'d> Planning<'d> {
    fn fields(&mut self, object: &str, sets: &[&'d SelectionSet]) -> Result<Vec<Field>, Mistake> {
        let collected = self.collected(object, sets)?;
        Ok(self.fields_of(object, collected))
    }

    fn fields_of(&mut self, object: &str, collected: Vec<Collected<'d>>) -> Vec<Field> {
        let fields = collected.into_iter();
        fields
            .filter_map(|collected| self.field(object, &collected))
            .collect()
    }

    fn collected(&self, object: &str, sets: &[&'d SelectionSet]) -> Result<Vec<Collected<'d>>, Mistake> {
        let mut collecting = Collecting::default();
        for set in sets {
            self.collect(object, set, &mut collecting)?;
        }
        Ok(collecting.collected)
    }

    fn collect(&self, object: &str, set: &'d SelectionSet, into: &mut Collecting<'d>) -> Result<(), Mistake> {
        for selection in &set.selections {
            // A repeated spread of a fragment has no effect, regardless of its directives.
            let spread = selection.as_fragment_spread();
            if spread.is_some_and(|spread| into.visited.contains(spread.fragment_name.as_str()))
                || !self.is_included(selection.directives())?
            {
                continue;
            }
            let (condition, below) = match selection {
                Selection::Field(field) => {
                    match into.positions.entry(field.response_key()) {
                        Entry::Occupied(position) => into.collected[*position.get()].fields.push(field),
                        Entry::Vacant(position) => {
                            position.insert(into.collected.len());
                            into.collected.push(Collected {
                                on: &set.ty,
                                fields: vec![field],
                            });
                        }
                    }
                    continue;
                }
                Selection::InlineFragment(fragment) => {
                    (fragment.type_condition.as_ref(), &fragment.selection_set)
                }
                Selection::FragmentSpread(spread) => {
                    into.visited.insert(&spread.fragment_name);
                    let Some(fragment) = self.document.fragments.get(&spread.fragment_name) else {
                        continue;
                    };
                    (Some(fragment.type_condition()), &fragment.selection_set)
                }
            };
            if condition.is_none_or(|condition| self.types.applies(condition, object)) {
                self.collect(object, below, into)?;
            }
        }
        Ok(())
    }

    fn is_included(&self, directives: &DirectiveList) -> Result<bool, Mistake> {
        // `@skip` is evaluated before `@include`, regardless of their order in the document.
        for (name, included_if) in [("skip", false), ("include", true)] {
            let Some(directive) = directives.get(name) else {
                continue;
            };
            let Some(definition) = self.types.schema().directive_definitions.get(name) else {
                continue;
            };
            let arguments = coercion::arguments(
                self.types,
                &definition.arguments,
                &directive.arguments,
                self.variables,
            );
            let arguments = arguments.map_err(|message| Mistake {
                message,
                at: offset(directive),
            })?;
            let condition = arguments.first().map(|(_, value)| value);
            if condition != Some(&Value::Boolean(included_if)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn field(&mut self, object: &str, collected: &Collected<'d>) -> Option<Field> {
        let first = *collected.fields.first()?;
        self.repeated_fields += collected.fields.len() - 1;
        // Argument defaults of an interface can differ from the defaults of the object type.
        let definition = if collected.on == object {
            &first.definition
        } else {
            self.types.field(object, &first.name)?
        };
        self.fields += 1;
        // The bytes are counted before the arguments are copied.
        let bytes = coercion::argument_bytes(&first.arguments, self.variables);
        self.argument_bytes = self.argument_bytes.saturating_add(bytes);
        let arguments = if self.argument_bytes > ARGUMENT_BYTES {
            Ok(Vec::new())
        } else {
            coercion::arguments(
                self.types,
                &definition.arguments,
                &first.arguments,
                self.variables,
            )
        };
        let name = Name::new(&first.name);
        let sets: Vec<_> = collected
            .fields
            .iter()
            .map(|field| &field.selection_set)
            .filter(|set| !set.is_empty())
            .collect();
        Some(Field {
            key: first.alias.as_ref().map_or_else(|| name.clone(), Name::new),
            name,
            definition: definition.clone(),
            arguments: arguments.map_err(|message| Mistake {
                message,
                at: offset(first),
            }),
            below: (!sets.is_empty()).then(|| self.selections(definition.ty.inner_named_type(), &sets)),
            at: offset(first),
        })
    }

    fn selections(&mut self, of: &str, sets: &[&'d SelectionSet]) -> Selections {
        let types = self.types;
        let (is_abstract, possible) = types.possible(of);
        let objects = possible
            .into_iter()
            .map(|object| Object {
                of: object.clone(),
                fields: self.fields(object, sets),
            })
            .collect();
        Selections { is_abstract, objects }
    }
}

pub(crate) fn is_introspection(name: &str) -> bool {
    matches!(name, "__schema" | "__type")
}

fn offset<T>(node: &Node<T>) -> Offset {
    node.location().map_or(0, |location| location.offset())
}
