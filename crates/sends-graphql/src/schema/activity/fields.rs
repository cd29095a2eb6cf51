//! The fields of an activity.
//!
//! Owns what each says to a reader. Where its value comes from is the activity's own to know.

use async_graphql::{Context, ID, Object};

use super::CampaignActivity;
use crate::{
    schema::{
        ApiError,
        campaign::Campaign,
        connection::SendConnection,
        enums::{ActivityRole, CampaignStatus, SendOrder, StaleReason},
        history_arguments::SendHistoryFilter,
        paging::PageArguments,
        scalar::{DateTime, count},
        send::HistoricSend,
        stats::EngagementStats,
        summary::SendSummary,
        zone::DateTimeZone,
    },
    sources::loader::ResourceLoader,
};

/// One email campaign activity: the thing that Constant Contact sends. Its history has one entry for each time it was
/// sent or tried to be.
#[Object]
impl CampaignActivity {
    /// The `campaign_activity_id`: a UUID in lower case. Costs no upstream call. It is an identity for caches too: no other
    /// object of this schema has the same.
    pub(crate) async fn id(&self) -> ID {
        ID(self.id.to_string())
    }

    /// The sends of this activity, oldest first unless asked otherwise; empty when it was never sent. Null, with an
    /// error, when the history could not be fetched. However many fields of one operation need the history of an
    /// activity, it is fetched once.
    async fn send_history(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which sends to include. Every one when left out.")] filter: Option<
            SendHistoryFilter,
        >,
        #[graphql(
            desc = "The order of the list, by `sendId`.",
            default_with = "SendOrder::OldestFirst"
        )]
        order_by: SendOrder,
        #[graphql(desc = "Only the first so many of the ordered list. Not together with `last`.")]
        first: Option<i32>,
        #[graphql(desc = "Only the last so many of the ordered list. Not together with `first`.")]
        last: Option<i32>,
        #[graphql(
            desc = "How many seconds old the answer may be: 0 asks Constant Contact now. Taken from the activity when left out."
        )]
        max_age: Option<i32>,
    ) -> Option<Result<Vec<HistoricSend>, ApiError>> {
        Some(
            self.narrowed_history(context, filter, order_by, (first, last), max_age)
                .await,
        )
    }

    /// The same sends page by page, for clients that page by cursors. All pages come from one history, so a page more
    /// costs no further upstream call while that is fresh enough. Null, with an error, when it could not be fetched.
    #[expect(clippy::too_many_arguments, reason = "each is an argument of the field")]
    async fn send_history_connection(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which sends to include. Every one when left out.")] filter: Option<
            SendHistoryFilter,
        >,
        #[graphql(
            desc = "The order of the pages and on them, by `sendId`.",
            default_with = "SendOrder::OldestFirst"
        )]
        order_by: SendOrder,
        #[graphql(desc = "At most so many sends from the beginning. No limit when left out.")] first: Option<
            i32,
        >,
        #[graphql(desc = "Only sends that come after this cursor.")] after: Option<String>,
        #[graphql(desc = "At most so many sends from the end. No limit when left out.")] last: Option<i32>,
        #[graphql(desc = "Only sends that come before this cursor.")] before: Option<String>,
        #[graphql(
            desc = "How many seconds old the answer may be: 0 asks Constant Contact now. Taken from the activity when left out."
        )]
        max_age: Option<i32>,
    ) -> Option<Result<SendConnection, ApiError>> {
        let page = PageArguments {
            first,
            after,
            last,
            before,
        };
        Some(self.page(context, filter, order_by, page, max_age).await)
    }

    /// The most recent send: the one with the greatest `sendId`. Null when the activity was never sent, and, with an
    /// error, when the history could not be fetched.
    async fn latest_send(&self, context: &Context<'_>) -> Option<Result<HistoricSend, ApiError>> {
        let history = match self.history(context).await {
            Ok(history) => history,
            Err(error) => return Some(Err(error)),
        };
        let latest = history.len().checked_sub(1)?;
        Some(Ok(HistoricSend::new(self.id, history, latest)))
    }

    /// When Constant Contact gave the history that the fields of this activity show. Null where nobody has to be asked,
    /// since the activity is a page that is never sent, and, with an error, when there is none.
    async fn fetched_at(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The zone to show it in.", default)] zone: DateTimeZone,
    ) -> Option<Result<DateTime, ApiError>> {
        if self.is_never_sent() {
            return None;
        }
        let reading = self.read(context, None).await;
        zone.show_read(context, reading.map(|reading| Some(reading.fetched_at)))
            .await
    }

    /// Whether the history is older than it was meant to be, because Constant Contact could not be asked. `staleReason` says
    /// why. Null, with an error, when there is none.
    async fn is_stale(&self, context: &Context<'_>) -> Option<Result<bool, ApiError>> {
        Some(
            self.read(context, None)
                .await
                .map(|reading| reading.stale.is_some()),
        )
    }

    /// Why the history is stale. Null when it is not, and, with an error, when there is none.
    async fn stale_reason(&self, context: &Context<'_>) -> Option<Result<StaleReason, ApiError>> {
        let stale = self
            .read(context, None)
            .await
            .map(|reading| reading.stale.map(Into::into));
        stale.transpose()
    }

    /// What the send history adds up to. Null, with an error, when the history could not be fetched.
    async fn send_summary(&self, context: &Context<'_>) -> Option<Result<SendSummary, ApiError>> {
        Some(
            self.history(context)
                .await
                .map(|history| SendSummary(history.summary())),
        )
    }

    /// How many of its sends Constant Contact gave in a form that cannot be read. They are in none of the lists and counts; 0
    /// as a rule. Null, with an error, when the history could not be fetched.
    async fn unreadable_send_count(&self, context: &Context<'_>) -> Option<Result<i32, ApiError>> {
        let history = self.history(context).await;
        Some(history.map(|history| count(history.unreadable_sends())))
    }

    /// How many values of the other sends Constant Contact gave in a form that cannot be read. They are null, or missing in
    /// their list; 0 as a rule. Null, with an error, when the history could not be fetched.
    async fn unreadable_value_count(&self, context: &Context<'_>) -> Option<Result<i32, ApiError>> {
        let history = self.history(context).await;
        Some(history.map(|history| count(history.unreadable_values())))
    }

    /// The campaign that it belongs to. Null, with an error, when the activity could not be read.
    async fn campaign(&self, context: &Context<'_>) -> Option<Result<Campaign, ApiError>> {
        self.campaign_of(context).await
    }

    /// What it is within its campaign. Null, with an error, when the activity could not be read.
    async fn role(&self, context: &Context<'_>) -> Option<Result<ActivityRole, ApiError>> {
        let role = self.read_role(context).await;
        Some(role.map(|role| role.as_deref().into()))
    }

    /// The role as it came, letter case included, for values that `role` can only call UNKNOWN. Null when left out.
    async fn role_raw(&self, context: &Context<'_>) -> Option<Result<String, ApiError>> {
        let role = self.read_role(context).await;
        role.map(|role| role.map(|role| role.verbatim().to_owned()))
            .transpose()
    }

    /// How far it has come, as Constant Contact sees it now. DONE does not say that anybody was reached: the send history
    /// does. Null, with an error, when the activity could not be read, which one that was removed cannot.
    async fn status(&self, context: &Context<'_>) -> Option<Result<CampaignStatus, ApiError>> {
        let status = self.detail(context, |activity| Some(activity.status.as_deref().into()));
        status.await.transpose()
    }

    /// The status as it came, letter case included, for values that `status` can only call UNKNOWN. Null when left out.
    async fn status_raw(&self, context: &Context<'_>) -> Option<Result<String, ApiError>> {
        let status = self.detail(context, |activity| {
            activity
                .status
                .as_ref()
                .map(|status| status.verbatim().to_owned())
        });
        status.await.transpose()
    }

    /// The subject of the email. One upstream call brings it and all other texts of the activity.
    async fn subject(&self, context: &Context<'_>) -> Option<Result<String, ApiError>> {
        self.detail(context, |activity| activity.subject.clone())
            .await
            .transpose()
    }

    /// The line that mail programs show beside the subject. Empty when there is none.
    async fn preheader(&self, context: &Context<'_>) -> Option<Result<String, ApiError>> {
        self.detail(context, |activity| activity.preheader.clone())
            .await
            .transpose()
    }

    /// The name that it is sent under.
    #[graphql(name = "fromName")]
    async fn sender_name(&self, context: &Context<'_>) -> Option<Result<String, ApiError>> {
        self.detail(context, |activity| activity.from_name.clone())
            .await
            .transpose()
    }

    /// The address that it is sent from.
    async fn from_email(&self, context: &Context<'_>) -> Option<Result<String, ApiError>> {
        self.detail(context, |activity| activity.from_email.clone())
            .await
            .transpose()
    }

    /// The address that answers go to.
    async fn reply_to_email(&self, context: &Context<'_>) -> Option<Result<String, ApiError>> {
        self.detail(context, |activity| activity.reply_to_email.clone())
            .await
            .transpose()
    }

    /// When it is to be sent. Null unless it is scheduled, where nobody has to be asked, since the activity is a page that is
    /// never sent, and, with an error, when it could not be read.
    async fn scheduled_for(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The zone to show it in.", default)] zone: DateTimeZone,
    ) -> Option<Result<DateTime, ApiError>> {
        if self.is_never_sent() {
            return None;
        }
        let schedule = context.data_unchecked::<ResourceLoader>().schedule(self.id).await;
        let date = schedule.map(|schedule| schedule.0.iter().min().copied());
        zone.show_read(context, date.map_err(Into::into)).await
    }

    /// What contacts did with this email. Up to ten activities cost one upstream call; where Constant Contact refuses them
    /// together, as it does for a draft, each may cost one of its own. Null when the activity was never sent, and, with an
    /// error, when it could not be read.
    async fn stats(&self, context: &Context<'_>) -> Option<Result<EngagementStats, ApiError>> {
        if self.is_never_sent() {
            return None;
        }
        self.read_stats(context).await.transpose()
    }

    /// How many values of the activity itself, such as its status, subject and sender, Constant Contact gave in a
    /// form that cannot be read. They are null; 0 as a rule. Null, with an error, when the activity could not be read.
    async fn unreadable_detail_count(&self, context: &Context<'_>) -> Option<Result<i32, ApiError>> {
        let values = self.detail(context, |activity| Some(count(activity.unreadable_values)));
        values.await.transpose()
    }
}
