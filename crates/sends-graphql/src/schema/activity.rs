//! State and data access of the `CampaignActivity` type, whose GraphQL fields are in [`fields`].

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
    /// `None` unless the activity was read through its campaign.
    role: Option<Role>,
}

type Role = Verbatim<sends_core::ActivityRole>;

impl CampaignActivity {
    /// Creates an activity by id. `max_age` applies to fields whose own `maxAge` argument is absent.
    pub(super) fn new(id: ActivityId, max_age: Option<Duration>) -> Self {
        Self {
            max_age,
            ..Self::of_send(id, KnownCampaign::Nothing)
        }
    }

    pub(super) fn of_campaign(activity: &ActivityReference, campaign: CampaignId) -> Self {
        Self {
            role: activity.role.clone(),
            ..Self::of_send(activity.id, KnownCampaign::Id(campaign))
        }
    }

    /// Creates the activity of a send, with the send's copy of the campaign so that both return the same version.
    pub(super) fn of_send(id: ActivityId, campaign: KnownCampaign) -> Self {
        Self {
            id,
            max_age: None,
            campaign,
            role: None,
        }
    }

    /// Returns whether the campaign lists the activity as a web page, which has neither a history nor statistics.
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

    /// Returns `None` if the activity was never sent.
    async fn read_stats(&self, context: &Context<'_>) -> Result<Option<EngagementStats>, ApiError> {
        let loader = context.data_unchecked::<ResourceLoader>();
        let error = match loader.activity_stats(self.id).await {
            Ok(result) => match &*result {
                Told::Stats(stats) => return Ok(Some(stats.into())),
                Told::Unsent => {
                    let histories = context.data_unchecked::<HistoryLoader>();
                    if !histories.has_known_sends(self.id).await {
                        return Ok(None);
                    }
                    // Stored sends show that the activity was sent, despite its draft status or the upstream's rejection.
                    return Err(ApiError::no_statistics());
                }
                Told::Absent => ApiError::no_statistics(),
            },
            Err(error) if error.is_rejection() => error.into(),
            Err(error) => return Err(error.into()),
        };
        // Missing statistics are not an error if nothing was sent. The history shows whether a send exists.
        match self.history(context).await {
            Ok(history) if history.is_empty() && history.unreadable_sends() == 0 => Ok(None),
            _ => Err(error),
        }
    }

    /// Returns the campaign from an earlier read, the activity's details or the send log, in this order of preference.
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
