//! Resources that a synchronisation could not read.

use async_graphql::{Enum, SimpleObject};
use sends_store::{Subject, Unreadable};

use crate::schema::{
    activity::CampaignActivity,
    campaign::{Campaign, KnownCampaign},
    zone::dates,
};

/// Resource that could not be read, which determines what can be missing from the send log.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub(super) enum UnreadableResourceKind {
    /// Campaign listing, completely or partially unreadable. Campaigns can be missing, and changes of campaigns can be
    /// undetected.
    CampaignList,
    /// Campaign summaries report, completely or partially unreadable. Sends that do not change their campaign can be undetected.
    /// The report requires the privilege `ui:campaign:metrics`.
    SummariesReport,
    /// One campaign with its activities. Sends of activities that are not known yet can be missing.
    Campaign,
    /// The send history of one activity, or some of its sends, which can be missing.
    SendHistory,
}

/// Constant Contact resource that could not be read at the last attempt. The request failed or was rejected, or the response is
/// undecodable or lacks sends that were in an earlier response. The log either lacks the sends of the resource or has an earlier
/// version of them. The resource is read again when the campaign changes, and at the latest after a delay that grows from five
/// minutes to a week. Sends that are missing from a response are removed from the log when the next synchronisation confirms the
/// removal.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(super) struct UnreadableResource {
    /// Which resource of Constant Contact is unreadable, such as a campaign or a send history.
    kind: UnreadableResourceKind,
    /// Unreadable campaign, or campaign of the unreadable activity, as stored in the send log. Null for a listing or report, or
    /// if the campaign of the activity is unknown.
    campaign: Option<Campaign>,
    /// Activity whose history is unreadable. Null for other kinds. Reading its `id` costs no upstream call.
    activity: Option<CampaignActivity>,
    /// Cause of the last failure, as a sentence for display.
    failure: String,
    #[graphql(skip)]
    of: Unreadable,
}

dates! { UnreadableResource {
    /// Earliest possible date of a missing send. Null if the date has no lower bound.
    missing_from: |this| this.of.missing_from,
    /// Latest possible date of a missing send.
    missing_until: |this| Some(this.of.missing_until),
    /// Time of the first failure since the last complete read.
    first_failed_at: |this| Some(this.of.since),
    /// Time of the last attempt.
    last_tried_at: |this| Some(this.of.tried_at),
} }

impl From<&Unreadable> for UnreadableResource {
    fn from(of: &Unreadable) -> Self {
        let logged = of.campaign.clone().map(|record| Campaign::logged(record.into()));
        let (kind, campaign, activity) = match of.subject {
            Subject::Campaigns => (UnreadableResourceKind::CampaignList, None, None),
            Subject::Summaries => (UnreadableResourceKind::SummariesReport, None, None),
            Subject::Campaign(id) => {
                let campaign = logged.unwrap_or_else(|| Campaign::new(id));
                (UnreadableResourceKind::Campaign, Some(campaign), None)
            }
            Subject::History(id) => {
                let known = KnownCampaign::in_log(of.campaign.as_ref());
                let activity = CampaignActivity::of_send(id, known);
                (UnreadableResourceKind::SendHistory, logged, Some(activity))
            }
        };
        Self {
            kind,
            campaign,
            activity,
            failure: of.reason.clone(),
            of: of.clone(),
        }
    }
}
