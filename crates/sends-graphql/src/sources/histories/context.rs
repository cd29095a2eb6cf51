//! Per-operation request context.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use sends_client::Caller;
use sends_store::Owner;

use super::{StaleAnswers, UnwrittenAnswers};

/// Data owner, caller and freshness requirement of one operation.
#[derive(Clone, Debug)]
pub struct RequestContext {
    pub owner: Owner,
    /// Credential, deadline and call budget of the upstream calls.
    pub caller: Caller,
    /// Start of the operation. A response fetched since then meets every freshness requirement.
    pub asked_at: Timestamp,
    /// Maximum age of any response, including stale ones. Bounds the time for which a caller's revoked token can still read; the
    /// service's own credential needs no such bound.
    pub oldest: Option<Duration>,
    /// Responses that were returned to the operation and are older than requested.
    pub stale: Arc<StaleAnswers>,
    /// Fetched responses that are being stored.
    pub unwritten: Arc<UnwrittenAnswers>,
}

impl RequestContext {
    /// Limits the operation to this number of upstream calls.
    #[must_use]
    pub fn with_allowance(mut self, calls: u32) -> Self {
        self.caller = self.caller.with_allowance(calls);
        self
    }
}
