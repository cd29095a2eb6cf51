//! What an answer tells of the upstream beside its data: `extensions.upstream`.
//!
//! `calls` is what the operation cost. `stale` is there when something in the answer is older than it was meant to be, since
//! Constant Contact could not be asked: of each type the oldest, with the same reasons as `CampaignActivity.staleReason`.

use async_graphql::{InputType, Value, value};

use super::{enums::StaleReason, scalar::DateTime};
use crate::sources::histories::{Kind, StaleAnswers};

/// The name of the extension.
pub const UPSTREAM: &str = "upstream";

/// Its value for an operation that has made so many calls and was given these older answers.
pub fn upstream(calls: u32, stale: &StaleAnswers) -> Value {
    let stale: Vec<Value> = stale
        .noted()
        .into_iter()
        .map(|(kind, stale)| {
            value!({
                "type": type_of(kind),
                "fetchedAt": DateTime::utc(stale.fetched_at).to_value(),
                "reason": StaleReason::from(stale.reason).to_value(),
            })
        })
        .collect();
    if stale.is_empty() {
        value!({ "calls": calls })
    } else {
        value!({ "calls": calls, "stale": stale })
    }
}

/// The type of the schema that shows it.
const fn type_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Sends => "Send",
        Kind::CampaignPage => "CampaignConnection",
        Kind::Campaign => "Campaign",
        Kind::Activity => "CampaignActivity",
        Kind::Stats => "EngagementStats",
        Kind::ContactLists => "ContactList",
        Kind::Segments => "Segment",
        Kind::Account => "Account",
    }
}
