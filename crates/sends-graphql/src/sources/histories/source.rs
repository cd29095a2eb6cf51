//! Upstream source of histories, which tests replace.

use futures_util::{FutureExt, future::BoxFuture};
use sends_client::{Caller, ConstantContact, UpstreamError};
use sends_core::{ActivityId, SendHistory};

pub trait HistorySource: Send + Sync {
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
