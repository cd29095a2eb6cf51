//! An email campaign activity and what its send history adds up to.

use std::{sync::Arc, time::Duration};

use async_graphql::{Context, ID, Object};
use sends_core::{ActivityId, HistorySummary, SendHistory};

use super::{
    ApiError,
    connection::SendConnection,
    enums::{SendOrder, SendOutcome, StaleReason},
    narrowing::{self, SendHistoryFilter},
    paging::PageArguments,
    scalar::{DateTime, count, int},
    send::HistoricSend,
};
use crate::{
    histories::Reading,
    loader::{HistoryLoader, Question},
};

/// One email campaign activity: the thing that Constant Contact sends. Its history has one entry for each time it was
/// sent or tried to be.
pub(super) struct CampaignActivity {
    id: ActivityId,
    max_age: Option<Duration>,
}

impl CampaignActivity {
    /// The activity, whose history may be as old as `max_age` unless a field asks otherwise.
    pub(super) fn new(id: ActivityId, max_age: Option<Duration>) -> Self {
        Self { id, max_age }
    }

    async fn read(&self, context: &Context<'_>, max_age: Option<Duration>) -> Result<Reading, ApiError> {
        let loader = context.data_unchecked::<HistoryLoader>();
        Ok(loader
            .load(Question {
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
        let part = narrowing::part(first, last)?;
        let max_age = narrowing::max_age(max_age)?;
        let filter = narrowing::filter(filter)?;
        let history = self.read(context, max_age).await?.history;
        let chosen = narrowing::choose(&filter, &history, order_by);
        let send = |&index: &usize| HistoricSend::new(self.id, Arc::clone(&history), index);
        Ok(part.of(&chosen).iter().map(send).collect())
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
        let max_age = narrowing::max_age(max_age)?;
        let filter = narrowing::filter(filter)?;
        let history = self.read(context, max_age).await?.history;
        Ok(SendConnection::new(self.id, history, &filter, order_by, page))
    }
}

/// One email campaign activity: the thing that Constant Contact sends. Its history has one entry for each time it was
/// sent or tried to be.
#[Object]
impl CampaignActivity {
    /// The `campaign_activity_id`: a UUID in lower case. Costs no upstream call. It is an identity for caches too: no other
    /// object of this schema has the same.
    pub(super) async fn id(&self) -> ID {
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

    /// When Constant Contact gave the history that the fields of this activity show. Null, with an error, when there is
    /// none.
    async fn fetched_at(&self, context: &Context<'_>) -> Option<Result<DateTime, ApiError>> {
        Some(
            self.read(context, None)
                .await
                .map(|reading| DateTime(reading.fetched_at)),
        )
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
}

/// What the sends of one activity add up to.
pub(super) struct SendSummary(HistorySummary);

/// What the sends of one activity add up to.
#[Object]
impl SendSummary {
    /// How many times the activity was sent or tried to be; 0 when never.
    async fn attempt_count(&self) -> i32 {
        count(self.0.attempts)
    }

    /// How many of the attempts have the outcome FAILED.
    async fn failed_attempt_count(&self) -> i32 {
        count(self.0.failed_attempts)
    }

    /// How many contacts the sends with the outcome SENT went to. A send that reached only some of its contacts is left
    /// out, since Constant Contact does not say how many.
    async fn contacts_reached(&self) -> Option<Result<i32, ApiError>> {
        Some(int("number of contacts", self.0.contacts_reached))
    }

    /// When the earliest attempt ran. Null when the activity was never sent or no attempt carries a date.
    async fn first_run_date(&self) -> Option<DateTime> {
        self.0.first_run_date.map(DateTime)
    }

    /// When the latest attempt ran. Null when the activity was never sent or no attempt carries a date.
    async fn last_run_date(&self) -> Option<DateTime> {
        self.0.last_run_date.map(DateTime)
    }

    /// How the most recent send ended. Null when the activity was never sent.
    async fn latest_outcome(&self) -> Option<SendOutcome> {
        self.0.latest_outcome.map(Into::into)
    }

    /// Whether somebody should look into it, judged by the most recent send: it failed, reached only some of its contacts,
    /// ended in a way this service does not know, or found no recipients when no earlier send had any.
    async fn needs_attention(&self) -> bool {
        self.0.needs_attention
    }
}
