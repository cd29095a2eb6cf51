//! Progress of a synchronisation.

use sends_store::Pending;

/// Current step of a synchronisation.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Stage {
    /// Campaigns are being listed.
    #[default]
    Listing,
    /// Histories are being read.
    Reading,
}

/// Counters of a running synchronisation.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Progress {
    /// Current step.
    pub stage: Stage,
    /// Number of listed campaigns.
    pub listed: u64,
    /// Number of campaigns whose histories were read.
    pub read: u64,
    /// Remaining work that is known so far.
    pub pending: Pending,
    /// Number of calls so far, including retries.
    pub calls: u64,
}
