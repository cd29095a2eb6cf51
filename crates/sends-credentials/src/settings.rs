//! Time limits and the clock.

use std::{sync::Arc, time::Duration};

use sends_client::{Clock, SystemClock};

/// Time limits. [`Settings::default`] suits the real upstream.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Time between the end of one call to the token endpoint and the start of the next, across all processes on one state
    /// folder. The upstream allows one call a second (documented). The default of 1,050 ms suits fixed and sliding windows.
    pub call_spacing: Duration,
    /// Default: 5 s.
    pub connect_timeout: Duration,
    /// Default: 20 s.
    pub call_timeout: Duration,
    /// Maximum wait for the credential's lock. The default of 60 s exceeds the duration of any call.
    pub lock_timeout: Duration,
    /// Pause before another refresh if the upstream rejects the token of a refresh. The default is 30 s. Each such refresh
    /// doubles the pause, up to an hour, until the upstream accepts a token.
    pub rejection_pause: Duration,
    /// Maximum wait for the browser's redirect. The default of 5 min is the lifetime of an authorization code.
    pub login_timeout: Duration,
    pub clock: Arc<dyn Clock>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            call_spacing: Duration::from_millis(1_050),
            connect_timeout: Duration::from_secs(5),
            call_timeout: Duration::from_secs(20),
            lock_timeout: Duration::from_mins(1),
            rejection_pause: Duration::from_secs(30),
            login_timeout: Duration::from_mins(5),
            clock: Arc::new(SystemClock),
        }
    }
}
