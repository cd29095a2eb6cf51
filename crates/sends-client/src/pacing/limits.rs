//! How much may be asked of the upstream, and how much may wait.

/// The limits of one API key. They apply to all accounts, users and tokens of the key together (documented).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Calls in any one second; 0 for no limit (documented: 4, partner keys 10).
    pub rate_per_second: u32,
    /// Calls in one UTC day; 0 for no limit (documented: 10,000, partner keys 250,000).
    pub rate_per_day: u64,
    /// How many of the day's calls are kept for interactive use.
    pub reserve: u64,
    /// How many calls may wait for their turn. Background work may fill half of the places.
    pub queue_limit: usize,
}

impl Default for Limits {
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
    /// No limits at all, for measurements and for upstreams that have none.
    pub const NONE: Self = Self {
        rate_per_second: 0,
        rate_per_day: 0,
        reserve: 0,
        queue_limit: usize::MAX,
    };
}
