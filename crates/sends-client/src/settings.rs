//! What a client can be told about reaching the upstream.

use std::time::Duration;

use crate::{BaseUrl, BreakerSettings, RetrySettings};

/// How to reach the upstream, how much of its time and memory one request may take, and how hard to try.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the API lives.
    pub base_url: BaseUrl,
    /// How long a connection may take to come about.
    pub connect_timeout: Duration,
    /// How long one request may take, from the first byte sent to the last one read.
    pub call_timeout: Duration,
    /// The largest answer that is read, in bytes after decompression.
    pub body_limit: usize,
    /// How hard a call is tried.
    pub retry: RetrySettings,
    /// When the upstream is taken to be down.
    pub breaker: BreakerSettings,
}

impl Settings {
    /// The default limits: 5 s to connect, 20 s for a request, 4 MiB for an answer, and the defaults of the retries and the
    /// breaker.
    pub fn new(base_url: BaseUrl) -> Self {
        Self {
            base_url,
            connect_timeout: Duration::from_secs(5),
            call_timeout: Duration::from_secs(20),
            body_limit: 4 << 20,
            retry: RetrySettings::default(),
            breaker: BreakerSettings::default(),
        }
    }
}
