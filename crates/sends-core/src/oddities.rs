//! Counts and descriptions of unreadable values and records.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// Maximum number of descriptions, because a response may have thousands of values with the same defect.
const MAX_NOTES: usize = 3;

/// Unreadable values and records of a response.
///
/// `Display` describes up to three of them for the operator, with short excerpts of the input.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Oddities {
    /// Number of unreadable values in readable records.
    pub values: usize,
    /// Number of unreadable records.
    pub records: usize,
    notes: Vec<String>,
}

/// Decoded response with its unreadable values and records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded<T> {
    /// Decoded value.
    pub value: T,
    /// Values and records that could not be decoded.
    pub oddities: Oddities,
}

impl Oddities {
    /// Returns whether all values and records were readable.
    pub fn is_empty(&self) -> bool {
        self.values == 0 && self.records == 0
    }

    pub(crate) fn value(&mut self, note: impl FnOnce() -> String) {
        self.values = self.values.saturating_add(1);
        self.note(note);
    }

    pub(crate) fn record(&mut self, note: impl FnOnce() -> String) {
        self.records = self.records.saturating_add(1);
        self.note(note);
    }

    /// Adds the unreadable values and records of one part of the response, such as a record of a page. `place` describes the
    /// position of the part in the response.
    pub(crate) fn add(&mut self, part: Self, place: impl FnOnce() -> String) {
        self.values = self.values.saturating_add(part.values);
        self.records = self.records.saturating_add(part.records);
        let remaining = MAX_NOTES.saturating_sub(self.notes.len());
        if remaining > 0 && !part.notes.is_empty() {
            let place = place();
            let notes = part.notes.into_iter().take(remaining);
            self.notes.extend(notes.map(|note| format!("{place}, {note}")));
        }
    }

    fn note(&mut self, note: impl FnOnce() -> String) {
        if self.notes.len() < MAX_NOTES {
            self.notes.push(note());
        }
    }
}

impl fmt::Display for Oddities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.notes.join("; "))?;
        let more = self.values.saturating_add(self.records) - self.notes.len();
        if more > 0 {
            write!(f, "; and {more} more")?;
        }
        Ok(())
    }
}
