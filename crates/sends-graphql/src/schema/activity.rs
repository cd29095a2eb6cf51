//! An email campaign activity: the sources of its values. [`fields`] has the fields.

mod fields;

use std::{sync::Arc, time::Duration};

use async_graphql::Context;
use jiff::Timestamp;
use sends_core::{ActivityDetail, ActivityId, ActivityReference, CampaignId, SendHistory, Verbatim};

use super::{
    ApiError,
    campaign::{Campaign, KnownCampaign},
    error::Nullable,
    log,
    stats::EngagementStats,
};
use crate::{
    sources::histories::{HistoryKey, Reading},
    sources::loader::{HistoryLoader, ResourceLoader},
    sources::resources::Told,
};

pub(super) struct CampaignActivity {
    id: ActivityId,
    max_age: Option<Duration>,
    campaign: KnownCampaign,
    /// The role, if known from the campaign.
    role: Option<Role>,
}

type Role = Verbatim<sends_core::ActivityRole>;

impl CampaignActivity {
    /// The activity with this id. Its fields accept a history of this age unless an argument overrides it.
    pub(super) fn new(id: ActivityId, max_age: Option<Duration>) -> Self {
        Self {
            max_age,
            ..Self::of_send(id, KnownCampaign::Nothing)
        }
    }

    /// An activity that is listed by a campaign.
    pub(super) fn of_campaign(activity: &ActivityReference, campaign: CampaignId) -> Self {
        Self {
            role: activity.role.clone(),
            ..Self::of_send(activity.id, KnownCampaign::Id(campaign))
        }
    }

    /// The activity of a send. Has the same version of the campaign as the send.
    pub(super) fn of_send(id: ActivityId, campaign: KnownCampaign) -> Self {
        Self {
            id,
            max_age: None,
            campaign,
            role: None,
        }
    }

    /// Whether the activity is a web page by the campaign that lists it. A web page has neither a history nor statistics.
    fn is_never_sent(&self) -> bool {
        self.role.as_ref().is_some_and(|role| !role.can_be_sent())
    }

    /// Whether the activity is a web page. Reads the role if it is unknown; an unreadable role is no evidence.
    async fn is_web_page(&self, context: &Context<'_>) -> bool {
        let loader = context.data_unchecked::<ResourceLoader>();
        let role = match loader.known_role(self.id) {
            Some(role) => Some(Verbatim::clone(&role)),
            None => self.read_role(context).await.and_then(Result::ok),
        };
        role.is_some_and(|role| !role.can_be_sent())
    }

    /// Whether the activity is a web page, judged by its history first: only for an empty one can the role cost a call.
    async fn is_page_without_sends(&self, context: &Context<'_>, history: &SendHistory) -> bool {
        let is_empty = history.is_empty() && history.unreadable_sends() == 0;
        is_empty && (self.is_never_sent() || self.is_web_page(context).await)
    }

    async fn detail<T>(
        &self,
        context: &Context<'_>,
        field: impl FnOnce(&ActivityDetail) -> Option<T>,
    ) -> Nullable<T> {
        let loader = context.data_unchecked::<ResourceLoader>();
        match loader.activity(self.id).await {
            Ok(detail) => field(&detail).map(Ok),
            Err(error) => Some(Err(error.into())),
        }
    }

    async fn read_role(&self, context: &Context<'_>) -> Nullable<Role> {
        match &self.role {
            Some(role) => Some(Ok(role.clone())),
            None => self.detail(context, |activity| activity.role.clone()).await,
        }
    }

    /// `None` if the activity was never sent.
    async fn read_stats(&self, context: &Context<'_>) -> Result<Option<EngagementStats>, ApiError> {
        let loader = context.data_unchecked::<ResourceLoader>();
        let error = match loader.activity_stats(self.id).await {
            Ok(told) => match &*told {
                Told::Stats(stats) => return Ok(Some(stats.into())),
                Told::Unsent => {
                    let histories = context.data_unchecked::<HistoryLoader>();
                    if !histories.has_known_sends(self.id).await {
                        return Ok(None);
                    }
                    // Known sends take precedence over the status and the reason of the rejection.
                    return Err(ApiError::no_statistics());
                }
                Told::Absent => ApiError::no_statistics(),
            },
            Err(error) if error.is_rejection() => error.into(),
            Err(error) => return Err(error.into()),
        };
        // Statistics that are missing because nothing was sent are no failure; the history shows whether this is the cause.
        match self.history(context).await {
            Ok(history) if history.is_empty() && history.unreadable_sends() == 0 => Ok(None),
            _ => Err(error),
        }
    }

    /// The campaign: from an earlier read, else from the activity's details, else from the send log.
    pub(super) async fn campaign_of(&self, context: &Context<'_>) -> Nullable<Campaign> {
        if let Some(campaign) = self.campaign.of(context, self.id) {
            return Some(Ok(campaign));
        }
        let failure = match self.detail(context, |activity| activity.campaign).await {
            Some(Ok(id)) => return Some(Ok(Campaign::new(id))),
            failure => failure.and_then(Result::err).map(Err),
        };
        match log::campaign_of(context, self.id).await {
            Some(record) => Some(Ok(Campaign::logged(Arc::new(record)))),
            None => failure,
        }
    }

    async fn read(&self, context: &Context<'_>, max_age: Option<Duration>) -> Result<Reading, ApiError> {
        if self.is_never_sent() {
            return Ok(Reading {
                history: Arc::default(),
                fetched_at: Timestamp::now(),
                stale: None,
                version: None,
            });
        }
        let key = HistoryKey {
            activity: self.id,
            max_age: max_age.or(self.max_age),
        };
        Ok(context.data_unchecked::<HistoryLoader>().load(key).await?)
    }

    async fn history(&self, context: &Context<'_>) -> Result<Arc<SendHistory>, ApiError> {
        self.read(context, None).await.map(|reading| reading.history)
    }
}
