//! A campaign and the way to its activities.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use futures_util::future::join_all;
use jiff::Timestamp;
use sends_core::{ActivityReference, CampaignId, CampaignStatus as Status};

use super::{
    ApiError,
    activity::CampaignActivity,
    charge,
    enums::{ActivityRole, CampaignStatus},
    scalar::{DateTime, count},
    stats::EngagementStats,
    zone::DateTimeZone,
};
use crate::{sources::loader::ResourceLoader, sources::resources::Told};

/// What the id of a campaign begins with.
pub(super) const CAMPAIGN: &str = "Campaign";

/// A campaign: an id until a field needs more, or a record of a list.
pub(super) struct Campaign {
    id: CampaignId,
    listed: Option<sends_core::Campaign>,
    /// How many values of the listed record could not be read. `None` where nothing was listed, and for the log, which does
    /// not keep it.
    unreadable_values: Option<usize>,
    /// The campaigns of the same page, this one included.
    page: Arc<[CampaignId]>,
}

impl Campaign {
    /// The campaign with this id.
    pub(super) fn new(id: CampaignId) -> Self {
        Self {
            id,
            listed: None,
            unreadable_values: None,
            page: Arc::from([id]),
        }
    }

    /// A campaign as it was listed on a page with these, so many of whose values could not be read.
    pub(super) fn listed(
        campaign: sends_core::Campaign,
        unreadable_values: usize,
        page: &Arc<[CampaignId]>,
    ) -> Self {
        Self {
            id: campaign.id,
            listed: Some(campaign),
            unreadable_values: Some(unreadable_values),
            page: Arc::clone(page),
        }
    }

    /// A campaign as the log has it.
    pub(super) fn logged(campaign: sends_core::Campaign) -> Self {
        let nothing_counted = Self::new(campaign.id);
        Self {
            listed: Some(campaign),
            ..nothing_counted
        }
    }

    async fn field<T>(
        &self,
        context: &Context<'_>,
        field: impl FnOnce(&sends_core::Campaign) -> Option<T>,
    ) -> Result<Option<T>, ApiError> {
        if let Some(listed) = &self.listed {
            return Ok(field(listed));
        }
        let loader = context.data_unchecked::<ResourceLoader>();
        Ok(field(&loader.campaign(self.id).await?.campaign))
    }

    async fn date(
        &self,
        context: &Context<'_>,
        zone: DateTimeZone,
        field: impl FnOnce(&sends_core::Campaign) -> Option<Timestamp>,
    ) -> Option<Result<DateTime, ApiError>> {
        zone.show_read(context, self.field(context, field).await).await
    }

    async fn chosen_activities(
        &self,
        context: &Context<'_>,
        roles: Option<Vec<ActivityRole>>,
    ) -> Result<Vec<CampaignActivity>, ApiError> {
        let loader = context.data_unchecked::<ResourceLoader>();
        let roles = roles.unwrap_or_default();
        let is_chosen = |activity: &&ActivityReference| {
            roles.is_empty() || roles.contains(&activity.role.as_deref().into())
        };
        if context.look_ahead().field("stats").exists() {
            // Statistics come ten in a call, which those of the whole page fill together.
            let page = join_all(self.page.iter().map(|&id| loader.campaign(id))).await;
            let activities = page.iter().flatten().flat_map(|detail| &detail.activities);
            let counted = activities
                .filter(is_chosen)
                .filter(|activity| activity.can_be_sent());
            let counted = counted.map(|activity| activity.id).collect();
            loader.start_activity_stats(counted).await;
        }
        let detail = loader.campaign(self.id).await?;
        let chosen = detail.activities.iter().filter(is_chosen);
        let chosen: Vec<_> = chosen
            .map(|activity| CampaignActivity::of_campaign(activity, self.id))
            .collect();
        charge::list(context, chosen.len(), charge::ASSUMED_ACTIVITIES).await?;
        Ok(chosen)
    }

    /// `None` when the campaign was never sent.
    async fn read_stats(&self, context: &Context<'_>) -> Result<Option<EngagementStats>, ApiError> {
        let loader = context.data_unchecked::<ResourceLoader>();
        let told = loader.campaign_stats(self.id).await?;
        if let Told::Stats(stats) = &*told {
            return Ok(Some(EngagementStats::of_campaign(stats)));
        }
        let is_unsent = |campaign: &sends_core::Campaign| {
            let status = campaign.status.as_deref()?;
            Some(matches!(status, Status::Draft | Status::Scheduled))
        };
        match self.field(context, is_unsent).await {
            Ok(Some(true)) => Ok(None),
            _ => Err(ApiError::no_statistics()),
        }
    }

    async fn count_unreadable_values(&self, context: &Context<'_>) -> Result<Option<usize>, ApiError> {
        if self.listed.is_some() {
            return Ok(self.unreadable_values);
        }
        let loader = context.data_unchecked::<ResourceLoader>();
        Ok(Some(loader.campaign(self.id).await?.unreadable_values))
    }
}

/// A campaign: one email with everything that belongs to it. What was sent are its activities.
#[Object]
impl Campaign {
    /// An identity for caches: `Campaign:` and the `campaignId`. Costs no upstream call.
    pub(super) async fn id(&self) -> ID {
        ID(format!("{CAMPAIGN}:{}", self.id))
    }

    /// Constant Contact's `campaign_id`: a UUID in lower case. Costs no upstream call.
    async fn campaign_id(&self) -> ID {
        ID(self.id.to_string())
    }

    /// What it is called, within the account.
    async fn name(&self, context: &Context<'_>) -> Option<Result<String, ApiError>> {
        self.field(context, |campaign| campaign.name.clone())
            .await
            .transpose()
    }

    /// Constant Contact's word for its kind, such as `NEWSLETTER`.
    #[graphql(name = "type")]
    async fn campaign_type(&self, context: &Context<'_>) -> Option<Result<String, ApiError>> {
        self.field(context, |campaign| campaign.campaign_type.clone())
            .await
            .transpose()
    }

    /// Constant Contact's number for its kind.
    async fn type_code(&self, context: &Context<'_>) -> Option<Result<i32, ApiError>> {
        self.field(context, |campaign| campaign.type_code)
            .await
            .transpose()
    }

    /// How far it has come. DONE does not say that anybody was reached: the send histories of its activities do.
    async fn status(&self, context: &Context<'_>) -> Option<Result<CampaignStatus, ApiError>> {
        let status = self
            .field(context, |campaign| Some(campaign.status.as_deref().into()))
            .await;
        status.transpose()
    }

    /// The status as it came, letter case included, for values that `status` can only call UNKNOWN. Null when left out.
    async fn status_raw(&self, context: &Context<'_>) -> Option<Result<String, ApiError>> {
        let status = self
            .field(context, |campaign| {
                campaign
                    .status
                    .as_ref()
                    .map(|status| status.verbatim().to_owned())
            })
            .await;
        status.transpose()
    }

    /// When it was made.
    async fn created_at(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The zone to show it in.", default)] zone: DateTimeZone,
    ) -> Option<Result<DateTime, ApiError>> {
        self.date(context, zone, |campaign| campaign.created_at).await
    }

    /// When it was last changed.
    async fn updated_at(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The zone to show it in.", default)] zone: DateTimeZone,
    ) -> Option<Result<DateTime, ApiError>> {
        self.date(context, zone, |campaign| campaign.updated_at).await
    }

    /// Its activities, in an order that means nothing: choose by role. One upstream call for each campaign. Null, with an
    /// error, when they could not be read, as when the campaign was deleted since it was listed.
    async fn activities(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only activities in these roles. Every one when left out or empty.")] roles: Option<
            Vec<ActivityRole>,
        >,
    ) -> Option<Result<Vec<CampaignActivity>, ApiError>> {
        Some(self.chosen_activities(context, roles).await)
    }

    /// How many of its activities Constant Contact gave in a form that cannot be read, and 1 where it left out the list of
    /// them. They are not in `activities`; 0 as a rule. Needs the same upstream call. Null, with an error, when they could not
    /// be read.
    async fn unreadable_activity_count(&self, context: &Context<'_>) -> Option<Result<i32, ApiError>> {
        let loader = context.data_unchecked::<ResourceLoader>();
        let detail = loader.campaign(self.id).await;
        Some(
            detail
                .map(|detail| count(detail.unreadable_activities))
                .map_err(Into::into),
        )
    }

    /// How many values of the campaign Constant Contact gave in a form that cannot be read; where it was asked for by its id,
    /// with the roles of its activities. They are null, or UNKNOWN; 0 as a rule. Null on a campaign as the log has it, which
    /// does not keep that, and, with an error, when the campaign could not be read.
    async fn unreadable_value_count(&self, context: &Context<'_>) -> Option<Result<i32, ApiError>> {
        let values = self.count_unreadable_values(context).await;
        values.map(|values| values.map(count)).transpose()
    }

    /// What contacts did with the emails of this campaign. Up to 150 campaigns cost one upstream call, and more where Constant
    /// Contact refuses them together. Null when the campaign was never sent, and, with an error, when it could not be read.
    async fn stats(&self, context: &Context<'_>) -> Option<Result<EngagementStats, ApiError>> {
        self.read_stats(context).await.transpose()
    }
}
