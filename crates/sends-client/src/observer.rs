//! Hooks for metrics.

use std::time::Duration;

use reqwest::StatusCode;

use crate::{Endpoint, FailureClass};

/// Receives an event for each request and each wait for the rate limit. The methods are called inline and must not block.
pub trait Observer: Send + Sync {
    /// Called after a call has waited for the rate limit, whether or not the call was then admitted.
    fn waited(&self, endpoint: &Endpoint, wait: Duration) {
        let _ = (endpoint, wait);
    }

    /// Called after a request that was sent has ended.
    fn requested(&self, request: &ObservedRequest) {
        let _ = request;
    }

    /// Called after a call has failed with `class` without sending a request or a further request.
    fn refused(&self, endpoint: &Endpoint, class: FailureClass) {
        let _ = (endpoint, class);
    }
}

/// Event of one request.
#[derive(Clone, Debug)]
pub struct ObservedRequest {
    /// Requested path.
    pub endpoint: Endpoint,
    /// Status of the response. `None` without a response.
    pub status: Option<StatusCode>,
    /// Class of the failure. `None` on success, and when the request is repeated because the connection was closed.
    pub failure: Option<FailureClass>,
    /// Time from sending the request to the end of its response.
    pub took: Duration,
}

/// Observer that ignores all events.
impl Observer for () {}
