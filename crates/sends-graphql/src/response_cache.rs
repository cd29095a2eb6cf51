//! Response cache: complete responses to GraphQL requests, valid while the histories in their [read set](ReadSet) are unchanged
//! and fresh enough.
//!
//! The key contains everything in a request that can affect its response (`server/response_cache.rs`), so the cache itself is
//! independent of GraphQL and headers. `cacheable.rs` selects the documents with cacheable responses.

mod cacheable;

use std::sync::{Arc, Mutex, PoisonError, Weak};

use http::HeaderMap;
use hyper::body::Bytes;
use quick_cache::{Weighter, sync::Cache};

pub(crate) use self::cacheable::is_cacheable;
use crate::{
    bulkheads::Permits, bulkheads::answers::ConnectionBudget, sources::histories::ReadSet,
    telemetry::metrics::OperationMetrics,
};

pub(crate) const MAX_RESPONSE_BYTES: usize = 256 << 10;

const TYPICAL_RESPONSE_BYTES: u64 = 4 << 10;

pub(crate) struct ResponseCache {
    responses: Cache<Box<[u8]>, Arc<CachedResponse>, Weight>,
    /// Headers of the last inserted response, shared with later responses that have equal headers.
    headers: Mutex<Arc<HeaderMap>>,
}

pub(crate) struct CachedResponse {
    pub(crate) read_set: ReadSet,
    pub(crate) headers: Arc<HeaderMap>,
    pub(crate) body: Bytes,
    /// Memory reserved for the body while connections write it, since the response can be evicted during a write.
    pub(crate) lent: Mutex<Weak<Permits>>,
    pub(crate) operation: Option<String>,
    pub(crate) metrics: OperationMetrics,
}

impl ResponseCache {
    pub(crate) fn new(bytes: u64) -> Self {
        let items = usize::try_from(bytes / TYPICAL_RESPONSE_BYTES).unwrap_or(usize::MAX);
        Self {
            responses: Cache::with_weighter(items.clamp(16, 1 << 16), bytes, Weight),
            headers: Mutex::default(),
        }
    }

    /// Looks up a response without checking its validity.
    pub(crate) fn get(&self, key: &[u8]) -> Option<Arc<CachedResponse>> {
        self.responses.get(key)
    }

    pub(crate) fn insert(&self, key: Vec<u8>, response: CachedResponse) {
        let headers = self.shared(response.headers);
        let response = CachedResponse { headers, ..response };
        self.responses.insert(key.into(), Arc::new(response));
    }

    /// Returns the headers of the last inserted response if they are equal to `headers`.
    fn shared(&self, headers: Arc<HeaderMap>) -> Arc<HeaderMap> {
        let mut last = self.headers.lock().unwrap_or_else(PoisonError::into_inner);
        if *last != headers {
            *last = headers;
        }
        Arc::clone(&last)
    }
}

impl CachedResponse {
    /// Reserves memory for writing the body, until the returned value is dropped. The service counts a body once, and each
    /// connection counts it separately.
    pub(crate) fn lend(&self, budget: &ConnectionBudget) -> Option<impl Send + Sync + use<>> {
        let bytes = self.body.len();
        let of_connection = budget.lend(bytes)?;
        let mut lent = self.lent.lock().unwrap_or_else(PoisonError::into_inner);
        let permits = match lent.upgrade() {
            Some(permits) => permits,
            None => Arc::new(budget.lend_shared(bytes)?),
        };
        *lent = Arc::downgrade(&permits);
        Some((permits, of_connection))
    }
}

#[derive(Clone)]
struct Weight;

impl Weighter<Box<[u8]>, Arc<CachedResponse>> for Weight {
    fn weight(&self, key: &Box<[u8]>, response: &Arc<CachedResponse>) -> u64 {
        const OVERHEAD_BYTES: usize = 300;
        (key.len() + response.body.len() + response.read_set.bytes() + OVERHEAD_BYTES) as u64
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use sends_store::Owner;

    use super::*;
    use crate::sources::histories::ReadSetRecorder;
    use crate::{
        bulkheads::{Bulkhead, Bulkheads, answers::AnswerBudget},
        telemetry::metrics::Metrics,
    };

    #[tokio::test]
    async fn shared_body_is_counted_once_in_total_and_for_each_connection() {
        let bulkheads = Bulkheads {
            connections: Bulkhead::new("connections", 1),
            bodies: Bulkhead::new("bodies", 1),
            operations: Bulkhead::new("operations", 1),
            waiting_operations: Bulkhead::new("waiting_operations", 1),
            large_answers: Bulkhead::new("large_answers", 1),
            small_answers: Bulkhead::new("small_answers", 4_000),
            waiting_memory: Bulkhead::new("waiting_memory", 4_000),
        };
        let answers = AnswerBudget::new(&bulkheads, Duration::ZERO);
        let response = CachedResponse {
            read_set: ReadSetRecorder::default().read_set(Owner::new([1; 16])).unwrap(),
            headers: Arc::default(),
            body: Bytes::from(vec![b'x'; 900]),
            lent: Mutex::default(),
            operation: None,
            metrics: Metrics::new().of_operation(None),
        };
        let (one, other) = (answers.connection(), answers.connection());
        let written: Vec<_> = [&one, &one, &other].map(|budget| response.lend(budget)).into();
        assert!(written.iter().all(Option::is_some));
        assert_eq!(bulkheads.small_answers.occupancy().in_use, 900);
        assert!(response.lend(&one).is_none());
        drop(written);
        assert_eq!(bulkheads.small_answers.occupancy().in_use, 0);
        assert!(response.lend(&one).is_some());
    }
}
