//! Selects documents with cacheable responses, whose fields depend only on send histories.
//!
//! Cacheable fields are an allowlist, so that a new field of the schema is not cacheable by default.

use apollo_compiler::{
    ExecutableDocument,
    executable::{Selection, SelectionSet},
};

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

/// Returns whether responses to a document are cacheable. The size of the document must be limited.
pub(crate) fn is_cacheable(document: &ExecutableDocument) -> bool {
    let mut operations = document.operations.iter();
    operations.all(|operation| is_listed(document, &operation.selection_set))
}

fn is_listed(document: &ExecutableDocument, set: &SelectionSet) -> bool {
    let listed = FIELDS.iter().find(|(parent, _)| set.ty == *parent);
    let listed = listed.map_or(&[][..], |(_, fields)| fields);
    set.selections.iter().all(|selection| match selection {
        Selection::Field(field) => {
            // A date in the account's time zone depends on the account in addition to the history.
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
    fn every_listed_field_exists_in_the_schema() {
        let types = Types::of(&schema::sdl());
        for (of, fields) in FIELDS {
            for field in fields {
                assert!(types.field(of, field).is_some(), "{of}.{field}");
            }
        }
    }
}
