//! Connections of sends from an activity's history or from the send log.

use std::sync::Arc;

use async_graphql::{Context, Object, SimpleObject};
use sends_core::{ActivityId, SendFilter, SendHistory};
use sends_store::{LogFilter, LogPage, LoggedSend};

use super::{
    ApiError,
    campaign::KnownCampaign,
    charge,
    enums::SendOrder,
    error::Nullable,
    history_arguments,
    log::{self, LogCoverage},
    paging::{PageRequest, Place},
    scalar::Long,
    send::HistoricSend,
};
use crate::sources::send_log::LogReader;

pub(super) struct SendConnection {
    edges: Vec<SendEdge>,
    has_previous: bool,
    has_next: bool,
    total: Total,
    coverage: Nullable<LogCoverage>,
    /// Number of sends that the memory estimate of the response includes.
    expected: usize,
}

enum Total {
    Known(usize),
    Log(Box<LogFilter>),
}

impl SendConnection {
    pub(super) fn of_history(
        (activity, campaign): (ActivityId, &KnownCampaign),
        history: &Arc<SendHistory>,
        filter: &SendFilter,
        order: SendOrder,
        request: PageRequest,
    ) -> Self {
        let chosen = history_arguments::choose(filter, history, order);
        let places = Place::all(history);
        let of_chosen: Vec<Place> = chosen.iter().map(|&index| places[index]).collect();
        let page = request.of(&of_chosen, order == SendOrder::OldestFirst);
        let edge = |&index: &usize| SendEdge {
            cursor: places[index].cursor(),
            node: HistoricSend::new(activity, Arc::clone(history), index, campaign.clone()),
        };
        Self {
            edges: chosen[page.places].iter().map(edge).collect(),
            has_previous: page.has_previous,
            has_next: page.has_next,
            total: Total::Known(chosen.len()),
            coverage: None,
            expected: charge::ASSUMED_SENDS,
        }
    }

    pub(super) fn of_log(page: &LogPage, filter: LogFilter, coverage: Nullable<LogCoverage>) -> Self {
        let edge = |logged: &LoggedSend| SendEdge {
            cursor: log::cursor(logged.position()),
            node: HistoricSend::logged(logged),
        };
        Self {
            edges: page.sends.iter().map(edge).collect(),
            has_previous: page.has_previous,
            has_next: page.has_next,
            total: Total::Log(Box::new(filter)),
            coverage,
            expected: page.sends.len(),
        }
    }
}

/// Connection of sends, as defined by the Relay cursor connections specification.
#[Object]
impl SendConnection {
    /// Sends of this page with their cursors.
    async fn edges(&self, context: &Context<'_>) -> Result<&[SendEdge], ApiError> {
        charge::list(context, self.edges.len(), self.expected).await?;
        Ok(&self.edges)
    }

    /// Sends of this page.
    async fn nodes(&self, context: &Context<'_>) -> Result<Vec<&HistoricSend>, ApiError> {
        charge::list(context, self.edges.len(), self.expected).await?;
        Ok(self.edges.iter().map(|edge| &edge.node).collect())
    }

    /// Position of this page within the connection.
    async fn page_info(&self) -> PageInfo {
        let cursor = |edge: Option<&SendEdge>| edge.map(|edge| edge.cursor.clone());
        PageInfo {
            has_previous_page: self.has_previous,
            has_next_page: self.has_next,
            start_cursor: cursor(self.edges.first()),
            end_cursor: cursor(self.edges.last()),
        }
    }

    /// Number of sends that match the filter, on all pages. For `Query.sends`, the count costs another search of the send log.
    /// Null with an error if that search fails.
    async fn total_count(&self, context: &Context<'_>) -> Nullable<Long> {
        let filter = match &self.total {
            Total::Known(total) => return Some(Ok((*total).into())),
            Total::Log(filter) => filter,
        };
        let reader = context.data_unchecked::<LogReader>();
        let counted = reader.read(|log, owner| log.sends.count(owner, filter)).await;
        Some(counted.map(Into::into).map_err(Into::into))
    }

    /// Completeness of the send log for the filter. Null for the history of one activity, which Constant Contact returns as a
    /// whole. Null with an error if the completeness cannot be read.
    async fn coverage(&self) -> Nullable<LogCoverage> {
        self.coverage.clone()
    }
}

/// Edge of a send connection: a send and its cursor.
#[derive(SimpleObject)]
pub(super) struct SendEdge {
    /// Opaque position of the send, for the arguments `after` and `before` of the list that returned it. The cursor remains valid
    /// after further sends, with another filter or order, and after a restart.
    cursor: String,
    /// Send at this position.
    node: HistoricSend,
}

/// Position of a page within its connection.
#[derive(SimpleObject)]
// `PageInfo` has the same meaning in every subgraph with connections.
#[graphql(shareable)]
pub(super) struct PageInfo {
    /// Whether there are items before this page. For a page from the end (`last`), items up to and including the cursor `after`
    /// are ignored.
    pub(super) has_previous_page: bool,
    /// Whether there are items after this page. For a page from the start (`first`), the cursor `before` and the items after it
    /// are ignored.
    pub(super) has_next_page: bool,
    /// Cursor of the first item. Null if the page is empty.
    pub(super) start_cursor: Option<String>,
    /// Cursor of the last item. Null if the page is empty.
    pub(super) end_cursor: Option<String>,
}
