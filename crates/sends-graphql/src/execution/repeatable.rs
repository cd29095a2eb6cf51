//! Whether a document asks for nothing but send histories and what follows from them.
//!
//! The answer to such a document is the same again as long as the histories are. The fields are listed, so that a field
//! that is new to the schema does not count until somebody has thought about it.

use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};

use crate::guard::types::{Types, named};

/// The fields of each type that follow from the histories of the activities that the document names.
const FIELDS: [(&str, &[&str]); 8] = [
    (
        "Query",
        &["campaignActivity", "campaignActivities", "reasonCodes"],
    ),
    (
        "CampaignActivity",
        &[
            "id",
            "sendHistory",
            "sendHistoryConnection",
            "latestSend",
            "fetchedAt",
            "isStale",
            "staleReason",
            "sendSummary",
        ],
    ),
    (
        "Send",
        &[
            "id",
            "sendId",
            "contactListIds",
            "segmentIds",
            "count",
            "runDate",
            "sendStatus",
            "sendStatusRaw",
            "reasonCode",
            "reason",
            "outcome",
            "isContradictory",
        ],
    ),
    (
        "SendSummary",
        &[
            "attemptCount",
            "failedAttemptCount",
            "contactsReached",
            "firstRunDate",
            "lastRunDate",
            "latestOutcome",
            "needsAttention",
        ],
    ),
    (
        "Reason",
        &[
            "code",
            "name",
            "description",
            "category",
            "retry",
            "responsible",
            "remedy",
            "isKnown",
        ],
    ),
    ("SendConnection", &["edges", "nodes", "pageInfo", "totalCount"]),
    ("SendEdge", &["cursor", "node"]),
    (
        "PageInfo",
        &["hasPreviousPage", "hasNextPage", "startCursor", "endCursor"],
    ),
];

/// Whether every operation of a document, whose measure was checked, does so.
pub(super) fn is_repeatable(document: &ExecutableDocument, types: &Types) -> bool {
    let walk = Walk { document, types };
    let mut operations = document.operations.iter();
    operations.all(|(_, operation)| walk.is_listed(types.query(), &operation.node.selection_set.node))
}

struct Walk<'d> {
    document: &'d ExecutableDocument,
    types: &'d Types,
}

impl<'d> Walk<'d> {
    fn is_listed(&self, on: &'d str, set: &'d SelectionSet) -> bool {
        let listed = FIELDS.iter().find(|(parent, _)| *parent == on);
        let listed = listed.map_or(&[][..], |(_, fields)| fields);
        set.items.iter().all(|selection| match &selection.node {
            Selection::Field(field) => {
                let (name, below) = (field.node.name.node.as_str(), &field.node.selection_set.node);
                // The account's time zone is no part of a history.
                let in_a_zone = field.node.get_argument("zone").is_some();
                let is_listed = listed.contains(&name) && !in_a_zone;
                let is_below = || self.is_listed(self.types.field(on, name).map_or("", named), below);
                name == "__typename" || is_listed && (below.items.is_empty() || is_below())
            }
            Selection::InlineFragment(fragment) => {
                let condition = fragment.node.type_condition.as_ref();
                let on = condition.map_or(on, |condition| condition.node.on.node.as_str());
                self.is_listed(on, &fragment.node.selection_set.node)
            }
            Selection::FragmentSpread(spread) => {
                let fragment = self.document.fragments.get(&spread.node.fragment_name.node);
                fragment.is_some_and(|fragment| {
                    let on = fragment.node.type_condition.node.on.node.as_str();
                    self.is_listed(on, &fragment.node.selection_set.node)
                })
            }
        })
    }
}
