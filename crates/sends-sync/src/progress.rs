//! Progress of a synchronisation.

use sends_store::Pending;

/// Current step.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Stage {
    /// Listing campaigns.
    #[default]
    Listing,
    /// Reading histories.
    Reading,
}

/// Counts of a running synchronisation.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Progress {
    /// Current step.
    pub stage: Stage,
    /// Listed campaigns.
    pub listed: u64,
    /// Campaigns whose histories were read.
    pub read: u64,
    /// Remaining work, as far as known.
    pub pending: Pending,
    /// Calls so far, retries included.
    pub calls: u64,
}
