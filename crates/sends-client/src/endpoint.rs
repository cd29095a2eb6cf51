//! Upstream paths that the client can request.

use std::fmt;

use sends_core::{ActivityId, CampaignId, SegmentId};
use url::Url;

use crate::{BaseUrl, Batch, listing::PageQuery};

/// Upstream path, requested with GET.
///
/// `campaign_data` and `contact_data` are the documented scopes.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Endpoint {
    /// `GET /emails/activities/{campaign_activity_id}/send_history`: every send attempt of one activity (documented: scope
    /// `campaign_data`, privilege `campaign:read`).
    SendHistory(ActivityId),
    /// `GET /emails`: a page of the campaigns, most recently updated first (`campaign_data`).
    Campaigns(PageQuery),
    /// `GET /emails/{campaign_id}`: one campaign with its activities (`campaign_data`).
    Campaign(CampaignId),
    /// `GET /emails/activities/{campaign_activity_id}`: one activity (`campaign_data`).
    Activity(ActivityId),
    /// `GET /emails/activities/{campaign_activity_id}/schedules`: scheduled dates of one activity (`campaign_data`).
    Schedule(ActivityId),
    /// `GET /reports/stats/email_campaign_activities/{ids}`: statistics of up to ten activities
    /// (`campaign_data`).
    ActivityStats(Batch<ActivityId>),
    /// `GET /reports/stats/email_campaigns/{ids}`: statistics of up to 150 campaigns (`campaign_data`).
    CampaignStats(Batch<CampaignId>),
    /// `GET /reports/summary_reports/email_campaign_summaries`: a page of the sent campaigns, most recently sent first
    /// (`campaign_data`).
    CampaignSummaries(PageQuery),
    /// `GET /contact_lists`: a page of the contact lists, including deleted lists (`contact_data`). Single lists are not
    /// requested because a page has 500.
    ContactLists(PageQuery),
    /// `GET /segments`: a page of the segments, excluding deleted segments (`contact_data`).
    Segments(PageQuery),
    /// `GET /segments/{segment_id}`: one segment, even if it is deleted (`contact_data`).
    Segment(SegmentId),
    /// `GET /account/summary`: the account of the token (documented: scope `account_read`).
    AccountSummary,
    /// `GET /account/user/privileges`: the user's privileges (documented: requires no scope, so it is a cheap probe of a
    /// token).
    UserPrivileges,
}

impl Endpoint {
    pub(crate) const SEND_HISTORY: &str = "send_history";

    /// Returns the name for logs and metrics. The name contains no ids so that the number of metric labels stays small.
    pub fn name(&self) -> &'static str {
        match self {
            Self::SendHistory(_) => Self::SEND_HISTORY,
            Self::Campaigns(_) => "campaigns",
            Self::Campaign(_) => "campaign",
            Self::Activity(_) => "activity",
            Self::Schedule(_) => "schedule",
            Self::ActivityStats(_) => "activity_stats",
            Self::CampaignStats(_) => "campaign_stats",
            Self::CampaignSummaries(_) => "campaign_summaries",
            Self::ContactLists(_) => "contact_lists",
            Self::Segments(_) => "segments",
            Self::Segment(_) => "segment",
            Self::AccountSummary => "account_summary",
            Self::UserPrivileges => "user_privileges",
        }
    }

    pub(crate) fn url(&self, base: &BaseUrl) -> Url {
        let path = match self {
            Self::ActivityStats(batch) => format!("{ACTIVITY_STATS}/{}", batch.path_segment()),
            Self::CampaignStats(batch) => format!("{CAMPAIGN_STATS}/{}", batch.path_segment()),
            named => named.to_string(),
        };
        let mut url = base.join(&path);
        if let Self::Campaigns(query)
        | Self::CampaignSummaries(query)
        | Self::ContactLists(query)
        | Self::Segments(query) = self
        {
            url.set_query(Some(query.as_str()));
        }
        url
    }
}

const ACTIVITY_STATS: &str = "/reports/stats/email_campaign_activities";
const CAMPAIGN_STATS: &str = "/reports/stats/email_campaigns";

/// Displays the path below the base URL. A listing is displayed without its query, and a batch as the number of its ids.
impl fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SendHistory(activity) => write!(formatter, "/emails/activities/{activity}/send_history"),
            Self::Campaigns(_) => formatter.write_str("/emails"),
            Self::Campaign(campaign) => write!(formatter, "/emails/{campaign}"),
            Self::Activity(activity) => write!(formatter, "/emails/activities/{activity}"),
            Self::Schedule(activity) => write!(formatter, "/emails/activities/{activity}/schedules"),
            Self::ActivityStats(batch) => write!(formatter, "{ACTIVITY_STATS}/({} ids)", batch.ids().len()),
            Self::CampaignStats(batch) => write!(formatter, "{CAMPAIGN_STATS}/({} ids)", batch.ids().len()),
            Self::CampaignSummaries(_) => {
                formatter.write_str("/reports/summary_reports/email_campaign_summaries")
            }
            Self::ContactLists(_) => formatter.write_str("/contact_lists"),
            Self::Segments(_) => formatter.write_str("/segments"),
            Self::Segment(segment) => write!(formatter, "/segments/{segment}"),
            Self::AccountSummary => formatter.write_str("/account/summary"),
            Self::UserPrivileges => formatter.write_str("/account/user/privileges"),
        }
    }
}
