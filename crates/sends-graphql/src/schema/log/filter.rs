//! The filter of the send log, checked before anything is read.

use async_graphql::{ID, InputObject};
use sends_store::LogFilter;

use crate::schema::{ApiError, history_arguments::SendHistoryFilter, node};

/// Conditions on a send of the send log, all of which must be met. An empty list is no condition. Sends whose campaign is unknown
/// meet no condition on the campaign.
#[derive(Debug, Default, InputObject)]
pub(in crate::schema) struct SendLogFilter {
    #[graphql(flatten)]
    send: SendHistoryFilter,
    /// Any of these campaigns, by `campaignId` or `id`.
    #[graphql(default)]
    campaign_ids: Vec<ID>,
    /// Any of these activities.
    #[graphql(default)]
    activity_ids: Vec<ID>,
    /// Text that the campaign's name contains, in upper or lower case. An empty text is no condition.
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
