//! Charges the memory budget of responses for lists that are longer than estimated.

use async_graphql::{
    Context, Positioned,
    parser::types::{Selection, SelectionSet},
};

use super::ApiError;
use crate::bulkheads::answers;

pub(crate) const ASSUMED_SENDS: usize = 10;
/// Estimated number of activities of a campaign: the email, its web page and a resend.
pub(crate) const ASSUMED_ACTIVITIES: usize = 3;
pub(crate) const ASSUMED_UNREADABLE: usize = 10;

/// Charges the memory budget for the items of a list beyond the `expected` number, which the estimate includes. `context` belongs
/// to the field that returns the list. Yields first if the operation has run for a while.
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

/// Charges the bytes of an id beyond the estimate for an object that the field of `context` is about to return. Each selected
/// field of the object can repeat the id.
pub(super) fn long_id(context: &Context<'_>, beyond: usize) -> Result<(), ApiError> {
    let Some(memory) = answers::current() else {
        return Ok(());
    };
    let (fields, _) = of_item(&context.item.node.selection_set);
    memory
        .charge(0, fields.saturating_mul(beyond))
        .map_err(Into::into)
}

/// Yields before a list whose length the estimate includes, if the operation has run for a while.
pub(super) async fn foreseen_list() {
    if let Some(memory) = answers::current() {
        memory.pause().await;
    }
}

/// Returns the number of fields in one item, and the size of their long names in bytes. A nested list counts as one item here and
/// is charged separately.
fn of_item(set: &Positioned<SelectionSet>) -> (usize, usize) {
    let selections = set.node.items.iter().map(|selection| match &selection.node {
        Selection::Field(field) => {
            let (fields, texts) = of_item(&field.node.selection_set);
            let name = field.node.response_key();
            (1 + fields, texts + answers::long_name(&name.node))
        }
        Selection::InlineFragment(fragment) => of_item(&fragment.node.selection_set),
        // The execution plan has already replaced all fragment spreads.
        Selection::FragmentSpread(_) => (0, 0),
    });
    selections.fold((0, 0), |(fields, texts), of| (fields + of.0, texts + of.1))
}
