//! Why there is no history to give, and whose failure that is.

use std::{sync::Arc, time::Duration};

use sends_client::{Endpoint, FailureClass, UpstreamError};
use sends_core::ActivityId;
use tokio::time::Instant;

use super::single_flight::Fetch;

/// Why there is no history to give.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ReadError {
    /// The upstream call failed, and nothing is known from before.
    #[error(transparent)]
    Upstream(Arc<UpstreamError>),
    /// The upstream said a short while ago that there is no such activity.
    #[error("the activity was not found a short while ago")]
    NotFound,
    /// Too many operations wait for the upstream.
    #[error("too many operations wait for Constant Contact")]
    Overloaded,
    /// The process is ending, and the answer would have taken longer than it has left.
    #[error("the service is being stopped")]
    ShuttingDown,
    /// The call ended without an answer, which only a defect in this program can cause.
    #[error("the upstream call was lost")]
    Lost,
}

impl ReadError {
    /// Whether the failure belongs to the operation that the fetch was started for rather than to the upstream.
    pub(super) fn is_of_the_operation(&self, fetch: &Fetch) -> bool {
        match self {
            // Background work is sent away sooner than people are.
            Self::Upstream(error) if error.attempts == 0 && fetch.began_in_background() => true,
            // A throttled call waits for its next turn; a deadline that comes before that ends it, or the upstream that
            // throttles this call again and again.
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

/// The operation's time is up while a call that it shares goes on for others.
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
