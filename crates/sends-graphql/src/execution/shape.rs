//! What texts have in common that differ in nothing but the ids written into them.
//!
//! Owns which literals count as ids, and how those of one document are put in the place of another's. Such texts are one
//! document with other values: whatever is found out about one before it is executed holds for all, as long as ids that are
//! equal in one are equal in the others. Must not know what is found out.

use std::{borrow::Cow, fmt::Write};

use async_graphql::parser::types::{DocumentOperations, ExecutableDocument, Selection, SelectionSet};
use async_graphql_value::Value;

/// How many different ids are told apart; a text with more of them is its own shape.
const MOST_IDS: usize = 64;

/// A UUID in its usual form.
const ID_LENGTH: usize = 36;

/// What stands on either side of a number.
const MARK: char = '\0';

/// A text, and what is special about it.
pub(super) struct Shape<'t> {
    /// The text, with numbers for its ids.
    pub(super) common: Cow<'t, str>,
    /// The ids by their numbers.
    pub(super) ids: Vec<&'t str>,
    /// How often they occur.
    occurrences: usize,
}

impl<'t> Shape<'t> {
    /// The shape of a text that may be no document at all. `None` for one that might pass for the shape of another.
    pub(super) fn of(text: &'t str) -> Option<Self> {
        if text.contains(MARK) {
            return None;
        }
        // With an escape, a literal need not be what the text shows.
        let with_ids = (!text.contains('\\')).then(|| Self::with_ids(text)).flatten();
        Some(with_ids.unwrap_or(Self {
            common: Cow::Borrowed(text),
            ids: Vec::new(),
            occurrences: 0,
        }))
    }

    /// `None` when there are no ids, or too many.
    fn with_ids(text: &'t str) -> Option<Self> {
        let mut shape = Self {
            common: Cow::Borrowed(""),
            ids: Vec::new(),
            occurrences: 0,
        };
        let mut common = String::new();
        let (mut written, mut position) = (0, 0);
        while let Some(quote) = text[position..].find('"') {
            position += quote + 1;
            let Some(id) = leading_id(&text[position..]) else {
                continue;
            };
            let number = shape.number(id)?;
            common.push_str(&text[written..position]);
            // Writing to a string cannot fail.
            let _ = write!(common, "{MARK}{number}{MARK}");
            written = position + ID_LENGTH;
            position = written + 1;
            shape.occurrences += 1;
        }
        if shape.occurrences == 0 {
            return None;
        }
        common.push_str(&text[written..]);
        shape.common = Cow::Owned(common);
        Some(shape)
    }

    /// `None` when there are too many.
    fn number(&mut self, id: &'t str) -> Option<usize> {
        if let Some(number) = self.ids.iter().position(|known| *known == id) {
            return Some(number);
        }
        self.ids.push(id);
        (self.ids.len() <= MOST_IDS).then(|| self.ids.len() - 1)
    }

    /// Whether the ids that this text shows are the ids in the arguments of its document, each of them: none stands in a
    /// comment, in a longer text, or where [`fill`] would not find it.
    pub(super) fn is_of(&self, document: &mut ExecutableDocument) -> bool {
        if self.occurrences == 0 {
            return true;
        }
        let mut found = 0;
        let mut are_known = true;
        each_text(document, &mut |text| {
            if is_id(text) {
                found += 1;
                are_known &= self.ids.contains(&text.as_str());
            }
        });
        are_known && found == self.occurrences
    }
}

/// Puts ids in the place of others throughout a document, each in the place of the one with its number.
pub(super) fn fill(document: &mut ExecutableDocument, others: &[Box<str>], ids: &[&str]) {
    each_text(document, &mut |text| {
        let number = others.iter().position(|other| **other == **text);
        if let Some(id) = number.and_then(|number| ids.get(number)) {
            (*id).clone_into(text);
        }
    });
}

/// The id that a text begins with, if a quote ends it.
fn leading_id(text: &str) -> Option<&str> {
    let id = text.get(..ID_LENGTH).filter(|id| is_id(id))?;
    (text.as_bytes().get(ID_LENGTH) == Some(&b'"')).then_some(id)
}

fn is_id(text: &str) -> bool {
    let is_right = |(place, byte): (usize, u8)| match place {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    text.len() == ID_LENGTH && text.bytes().enumerate().all(is_right)
}

/// Visits the texts in the arguments of all fields.
fn each_text(document: &mut ExecutableDocument, visit: &mut impl FnMut(&mut String)) {
    match &mut document.operations {
        DocumentOperations::Single(operation) => selection_set(&mut operation.node.selection_set.node, visit),
        DocumentOperations::Multiple(operations) => {
            for operation in operations.values_mut() {
                selection_set(&mut operation.node.selection_set.node, visit);
            }
        }
    }
    for fragment in document.fragments.values_mut() {
        selection_set(&mut fragment.node.selection_set.node, visit);
    }
}

fn selection_set(set: &mut SelectionSet, visit: &mut impl FnMut(&mut String)) {
    for selection in &mut set.items {
        match &mut selection.node {
            Selection::Field(field) => {
                for (_, argument) in &mut field.node.arguments {
                    value(&mut argument.node, visit);
                }
                selection_set(&mut field.node.selection_set.node, visit);
            }
            Selection::InlineFragment(fragment) => {
                selection_set(&mut fragment.node.selection_set.node, visit);
            }
            Selection::FragmentSpread(_) => {}
        }
    }
}

fn value(value: &mut Value, visit: &mut impl FnMut(&mut String)) {
    match value {
        Value::String(text) => visit(text),
        Value::List(items) => items.iter_mut().for_each(|item| self::value(item, visit)),
        Value::Object(fields) => fields.values_mut().for_each(|field| self::value(field, visit)),
        _ => {}
    }
}

#[cfg(test)]
mod tests;
