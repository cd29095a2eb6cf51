//! Documents that were read before: parsed, measured, and planned, so that the next request with the same text begins there,
//! or with the same but for the ids written into it.
//!
//! Owns what is kept and for how long. A text is kept when its like comes a second time: what clients make up as they go
//! comes once, and there is no end to it.

use std::sync::Arc;

use async_graphql::{
    Variables,
    parser::types::{ExecutableDocument, OperationDefinition},
};
use quick_cache::{Weighter, sync::Cache};

use super::{
    completion::{self, Plan},
    repeatable,
    shape::{self, Shape},
};
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
    /// As it is executed.
    pub(super) document: Document,
    /// What its only operation answers, where that does not depend on the variables.
    plan: Option<Arc<Plan>>,
    /// Whether it asks for nothing but send histories and what follows from them.
    pub(super) is_repeatable: bool,
    /// The ids written into it, by their numbers in its shape.
    ids: Box<[Box<str>]>,
}

impl Known {
    /// Reads a text.
    pub(super) fn read(text: &str, types: &Types, limits: &Limits) -> Result<Self, Refused> {
        let mut document = guard::read(text, types, limits)?;
        let is_repeatable = repeatable::is_repeatable(&document.parsed, types);
        let has_directives = document.measure.directives > 0;
        let mut operations = document.parsed.operations.iter();
        let plan = match (operations.next(), operations.next()) {
            (Some((_, only)), None) if !has_directives => {
                let plan = Plan::of(&document.parsed, &only.node, &Variables::default(), types);
                Some(Arc::new(plan))
            }
            _ => None,
        };
        completion::prepare(&mut document.parsed, types, has_directives);
        Ok(Self {
            document,
            plan,
            is_repeatable,
            ids: Box::default(),
        })
    }

    /// The same document with other ids.
    fn with(&self, ids: &[&str]) -> Self {
        let mut document = self.document.clone();
        shape::fill(&mut document.parsed, &self.ids, ids);
        Self {
            document,
            plan: self.plan.clone(),
            is_repeatable: self.is_repeatable,
            ids: owned(ids),
        }
    }

    /// The document for the library to execute, which wants one of its own.
    pub(super) fn into_executable(self: Arc<Self>) -> ExecutableDocument {
        Arc::try_unwrap(self).map_or_else(
            |known| known.document.parsed.clone(),
            |known| known.document.parsed,
        )
    }

    /// The plan of one of its operations.
    pub(super) fn plan(
        &self,
        operation: &OperationDefinition,
        variables: &Variables,
        types: &Types,
    ) -> Arc<Plan> {
        self.plan.as_ref().map_or_else(
            || Arc::new(Plan::of(&self.document.parsed, operation, variables, types)),
            Arc::clone,
        )
    }
}

/// The documents that were read before.
pub(super) struct Documents {
    known: Cache<Box<str>, Arc<Known>, ByLength>,
    seen: Doorkeeper,
}

#[derive(Clone)]
struct ByLength;

impl Weighter<Box<str>, Arc<Known>> for ByLength {
    fn weight(&self, common: &Box<str>, known: &Arc<Known>) -> u64 {
        let ids: usize = known.ids.iter().map(|id| id.len()).sum();
        (common.len() + ids) as u64 * BYTES_PER_BYTE
    }
}

impl Documents {
    pub(super) fn new() -> Self {
        Self {
            known: Cache::with_weighter(64, BYTES, ByLength),
            seen: Doorkeeper::new(REMEMBERED),
        }
    }

    /// The document with this text, read now unless its like was read before.
    pub(super) fn find(&self, text: &str, types: &Types, limits: &Limits) -> Result<Arc<Known>, Refused> {
        let Some(shape) = Shape::of(text) else {
            return Known::read(text, types, limits).map(Arc::new);
        };
        if let Some(known) = self.known.get(&*shape.common) {
            let is_the_same = known.ids.iter().map(|id| &**id).eq(shape.ids.iter().copied());
            return Ok(if is_the_same {
                known
            } else {
                Arc::new(known.with(&shape.ids))
            });
        }
        let mut known = Known::read(text, types, limits)?;
        let is_told_by_its_shape = shape.is_of(&mut known.document.parsed);
        known.ids = owned(&shape.ids);
        let known = Arc::new(known);
        if is_told_by_its_shape && self.seen.knows(&*shape.common) {
            self.known.insert(shape.common.into(), Arc::clone(&known));
        }
        Ok(known)
    }
}

fn owned(ids: &[&str]) -> Box<[Box<str>]> {
    ids.iter().map(|id| Box::from(*id)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_third_text_of_a_shape_is_not_read_any_more_whatever_its_ids() {
        let types = Types::of("type Query { a(id: ID!): Int }");
        let documents = Documents::new();
        let find = |number: u8| {
            let text = format!(r#"{{ a(id: "00000000-0000-4000-8000-0000000000{number:02}") }}"#);
            documents.find(&text, &types, &Limits::default()).unwrap()
        };
        let (first, second, third) = (find(1), find(2), find(3));
        let is_one_reading = |one: &Known, other: &Known| {
            let plans = one.plan.as_ref().zip(other.plan.as_ref());
            plans.is_some_and(|(one, other)| Arc::ptr_eq(one, other))
        };
        assert!(!is_one_reading(&first, &second), "what comes once is not kept");
        assert!(is_one_reading(&second, &third));
        assert_eq!(*third.ids, ["00000000-0000-4000-8000-000000000003".into()]);
        assert!(format!("{:?}", third.document.parsed).contains("000000000003"));
    }
}
