//! Filter of the send log, which is validated before any data is read.

use async_graphql::{ID, InputObject};
use sends_store::LogFilter;

use crate::schema::{ApiError, history_arguments::SendHistoryFilter, node};

/// Filter for sends of the send log. A send must meet all conditions. An empty list imposes no condition. Sends whose campaign is
/// unknown meet no condition on the campaign.
#[derive(Debug, Default, InputObject)]
pub(in crate::schema) struct SendLogFilter {
    #[graphql(flatten)]
    send: SendHistoryFilter,
    /// Campaigns to include, by `campaignId` or `id`.
    #[graphql(default)]
    campaign_ids: Vec<ID>,
    /// Activities to include, by `id`.
    #[graphql(default)]
    activity_ids: Vec<ID>,
    /// Substring of the campaign's name, ignoring case. An empty string imposes no condition.
    campaign_name: Option<String>,
}

impl SendLogFilter {
    pub(super) fn check(self) -> Result<LogFilter, ApiError> {
        Ok(LogFilter {
            send: self.send.check()?,
            campaigns: all(&self.campaign_ids, node::campaign_id)?,
            activities: all(&self.activity_ids, node::activity_id)?,
            campaign_name: self.campaign_name.filter(|name| !name.is_empty()),
        })
    }
}

fn all<T>(ids: &[ID], read: impl Fn(&ID) -> Result<T, ApiError>) -> Result<Vec<T>, ApiError> {
    ids.iter().map(read).collect()
}
