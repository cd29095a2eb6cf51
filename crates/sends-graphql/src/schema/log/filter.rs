//! The arguments that choose among all sends, checked before anything is read.

use async_graphql::{ID, InputObject};
use sends_core::{ActivityId, ReasonCode, SendFilter};
use sends_store::LogFilter;

use crate::schema::{
    ApiError,
    enums::{ReasonCategory, SendOutcome, SendStatus},
    history_arguments, node,
    scalar::DateTime,
};

/// Which sends of the log to include. A send is included when it meets every condition that is given; an empty list is no
/// condition. A send whose campaign is not known yet meets no condition on the campaign.
#[derive(Debug, Default, InputObject)]
pub(in crate::schema) struct SendLogFilter {
    /// Sends that ran at this instant or later. A send without a date is left out.
    from: Option<DateTime>,
    /// Sends that ran before this instant. A send without a date is left out.
    until: Option<DateTime>,
    /// Sends with one of these outcomes.
    #[graphql(default)]
    outcomes: Vec<SendOutcome>,
    /// Sends with one of these statuses.
    #[graphql(default)]
    statuses: Vec<SendStatus>,
    /// Sends with one of these reason codes, documented or not.
    #[graphql(default)]
    reason_codes: Vec<i32>,
    /// Sends whose reason is about one of these. UNKNOWN means a code that is not documented; a send without a code has no
    /// reason.
    #[graphql(default)]
    reason_categories: Vec<ReasonCategory>,
    /// Sends of these campaigns: each by its `campaignId`, or by the `id` that this schema gave out.
    #[graphql(default)]
    campaign_ids: Vec<ID>,
    /// Sends of these activities.
    #[graphql(default)]
    activity_ids: Vec<ID>,
    /// Sends that went to one of these contact lists: each by its `listId`, or by the `id` that this schema gave out.
    #[graphql(default)]
    contact_list_ids: Vec<ID>,
    /// Sends that went to one of these segments: each by its `segmentId`, or by the `id` that this schema gave out.
    #[graphql(default)]
    segment_ids: Vec<ID>,
    /// Sends of campaigns with this text in their name, in upper or lower case.
    campaign_name: Option<String>,
}

impl SendLogFilter {
    /// Reads a filter, which may have been left out.
    pub(super) fn check(filter: Option<Self>) -> Result<LogFilter, ApiError> {
        let Some(filter) = filter else {
            return Ok(LogFilter::default());
        };
        Ok(LogFilter {
            send: SendFilter {
                unfamiliar_status: filter.statuses.contains(&SendStatus::Unknown),
                statuses: filter
                    .statuses
                    .into_iter()
                    .filter_map(SendStatus::known)
                    .collect(),
                outcomes: filter.outcomes.into_iter().map(Into::into).collect(),
                reason_codes: filter.reason_codes.into_iter().map(ReasonCode::new).collect(),
                reason_categories: filter.reason_categories.into_iter().map(Into::into).collect(),
                contact_lists: filter.contact_list_ids.iter().map(node::list_id).collect(),
                segments: all(&filter.segment_ids, node::segment_id)?,
                ..history_arguments::between(filter.from, filter.until)?
            },
            campaigns: all(&filter.campaign_ids, node::campaign_id)?,
            activities: all(&filter.activity_ids, |id| Ok(id.parse::<ActivityId>()?))?,
            campaign_name: filter.campaign_name,
        })
    }
}

fn all<T>(ids: &[ID], read: impl Fn(&ID) -> Result<T, ApiError>) -> Result<Vec<T>, ApiError> {
    ids.iter().map(read).collect()
}
