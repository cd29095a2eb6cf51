//! Documents that were validated before, so that the next request with the same text begins there.
//!
//! A text is kept when it comes a second time: texts that clients put together with values in them come once, and there is
//! no end to them.

use std::sync::Arc;

use quick_cache::{Weighter, sync::Cache};

use super::{coercion::Variables, plan::Plan, repeatable};
use crate::{
    doorkeeper::Doorkeeper,
    guard::{self, Document, Limits, Refused, Types},
};

/// How many bytes the documents may take, by estimate.
const BYTES: u64 = 8 << 20;

/// What a document takes for each byte of its text: a field of eight letters is some three hundred bytes when parsed.
const BYTES_PER_BYTE: u64 = 40;

/// How many texts are remembered as having come once.
const REMEMBERED: usize = 1 << 12;

/// A document that may be executed, with all that can be said of it before its variables are known.
pub(super) struct Known {
    pub(super) document: Document,
    /// The plan of its only operation, where that has no variables.
    pub(super) plan: Option<Arc<Plan>>,
    /// Whether it asks for nothing but send histories and what follows from them.
    pub(super) is_repeatable: bool,
}

impl Known {
    fn read(text: &str, types: &Types, limits: &Limits) -> Result<Self, Refused> {
        let document = guard::read(text, types, limits)?;
        let is_repeatable = repeatable::is_repeatable(&document.executable);
        let operation = document.executable.operations.get(None).ok();
        let plan = operation
            .filter(|operation| operation.variables.is_empty())
            .map(|operation| {
                let plan = Plan::of(&document.executable, operation, &Variables::default(), types);
                Arc::new(plan)
            });
        Ok(Self {
            document,
            plan,
            is_repeatable,
        })
    }
}

/// The documents that were validated before.
pub(super) struct Documents {
    known: Cache<Box<str>, Arc<Known>, ByLength>,
    seen: Doorkeeper,
}

#[derive(Clone)]
struct ByLength;

impl Weighter<Box<str>, Arc<Known>> for ByLength {
    fn weight(&self, text: &Box<str>, _: &Arc<Known>) -> u64 {
        text.len() as u64 * BYTES_PER_BYTE
    }
}

impl Documents {
    pub(super) fn new() -> Self {
        Self {
            known: Cache::with_weighter(64, BYTES, ByLength),
            seen: Doorkeeper::new(REMEMBERED),
        }
    }

    /// Whether the document with this text is kept.
    pub(super) fn is_known(&self, text: &str) -> bool {
        self.known.peek(text).is_some()
    }

    /// The document with this text.
    pub(super) fn find(&self, text: &str, types: &Types, limits: &Limits) -> Result<Arc<Known>, Refused> {
        if let Some(known) = self.known.get(text) {
            return Ok(known);
        }
        let known = Arc::new(Known::read(text, types, limits)?);
        if self.seen.knows(text) {
            self.known.insert(text.into(), Arc::clone(&known));
        }
        Ok(known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn document_is_kept_from_the_second_request_on() {
        let types = Types::of("type Query { a(id: ID!): Int }");
        let documents = Documents::new();
        let find = || {
            documents
                .find(r#"{ a(id: "1") }"#, &types, &Limits::default())
                .unwrap()
        };
        let (first, second, third) = (find(), find(), find());
        assert!(!Arc::ptr_eq(&first, &second));
        assert!(Arc::ptr_eq(&second, &third));
    }
}
