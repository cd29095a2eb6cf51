//! Upstream interface of the histories.

use futures_util::{FutureExt, future::BoxFuture};
use sends_client::{Caller, ConstantContact, UpstreamError};
use sends_core::{ActivityId, SendHistory};

/// Source of histories that are not stored.
pub trait HistorySource: Send + Sync {
    /// Fetches the history of one activity.
    fn send_history<'a>(
        &'a self,
        caller: &'a Caller,
        activity: ActivityId,
    ) -> BoxFuture<'a, Result<SendHistory, UpstreamError>>;
}

impl HistorySource for ConstantContact {
    fn send_history<'a>(
        &'a self,
        caller: &'a Caller,
        activity: ActivityId,
    ) -> BoxFuture<'a, Result<SendHistory, UpstreamError>> {
        self.send_history(caller, activity).boxed()
    }
}
