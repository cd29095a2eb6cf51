//! Cache of validated documents, keyed by their text and limited in bytes.

use std::sync::Arc;

use quick_cache::{Weighter, sync::Cache};

use super::{coercion::Variables, plan::Plan};
use crate::{
    execution::validation::{self, Document, Limits, Rejected, Types},
    response_cache,
};

/// Capacity in estimated bytes.
const BYTES: u64 = 8 << 20;

/// Ratio of a parsed document's size to its text: a field of eight letters takes about 300 bytes.
const BYTES_PER_BYTE: u64 = 40;

/// Validated document, with the results that do not depend on variables.
pub(super) struct CachedDocument {
    pub(super) document: Document,
    /// Plan of the only operation. `None` if the document has several operations or variables.
    pub(super) plan: Option<Arc<Plan>>,
    pub(super) is_cacheable: bool,
}

impl CachedDocument {
    fn read(text: &str, types: &Types, limits: &Limits) -> Result<Self, Rejected> {
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
    cached: Cache<Box<str>, Arc<CachedDocument>, ByLength>,
}

#[derive(Clone)]
struct ByLength;

impl Weighter<Box<str>, Arc<CachedDocument>> for ByLength {
    fn weight(&self, text: &Box<str>, _: &Arc<CachedDocument>) -> u64 {
        text.len() as u64 * BYTES_PER_BYTE
    }
}

impl Documents {
    pub(super) fn new() -> Self {
        Self {
            cached: Cache::with_weighter(64, BYTES, ByLength),
        }
    }

    /// Looks up a document without marking it as recently used.
    pub(super) fn cached(&self, text: &str) -> Option<Arc<CachedDocument>> {
        self.cached.peek(text)
    }

    pub(super) fn find(
        &self,
        text: &str,
        types: &Types,
        limits: &Limits,
    ) -> Result<Arc<CachedDocument>, Rejected> {
        if let Some(cached) = self.cached.get(text) {
            return Ok(cached);
        }
        let cached = Arc::new(CachedDocument::read(text, types, limits)?);
        self.cached.insert(text.into(), Arc::clone(&cached));
        Ok(cached)
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
