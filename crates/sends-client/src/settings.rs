//! Configuration of a client.

use std::time::Duration;

use crate::{BaseUrl, BreakerSettings, RetrySettings};

/// Base URL, timeouts, maximum body size, retry policy and circuit breaker settings.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Base URL of the API.
    pub base_url: BaseUrl,
    /// Timeout for opening a connection.
    pub connect_timeout: Duration,
    /// Timeout of one request, from sending it to the end of its response.
    pub call_timeout: Duration,
    /// Maximum size of a response in bytes, before and after decompression.
    pub body_limit: usize,
    /// Retry policy.
    pub retry: RetrySettings,
    /// Circuit breaker settings.
    pub breaker: BreakerSettings,
}

impl Settings {
    /// Creates settings with defaults: 5 s to connect, 20 s per request, 4 MiB per response, and the default retry policy and
    /// circuit breaker.
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
