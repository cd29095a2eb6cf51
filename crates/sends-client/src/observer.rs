//! Hooks for metrics.

use std::time::Duration;

use reqwest::StatusCode;

use crate::{Endpoint, FailureClass};

/// Receives an event for each request and each wait for the rate limit. The methods are called inline and must not block.
pub trait Observer: Send + Sync {
    /// A call waited for the rate limit, whether or not it was then admitted.
    fn waited(&self, endpoint: &Endpoint, wait: Duration) {
        let _ = (endpoint, wait);
    }

    /// A request was sent and has ended.
    fn requested(&self, request: &ObservedRequest) {
        let _ = request;
    }

    /// A call failed with `class` without sending a request, or without sending another one.
    fn refused(&self, endpoint: &Endpoint, class: FailureClass) {
        let _ = (endpoint, class);
    }
}

/// Event of one request.
#[derive(Clone, Debug)]
pub struct ObservedRequest {
    /// The requested path.
    pub endpoint: Endpoint,
    /// The status of the response. `None` without a response.
    pub status: Option<StatusCode>,
    /// The class of the failure. `None` on success, and when the request is repeated because the connection was closed.
    pub failure: Option<FailureClass>,
    /// Time from sending the request to the end of its response.
    pub took: Duration,
}

/// No observation.
impl Observer for () {}
