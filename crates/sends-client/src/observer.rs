//! Hooks for metrics.

use std::time::Duration;

use reqwest::StatusCode;

use crate::{Endpoint, FailureClass};

/// Receives an event for each request and each wait for the rate limit. The methods are called inline and must not block.
pub trait Observer: Send + Sync {
    /// Receives the time that a call has waited for the rate limit, whether or not the call was then admitted.
    fn waited(&self, endpoint: &Endpoint, wait: Duration) {
        let _ = (endpoint, wait);
    }

    /// Receives a request that was sent and has ended.
    fn requested(&self, request: &ObservedRequest) {
        let _ = request;
    }

    /// Receives a call that has failed with `class` because its first or next request was not sent.
    fn refused(&self, endpoint: &Endpoint, class: FailureClass) {
        let _ = (endpoint, class);
    }
}

/// Request that was sent and has ended.
#[derive(Clone, Debug)]
pub struct ObservedRequest {
    /// Requested path.
    pub endpoint: Endpoint,
    /// Status of the response. `None` if there was no response.
    pub status: Option<StatusCode>,
    /// Class of the failure. `None` on success, and when the request is repeated because the connection was closed.
    pub failure: Option<FailureClass>,
    /// Time from sending the request to the end of its response.
    pub took: Duration,
}

/// Observer that ignores all events.
impl Observer for () {}
