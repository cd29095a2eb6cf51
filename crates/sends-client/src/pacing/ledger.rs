//! Where the day's calls are counted so that a restart knows them.
//!
//! Owns the interface and the ledger without durability. The durable one belongs to the store.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use futures_util::future::{self, BoxFuture, FutureExt};
use jiff::civil::Date;

/// Counts the calls of one API key by UTC day. All processes that share the key should share the ledger's store: each
/// total includes the calls of all.
pub trait DayLedger: Send + Sync {
    /// The calls counted on `day`, 0 for a day that was never counted.
    fn used(&self, day: Date) -> BoxFuture<'_, Result<u64, LedgerError>>;

    /// Counts `calls` more, durably, and yields the new total. Must be atomic across processes. 0 is allowed and asks for
    /// the total.
    fn add(&self, day: Date, calls: u64) -> BoxFuture<'_, Result<u64, LedgerError>>;

    /// Sets the count to `at_least` unless it is higher already, and yields the new total: the upstream knows of calls
    /// that the ledger does not.
    fn raise(&self, day: Date, at_least: u64) -> BoxFuture<'_, Result<u64, LedgerError>>;
}

/// The ledger could not be read or written.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the day's calls could not be counted: {reason}")]
pub struct LedgerError {
    /// What went wrong, in words for the operator.
    pub reason: String,
}

/// A ledger that forgets with the process. After a restart the day's budget is counted from 0, so calls beyond it are
/// stopped by the upstream only.
#[derive(Debug, Default)]
pub struct MemoryLedger {
    days: Mutex<BTreeMap<Date, u64>>,
}

impl MemoryLedger {
    fn change(&self, day: Date, change: impl FnOnce(u64) -> u64) -> u64 {
        let mut days = self.days.lock().unwrap_or_else(PoisonError::into_inner);
        let total = change(days.get(&day).copied().unwrap_or(0));
        days.insert(day, total);
        // Nobody asks for the days before yesterday.
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
