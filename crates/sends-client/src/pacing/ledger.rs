//! Persistent count of the day's calls: the interface, and an implementation in memory.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use futures_util::future::{self, BoxFuture, FutureExt};
use jiff::civil::Date;

/// Count of the calls of one API key by UTC day. Processes that share the key should share the ledger's store, so that each total
/// includes the calls of all.
pub trait DayLedger: Send + Sync {
    /// Calls of `day`; 0 for an unknown day.
    fn used(&self, day: Date) -> BoxFuture<'_, Result<u64, LedgerError>>;

    /// Adds `calls` durably and returns the new total. Must be atomic across processes. 0 only reads the total.
    fn add(&self, day: Date, calls: u64) -> BoxFuture<'_, Result<u64, LedgerError>>;

    /// Sets the count to `at_least` unless it is higher, and returns the new total, for calls that the ledger missed.
    fn raise(&self, day: Date, at_least: u64) -> BoxFuture<'_, Result<u64, LedgerError>>;
}

/// Error of a ledger that cannot be read or written.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the count of the day's calls cannot be read or written: {reason}")]
pub struct LedgerError {
    /// The cause, for the operator.
    pub reason: String,
}

/// Ledger in memory. After a restart the count starts from 0, so that only the upstream enforces the daily limit.
#[derive(Debug, Default)]
pub struct MemoryLedger {
    days: Mutex<BTreeMap<Date, u64>>,
}

impl MemoryLedger {
    fn change(&self, day: Date, change: impl FnOnce(u64) -> u64) -> u64 {
        let mut days = self.days.lock().unwrap_or_else(PoisonError::into_inner);
        let total = change(days.get(&day).copied().unwrap_or(0));
        days.insert(day, total);
        // Earlier days than yesterday are not read again.
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
