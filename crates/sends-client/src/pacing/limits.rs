//! Configuration of the rate limits.

/// Limits of one API key, which apply to all its accounts, users and tokens together (documented).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Maximum number of calls in any one second; 0 for no limit (documented: 4, partner keys 10).
    pub rate_per_second: u32,
    /// Maximum number of calls in one UTC day; 0 for no limit (documented: 10,000, partner keys 250,000).
    pub rate_per_day: u64,
    /// Number of calls of the day that background calls may not use.
    pub reserve: u64,
    /// Maximum number of waiting calls. Background calls may take half of the places.
    pub queue_limit: usize,
}

impl Default for Limits {
    /// Returns 4 calls per second, 10,000 per day with a reserve of 500, and 2,000 waiting calls.
    fn default() -> Self {
        Self {
            rate_per_second: 4,
            rate_per_day: 10_000,
            reserve: 500,
            queue_limit: 2_000,
        }
    }
}

impl Limits {
    /// Disabled limits, for measurements and for upstreams that have no limits.
    pub const NONE: Self = Self {
        rate_per_second: 0,
        rate_per_day: 0,
        reserve: 0,
        queue_limit: usize::MAX,
    };
}
