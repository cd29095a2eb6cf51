//! Time limits and the clock.

use std::{sync::Arc, time::Duration};

use sends_client::{Clock, SystemClock};

/// [`Settings::default`] is for the real upstream.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The time between the end of one call to the token endpoint and the start of the next, over all processes on one state
    /// folder. The upstream allows one call a second (documented); 1,050 ms by default suits fixed and sliding seconds.
    pub call_spacing: Duration,
    /// 5 s by default.
    pub connect_timeout: Duration,
    /// 20 s by default.
    pub call_timeout: Duration,
    /// Maximum wait for the credential's lock; 60 s by default, longer than any call takes.
    pub lock_timeout: Duration,
    /// The pause before another refresh if the upstream rejects the token of a refresh; 30 s by default. Doubled by each such
    /// refresh, up to an hour, until the upstream accepts a token.
    pub rejection_pause: Duration,
    /// Maximum wait for the browser's redirect; 5 min by default, the lifetime of an authorization code.
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
