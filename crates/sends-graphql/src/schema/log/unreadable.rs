//! What the log goes without, since it cannot be read.

use async_graphql::{Context, Enum, ID, Object};
use sends_store::Subject;

use crate::schema::{ApiError, scalar::DateTime, zone::DateTimeZone};

/// Something that could not be read when it was last tried.
pub(super) struct Unreadable(pub(super) sends_store::Unreadable);

/// What could not be read.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub(super) enum UnreadableKind {
    /// Part of the list of campaigns: campaigns can be missing, or can have changed without being read again.
    CampaignList,
    /// The summaries report or a part of it. Without it, sends that are no change of their campaign are not found. Reports need
    /// the privilege ui:campaign:metrics.
    SummariesReport,
    /// Which activities a campaign has.
    Campaign,
    /// The send history of an activity, or some sends of it.
    SendHistory,
}

/// Something that Constant Contact lists and that could not be read when it was last tried: the answer cannot be understood,
/// lacks sends that are known, or Constant Contact refuses or fails to give one. The log goes without its sends, or holds those
/// that it knew before. It is tried again when the campaign changes, and by itself after pauses that grow from five minutes to a
/// week. Known sends that an answer lacks are dropped when the next synchronisation finds the same.
#[Object]
impl Unreadable {
    /// What it is.
    async fn kind(&self) -> UnreadableKind {
        match self.0.subject {
            Subject::Campaigns => UnreadableKind::CampaignList,
            Subject::Summaries => UnreadableKind::SummariesReport,
            Subject::Campaign(_) => UnreadableKind::Campaign,
            Subject::History(_) => UnreadableKind::SendHistory,
        }
    }

    /// The `campaignId` of the campaign. Null for a listing, and while it is not known to which campaign the activity belongs.
    async fn campaign_id(&self) -> Option<ID> {
        let id = match self.0.subject {
            Subject::Campaign(campaign) => Some(campaign),
            Subject::History(_) => self.0.campaign.as_ref().map(|campaign| campaign.id),
            Subject::Campaigns | Subject::Summaries => None,
        };
        id.map(|id| ID(id.to_string()))
    }

    /// What the campaign is called. Null where Constant Contact does not say.
    async fn campaign_name(&self) -> Option<&str> {
        self.0.campaign.as_ref()?.name.as_deref()
    }

    /// The activity whose history cannot be read. Null for any other kind.
    async fn activity_id(&self) -> Option<ID> {
        match self.0.subject {
            Subject::History(activity) => Some(ID(activity.to_string())),
            Subject::Campaign(_) | Subject::Campaigns | Subject::Summaries => None,
        }
    }

    /// When the first of the missing sends may have run. Null when it may have been at any time.
    async fn missing_from(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The zone to show it in.", default)] zone: DateTimeZone,
    ) -> Option<Result<DateTime, ApiError>> {
        zone.show(context, self.0.missing_from).await
    }

    /// When the last of the missing sends may have run.
    async fn missing_until(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The zone to show it in.", default)] zone: DateTimeZone,
    ) -> Option<Result<DateTime, ApiError>> {
        zone.show(context, Some(self.0.missing_until)).await
    }

    /// When it first could not be read, and never since.
    async fn since(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The zone to show it in.", default)] zone: DateTimeZone,
    ) -> Option<Result<DateTime, ApiError>> {
        zone.show(context, Some(self.0.since)).await
    }

    /// When it was last tried.
    async fn tried_at(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The zone to show it in.", default)] zone: DateTimeZone,
    ) -> Option<Result<DateTime, ApiError>> {
        zone.show(context, Some(self.0.tried_at)).await
    }

    /// Why it failed then, in a sentence for people.
    async fn reason(&self) -> &str {
        &self.0.reason
    }
}
