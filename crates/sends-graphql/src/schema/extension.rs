//! Response extension `extensions.upstream`.
//!
//! `calls` is the number of upstream calls of the operation. `stale` lists the oldest stale value of each type, with a reason as
//! in `CampaignActivity.staleReason`. The list is absent if the response has no stale value.

use async_graphql::{InputType, Value, value};

use super::{enums::StaleReason, scalar::DateTime};
use crate::sources::histories::{Kind, StaleAnswers};

pub const UPSTREAM: &str = "upstream";

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
