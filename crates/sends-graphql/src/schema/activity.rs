//! An email campaign activity: where what is said of it comes from. The fields themselves are in [`fields`].

mod fields;

use std::{sync::Arc, time::Duration};

use async_graphql::Context;
use jiff::Timestamp;
use sends_core::{ActivityDetail, ActivityId, ActivityReference, CampaignId, SendHistory, Verbatim};

use super::{
    ApiError,
    campaign::Campaign,
    charge,
    connection::SendConnection,
    enums::SendOrder,
    history_arguments::{self, SendHistoryFilter},
    paging::PageArguments,
    send::HistoricSend,
    stats::EngagementStats,
};
use crate::{
    sources::histories::{HistoryKey, Reading},
    sources::loader::{HistoryLoader, ResourceLoader},
    sources::resources::Told,
};

/// One email campaign activity: the thing that Constant Contact sends. Its history has one entry for each time it was
/// sent or tried to be.
pub(super) struct CampaignActivity {
    id: ActivityId,
    max_age: Option<Duration>,
    from: ReachedFrom,
}

type Role = Verbatim<sends_core::ActivityRole>;

/// Where an activity was reached from, as far as that says something of it.
enum ReachedFrom {
    /// From anywhere.
    Elsewhere,
    /// From its campaign, which says what role it has.
    Campaign(CampaignId, Option<Role>),
    /// From a send of the log, which knows the campaign.
    Log(sends_core::Campaign),
}

impl CampaignActivity {
    /// The activity, whose history may be as old as `max_age` unless a field asks otherwise.
    pub(super) fn new(id: ActivityId, max_age: Option<Duration>) -> Self {
        Self {
            id,
            max_age,
            from: ReachedFrom::Elsewhere,
        }
    }

    /// The activity as its campaign names it.
    pub(super) fn of_campaign(activity: &ActivityReference, campaign: CampaignId) -> Self {
        Self {
            from: ReachedFrom::Campaign(campaign, activity.role.clone()),
            ..Self::new(activity.id, None)
        }
    }

    /// The activity of a send of the log. It shows the campaign as the send does, so that nobody meets two versions of one
    /// campaign in one answer.
    pub(super) fn of_log(id: ActivityId, campaign: Option<&sends_core::Campaign>) -> Self {
        Self {
            from: campaign.cloned().map_or(ReachedFrom::Elsewhere, ReachedFrom::Log),
            ..Self::new(id, None)
        }
    }

    /// The role, where it is known without asking.
    fn known_role(&self) -> Option<&Role> {
        match &self.from {
            ReachedFrom::Campaign(_, role) => role.as_ref(),
            ReachedFrom::Elsewhere | ReachedFrom::Log(_) => None,
        }
    }

    /// Whether there can be no history and no statistics, so that nobody is asked for them.
    fn is_never_sent(&self) -> bool {
        self.known_role().is_some_and(|role| !role.can_be_sent())
    }

    async fn detail<T>(
        &self,
        context: &Context<'_>,
        field: impl FnOnce(&ActivityDetail) -> Option<T>,
    ) -> Result<Option<T>, ApiError> {
        let loader = context.data_unchecked::<ResourceLoader>();
        Ok(field(&*loader.activity(self.id).await?))
    }

    async fn read_role(&self, context: &Context<'_>) -> Result<Option<Role>, ApiError> {
        match self.known_role() {
            Some(role) => Ok(Some(role.clone())),
            None => self.detail(context, |activity| activity.role.clone()).await,
        }
    }

    /// `None` when the activity was never sent.
    async fn read_stats(&self, context: &Context<'_>) -> Result<Option<EngagementStats>, ApiError> {
        let loader = context.data_unchecked::<ResourceLoader>();
        let error = match loader.activity_stats(self.id).await {
            Ok(told) => match &*told {
                Told::Stats(stats) => return Ok(Some(EngagementStats::of_activity(stats))),
                Told::Unsent => {
                    let histories = context.data_unchecked::<HistoryLoader>();
                    if !histories.has_known_sends(self.id).await {
                        return Ok(None);
                    }
                    // It was sent, whatever its status says and the refusal was for.
                    return Err(ApiError::no_statistics());
                }
                Told::Absent => ApiError::no_statistics(),
            },
            Err(error) if error.is_rejection() => error.into(),
            Err(error) => return Err(error.into()),
        };
        // What is missing because nothing was sent is no failure. The history tells.
        match self.history(context).await {
            Ok(history) if history.is_empty() && history.unreadable_sends() == 0 => Ok(None),
            _ => Err(error),
        }
    }

    /// The campaign that it belongs to.
    pub(super) async fn campaign_of(&self, context: &Context<'_>) -> Option<Result<Campaign, ApiError>> {
        match &self.from {
            ReachedFrom::Campaign(campaign, _) => Some(Ok(Campaign::new(*campaign))),
            ReachedFrom::Log(campaign) => Some(Ok(Campaign::logged(campaign.clone()))),
            ReachedFrom::Elsewhere => {
                let campaign = self.detail(context, |activity| activity.campaign).await;
                campaign.map(|campaign| campaign.map(Campaign::new)).transpose()
            }
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
        let loader = context.data_unchecked::<HistoryLoader>();
        Ok(loader
            .load(HistoryKey {
                activity: self.id,
                max_age: max_age.or(self.max_age),
            })
            .await?)
    }

    async fn history(&self, context: &Context<'_>) -> Result<Arc<SendHistory>, ApiError> {
        self.read(context, None).await.map(|reading| reading.history)
    }

    async fn narrowed_history(
        &self,
        context: &Context<'_>,
        filter: Option<SendHistoryFilter>,
        order_by: SendOrder,
        (first, last): (Option<i32>, Option<i32>),
        max_age: Option<i32>,
    ) -> Result<Vec<HistoricSend>, ApiError> {
        let part = history_arguments::part(first, last)?;
        let max_age = history_arguments::max_age(max_age)?;
        let filter = history_arguments::filter(filter)?;
        let history = self.read(context, max_age).await?.history;
        let chosen = history_arguments::choose(&filter, &history, order_by);
        let chosen = part.of(&chosen);
        charge::list(context, chosen.len(), charge::ASSUMED_SENDS).await?;
        let send = |&index: &usize| HistoricSend::new(self.id, Arc::clone(&history), index);
        Ok(chosen.iter().map(send).collect())
    }

    async fn page(
        &self,
        context: &Context<'_>,
        filter: Option<SendHistoryFilter>,
        order_by: SendOrder,
        page: PageArguments,
        max_age: Option<i32>,
    ) -> Result<SendConnection, ApiError> {
        let page = page.check()?;
        let max_age = history_arguments::max_age(max_age)?;
        let filter = history_arguments::filter(filter)?;
        let history = self.read(context, max_age).await?.history;
        Ok(SendConnection::new(self.id, history, &filter, order_by, page))
    }
}
