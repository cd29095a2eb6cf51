//! Persistent daily call count: the interface and an in-memory implementation.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use futures_util::future::{self, BoxFuture, FutureExt};
use jiff::civil::Date;

/// Number of calls of one API key by UTC day. Processes that share the key should share the ledger's store, so that each total
/// includes the calls of all processes. The futures return [`LedgerError`] if the ledger cannot be read or written.
pub trait DayLedger: Send + Sync {
    /// Returns the number of calls of `day`, or 0 for an unknown day.
    fn used(&self, day: Date) -> BoxFuture<'_, Result<u64, LedgerError>>;

    /// Adds `calls` durably and returns the new total. The addition must be atomic across processes. Adding 0 only reads the
    /// total.
    fn add(&self, day: Date, calls: u64) -> BoxFuture<'_, Result<u64, LedgerError>>;

    /// Raises the count to `at_least` if the count is lower, and returns the new total. This corrects a count that lacks calls.
    fn raise(&self, day: Date, at_least: u64) -> BoxFuture<'_, Result<u64, LedgerError>>;
}

/// Error of a ledger that cannot be read or written.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the count of the day's calls cannot be read or written: {reason}")]
pub struct LedgerError {
    /// Cause for the operator.
    pub reason: String,
}

/// In-memory ledger. After a restart, the count starts from 0, so only the upstream enforces the daily limit.
#[derive(Debug, Default)]
pub struct MemoryLedger {
    days: Mutex<BTreeMap<Date, u64>>,
}

impl MemoryLedger {
    fn change(&self, day: Date, change: impl FnOnce(u64) -> u64) -> u64 {
        let mut days = self.days.lock().unwrap_or_else(PoisonError::into_inner);
        let total = change(days.get(&day).copied().unwrap_or(0));
        days.insert(day, total);
        // Days before yesterday are not read again.
        while days.len() > 2 {
            days.pop_first();
        }
        total
    }
}

impl DayLedger for MemoryLedger {
    fn used(&self, day: Date) -> BoxFuture<'_, Result<u64, LedgerError>> {
        future::ready(Ok(self.change(day, |total| total))).boxed()
    }

    fn add(&self, day: Date, calls: u64) -> BoxFuture<'_, Result<u64, LedgerError>> {
        future::ready(Ok(self.change(day, |total| total.saturating_add(calls)))).boxed()
    }

    fn raise(&self, day: Date, at_least: u64) -> BoxFuture<'_, Result<u64, LedgerError>> {
        future::ready(Ok(self.change(day, |total| total.max(at_least)))).boxed()
    }
}
