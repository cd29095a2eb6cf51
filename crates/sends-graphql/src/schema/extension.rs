//! The response extension `extensions.upstream`.
//!
//! `calls` is the number of upstream calls of the operation. `stale` is present if a value exceeds its maximum age because a
//! refresh failed: the oldest of each type, with a reason as in `CampaignActivity.staleReason`.

use async_graphql::{InputType, Value, value};

use super::{enums::StaleReason, scalar::DateTime};
use crate::sources::histories::{Kind, StaleAnswers};

/// Name of the extension.
pub const UPSTREAM: &str = "upstream";

/// Value of the extension.
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

/// The schema's type of the values.
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
