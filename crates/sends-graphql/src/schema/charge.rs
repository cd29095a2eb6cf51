//! Charges lists to the memory of the answer, where they are longer than the estimate took them to be.

use async_graphql::{
    Context, Positioned,
    parser::types::{Selection, SelectionSet},
};

use super::ApiError;
use crate::bulkheads::answers;

/// How many sends a history is taken to have, for want of knowing it.
pub(crate) const ASSUMED_SENDS: usize = 10;
/// How many activities a campaign is taken to have: the email, its page, and one more for those who did not open it.
pub(crate) const ASSUMED_ACTIVITIES: usize = 3;

/// A list of this length is about to be answered by the field of `context`; `expected` items are in the estimate. Lets others
/// run first, if the operation has been executed for a while.
pub(super) async fn list(context: &Context<'_>, length: usize, expected: usize) -> Result<(), ApiError> {
    let Some(memory) = answers::current() else {
        return Ok(());
    };
    memory.pause().await;
    let beyond = length.saturating_sub(expected);
    if beyond == 0 {
        return Ok(());
    }
    let (fields, texts) = of_item(&context.item.node.selection_set);
    let charged = memory.charge(beyond.saturating_mul(1 + fields), beyond.saturating_mul(texts));
    charged.map_err(Into::into)
}

/// Lets others run before a list whose length the estimate knows.
pub(super) async fn foreseen_list() {
    if let Some(memory) = answers::current() {
        memory.pause().await;
    }
}

/// The fields of one item and the bytes of their long names, lists in it taken to have one item each: they are charged by
/// themselves.
fn of_item(set: &Positioned<SelectionSet>) -> (usize, usize) {
    let selections = set.node.items.iter().map(|selection| match &selection.node {
        Selection::Field(field) => {
            let (fields, texts) = of_item(&field.node.selection_set);
            let name = field.node.response_key();
            (1 + fields, texts + answers::long_name(&name.node))
        }
        Selection::InlineFragment(fragment) => of_item(&fragment.node.selection_set),
        // The plan has every fragment in its place.
        Selection::FragmentSpread(_) => (0, 0),
    });
    selections.fold((0, 0), |(fields, texts), of| (fields + of.0, texts + of.1))
}
