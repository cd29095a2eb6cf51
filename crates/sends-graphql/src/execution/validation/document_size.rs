//! Computes the size of a document with expanded fragments, without expanding them.
//!
//! Each fragment's size is computed once, so that thirty fragments that each spread the next fragment twice take only thirty
//! steps. Unused fragments are included, since the validator visits them.

use std::collections::HashMap;

use apollo_compiler::{
    ExecutableDocument, Node,
    executable::{Field, Selection, SelectionSet},
};

use super::{
    limits::Limits,
    rejected::{Limit, Rejected},
    text::check_nesting,
};

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct DocumentSize {
    /// Number of fields, fragment spreads and inline fragments.
    pub selections: usize,
    pub fields: usize,
    /// Maximum nesting of fields.
    pub depth: usize,
    /// Maximum nesting of selection sets, including fragments.
    pub nesting: usize,
    pub aliases: usize,
    pub directives: usize,
    /// Maximum nesting of introspection lists that refer to other types. Each level multiplies the size of the response.
    pub introspection_steps: usize,
    pub uses_introspection: bool,
}

impl DocumentSize {
    fn and(self, other: Self) -> Self {
        Self {
            selections: self.selections.saturating_add(other.selections),
            fields: self.fields.saturating_add(other.fields),
            depth: self.depth.max(other.depth),
            nesting: self.nesting.max(other.nesting),
            aliases: self.aliases.saturating_add(other.aliases),
            directives: self.directives.saturating_add(other.directives),
            introspection_steps: self.introspection_steps.max(other.introspection_steps),
            uses_introspection: self.uses_introspection || other.uses_introspection,
        }
    }

    fn check(self, limits: &Limits) -> Result<(), Rejected> {
        Limit::check(
            Some("max-query-depth"),
            "levels of fields",
            self.depth,
            limits.depth,
        )?;
        let fields = Some("max-query-fields");
        Limit::check(fields, "fields (fragments included)", self.fields, limits.fields)?;
        // Validating a spread costs as much as validating a field, although a spread adds no value.
        let selections = limits.fields.saturating_mul(2);
        Limit::check(fields, "fields and fragments", self.selections, selections)?;
        Limit::check(None, "aliases", self.aliases, limits.aliases)?;
        Limit::check(None, "directives", self.directives, limits.directives)?;
        let steps = "levels of nested introspection lists";
        Limit::check(None, steps, self.introspection_steps, INTROSPECTION_STEPS)
    }
}

/// Maximum of [`DocumentSize::introspection_steps`]. Introspection queries of common tools need one level.
const INTROSPECTION_STEPS: usize = 2;

pub(super) fn of(document: &ExecutableDocument, limits: &Limits) -> Result<DocumentSize, Rejected> {
    let mut measuring = Measuring {
        document,
        sizes: HashMap::with_capacity(document.fragments.len()),
    };
    let mut total = DocumentSize::default();
    for operation in document.operations.iter() {
        total = total.and(measuring.selection_set(&operation.selection_set, 1)?);
        total.directives = total.directives.saturating_add(operation.directives.len());
        for variable in &operation.variables {
            total.directives = total.directives.saturating_add(variable.directives.len());
        }
    }
    for name in document.fragments.keys() {
        let size = measuring.fragment(name, 1)?;
        // Fragments in use are already counted, and the validator visits unused fragments once.
        total.directives = total.directives.max(size.directives);
        size.check(limits)?;
    }
    total.check(limits)?;
    Ok(total)
}

struct Measuring<'d> {
    document: &'d ExecutableDocument,
    /// `None` while the fragment is being measured.
    sizes: HashMap<&'d str, Option<DocumentSize>>,
}

impl<'d> Measuring<'d> {
    /// Returns the size of a selection set. `level` is the recursion depth of this function and of apollo-compiler.
    fn selection_set(&mut self, set: &'d SelectionSet, level: usize) -> Result<DocumentSize, Rejected> {
        check_nesting(level)?;
        let mut total = DocumentSize::default();
        for selection in &set.selections {
            let mut size = match selection {
                Selection::Field(field) => self.field(field, level)?,
                Selection::InlineFragment(fragment) => {
                    self.selection_set(&fragment.selection_set, level + 1)?
                }
                Selection::FragmentSpread(spread) => self.fragment(&spread.fragment_name, level + 1)?,
            };
            size.selections = size.selections.saturating_add(1);
            size.directives = size.directives.saturating_add(selection.directives().len());
            total = total.and(size);
        }
        total.nesting += 1;
        Ok(total)
    }

    fn field(&mut self, field: &'d Field, level: usize) -> Result<DocumentSize, Rejected> {
        let mut size = if field.selection_set.is_empty() {
            DocumentSize::default()
        } else {
            self.selection_set(&field.selection_set, level + 1)?
        };
        size.fields = size.fields.saturating_add(1);
        size.depth += 1;
        size.aliases = size.aliases.saturating_add(usize::from(field.alias.is_some()));
        size.uses_introspection |= ["__schema", "__type"].contains(&field.name.as_str());
        // A step is a list whose elements refer to other types.
        let is_step = ["fields", "inputFields", "interfaces", "possibleTypes"].contains(&field.name.as_str());
        size.introspection_steps += usize::from(is_step);
        Ok(size)
    }

    fn fragment(&mut self, name: &'d str, level: usize) -> Result<DocumentSize, Rejected> {
        match self.sizes.get(name) {
            Some(Some(size)) => {
                check_nesting(level + size.nesting)?;
                return Ok(*size);
            }
            Some(None) => {
                let fragment = self.document.fragments.get(name);
                let at = fragment.and_then(Node::location);
                let message = format!("The fragment \"{name}\" contains itself.");
                return Err(Rejected::invalid(message, at, &self.document.sources));
            }
            None => {}
        }
        // The validator reports an unknown fragment.
        let Some(fragment) = self.document.fragments.get(name) else {
            return Ok(DocumentSize::default());
        };
        self.sizes.insert(name, None);
        let mut size = self.selection_set(&fragment.selection_set, level)?;
        size.directives = size.directives.saturating_add(fragment.directives.len());
        self.sizes.insert(name, Some(size));
        Ok(size)
    }
}
