//! How far a synchronisation has come, for whoever watches it.

use sends_store::Pending;

/// What it is about.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Stage {
    /// Finding out what changed.
    #[default]
    Listing,
    /// Reading histories.
    Reading,
}

/// How far it has come.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Progress {
    /// What it is about.
    pub stage: Stage,
    /// How many campaigns were listed.
    pub listed: u64,
    /// How many campaigns were read.
    pub read: u64,
    /// What is left, as far as it is known.
    pub pending: Pending,
    /// The calls so far, retries included.
    pub calls: u64,
}
