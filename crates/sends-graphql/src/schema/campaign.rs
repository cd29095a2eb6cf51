//! GraphQL type of campaigns, and the cached campaign of an activity or a send.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use futures_util::future::join_all;
use sends_core::{ActivityId, ActivityReference, CampaignDetail, CampaignId, CampaignStatus as Status};

use super::{
    ApiError,
    activity::CampaignActivity,
    charge,
    enums::{ActivityRole, CampaignStatus},
    error::Nullable,
    scalar::{DateTime, Long, TimeZone},
    stats::EngagementStats,
};
use crate::{sources::loader::ResourceLoader, sources::resources::Told};

/// Prefix of a campaign's global id.
pub(super) const CAMPAIGN: &str = "Campaign";

/// Campaign by id, with its record if it comes from a listing or the send log.
pub(super) struct Campaign {
    id: CampaignId,
    record: Option<Arc<sends_core::Campaign>>,
    /// Number of undecodable values in the record. `None` for a record of the send log, which does not store the number.
    unreadable_values: Option<usize>,
    /// Campaigns of the same page, including this campaign. Their activities are read together.
    page: Arc<[CampaignId]>,
}

/// Campaign of an activity or a send, if it is available without an upstream call.
#[derive(Clone)]
pub(super) enum KnownCampaign {
    Nothing,
    /// The activity was read through its campaign.
    Id(CampaignId),
    /// Record from the send log.
    Record(Arc<sends_core::Campaign>),
    NotInLog,
}

impl KnownCampaign {
    pub(super) fn in_log(record: Option<&sends_core::Campaign>) -> Self {
        record.map_or(Self::NotInLog, |record| Self::Record(Arc::new(record.clone())))
    }

    /// Returns the campaign of this activity if an earlier response contained it.
    pub(super) fn of(&self, context: &Context<'_>, activity: ActivityId) -> Option<Campaign> {
        match self {
            Self::Id(id) => Some(Campaign::new(*id)),
            Self::Record(record) => Some(Campaign::logged(Arc::clone(record))),
            Self::Nothing | Self::NotInLog => {
                let loader = context.data_unchecked::<ResourceLoader>();
                let (id, record) = loader.known_campaign(activity)?;
                Some(match record {
                    // The campaign of a logged send must not cost an upstream call.
                    Some(record) if matches!(self, Self::NotInLog) => Campaign::logged(Arc::new(record)),
                    _ => Campaign::new(id),
                })
            }
        }
    }
}

impl Campaign {
    pub(super) fn new(id: CampaignId) -> Self {
        Self {
            id,
            record: None,
            unreadable_values: None,
            page: Arc::from([id]),
        }
    }

    pub(super) fn listed(
        record: sends_core::Campaign,
        unreadable_values: usize,
        page: &Arc<[CampaignId]>,
    ) -> Self {
        Self {
            id: record.id,
            record: Some(Arc::new(record)),
            unreadable_values: Some(unreadable_values),
            page: Arc::clone(page),
        }
    }

    pub(super) fn logged(record: Arc<sends_core::Campaign>) -> Self {
        let id_alone = Self::new(record.id);
        Self {
            record: Some(record),
            ..id_alone
        }
    }

    async fn field<T>(
        &self,
        context: &Context<'_>,
        field: impl FnOnce(&sends_core::Campaign) -> Option<T>,
    ) -> Nullable<T> {
        if let Some(record) = &self.record {
            return field(record).map(Ok);
        }
        let loader = context.data_unchecked::<ResourceLoader>();
        match loader.campaign(self.id).await {
            Ok(detail) => field(&detail.campaign).map(Ok),
            Err(error) => Some(Err(error.into())),
        }
    }

    /// A number from the campaign with its activities.
    async fn detail(
        &self,
        context: &Context<'_>,
        number: impl FnOnce(&CampaignDetail) -> usize,
    ) -> Nullable<Long> {
        let detail = context.data_unchecked::<ResourceLoader>().campaign(self.id).await;
        Some(detail.map(|detail| number(&detail).into()).map_err(Into::into))
    }

    async fn chosen_activities(
        &self,
        context: &Context<'_>,
        roles: Vec<ActivityRole>,
    ) -> Result<Vec<CampaignActivity>, ApiError> {
        let loader = context.data_unchecked::<ResourceLoader>();
        let is_chosen = |activity: &&ActivityReference| {
            roles.is_empty() || roles.contains(&activity.role.as_deref().into())
        };
        if context.look_ahead().field("stats").exists() {
            // The upstream returns the statistics of ten activities per call, so the activities of the whole page are read
            // together.
            let page = join_all(self.page.iter().map(|&id| loader.campaign(id))).await;
            let activities = page.iter().flatten().flat_map(|detail| &detail.activities);
            let counted = activities
                .filter(is_chosen)
                .filter(|activity| activity.can_be_sent())
                .map(|activity| activity.id);
            loader.start_activity_stats(counted.collect()).await;
        }
        let detail = loader.campaign(self.id).await?;
        let chosen: Vec<_> = detail
            .activities
            .iter()
            .filter(is_chosen)
            .map(|activity| CampaignActivity::of_campaign(activity, self.id))
            .collect();
        charge::list(context, chosen.len(), charge::ASSUMED_ACTIVITIES).await?;
        Ok(chosen)
    }
}

/// Campaign: an email, its web page and its resends, each of which is an activity.
#[Object]
impl Campaign {
    /// Opaque global id, which `node` accepts. Costs no upstream call.
    pub(super) async fn id(&self) -> ID {
        ID(format!("{CAMPAIGN}:{}", self.id))
    }

    /// Constant Contact's `campaign_id`, a UUID in lower case. Costs no upstream call.
    async fn campaign_id(&self) -> ID {
        ID(self.id.to_string())
    }

    /// Display name within the account.
    async fn name(&self, context: &Context<'_>) -> Nullable<String> {
        self.field(context, |campaign| campaign.name.clone()).await
    }

    /// Constant Contact's campaign type, such as `NEWSLETTER`.
    #[graphql(name = "type")]
    async fn campaign_type(&self, context: &Context<'_>) -> Nullable<String> {
        self.field(context, |campaign| campaign.campaign_type.clone())
            .await
    }

    /// Constant Contact's numeric code of the campaign type.
    async fn type_code(&self, context: &Context<'_>) -> Nullable<i32> {
        self.field(context, |campaign| campaign.type_code).await
    }

    /// Current status. `DONE` does not imply delivery; see the send histories of the activities.
    async fn status(&self, context: &Context<'_>) -> Nullable<CampaignStatus> {
        self.field(context, |campaign| Some(campaign.status.as_deref().into()))
            .await
    }

    /// Constant Contact's original value of `status`. Null if Constant Contact omits it.
    async fn status_raw(&self, context: &Context<'_>) -> Nullable<String> {
        self.field(context, |campaign| {
            Some(campaign.status.as_ref()?.verbatim().to_owned())
        })
        .await
    }

    /// Creation time.
    async fn created_at(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Time zone of the result.", default)] zone: TimeZone,
    ) -> Nullable<DateTime> {
        let date = self.field(context, |campaign| campaign.created_at).await;
        zone.show_read(context, date.transpose()).await
    }

    /// Time of the last update.
    async fn updated_at(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Time zone of the result.", default)] zone: TimeZone,
    ) -> Nullable<DateTime> {
        let date = self.field(context, |campaign| campaign.updated_at).await;
        zone.show_read(context, date.transpose()).await
    }

    /// Activities of the campaign, in no particular order. Costs one upstream call per campaign. Null with an error if the
    /// activities cannot be read, for example because the campaign was deleted after it was listed.
    async fn activities(
        &self,
        context: &Context<'_>,
        #[graphql(
            desc = "Roles of the activities to include. An empty list includes activities of all roles.",
            default
        )]
        roles: Vec<ActivityRole>,
    ) -> Nullable<Vec<CampaignActivity>> {
        Some(self.chosen_activities(context, roles).await)
    }

    /// Number of activities that could not be decoded and are missing from `activities`, or 1 if the list itself is missing.
    /// Normally 0. Shares the upstream call of `activities`. Null with an error if that call fails.
    async fn unreadable_activity_count(&self, context: &Context<'_>) -> Nullable<Long> {
        self.detail(context, |detail| detail.unreadable_activities).await
    }

    /// Number of undecodable roles of `activities`, which are `UNKNOWN`. Normally 0. Shares the upstream call of `activities`. Null
    /// with an error if that call fails.
    async fn unreadable_role_count(&self, context: &Context<'_>) -> Nullable<Long> {
        self.detail(context, |detail| detail.unreadable_roles).await
    }

    /// Number of undecodable values of the campaign itself, which are null or `UNKNOWN`. Normally 0. For a campaign of the send
    /// log, which does not store the number, it shares the upstream call of `activities`. Null with an error if the campaign
    /// cannot be read.
    async fn unreadable_value_count(&self, context: &Context<'_>) -> Nullable<Long> {
        match self.unreadable_values {
            Some(values) => Some(Ok(values.into())),
            None => self.detail(context, |detail| detail.unreadable_values).await,
        }
    }

    /// Engagement statistics of all emails of the campaign. Costs one upstream call per 150 campaigns, and further calls if
    /// Constant Contact rejects a batch. Null if the campaign was never sent. Null with an error if the statistics cannot be
    /// read.
    async fn stats(&self, context: &Context<'_>) -> Nullable<EngagementStats> {
        let loader = context.data_unchecked::<ResourceLoader>();
        match loader.campaign_stats(self.id).await.as_deref() {
            Ok(Told::Stats(stats)) => return Some(Ok(stats.into())),
            Ok(Told::Unsent | Told::Absent) => {}
            Err(error) => return Some(Err(error.clone().into())),
        }
        let is_unsent = |campaign: &sends_core::Campaign| {
            let status = campaign.status.as_deref()?;
            Some(matches!(status, Status::Draft | Status::Scheduled))
        };
        match self.field(context, is_unsent).await {
            Some(Ok(true)) => None,
            _ => Some(Err(ApiError::no_statistics())),
        }
    }
}
