//! The fields that several selection sets ask for together, each under its name in the answer.
//!
//! Where two fields have the same name in the answer, they have to be the same field with the same arguments, down to the
//! last level: the executor would otherwise answer one of them with the value of the other. The library compares only
//! the fields of one selection set.

use std::collections::{HashMap, hash_map::Entry};

use async_graphql::{
    Name, Positioned,
    parser::types::{Directive, ExecutableDocument, Field, Selection, SelectionSet},
};
use smallvec::{SmallVec, smallvec};

use super::{
    limits::Limits,
    refused::{Limit, Refused},
    types::{Types, named},
};

/// One name in the answer, and the fields that ask for it, in the order of the document.
pub struct Merged<'d> {
    /// The name.
    pub key: &'d Name,
    /// The fields, each with the type that it is selected on.
    pub fields: SmallVec<[(&'d str, &'d Positioned<Field>); 1]>,
}

/// The fields of these selection sets, each given with the type that it is a selection of. Selections whose directives do
/// not fulfil `wanted` are left out. The document's measure has been checked.
pub fn merge<'d>(
    document: &'d ExecutableDocument,
    types: &'d Types,
    sets: impl IntoIterator<Item = (&'d str, &'d SelectionSet)>,
    wanted: &impl Fn(&[Positioned<Directive>]) -> bool,
) -> Vec<Merged<'d>> {
    let mut merging = Merging {
        document,
        types,
        wanted,
        merged: Vec::new(),
        places: HashMap::new(),
    };
    for (on, set) in sets {
        merging.add(on, set);
    }
    merging.merged
}

struct Merging<'a, 'd, W> {
    document: &'d ExecutableDocument,
    types: &'d Types,
    wanted: &'a W,
    merged: Vec<Merged<'d>>,
    places: HashMap<&'d str, usize>,
}

impl<'d, W: Fn(&[Positioned<Directive>]) -> bool> Merging<'_, 'd, W> {
    fn add(&mut self, on: &'d str, set: &'d SelectionSet) {
        self.merged.reserve(set.items.len());
        self.places.reserve(set.items.len());
        for selection in &set.items {
            if !(self.wanted)(selection.node.directives()) {
                continue;
            }
            match &selection.node {
                Selection::Field(field) => {
                    let key = &field.node.response_key().node;
                    match self.places.entry(key) {
                        Entry::Occupied(place) => self.merged[*place.get()].fields.push((on, field)),
                        Entry::Vacant(place) => {
                            place.insert(self.merged.len());
                            let fields = smallvec![(on, field)];
                            self.merged.push(Merged { key, fields });
                        }
                    }
                }
                Selection::InlineFragment(fragment) => {
                    let condition = fragment.node.type_condition.as_ref();
                    let on = condition.map_or(on, |condition| self.narrower(on, &condition.node.on.node));
                    self.add(on, &fragment.node.selection_set.node);
                }
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = self.document.fragments.get(&spread.node.fragment_name.node) {
                        let on = self.narrower(on, &fragment.node.type_condition.node.on.node);
                        self.add(on, &fragment.node.selection_set.node);
                    }
                }
            }
        }
    }

    /// Inside a fragment on an object type, a fragment on one of its interfaces says nothing new.
    fn narrower(&self, outer: &'d str, inner: &'d str) -> &'d str {
        if self.types.is_object(outer) { outer } else { inner }
    }
}

/// Refuses a document in which one name of the answer would have two meanings, or in which names are repeated too often:
/// the library resolves every repetition.
pub(super) fn check(document: &ExecutableDocument, types: &Types, limits: &Limits) -> Result<(), Refused> {
    let mut repeated = 0;
    for (_, operation) in document.operations.iter() {
        let root = [(types.query(), &operation.node.selection_set.node)];
        level(
            document,
            types,
            merge(document, types, root, &|_| true),
            &mut repeated,
        )?;
    }
    let limit = Limit {
        option: Some("max-repeated-fields"),
        counted: "fields under a name that their object already has",
        found: repeated,
        allowed: limits.repeated_fields,
    };
    limit.check()
}

fn level<'d>(
    document: &'d ExecutableDocument,
    types: &'d Types,
    merged: Vec<Merged<'d>>,
    repeated: &mut usize,
) -> Result<(), Refused> {
    for Merged { key, fields } in merged {
        *repeated += fields.len() - 1;
        if fields.len() > 1 {
            agree(types, key, &fields)?;
        }
        let below = fields.iter().filter_map(|(on, field)| {
            let set = &field.node.selection_set.node;
            // An unknown type is a mistake of the document's, which the validator reports, or belongs to introspection.
            let below = || types.field(on, &field.node.name.node).map_or("", named);
            (!set.items.is_empty()).then(|| (below(), set))
        });
        let merged = merge(document, types, below, &|_| true);
        level(document, types, merged, repeated)?;
    }
    Ok(())
}

fn agree(types: &Types, key: &str, fields: &[(&str, &Positioned<Field>)]) -> Result<(), Refused> {
    // One for each type: fields on different object types never meet.
    let mut known: Vec<(&str, &Positioned<Field>)> = Vec::new();
    for &(on, field) in fields {
        let mut is_new = true;
        for &(other_on, other) in &known {
            let meet = on == other_on || !types.is_object(on) || !types.is_object(other_on);
            if meet {
                if let Some(difference) = difference(field, other) {
                    let message = format!(
                        "Two fields named \"{key}\" in the answer have {difference}; give one of them an alias."
                    );
                    return Err(Refused::invalid(message, [other.pos, field.pos]));
                }
            } else if types.field(on, &field.node.name.node) != types.field(other_on, &other.node.name.node) {
                let message = format!("Two fields named \"{key}\" in the answer have different types.");
                return Err(Refused::invalid(message, [other.pos, field.pos]));
            }
            is_new &= on != other_on;
        }
        if is_new {
            known.push((on, field));
        }
    }
    Ok(())
}

fn difference(one: &Positioned<Field>, other: &Positioned<Field>) -> Option<&'static str> {
    if one.node.name.node != other.node.name.node {
        return Some("different meanings");
    }
    let same_arguments = one.node.arguments.len() == other.node.arguments.len()
        && one.node.arguments.iter().all(|(name, value)| {
            let counterpart = other.node.get_argument(&name.node);
            counterpart.is_some_and(|counterpart| counterpart.node == value.node)
        });
    (!same_arguments).then_some("different arguments")
}
