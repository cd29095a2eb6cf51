use std::time::Duration;

use async_graphql::{Context, ID, Object};
use futures_util::future;
use sends_client::Pacer;

use super::{
    ApiError,
    account::Account,
    activity::CampaignActivity,
    budget::UpstreamBudget,
    campaign::Campaign,
    campaigns::{CampaignConnection, CampaignFilter, CampaignPageRequest},
    connection::SendConnection,
    enums::SendOrder,
    error::Nullable,
    history_arguments,
    log::{self, SendGrouping, SendLogFilter, SendTotals, SyncState},
    node::{self, Node},
    paging::PageArguments,
    reason::Reason,
    scalar::TimeZone,
};
use crate::sources::loader::ResourceLoader;

/// Maximum number of ids in a list. Each id can cost an upstream call, and the daily limit is 10,000 calls.
const MAX_IDS: usize = 500;

pub struct Query;

/// Send histories, the campaigns and contact lists that they belong to, and the state of this service. There are no mutations.
#[Object]
impl Query {
    /// Campaign activity by id. The lookup costs no upstream call. The fields of an unknown activity fail with code `NOT_FOUND`.
    /// Null with an error of code `BAD_USER_INPUT` if the id is not a UUID.
    async fn campaign_activity(
        &self,
        #[graphql(desc = "Constant Contact's `campaign_activity_id`: a UUID with hyphens.")] id: ID,
        #[graphql(
            desc = "Maximum age of the history, in seconds. 0 forces an upstream call. Defaults to one minute after a recent send, and to a longer time after an older send."
        )]
        max_age: Option<i32>,
    ) -> Nullable<CampaignActivity> {
        Some(history_arguments::max_age(max_age).and_then(|max_age| activity(&id, max_age)))
    }

    #[expect(clippy::unused_async, reason = "async-graphql requires resolvers to be async")]
    /// Campaign activities in the order of `ids`, including repeated ids. The list item of an invalid id is null with an error of
    /// code `BAD_USER_INPUT`.
    async fn campaign_activities(
        &self,
        #[graphql(
            desc = "Values of Constant Contact's `campaign_activity_id`: UUIDs with hyphens, at most 500."
        )]
        ids: Vec<ID>,
        #[graphql(
            desc = "Maximum age of the histories, in seconds. 0 forces upstream calls. Defaults to one minute after a recent send, and to a longer time after an older send."
        )]
        max_age: Option<i32>,
    ) -> Result<Vec<Nullable<CampaignActivity>>, ApiError> {
        check_length("ids", ids.len())?;
        let max_age = history_arguments::max_age(max_age)?;
        Ok(ids.iter().map(|id| Some(activity(id, max_age))).collect())
    }

    /// Campaign by id. The lookup costs no upstream call. The fields of an unknown campaign fail with code `NOT_FOUND`. Null with
    /// an error of code `BAD_USER_INPUT` if the id is invalid.
    async fn campaign(
        &self,
        #[graphql(desc = "A `campaignId`, or the `id` of a campaign.")] id: ID,
    ) -> Nullable<Campaign> {
        Some(node::campaign_id(&id).map(Campaign::new))
    }

    /// Campaigns of the account, including deleted campaigns, most recently updated first. Costs one upstream call per page. If
    /// the call fails, the last cached page is returned and reported in `extensions.upstream.stale`, which also reports other
    /// stale values. Null with an error if no page is cached. The last page can be empty,
    /// because Constant Contact can count campaigns that do not match the filter or cannot be decoded.
    async fn campaigns(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Campaigns to include. All by default.")] filter: Option<CampaignFilter>,
        #[graphql(desc = "Number of campaigns on the page: 1 to 500, 50 by default.")] first: Option<i32>,
        #[graphql(desc = "Only campaigns after this cursor.")] after: Option<String>,
    ) -> Nullable<CampaignConnection> {
        let filter = filter.unwrap_or_default();
        let request = CampaignPageRequest::new(&filter, first, after.as_deref());
        Some(match request {
            Ok(request) => request.read(context).await,
            Err(error) => Err(error),
        })
    }

    /// The Constant Contact account. Costs one upstream call, which requires the scope `account_read`. Null with an error if the
    /// call fails.
    async fn account(&self, context: &Context<'_>) -> Nullable<Account> {
        let account = context.data_unchecked::<ResourceLoader>().account().await;
        Some(account.map(Account).map_err(Into::into))
    }

    /// Object by global id. Accepts every `id` of this schema, but not upstream ids such as `campaignId`. A send costs the
    /// upstream call for its history. If the history does not have the send, the result is null with an error of code
    /// `NOT_FOUND`. The lookup of any other object costs no upstream call. Null with an error of code `BAD_USER_INPUT` if the id
    /// is invalid.
    async fn node(
        &self,
        context: &Context<'_>,
        #[graphql(
            desc = "Global id: the value of the field `id` of any object of this schema, such as `ContactList:3bf9…`."
        )]
        id: ID,
    ) -> Nullable<Node> {
        Some(node::find(context, &id).await)
    }

    /// Objects in the order of `ids`, including repeated ids. Each list item is the result of `node`, including its error. Sends
    /// of the same activity share one upstream call.
    async fn nodes(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Values of the field `id` of objects, at most 500.")] ids: Vec<ID>,
    ) -> Result<Vec<Nullable<Node>>, ApiError> {
        check_length("ids", ids.len())?;
        let found = future::join_all(ids.iter().map(|id| node::find(context, id))).await;
        Ok(found.into_iter().map(Some).collect())
    }

    /// Sends of the account in the send log. Costs no upstream call. `coverage` reports the completeness of the log. Null with an
    /// error of code `LOG_UNAVAILABLE` if there is no log, for example for callers with their own tokens.
    #[expect(
        clippy::too_many_arguments,
        reason = "each parameter is an argument of the GraphQL field"
    )]
    async fn sends(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Sends to include. All by default.")] filter: Option<SendLogFilter>,
        #[graphql(
            desc = "Order of the connection, by `runDate`. Sends without a date come last in both orders.",
            default_with = "SendOrder::NewestFirst"
        )]
        order_by: SendOrder,
        #[graphql(desc = "Maximum number of sends from the start: at most 500, 50 by default.")]
        first: Option<i32>,
        #[graphql(desc = "Only sends after this cursor.")] after: Option<String>,
        #[graphql(
            desc = "Maximum number of sends from the end: at most 500. Cannot be combined with `first`."
        )]
        last: Option<i32>,
        #[graphql(desc = "Only sends before this cursor.")] before: Option<String>,
    ) -> Nullable<SendConnection> {
        let page = PageArguments {
            first,
            after,
            last,
            before,
        };
        Some(log::page(context, filter.unwrap_or_default(), order_by, &page).await)
    }

    /// Totals of the sends in the send log, by group. Costs no upstream call except for the zone `ACCOUNT`. `coverage` reports
    /// the completeness of the log. Null with an error of code `LOG_UNAVAILABLE` if there is no log.
    async fn send_totals(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Sends to include. All by default.")] filter: Option<SendLogFilter>,
        #[graphql(desc = "Property by which the sends are grouped.")] group_by: SendGrouping,
        #[graphql(desc = "Time zone in which days, weeks and months begin.", default)] zone: TimeZone,
        #[graphql(desc = "Maximum number of groups: at most 1,000, 100 by default.")] first: Option<i32>,
    ) -> Nullable<SendTotals> {
        let filter = filter.unwrap_or_default();
        Some(log::totals(context, filter, group_by, &zone, first).await)
    }

    /// State of the synchronisation of the send log. Null with an error of code `LOG_UNAVAILABLE` if there is no log.
    async fn sync_state(&self, context: &Context<'_>) -> Nullable<SyncState> {
        Some(log::state(context).await)
    }

    /// Reason codes that Constant Contact documents, from 0 to 12. Sends can have other codes.
    async fn reason_codes(&self) -> Vec<Reason> {
        sends_core::Reason::table().iter().copied().map(Reason).collect()
    }

    /// Usage of Constant Contact's rate limits, as counted by this service.
    async fn upstream_budget(&self, context: &Context<'_>) -> UpstreamBudget {
        context.data_unchecked::<Pacer>().current_state().await.into()
    }
}

pub(super) fn check_length(list: &str, length: usize) -> Result<(), ApiError> {
    if length > MAX_IDS {
        let message = format!("`{list}` has {length} items. At most {MAX_IDS} are allowed.");
        return Err(ApiError::bad_user_input(message));
    }
    Ok(())
}

pub(super) fn activity(id: &ID, max_age: Option<Duration>) -> Result<CampaignActivity, ApiError> {
    Ok(CampaignActivity::new(node::activity_id(id)?, max_age))
}
