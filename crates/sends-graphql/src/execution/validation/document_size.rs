//! How large a document becomes when every fragment stands in its place, worked out without putting any of them there.
//!
//! The weight of a fragment is the same wherever it is spread, so each is weighed once, and a document whose fragments
//! double each other thirty times is weighed in thirty steps. Fragments that nobody spreads are weighed too: the
//! validator walks them.

use std::collections::HashMap;

use apollo_compiler::{
    ExecutableDocument, Node,
    executable::{Field, Selection, SelectionSet},
};

use super::{
    limits::Limits,
    refused::{Limit, Refused},
    text::check_nesting,
};

/// How large a document becomes. Counts that no machine could reach stop at the greatest number there is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct DocumentSize {
    /// Fields and spreads.
    pub selections: usize,
    /// Fields.
    pub fields: usize,
    /// How deep fields stand in each other.
    pub depth: usize,
    /// How deep selections stand in each other, fragments counted too.
    pub nesting: usize,
    /// Fields under another name.
    pub aliases: usize,
    /// Directives.
    pub directives: usize,
    /// How deep introspection walks from type to type; each step multiplies the answer.
    pub introspection_steps: usize,
    /// Whether the schema itself is asked for.
    pub asks_for_schema: bool,
}

impl DocumentSize {
    /// Side by side.
    fn and(self, other: Self) -> Self {
        Self {
            selections: self.selections.saturating_add(other.selections),
            fields: self.fields.saturating_add(other.fields),
            depth: self.depth.max(other.depth),
            nesting: self.nesting.max(other.nesting),
            aliases: self.aliases.saturating_add(other.aliases),
            directives: self.directives.saturating_add(other.directives),
            introspection_steps: self.introspection_steps.max(other.introspection_steps),
            asks_for_schema: self.asks_for_schema || other.asks_for_schema,
        }
    }

    fn check(self, limits: &Limits) -> Result<(), Refused> {
        Limit::check(
            Some("max-query-depth"),
            "levels of fields",
            self.depth,
            limits.depth,
        )?;
        let fields = Some("max-query-fields");
        Limit::check(fields, "fields (fragments included)", self.fields, limits.fields)?;
        // Validation of a spread costs as much as that of a field, though it adds no value.
        let selections = limits.fields.saturating_mul(2);
        Limit::check(fields, "fields and fragments", self.selections, selections)?;
        Limit::check(None, "aliases", self.aliases, limits.aliases)?;
        Limit::check(None, "directives", self.directives, limits.directives)?;
        let steps = "steps of introspection from type to type";
        Limit::check(None, steps, self.introspection_steps, INTROSPECTION_STEPS)
    }
}

/// The introspection query of every tool takes one.
const INTROSPECTION_STEPS: usize = 2;

/// The measure of all operations and fragments of a document together.
pub(super) fn of(document: &ExecutableDocument, limits: &Limits) -> Result<DocumentSize, Refused> {
    let mut scales = Scales {
        document,
        weighed: HashMap::with_capacity(document.fragments.len()),
    };
    let mut total = DocumentSize::default();
    for operation in document.operations.iter() {
        total = total.and(scales.selection_set(&operation.selection_set, 1)?);
        total.directives = total.directives.saturating_add(operation.directives.len());
        for variable in &operation.variables {
            total.directives = total.directives.saturating_add(variable.directives.len());
        }
    }
    for name in document.fragments.keys() {
        let weight = scales.fragment(name, 1)?;
        // What is spread was counted where it is; what is not still has to be walked once.
        total.directives = total.directives.max(weight.directives);
        weight.check(limits)?;
    }
    total.check(limits)?;
    Ok(total)
}

struct Scales<'d> {
    document: &'d ExecutableDocument,
    /// `None` while the fragment is on the scales.
    weighed: HashMap<&'d str, Option<DocumentSize>>,
}

impl<'d> Scales<'d> {
    /// `level` counts what this function has been called in, which is also what the library will recurse over.
    fn selection_set(&mut self, set: &'d SelectionSet, level: usize) -> Result<DocumentSize, Refused> {
        check_nesting(level)?;
        let mut total = DocumentSize::default();
        for selection in &set.selections {
            let mut weight = match selection {
                Selection::Field(field) => self.field(field, level)?,
                Selection::InlineFragment(fragment) => {
                    self.selection_set(&fragment.selection_set, level + 1)?
                }
                Selection::FragmentSpread(spread) => self.fragment(&spread.fragment_name, level + 1)?,
            };
            weight.selections = weight.selections.saturating_add(1);
            weight.directives = weight.directives.saturating_add(selection.directives().len());
            total = total.and(weight);
        }
        total.nesting += 1;
        Ok(total)
    }

    fn field(&mut self, field: &'d Field, level: usize) -> Result<DocumentSize, Refused> {
        let mut weight = if field.selection_set.is_empty() {
            DocumentSize::default()
        } else {
            self.selection_set(&field.selection_set, level + 1)?
        };
        weight.fields = weight.fields.saturating_add(1);
        weight.depth += 1;
        weight.aliases = weight.aliases.saturating_add(usize::from(field.alias.is_some()));
        weight.asks_for_schema |= ["__schema", "__type"].contains(&field.name.as_str());
        // The lists through which a type leads to other types.
        let is_step = ["fields", "inputFields", "interfaces", "possibleTypes"].contains(&field.name.as_str());
        weight.introspection_steps += usize::from(is_step);
        Ok(weight)
    }

    fn fragment(&mut self, name: &'d str, level: usize) -> Result<DocumentSize, Refused> {
        match self.weighed.get(name) {
            Some(Some(weight)) => {
                check_nesting(level + weight.nesting)?;
                return Ok(*weight);
            }
            Some(None) => {
                let fragment = self.document.fragments.get(name);
                let at = fragment.and_then(Node::location);
                let message = format!("The fragment \"{name}\" contains itself.");
                return Err(Refused::invalid(message, at, &self.document.sources));
            }
            None => {}
        }
        // A spread of nothing is for the validator to report.
        let Some(fragment) = self.document.fragments.get(name) else {
            return Ok(DocumentSize::default());
        };
        self.weighed.insert(name, None);
        let mut weight = self.selection_set(&fragment.selection_set, level)?;
        weight.directives = weight.directives.saturating_add(fragment.directives.len());
        self.weighed.insert(name, Some(weight));
        Ok(weight)
    }
}
