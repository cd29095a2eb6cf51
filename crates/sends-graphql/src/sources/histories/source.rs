//! The upstream as the histories see it.

use futures_util::{FutureExt, future::BoxFuture};
use sends_client::{Caller, ConstantContact, UpstreamError};
use sends_core::{ActivityId, SendHistory};

/// Where histories come from when they are not known.
pub trait HistorySource: Send + Sync {
    /// Asks for the history of one activity.
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
