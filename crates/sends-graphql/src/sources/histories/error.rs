//! Errors from reading a history, and their attribution to the upstream or to one operation.

use std::{sync::Arc, time::Duration};

use sends_client::{Endpoint, FailureClass, UpstreamError};
use sends_core::ActivityId;
use tokio::time::Instant;

use super::single_flight::Fetch;

#[derive(Clone, Debug, thiserror::Error)]
pub enum ReadError {
    /// The upstream call failed, and no stale response may be returned.
    #[error(transparent)]
    Upstream(Arc<UpstreamError>),
    /// A cached upstream response reports that the activity does not exist.
    #[error("the activity was not found a short while ago")]
    NotFound,
    #[error("too many operations wait for Constant Contact")]
    Overloaded,
    /// The process is shutting down and cancelled the upstream call.
    #[error("the service is being stopped")]
    ShuttingDown,
    /// The call ended without a result because of a defect in this program.
    #[error("the upstream call was lost")]
    Lost,
}

impl ReadError {
    /// Returns whether the failure is caused by the operation that started the fetch, rather than by the upstream.
    pub(super) fn is_of_the_operation(&self, fetch: &Fetch) -> bool {
        match self {
            // Background work is rejected earlier than interactive operations.
            Self::Upstream(error) if error.attempts == 0 && fetch.began_in_background() => true,
            // A throttled call waits for a retry. The call fails if the deadline precedes the retry, or if the upstream throttles
            // it repeatedly.
            Self::Upstream(error) => {
                !error.is_throttled_by_itself()
                    && matches!(
                        error.class,
                        FailureClass::DeadlineExceeded
                            | FailureClass::AllowanceUsedUp
                            | FailureClass::Throttled
                    )
                    || Instant::now() >= fetch.deadline()
            }
            Self::Lost => true,
            Self::NotFound | Self::Overloaded | Self::ShuttingDown => false,
        }
    }
}

/// Returns the error of an operation whose deadline passed while the shared call continues for other operations.
pub(super) fn out_of_time(activity: ActivityId) -> UpstreamError {
    let detail = "the operation's time was up before the answer came".to_owned();
    UpstreamError {
        retry_after: Some(Duration::from_secs(1)),
        ..UpstreamError::without_answer(
            Endpoint::SendHistory(activity),
            FailureClass::DeadlineExceeded,
            detail,
        )
    }
}
