//! The sends of an activity as a connection, for clients that page by cursors.

use std::sync::Arc;

use async_graphql::{Context, Object, SimpleObject};
use sends_core::{ActivityId, SendFilter, SendHistory};

use super::{
    ApiError, charge,
    enums::SendOrder,
    history_arguments,
    paging::{Page, PageRequest, Place},
    scalar::count,
    send::HistoricSend,
};

/// A page of the sends of an activity.
pub(super) struct SendConnection {
    activity: ActivityId,
    history: Arc<SendHistory>,
    /// The sends that the filter includes, as indexes in the history, in the order that was asked for.
    chosen: Vec<usize>,
    /// Where each send of the history is in the order of cursors.
    places: Vec<Place>,
    page: Page,
}

impl SendConnection {
    pub(super) fn new(
        activity: ActivityId,
        history: Arc<SendHistory>,
        filter: &SendFilter,
        order: SendOrder,
        request: PageRequest,
    ) -> Self {
        let chosen = history_arguments::choose(filter, &history, order);
        let places = Place::all(&history);
        let of_chosen: Vec<Place> = chosen.iter().map(|&index| places[index]).collect();
        let page = request.of(&of_chosen, order == SendOrder::OldestFirst);
        Self {
            activity,
            history,
            chosen,
            places,
            page,
        }
    }

    fn cursor_at(&self, index: Option<&usize>) -> Option<String> {
        index.map(|&index| self.places[index].cursor())
    }

    fn on_page(&self) -> &[usize] {
        &self.chosen[self.page.places.clone()]
    }
}

/// A page of the sends of an activity, by the Relay cursor connections specification.
#[Object]
impl SendConnection {
    /// The sends of this page, each with its cursor.
    async fn edges(&self, context: &Context<'_>) -> Result<Vec<SendEdge>, ApiError> {
        charge::list(context, self.on_page().len(), charge::ASSUMED_SENDS).await?;
        let edge = |&index: &usize| SendEdge {
            cursor: self.places[index].cursor(),
            node: HistoricSend::new(self.activity, Arc::clone(&self.history), index),
        };
        Ok(self.on_page().iter().map(edge).collect())
    }

    /// Where this page stands among the others.
    async fn page_info(&self) -> PageInfo {
        PageInfo {
            has_previous_page: self.page.has_previous,
            has_next_page: self.page.has_next,
            start_cursor: self.cursor_at(self.on_page().first()),
            end_cursor: self.cursor_at(self.on_page().last()),
        }
    }

    /// How many sends the filter includes, on all pages together.
    async fn total_count(&self) -> i32 {
        count(self.chosen.len())
    }
}

/// One send on a page.
#[derive(SimpleObject)]
pub(super) struct SendEdge {
    /// The place of this send in the order: what `after` and `before` take. It stays good when the activity is sent again.
    cursor: String,
    /// The send.
    node: HistoricSend,
}

/// Where a page stands among the others.
#[derive(SimpleObject)]
// Every subgraph with connections has this type, and they all mean the same.
#[graphql(shareable)]
pub(super) struct PageInfo {
    /// Whether something comes before this page.
    pub(super) has_previous_page: bool,
    /// Whether something comes after this page.
    pub(super) has_next_page: bool,
    /// The cursor of what comes first on this page. Null when the page is empty.
    pub(super) start_cursor: Option<String>,
    /// The cursor of what comes last on this page. Null when the page is empty.
    pub(super) end_cursor: Option<String>,
}
