//! Per-operation request context.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use sends_client::Caller;
use sends_store::Owner;

use super::{StaleAnswers, UnwrittenAnswers};

/// Per-operation context: whose data is read, for which caller, and how fresh.
#[derive(Clone, Debug)]
pub struct RequestContext {
    /// Whose data it is.
    pub owner: Owner,
    /// On whose behalf the upstream is called, and until when.
    pub caller: Caller,
    /// When the operation began. An answer fetched since then is as fresh as it can be.
    pub asked_at: Timestamp,
    /// How old an answer may be under any circumstances, stale ones included. It bounds how long a revoked token of a
    /// caller can still read; the service's own credential needs no such bound.
    pub oldest: Option<Duration>,
    /// The answers that the operation was given and that are older than it asked for.
    pub stale: Arc<StaleAnswers>,
    /// The fetched answers that are being stored.
    pub unwritten: Arc<UnwrittenAnswers>,
}

impl RequestContext {
    /// The same operation, which may make so many upstream calls.
    #[must_use]
    pub fn with_allowance(mut self, calls: u32) -> Self {
        self.caller = self.caller.with_allowance(calls);
        self
    }
}
