//! Resources that a synchronization could not read.

use async_graphql::{Context, Enum, Object};
use sends_store::Subject;

use crate::schema::{
    activity::CampaignActivity,
    campaign::{Campaign, KnownCampaign},
    error::Nullable,
    scalar::{DateTime, TimeZone},
};

pub(super) struct UnreadableResource(pub(super) sends_store::Unreadable);

/// Kind of an unreadable resource.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub(super) enum UnreadableResourceKind {
    /// Part of the listing of campaigns. Campaigns can be missing, or their changes unnoticed.
    CampaignList,
    /// The summaries report or part of it. Sends that do not change their campaign can be unnoticed. The report needs the
    /// privilege `ui:campaign:metrics`.
    SummariesReport,
    /// The activities of a campaign.
    Campaign,
    /// The send history of an activity, or some of its sends.
    SendHistory,
}

/// Resource of Constant Contact that could not be read at the last attempt: the request failed or was rejected, the response
/// cannot be decoded, or it lacks known sends. The log lacks its sends or keeps those from before. The next attempt follows
/// when the campaign changes, at the latest after a delay that grows from five minutes to a week. Known sends that a
/// response lacks are removed when the next synchronization confirms that.
#[Object]
impl UnreadableResource {
    /// Kind of the resource.
    async fn kind(&self) -> UnreadableResourceKind {
        match self.0.subject {
            Subject::Campaigns => UnreadableResourceKind::CampaignList,
            Subject::Summaries => UnreadableResourceKind::SummariesReport,
            Subject::Campaign(_) => UnreadableResourceKind::Campaign,
            Subject::History(_) => UnreadableResourceKind::SendHistory,
        }
    }

    /// The campaign that is unreadable or that the activity belongs to, as the log knows it. Null for a listing or report,
    /// and while the campaign of the activity is unknown.
    async fn campaign(&self) -> Option<Campaign> {
        match (&self.0.campaign, self.0.subject) {
            (Some(record), _) => Some(Campaign::logged(record.clone().into())),
            (None, Subject::Campaign(id)) => Some(Campaign::new(id)),
            (None, _) => None,
        }
    }

    /// The activity whose history is unreadable. Null for other kinds. Costs no upstream call by itself.
    async fn activity(&self) -> Option<CampaignActivity> {
        let Subject::History(activity) = self.0.subject else {
            return None;
        };
        let campaign = KnownCampaign::in_log(self.0.campaign.as_ref());
        Some(CampaignActivity::of_send(activity, campaign))
    }

    /// Earliest possible date of a missing send. Null if there is no bound.
    async fn missing_from(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Time zone of the result.", default)] zone: TimeZone,
    ) -> Nullable<DateTime> {
        zone.show(context, self.0.missing_from).await
    }

    /// Latest possible date of a missing send.
    async fn missing_until(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Time zone of the result.", default)] zone: TimeZone,
    ) -> Nullable<DateTime> {
        zone.show(context, Some(self.0.missing_until)).await
    }

    /// Time of the first failure since the last complete read.
    async fn first_failed_at(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Time zone of the result.", default)] zone: TimeZone,
    ) -> Nullable<DateTime> {
        zone.show(context, Some(self.0.since)).await
    }

    /// Time of the last attempt.
    async fn last_tried_at(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Time zone of the result.", default)] zone: TimeZone,
    ) -> Nullable<DateTime> {
        zone.show(context, Some(self.0.tried_at)).await
    }

    /// Cause of the last failure, as a sentence for display.
    async fn failure(&self) -> &str {
        &self.0.reason
    }
}
