//! Which documents have cacheable responses: those that ask for nothing but send histories and what follows from them.
//!
//! The response to such a document is the same as long as the histories are. The fields are listed, so that a new field of the
//! schema is not cacheable by default.

use apollo_compiler::{
    ExecutableDocument,
    executable::{Selection, SelectionSet},
};

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

/// Whether the responses to a document, whose size was checked, are cacheable.
pub(crate) fn is_cacheable(document: &ExecutableDocument) -> bool {
    let mut operations = document.operations.iter();
    operations.all(|operation| is_listed(document, &operation.selection_set))
}

fn is_listed(document: &ExecutableDocument, set: &SelectionSet) -> bool {
    let listed = FIELDS.iter().find(|(parent, _)| set.ty == *parent);
    let listed = listed.map_or(&[][..], |(_, fields)| fields);
    set.selections.iter().all(|selection| match selection {
        Selection::Field(field) => {
            // The account's time zone is no part of a history.
            let in_a_zone = field.specified_argument_by_name("zone").is_some();
            let is_listed_itself = listed.contains(&field.name.as_str()) && !in_a_zone;
            field.name == "__typename" || is_listed_itself && is_listed(document, &field.selection_set)
        }
        Selection::InlineFragment(fragment) => is_listed(document, &fragment.selection_set),
        Selection::FragmentSpread(spread) => {
            let fragment = document.fragments.get(&spread.fragment_name);
            fragment.is_some_and(|fragment| is_listed(document, &fragment.selection_set))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{execution::validation::Types, schema};

    #[test]
    fn every_listed_field_is_one_of_the_schema() {
        let types = Types::of(&schema::sdl());
        for (of, fields) in FIELDS {
            for field in fields {
                assert!(types.field(of, field).is_some(), "{of}.{field}");
            }
        }
    }
}
