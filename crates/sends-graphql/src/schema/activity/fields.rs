use std::sync::Arc;

use async_graphql::{Context, ID, Object};

use super::CampaignActivity;
use crate::{
    schema::{
        ApiError,
        campaign::Campaign,
        charge,
        connection::SendConnection,
        enums::{ActivityRole, CampaignStatus, SendOrder, StaleReason},
        error::Nullable,
        history_arguments::{self, Part, SendHistoryFilter},
        paging::PageArguments,
        scalar::{DateTime, Long, TimeZone},
        send::HistoricSend,
        stats::EngagementStats,
        summary::SendSummary,
    },
    sources::loader::ResourceLoader,
};

impl CampaignActivity {
    /// Cause of the failed refresh of an outdated history. `None` for a web page, whose history needs no refresh.
    async fn read_stale(&self, context: &Context<'_>) -> Result<Option<StaleReason>, ApiError> {
        let reading = self.read(context, None).await?;
        match reading.stale {
            Some(_) if self.is_page_without_sends(context, &reading.history).await => Ok(None),
            stale => Ok(stale.map(Into::into)),
        }
    }

    fn send(&self, history: &Arc<sends_core::SendHistory>, index: usize) -> HistoricSend {
        HistoricSend::new(self.id, Arc::clone(history), index, self.campaign.clone())
    }

    async fn list(
        &self,
        context: &Context<'_>,
        filter: SendHistoryFilter,
        order_by: SendOrder,
        (first, last): (Option<i32>, Option<i32>),
        max_age: Option<i32>,
    ) -> Result<Vec<HistoricSend>, ApiError> {
        let part = Part::new(first, last)?;
        let (max_age, filter) = (history_arguments::max_age(max_age)?, filter.check()?);
        let history = self.read(context, max_age).await?.history;
        let chosen = history_arguments::choose(&filter, &history, order_by);
        let chosen = part.of(&chosen);
        charge::list(context, chosen.len(), charge::ASSUMED_SENDS).await?;
        Ok(chosen.iter().map(|&index| self.send(&history, index)).collect())
    }

    async fn page(
        &self,
        context: &Context<'_>,
        filter: SendHistoryFilter,
        order_by: SendOrder,
        page: PageArguments,
        max_age: Option<i32>,
    ) -> Result<SendConnection, ApiError> {
        let page = page.check()?;
        let (max_age, filter) = (history_arguments::max_age(max_age)?, filter.check()?);
        let history = self.read(context, max_age).await?.history;
        let activity = (self.id, &self.campaign);
        Ok(SendConnection::of_history(
            activity, &history, &filter, order_by, page,
        ))
    }
}

/// Email campaign activity: the unit that Constant Contact sends. Its history has one entry per send attempt.
#[Object]
impl CampaignActivity {
    /// Global id, which `node` accepts. It is Constant Contact's `campaign_activity_id`, a UUID in lower case. Costs no upstream
    /// call.
    pub(crate) async fn id(&self) -> ID {
        ID(self.id.to_string())
    }

    /// Sends of this activity. Empty if it was never sent. Null with an error if the history cannot be read. All fields of an
    /// operation that need the activity's history share one upstream call.
    async fn send_history(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Sends to include. All by default.")] filter: Option<SendHistoryFilter>,
        #[graphql(
            desc = "Order of the list, by `sendId`.",
            default_with = "SendOrder::OldestFirst"
        )]
        order_by: SendOrder,
        #[graphql(
            desc = "Maximum number of sends from the start of the list. Cannot be combined with `last`."
        )]
        first: Option<i32>,
        #[graphql(
            desc = "Maximum number of sends from the end of the list. Cannot be combined with `first`."
        )]
        last: Option<i32>,
        #[graphql(
            desc = "Maximum age of the history, in seconds. 0 forces an upstream call. Defaults to the `maxAge` of the activity."
        )]
        max_age: Option<i32>,
    ) -> Nullable<Vec<HistoricSend>> {
        let filter = filter.unwrap_or_default();
        Some(self.list(context, filter, order_by, (first, last), max_age).await)
    }

    /// Sends of this activity as a connection. All pages come from the same history, so further pages cost no upstream call while
    /// the history is fresh. Null with an error if the history cannot be read.
    #[expect(
        clippy::too_many_arguments,
        reason = "each parameter is an argument of the GraphQL field"
    )]
    async fn send_history_connection(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Sends to include. All by default.")] filter: Option<SendHistoryFilter>,
        #[graphql(
            desc = "Order of the connection, by `sendId`.",
            default_with = "SendOrder::OldestFirst"
        )]
        order_by: SendOrder,
        #[graphql(desc = "Maximum number of sends from the start. Unlimited by default. Excludes `last`.")]
        first: Option<i32>,
        #[graphql(desc = "Only sends after this cursor.")] after: Option<String>,
        #[graphql(desc = "Maximum number of sends from the end. Unlimited by default. Excludes `first`.")]
        last: Option<i32>,
        #[graphql(desc = "Only sends before this cursor.")] before: Option<String>,
        #[graphql(
            desc = "Maximum age of the history, in seconds. 0 forces an upstream call. Defaults to the `maxAge` of the activity."
        )]
        max_age: Option<i32>,
    ) -> Nullable<SendConnection> {
        let page = PageArguments {
            first,
            after,
            last,
            before,
        };
        let filter = filter.unwrap_or_default();
        Some(self.page(context, filter, order_by, page, max_age).await)
    }

    /// Most recent send, which has the highest `sendId`. Null if the activity was never sent. Null with an error if the history
    /// cannot be read.
    async fn latest_send(&self, context: &Context<'_>) -> Nullable<HistoricSend> {
        let history = match self.history(context).await {
            Ok(history) => history,
            Err(error) => return Some(Err(error)),
        };
        let latest = history.len().checked_sub(1)?;
        Some(Ok(self.send(&history, latest)))
    }

    /// Time of the upstream response that the history comes from. Null for a web page, which is never sent; one more upstream call
    /// if the history is empty and the role unknown. Null with an error if there is no history.
    async fn fetched_at(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Time zone of the result.", default)] zone: TimeZone,
    ) -> Nullable<DateTime> {
        let reading = self.read(context, None).await;
        if let Ok(reading) = &reading
            && self.is_page_without_sends(context, &reading.history).await
        {
            return None;
        }
        zone.show_read(context, reading.map(|reading| Some(reading.fetched_at)))
            .await
    }

    /// Whether the history is older than its maximum age because a refresh failed. `staleReason` has the cause. Null with an
    /// error if no history is available.
    async fn is_stale(&self, context: &Context<'_>) -> Nullable<bool> {
        let stale = self.read_stale(context).await;
        Some(stale.map(|stale| stale.is_some()))
    }

    /// Cause of the failed refresh. Null if the history is not stale. Null with an error if no history is available.
    async fn stale_reason(&self, context: &Context<'_>) -> Nullable<StaleReason> {
        self.read_stale(context).await.transpose()
    }

    /// Summary of the history. Null with an error if the history cannot be read.
    async fn send_summary(&self, context: &Context<'_>) -> Nullable<SendSummary> {
        let history = self.history(context).await;
        Some(history.map(|history| history.summary().into()))
    }

    /// Number of undecodable sends, which no list or count includes. Normally 0. Null with an error if the history cannot be
    /// read.
    async fn unreadable_send_count(&self, context: &Context<'_>) -> Nullable<Long> {
        let history = self.history(context).await;
        Some(history.map(|history| history.unreadable_sends().into()))
    }

    /// Number of undecodable values of the other sends, which are null or missing from their list. Normally 0. Null with an error
    /// if the history cannot be read.
    async fn unreadable_value_count(&self, context: &Context<'_>) -> Nullable<Long> {
        let history = self.history(context).await;
        Some(history.map(|history| history.unreadable_values().into()))
    }

    /// Campaign of the activity. Costs an upstream call unless an earlier response contained the campaign. If the call fails, the
    /// campaign is looked up in the send log. Null with the error of the call if the log does not have the campaign.
    async fn campaign(&self, context: &Context<'_>) -> Nullable<Campaign> {
        self.campaign_of(context).await
    }

    /// Role of the activity within its campaign. Null with an error if the activity cannot be read.
    async fn role(&self, context: &Context<'_>) -> Nullable<ActivityRole> {
        let role = self.read_role(context).await.transpose();
        Some(role.map(|role| role.as_deref().into()))
    }

    /// Constant Contact's original value of `role`. Null if Constant Contact omits it.
    async fn role_raw(&self, context: &Context<'_>) -> Nullable<String> {
        let role = self.read_role(context).await?;
        Some(role.map(|role| role.verbatim().to_owned()))
    }

    /// Current status. `DONE` does not imply delivery; see `sendHistory`. Null with an error if the activity cannot be read, for
    /// example because it was removed.
    async fn status(&self, context: &Context<'_>) -> Nullable<CampaignStatus> {
        self.detail(context, |activity| Some(activity.status.as_deref().into()))
            .await
    }

    /// Constant Contact's original value of `status`. Null if Constant Contact omits it.
    async fn status_raw(&self, context: &Context<'_>) -> Nullable<String> {
        self.detail(context, |activity| {
            Some(activity.status.as_ref()?.verbatim().to_owned())
        })
        .await
    }

    /// Subject of the email. One upstream call returns all details of an activity.
    async fn subject(&self, context: &Context<'_>) -> Nullable<String> {
        self.detail(context, |activity| activity.subject.clone()).await
    }

    /// Preview text that mail clients show next to the subject. Empty if the email has none.
    async fn preheader(&self, context: &Context<'_>) -> Nullable<String> {
        self.detail(context, |activity| activity.preheader.clone()).await
    }

    /// Name of the sender.
    #[graphql(name = "fromName")]
    async fn sender_name(&self, context: &Context<'_>) -> Nullable<String> {
        self.detail(context, |activity| activity.from_name.clone()).await
    }

    /// Email address of the sender.
    async fn from_email(&self, context: &Context<'_>) -> Nullable<String> {
        self.detail(context, |activity| activity.from_email.clone()).await
    }

    /// Email address for replies.
    async fn reply_to_email(&self, context: &Context<'_>) -> Nullable<String> {
        self.detail(context, |activity| activity.reply_to_email.clone())
            .await
    }

    /// Time of the scheduled send. Costs one upstream call, and another one if a send is scheduled and the role is unknown. Null if
    /// no send is scheduled, and for a web page. Null with an error if the schedule cannot be read.
    async fn scheduled_for(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Time zone of the result.", default)] zone: TimeZone,
    ) -> Nullable<DateTime> {
        if self.is_never_sent() {
            return None;
        }
        let schedule = context.data_unchecked::<ResourceLoader>().schedule(self.id).await;
        let date = schedule.map(|schedule| schedule.0.iter().min().copied());
        // Constant Contact can report the schedule of the email for its web page.
        if let Ok(Some(_)) = date
            && self.is_web_page(context).await
        {
            return None;
        }
        zone.show_read(context, date.map_err(Into::into)).await
    }

    /// Engagement statistics of this email. Costs one upstream call per ten activities, and up to 13 if Constant Contact rejects
    /// the batch, for example because of a draft. Null if the activity was never sent. Null with an error if the statistics
    /// cannot be read.
    async fn stats(&self, context: &Context<'_>) -> Nullable<EngagementStats> {
        if self.is_never_sent() {
            return None;
        }
        self.read_stats(context).await.transpose()
    }

    /// Number of undecodable values of the activity itself, such as status, subject and sender, which are null. Normally 0. Null
    /// with an error if the activity cannot be read.
    async fn unreadable_detail_count(&self, context: &Context<'_>) -> Nullable<Long> {
        self.detail(context, |activity| Some(activity.unreadable_values.into()))
            .await
    }
}
