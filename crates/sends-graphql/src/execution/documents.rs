//! Cache of validated documents by their text, limited in bytes.

use std::sync::Arc;

use quick_cache::{Weighter, sync::Cache};

use super::{coercion::Variables, plan::Plan};
use crate::{
    execution::validation::{self, Document, Limits, Refused, Types},
    response_cache,
};

/// Capacity in estimated bytes.
const BYTES: u64 = 8 << 20;

/// Bytes of a document for each byte of its text: a parsed field of eight letters takes some three hundred.
const BYTES_PER_BYTE: u64 = 40;

/// Validated document, with the results that do not depend on variables.
pub(super) struct Known {
    pub(super) document: Document,
    /// Plan of its only operation, if that has no variables.
    pub(super) plan: Option<Arc<Plan>>,
    /// Whether its responses are [cacheable](response_cache).
    pub(super) is_cacheable: bool,
}

impl Known {
    fn read(text: &str, types: &Types, limits: &Limits) -> Result<Self, Refused> {
        let document = validation::read(text, types, limits)?;
        let is_cacheable = response_cache::is_cacheable(&document.executable);
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
            is_cacheable,
        })
    }
}

pub(super) struct Documents {
    known: Cache<Box<str>, Arc<Known>, ByLength>,
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
        }
    }

    /// Looks up a document.
    pub(super) fn known(&self, text: &str) -> Option<Arc<Known>> {
        self.known.peek(text)
    }

    /// Looks up or validates a document.
    pub(super) fn find(&self, text: &str, types: &Types, limits: &Limits) -> Result<Arc<Known>, Refused> {
        if let Some(known) = self.known.get(text) {
            return Ok(known);
        }
        let known = Arc::new(Known::read(text, types, limits)?);
        self.known.insert(text.into(), Arc::clone(&known));
        Ok(known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn document_is_validated_once() {
        let types = Types::of("type Query { a(id: ID!): Int }");
        let documents = Documents::new();
        let find = || {
            documents
                .find(r#"{ a(id: "1") }"#, &types, &Limits::default())
                .unwrap()
        };
        assert!(Arc::ptr_eq(&find(), &find()));
    }
}
