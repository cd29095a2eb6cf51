//! The account that everything belongs to.

use std::sync::Arc;

use async_graphql::Object;
use sends_core::AccountSummary;

use super::scalar::count;

/// The Constant Contact account. Only what is shown here is read of it.
pub(super) struct Account(pub(super) Arc<AccountSummary>);

/// The Constant Contact account. Only what is shown here is read of it.
#[Object]
impl Account {
    /// Constant Contact's id of the account: the same for every user of it.
    async fn encoded_account_id(&self) -> Option<&str> {
        self.0.encoded_account_id.as_deref()
    }

    /// What the organisation calls itself.
    async fn organization_name(&self) -> Option<&str> {
        self.0.organization_name.as_deref()
    }

    /// The account's time zone, such as `US/Eastern`. Fields with dates take `zone: ACCOUNT` to be shown in it.
    async fn time_zone(&self) -> Option<&str> {
        self.0.time_zone_id.as_deref()
    }

    /// How many of these values Constant Contact gave in a form that cannot be read. They are null; 0 as a rule.
    async fn unreadable_value_count(&self) -> i32 {
        count(self.0.unreadable_values)
    }
}
