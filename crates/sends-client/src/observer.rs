//! Who is told of what a client does, so that it can be counted elsewhere.
//!
//! Must not know how anything is counted.

use std::time::Duration;

use reqwest::StatusCode;

use crate::{Endpoint, FailureClass};

/// Is told of every request and every wait for a turn. Its methods run on the way of a call and must not wait.
pub trait Observer: Send + Sync {
    /// A call waited for its turn for so long, whether or not the turn came.
    fn waited(&self, endpoint: &Endpoint, wait: Duration) {
        let _ = (endpoint, wait);
    }

    /// A request was sent and came to its end.
    fn requested(&self, request: &ObservedRequest) {
        let _ = request;
    }

    /// A call ended in a failure without having sent its last request, for this reason.
    fn refused(&self, endpoint: &Endpoint, class: FailureClass) {
        let _ = (endpoint, class);
    }
}

/// One request, as an [`Observer`] hears of it.
#[derive(Clone, Debug)]
pub struct ObservedRequest {
    /// What was asked.
    pub endpoint: Endpoint,
    /// The status of the answer. `None` when no answer began.
    pub status: Option<StatusCode>,
    /// What went wrong. `None` when nothing did.
    pub failure: Option<FailureClass>,
    /// From sending it to the end of its answer.
    pub took: Duration,
}

/// The observer of a client that nobody watches.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Nobody;

impl Observer for Nobody {}
