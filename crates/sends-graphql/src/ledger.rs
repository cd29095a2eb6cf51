//! Adapts the store to the pacer's ledger of daily upstream calls.

use std::sync::Arc;

use futures_util::{FutureExt, TryFutureExt, future::BoxFuture};
use jiff::civil::Date;
use sends_client::pacing::{DayLedger, LedgerError};
use sends_store::{Store, StoreError};

pub struct StoreLedger(Arc<dyn Store>);

impl StoreLedger {
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self(store)
    }
}

impl DayLedger for StoreLedger {
    fn used(&self, day: Date) -> BoxFuture<'_, Result<u64, LedgerError>> {
        self.0.calls_on(day).map_err(failed).boxed()
    }

    fn add(&self, day: Date, calls: u64) -> BoxFuture<'_, Result<u64, LedgerError>> {
        self.0.add_calls(day, calls).map_err(failed).boxed()
    }

    fn raise(&self, day: Date, at_least: u64) -> BoxFuture<'_, Result<u64, LedgerError>> {
        self.0.raise_calls(day, at_least).map_err(failed).boxed()
    }
}

#[expect(clippy::needless_pass_by_value, reason = "`map_err` requires this signature")]
fn failed(error: StoreError) -> LedgerError {
    LedgerError {
        reason: error.to_string(),
    }
}
