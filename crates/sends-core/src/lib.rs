#![doc = include_str!("../README.md")]
//!
//! # Sources
//!
//! Each item states the source of its facts: *documented* by the vendor, *observed*, or *inferred* by this project. [`Outcome`]
//! documents the decisions for contradictory records.
//!
//! [`SendHistory`] and [`SendAttempt`] decode and encode the history with the upstream's field names. [`FromJson`] decodes all
//! other models, and decodes listings as a [`Page`].

#![no_std]

extern crate alloc;

mod account;
mod activity;
mod attempt;
mod audience;
mod campaign;
mod closed_enum;
mod excerpt;
mod explanation;
mod fields;
mod filter;
mod history;
mod identifier;
mod json;
mod json_repair;
mod lenient;
mod oddities;
mod open_enum;
mod outcome;
mod page;
mod reason;
mod role;
mod stats;
mod status;
mod summary;

pub use account::{AccountSummary, Privilege, Privileges};
pub use activity::{ActivityDetail, Schedule};
pub use attempt::SendAttempt;
pub use audience::named::{ContactList, Segment};
pub use audience::{ListId, SegmentId};
pub use campaign::{ActivityReference, Campaign, CampaignDetail, CampaignSummary};
pub use explanation::Explanation;
pub use filter::SendFilter;
pub use history::SendHistory;
pub use identifier::{ActivityId, CampaignId, ParseIdError};
pub use json::{DecodeError, FromJson, FromJsonOf};
pub use json_repair::repair_json;
pub use oddities::{Decoded, Oddities};
pub use open_enum::{OpenSet, Verbatim};
pub use outcome::Outcome;
pub use page::{Listed, NextLink, Page};
pub use reason::{Actor, Reason, ReasonCategory, ReasonCode, RetryAdvice};
pub use role::ActivityRole;
pub use stats::{ActivityStats, CampaignStats, EngagementStats, UniqueCounts};
pub use status::{CampaignStatus, SendStatus};
pub use summary::HistorySummary;
