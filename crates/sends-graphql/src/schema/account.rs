use std::sync::Arc;

use async_graphql::Object;
use sends_core::AccountSummary;

use super::scalar::Long;

pub(super) struct Account(pub(super) Arc<AccountSummary>);

/// Constant Contact account whose data the query reads. Other upstream fields of the account are not available.
#[Object]
impl Account {
    /// Constant Contact's `encoded_account_id`, which all users of the account share.
    async fn encoded_account_id(&self) -> Option<&str> {
        self.0.encoded_account_id.as_deref()
    }

    /// Name of the organization.
    async fn organization_name(&self) -> Option<&str> {
        self.0.organization_name.as_deref()
    }

    /// Time zone of the account, such as `US/Eastern`. Fields with the argument `zone: "ACCOUNT"` use it.
    async fn time_zone(&self) -> Option<&str> {
        self.0.time_zone_id.as_deref()
    }

    /// Number of undecodable values above, which are null. Normally 0.
    async fn unreadable_value_count(&self) -> Long {
        self.0.unreadable_values.into()
    }
}
