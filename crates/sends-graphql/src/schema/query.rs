//! The entry points of the schema.

use std::time::Duration;

use async_graphql::{Context, ID, Object};
use futures_util::future;
use sends_client::Pacer;
use sends_core::ActivityId;

use super::{
    ApiError,
    account::Account,
    activity::CampaignActivity,
    budget::UpstreamBudget,
    campaign::Campaign,
    campaigns::{CampaignConnection, CampaignPageRequest},
    enums::SendOrder,
    history_arguments,
    log::{self, LoggedSendConnection, SendGrouping, SendLogFilter, SendTotals, SyncState},
    node::{self, Node},
    paging::PageArguments,
    reason::Reason,
    scalar::DateTime,
};
use crate::sources::loader::ResourceLoader;

/// How many activities one `campaignActivities` may name. Each can cost an upstream call, and the upstream allows 10,000
/// a day.
pub(super) const MAX_ACTIVITIES: usize = 500;

/// Where every query starts.
pub struct Query;

/// Where every query starts.
#[Object]
impl Query {
    /// One email campaign activity by its id. Nothing is fetched until a field needs it, so an id that the account does
    /// not hold shows as an error with code `NOT_FOUND` on those fields. Null, with an error of code `BAD_USER_INPUT`, when
    /// the id is not a UUID.
    async fn campaign_activity(
        &self,
        #[graphql(desc = "The `campaign_activity_id` of Constant Contact: a UUID with hyphens.")] id: ID,
        #[graphql(
            desc = "How many seconds old its history may be: 0 asks Constant Contact now. When left out, the service \
                          decides: a minute for what was sent lately, longer for what has been quiet for long."
        )]
        max_age: Option<i32>,
    ) -> Option<Result<CampaignActivity, ApiError>> {
        Some(history_arguments::max_age(max_age).and_then(|max_age| activity(&id, max_age)))
    }

    #[expect(clippy::unused_async, reason = "the library wants resolvers to be async")]
    /// Several activities in the order of their ids, repeats included. An id that is not a UUID makes its own place in
    /// the list null, with an error of code `BAD_USER_INPUT`. At most 500 ids.
    async fn campaign_activities(
        &self,
        #[graphql(desc = "The ids, as `campaignActivity` takes them. At most 500.")] ids: Vec<ID>,
        #[graphql(desc = "How old their histories may be, as for `campaignActivity`.")] max_age: Option<i32>,
    ) -> Result<Vec<Option<Result<CampaignActivity, ApiError>>>, ApiError> {
        check_length("ids", ids.len())?;
        let max_age = history_arguments::max_age(max_age)?;
        Ok(ids.iter().map(|id| Some(activity(id, max_age))).collect())
    }

    /// One campaign by its id. Nothing is fetched until a field needs it, so an id that the account does not hold shows as an
    /// error with code `NOT_FOUND` on those fields. Null, with an error of code `BAD_USER_INPUT`, when the id is no UUID.
    async fn campaign(
        &self,
        #[graphql(desc = "The `campaignId`, or the `id` that this schema gave out.")] id: ID,
    ) -> Option<Result<Campaign, ApiError>> {
        Some(node::campaign_id(&id).map(Campaign::new))
    }

    /// The campaigns of the account, the last updated first, deleted ones included. A page costs one upstream call. Null,
    /// with an error, when it could not be read. While Constant Contact cannot answer, the last known answer is given
    /// instead, here as everywhere, and `extensions.upstream.stale` says so.
    async fn campaigns(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many to a page: 1 to 500, and 50 when left out.")] first: Option<i32>,
        #[graphql(desc = "Only campaigns that come after this cursor.")] after: Option<String>,
        #[graphql(desc = "Only campaigns updated after this.")] updated_after: Option<DateTime>,
        #[graphql(desc = "Only campaigns updated before this.")] updated_before: Option<DateTime>,
    ) -> Option<Result<CampaignConnection, ApiError>> {
        let request = CampaignPageRequest::new(first, after.as_deref(), updated_after, updated_before);
        Some(match request {
            Ok(request) => request.read(context).await,
            Err(error) => Err(error),
        })
    }

    /// The account that everything belongs to. One upstream call, which needs the scope `account_read`. Null, with an error,
    /// when it could not be read.
    async fn account(&self, context: &Context<'_>) -> Option<Result<Account, ApiError>> {
        let account = context.data_unchecked::<ResourceLoader>().account().await;
        Some(account.map(Account).map_err(Into::into))
    }

    /// The object with this id: an activity, a send, a campaign, a contact list or a segment. For a send its activity's
    /// history is read, and it is null, with an error of code `NOT_FOUND`, when there is no such send. Nothing is fetched for
    /// anything else until a field needs it. Null, with an error of code `BAD_USER_INPUT`, when the id is of no known form.
    async fn node(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The `id` of an object, as this schema gave it out.")] id: ID,
    ) -> Option<Result<Node, ApiError>> {
        Some(node::find(context, &id).await)
    }

    /// Several objects in the order of their ids, repeats included. Each place is what `node` gives for its id, errors
    /// included. However many sends of one activity are asked for, its history is read once. At most 500 ids.
    async fn nodes(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The ids, as `node` takes them. At most 500.")] ids: Vec<ID>,
    ) -> Result<Vec<Option<Result<Node, ApiError>>>, ApiError> {
        check_length("ids", ids.len())?;
        let found = future::join_all(ids.iter().map(|id| node::find(context, id))).await;
        Ok(found.into_iter().map(Some).collect())
    }

    /// Every send of the account that the service knows of, page by page. Costs no upstream call: it reads the log, and
    /// `coverage` says whether that has everything the filter asks for. Null, with an error of code `LOG_UNAVAILABLE`, when
    /// there is no log, as where each caller brings a token.
    #[expect(clippy::too_many_arguments, reason = "each is an argument of the field")]
    async fn sends(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which sends to include. Every one when left out.")] filter: Option<SendLogFilter>,
        #[graphql(
            desc = "The order of the pages and on them, by `runDate`. Sends without a date come last in either.",
            default_with = "SendOrder::NewestFirst"
        )]
        order_by: SendOrder,
        #[graphql(desc = "At most so many sends from the beginning; 50 unless said, at most 500.")]
        first: Option<i32>,
        #[graphql(desc = "Only sends that come after this cursor.")] after: Option<String>,
        #[graphql(desc = "At most so many sends from the end, at most 500. Not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "Only sends that come before this cursor.")] before: Option<String>,
    ) -> Option<Result<LoggedSendConnection, ApiError>> {
        let page = PageArguments {
            first,
            after,
            last,
            before,
        };
        Some(log::page(context, filter, order_by, &page).await)
    }

    /// What the sends of the account add up to, by groups. Costs no upstream call, and is as complete as the log, like
    /// `sends`. Null, with an error of code `LOG_UNAVAILABLE`, when there is no log.
    async fn send_totals(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which sends to include. Every one when left out.")] filter: Option<SendLogFilter>,
        #[graphql(desc = "What to group by.")] group_by: SendGrouping,
        #[graphql(
            desc = "The time zone whose days, weeks and months are meant, by its IANA name.",
            default = "UTC"
        )]
        zone: String,
        #[graphql(desc = "At most so many groups; 100 unless said, at most 1,000.")] first: Option<i32>,
    ) -> Option<Result<SendTotals, ApiError>> {
        Some(log::totals(context, filter, group_by, &zone, first).await)
    }

    /// How far the log of all sends is filled, what is missing, and when it will be there. Null, with an error of code
    /// `LOG_UNAVAILABLE`, when there is no log.
    async fn sync_state(&self, context: &Context<'_>) -> Option<Result<SyncState, ApiError>> {
        Some(log::state(context).await)
    }

    /// Every reason code that Constant Contact documents, 0 to 12, for a legend or a help page. A send can carry a code
    /// that is not among them.
    async fn reason_codes(&self) -> Vec<Reason> {
        sends_core::Reason::table().iter().copied().map(Reason).collect()
    }

    /// What is left of the calls that Constant Contact allows, by this service's own count: Constant Contact tells nobody.
    async fn upstream_budget(&self, context: &Context<'_>) -> UpstreamBudget {
        UpstreamBudget(context.data_unchecked::<Pacer>().current_state().await)
    }
}

/// Refuses a list of more than [`MAX_ACTIVITIES`].
pub(super) fn check_length(list: &str, length: usize) -> Result<(), ApiError> {
    if length > MAX_ACTIVITIES {
        let message =
            format!("At most {MAX_ACTIVITIES} {list} can be asked for at once; these are {length}.");
        return Err(ApiError::bad_user_input(message));
    }
    Ok(())
}

pub(super) fn activity(id: &ID, max_age: Option<Duration>) -> Result<CampaignActivity, ApiError> {
    Ok(CampaignActivity::new(id.parse::<ActivityId>()?, max_age))
}
