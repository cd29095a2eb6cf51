//! Operation names as label values, limited in number since callers choose them.

use std::{
    collections::HashSet,
    sync::{Arc, PoisonError, RwLock},
};

/// Maximum number of distinct names. Each name has a histogram, which takes a few kilobytes here and in Prometheus.
pub(super) const MAX_NAMES: usize = 100;
const MAX_NAME_LENGTH: usize = 64;

#[derive(Debug)]
pub(super) struct OperationNames {
    seen: RwLock<HashSet<Arc<str>>>,
    anonymous: Arc<str>,
    other: Arc<str>,
}

impl Default for OperationNames {
    fn default() -> Self {
        Self {
            seen: RwLock::default(),
            anonymous: "anonymous".into(),
            other: "other".into(),
        }
    }
}

impl OperationNames {
    pub(super) fn label(&self, name: Option<&str>) -> Arc<str> {
        let Some(name) = name else {
            return Arc::clone(&self.anonymous);
        };
        if name.len() > MAX_NAME_LENGTH {
            return Arc::clone(&self.other);
        }
        if let Some(existing) = self.seen.read().unwrap_or_else(PoisonError::into_inner).get(name) {
            return Arc::clone(existing);
        }
        let mut seen = self.seen.write().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= MAX_NAMES {
            return Arc::clone(&self.other);
        }
        let name: Arc<str> = name.into();
        seen.insert(Arc::clone(&name));
        name
    }
}
