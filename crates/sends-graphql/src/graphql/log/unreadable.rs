//! What the log goes without, since it cannot be read.

use async_graphql::{Context, ID, Object};
use sends_store::Subject;

use crate::graphql::{ApiError, scalar::DateTime, zone::DateTimeZone};

/// Something that could not be read when it was last tried.
pub(super) struct Unreadable(pub(super) sends_store::Unreadable);

/// Something that Constant Contact lists and that could not be read when it was last tried: the answer cannot be understood,
/// or Constant Contact refuses or fails to give one. The log goes without its sends, or holds those that it knew before. It is
/// tried again when the campaign changes, and by itself after pauses that grow from an hour to a week.
#[Object]
impl Unreadable {
    /// The `campaignId` of the campaign. Null while it is not known to which one the activity belongs.
    async fn campaign_id(&self) -> Option<ID> {
        let id = match self.0.subject {
            Subject::Campaign(campaign) => Some(campaign),
            Subject::History(_) => self.0.campaign.as_ref().map(|campaign| campaign.id),
        };
        id.map(|id| ID(id.to_string()))
    }

    /// What the campaign is called. Null where Constant Contact does not say.
    async fn campaign_name(&self) -> Option<&str> {
        self.0.campaign.as_ref()?.name.as_deref()
    }

    /// The activity whose history cannot be read. Null when it cannot be read which activities the campaign has.
    async fn activity_id(&self) -> Option<ID> {
        match self.0.subject {
            Subject::Campaign(_) => None,
            Subject::History(activity) => Some(ID(activity.to_string())),
        }
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
