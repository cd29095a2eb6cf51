//! The fields of an activity.

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
    /// Global id: Constant Contact's `campaign_activity_id`, a UUID in lower case. Accepted by `node`. Costs no upstream call.
    pub(crate) async fn id(&self) -> ID {
        ID(self.id.to_string())
    }

    /// Sends of this activity; empty if it was never sent. Null with an error if the history cannot be read. All fields of an
    /// operation that need the history of an activity share one upstream call.
    async fn send_history(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Sends to include. All by default.")] filter: Option<SendHistoryFilter>,
        #[graphql(
            desc = "Order of the list, by `sendId`.",
            default_with = "SendOrder::OldestFirst"
        )]
        order_by: SendOrder,
        #[graphql(desc = "Maximum number of sends from the start of the list. Excludes `last`.")]
        first: Option<i32>,
        #[graphql(desc = "Maximum number of sends from the end of the list. Excludes `first`.")] last: Option<
            i32,
        >,
        #[graphql(
            desc = "Maximum age of the history in seconds; 0 forces an upstream call. Default: the `maxAge` of the activity."
        )]
        max_age: Option<i32>,
    ) -> Nullable<Vec<HistoricSend>> {
        let filter = filter.unwrap_or_default();
        Some(self.list(context, filter, order_by, (first, last), max_age).await)
    }

    /// Sends of this activity as a connection. All pages come from the same history, so that further pages cost no upstream call
    /// while it is fresh. Null with an error if the history cannot be read.
    #[expect(clippy::too_many_arguments, reason = "each is an argument of the field")]
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
            desc = "Maximum age of the history in seconds; 0 forces an upstream call. Default: the `maxAge` of the activity."
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

    /// Most recent send: the one with the highest `sendId`. Null if the activity was never sent. Null with an error if the
    /// history cannot be read.
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

    /// Whether the history exceeds its maximum age because a refresh failed; see `staleReason`. Null with an error if there is no
    /// history.
    async fn is_stale(&self, context: &Context<'_>) -> Nullable<bool> {
        let stale = self.read_stale(context).await;
        Some(stale.map(|stale| stale.is_some()))
    }

    /// Cause of the failed refresh. Null if the history is not stale. Null with an error if there is no history.
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

    /// Campaign of the activity. Costs an upstream call unless known from an earlier read. If that call fails, the send log is
    /// searched. Null with the error if the campaign is not in the log either.
    async fn campaign(&self, context: &Context<'_>) -> Nullable<Campaign> {
        self.campaign_of(context).await
    }

    /// Role within the campaign. Null with an error if the activity cannot be read.
    async fn role(&self, context: &Context<'_>) -> Nullable<ActivityRole> {
        let role = self.read_role(context).await.transpose();
        Some(role.map(|role| role.as_deref().into()))
    }

    /// Original value of `role`. Null if Constant Contact omits it.
    async fn role_raw(&self, context: &Context<'_>) -> Nullable<String> {
        let role = self.read_role(context).await?;
        Some(role.map(|role| role.verbatim().to_owned()))
    }

    /// Current status. `DONE` does not imply delivery; see the send history. Null with an error if the activity cannot be read,
    /// for example because it was removed.
    async fn status(&self, context: &Context<'_>) -> Nullable<CampaignStatus> {
        self.detail(context, |activity| Some(activity.status.as_deref().into()))
            .await
    }

    /// Original value of `status`. Null if Constant Contact omits it.
    async fn status_raw(&self, context: &Context<'_>) -> Nullable<String> {
        self.detail(context, |activity| {
            Some(activity.status.as_ref()?.verbatim().to_owned())
        })
        .await
    }

    /// Subject of the email. All texts of an activity share one upstream call.
    async fn subject(&self, context: &Context<'_>) -> Nullable<String> {
        self.detail(context, |activity| activity.subject.clone()).await
    }

    /// Preview text that mail clients show next to the subject. Empty if the email has none.
    async fn preheader(&self, context: &Context<'_>) -> Nullable<String> {
        self.detail(context, |activity| activity.preheader.clone()).await
    }

    /// Sender name.
    #[graphql(name = "fromName")]
    async fn sender_name(&self, context: &Context<'_>) -> Nullable<String> {
        self.detail(context, |activity| activity.from_name.clone()).await
    }

    /// Sender address.
    async fn from_email(&self, context: &Context<'_>) -> Nullable<String> {
        self.detail(context, |activity| activity.from_email.clone()).await
    }

    /// Reply-to address.
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

    /// Engagement statistics of this email. One upstream call per ten activities, and up to one for each if Constant Contact
    /// rejects a batch, for example because of a draft. Null if the activity was never sent. Null with an error if the statistics
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
