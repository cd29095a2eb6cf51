//! Per-operation request context.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use sends_client::Caller;
use sends_store::Owner;

use super::{StaleAnswers, UnwrittenAnswers};

#[derive(Clone, Debug)]
pub struct RequestContext {
    pub owner: Owner,
    /// Credential, deadline and call budget of upstream calls.
    pub caller: Caller,
    /// Start of the operation. A response fetched since then meets every freshness requirement.
    pub asked_at: Timestamp,
    /// Maximum age of any response, including a stale response. Limits how long a revoked token of a caller can read cached data.
    /// `None` for the service's own credential, which needs no such limit.
    pub oldest: Option<Duration>,
    pub stale: Arc<StaleAnswers>,
    pub unwritten: Arc<UnwrittenAnswers>,
}

impl RequestContext {
    #[must_use]
    pub fn with_allowance(mut self, calls: u32) -> Self {
        self.caller = self.caller.with_allowance(calls);
        self
    }
}
