//! What Constant Contact's V3 API says about the sends of an email, and what it means.
//!
//! The operation `GET /emails/activities/{campaign_activity_id}/send_history` answers with a JSON array, one
//! record per attempt to send one email activity. This crate reads and writes that array in the upstream's own
//! field names ([`SendHistory`], [`SendAttempt`]) and answers what its readers ask next: how did this send end
//! ([`Outcome`]), why, who can do something about it and what ([`Reason`]), and does the activity as a whole
//! need someone's attention ([`HistorySummary`]).
//!
//! The trap it exists for: a send that reached nobody is reported as `COMPLETED`.
//!
//! ```
//! use sends_core::{Actor, Outcome, SendHistory};
//!
//! let history = SendHistory::from_json(br#"[
//!   {"send_id": 1, "contact_list_ids": ["f4ab800a-5adf-11e9-ba6a-fa163e6b01c1"], "count": 2,
//!    "run_date": "2019-04-18T20:03:08.000Z", "send_status": "COMPLETED", "reason_code": 0},
//!   {"send_id": 2, "contact_list_ids": ["f4ab800a-5adf-11e9-ba6a-fa163e6b01c1"], "count": 0,
//!    "run_date": "2019-05-07T14:42:57.000Z", "send_status": "COMPLETED", "reason_code": 12}
//! ]"#)?;
//!
//! let [first, second] = history.sends() else { panic!("two sends") };
//! assert_eq!(first.outcome(), Outcome::Sent);
//! assert_eq!(second.outcome(), Outcome::NoRecipients);
//!
//! let reason = second.reason().expect("the record carries a code");
//! assert_eq!(reason.name, "NO_ELIGIBLE_CONTACTS");
//! assert_eq!(reason.actors, [Actor::ListOwner]);
//!
//! let summary = history.summary();
//! assert_eq!((summary.attempts, summary.contacts_reached), (2, 2));
//! assert!(!summary.needs_attention, "a resend without new contacts is normal");
//! # Ok::<(), sends_core::DecodeError>(())
//! ```
//!
//! It also models the resources related to the sends: the [`Campaign`] and its activities
//! ([`CampaignDetail`], [`ActivityDetail`]), what [lists](ContactList) and [segments](Segment) are called, and what
//! contacts did with an email ([`EngagementStats`]). All of them come in by [`FromJson`], listings as a [`Page`].
//!
//! # What it takes for granted, and what it does not
//!
//! The upstream marks no field as required, so only a record without `send_id` is malformed; an absent, a null
//! and an empty list are the same thing, and fields this crate does not know are passed over. Statuses and
//! reason codes are open sets: a value nobody has documented is kept as it came and is never an error. Where
//! a record contradicts itself the answer is decided and written down at [`Outcome`].
//!
//! An oddity costs itself and nothing around it. A value in a form that can mean one thing only is read, such as a number
//! as text; any other is missing in its record, never an error. A record without the id that it hangs on is missing in its
//! list. Both are counted ([`Oddities`]). Dates without an offset are no dates: the vendor documents date-times with one
//! everywhere, and which zone another would be in is not documented.
//!
//! Each item says where its facts come from: *documented* by the vendor, or *this project's reading*.
//!
//! # What it must not know
//!
//! Where the bytes came from or where the answers go: no HTTP, no GraphQL, no clock, no runtime, no operating
//! system. It is `no_std` and needs only an allocator.

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
