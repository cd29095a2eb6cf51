//! How much time this crate takes for what, and the clock it tells the time by.

use std::{sync::Arc, time::Duration};

use sends_client::{Clock, SystemClock};

/// Time limits and distances. [`Settings::default`] is right for the real upstream.
#[derive(Clone, Debug)]
pub struct Settings {
    /// From the end of one call to the token endpoint to the beginning of the next, over all processes on one state
    /// folder. The upstream allows one a second (documented), and whether its seconds are fixed or sliding is unknown:
    /// the default of 1,050 ms satisfies both.
    pub call_spacing: Duration,
    /// How long a connection may take to come about; 5 s by default.
    pub connect_timeout: Duration,
    /// How long a call may take; 20 s by default.
    pub call_timeout: Duration,
    /// How long to wait for another process that holds the lock on the credential; 60 s by default, longer than any
    /// call takes.
    pub lock_patience: Duration,
    /// After a refresh because of a rejected token, how long a rejection of the token that it brought is not answered
    /// with yet another refresh, which could not help; 30 s by default. It doubles with each such refresh, up to an hour, until
    /// the upstream accepts a token.
    pub rejection_rest: Duration,
    /// How long a browser may take to come back with an answer; 5 min by default, the life of an authorization code.
    pub login_timeout: Duration,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            call_spacing: Duration::from_millis(1_050),
            connect_timeout: Duration::from_secs(5),
            call_timeout: Duration::from_secs(20),
            lock_patience: Duration::from_mins(1),
            rejection_rest: Duration::from_secs(30),
            login_timeout: Duration::from_mins(5),
            clock: Arc::new(SystemClock),
        }
    }
}
