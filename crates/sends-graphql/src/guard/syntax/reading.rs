//! Where things stand in a text.

use async_graphql::{Name, Pos, Positioned};
use bluejay_parser::HasSpan;

/// A text, and how far into it the positions are known.
pub(super) struct Reading<'t> {
    pub(super) text: &'t str,
    reached: usize,
    place: Pos,
}

impl<'t> Reading<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        Self {
            text,
            reached: 0,
            place: Pos { line: 1, column: 1 },
        }
    }

    pub(super) fn name(&mut self, name: &(impl HasSpan + AsRef<str>)) -> Positioned<Name> {
        Positioned::new(Name::new(name), self.position(name))
    }

    pub(super) fn text_of(&self, node: &impl HasSpan) -> &'t str {
        &self.text[node.span().byte_range()]
    }

    pub(super) fn position(&mut self, node: &impl HasSpan) -> Pos {
        self.at(node.span().byte_range().start)
    }

    /// The position of a byte as the library counts it, who knows no line that ends in a carriage return alone.
    pub(super) fn at(&mut self, byte: usize) -> Pos {
        if byte < self.reached {
            *self = Self::of(self.text);
        }
        for character in self.text[self.reached..byte].chars() {
            match character {
                '\r' => self.place.column = 1,
                '\n' => {
                    self.place.line += 1;
                    self.place.column = 1;
                }
                _ => self.place.column += 1,
            }
        }
        self.reached = byte;
        self.place
    }
}
