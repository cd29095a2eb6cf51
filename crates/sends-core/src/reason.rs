//! Reason codes: what the upstream says about why a send ended as it did, and what follows from it.
//!
//! Owns the vocabulary; the thirteen known codes are in [`table`]. Must not know how a send ended: a code is one
//! statement out of three, see [`Outcome`](crate::Outcome).

mod table;

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::closed_enum::closed_enum;

/// The upstream's `reason_code`, any number of 32 bits.
///
/// 0 to 12 are documented. The set is open, so every other number is a value too.
///
/// ```
/// assert_eq!(sends_core::ReasonCode::new(12).get(), 12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReasonCode(i32);

impl ReasonCode {
    /// The code with this number.
    pub const fn new(number: i32) -> Self {
        Self(number)
    }

    /// The code's number.
    pub const fn get(self) -> i32 {
        self.0
    }
}

impl fmt::Display for ReasonCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// What a reason code means, whether sending again can help, who has to act and how.
///
/// The meaning is documented by the vendor and told here in our own words. Name, category, advice, actors and remedy
/// are this project's reading of it.
///
/// ```
/// use sends_core::{Reason, ReasonCode, RetryAdvice};
///
/// let reason = Reason::of(ReasonCode::new(5));
/// assert_eq!(reason.name, "STAGED");
/// assert_eq!(reason.retry, RetryAdvice::Wait);
///
/// let future = Reason::of(ReasonCode::new(13));
/// assert_eq!(future.code.get(), 13);
/// assert!(!future.is_known());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reason {
    /// The code this is about.
    pub code: ReasonCode,
    /// A short name in upper case with underscores, unique among the known codes; `UNKNOWN` for every other code.
    pub name: &'static str,
    /// What the code means, as one sentence or two.
    pub meaning: &'static str,
    /// The kind of reason, for grouping.
    pub category: ReasonCategory,
    /// Whether sending again can help, and when.
    pub retry: RetryAdvice,
    /// Who has to act, first the one to begin with; empty when nobody has to.
    pub actors: &'static [Actor],
    /// What those who have to act should do.
    pub remedy: &'static str,
}

impl Reason {
    /// What is known about a code. Every code has an answer; for one that is not documented it says so.
    pub fn of(code: ReasonCode) -> Self {
        let known = usize::try_from(code.get())
            .ok()
            .and_then(|index| table::KNOWN.get(index));
        known.copied().unwrap_or(Self {
            code,
            ..table::UNKNOWN
        })
    }

    /// The documented codes, 0 to 12, in order.
    ///
    /// ```
    /// for reason in sends_core::Reason::table() {
    ///     println!("{:>2}  {}", reason.code, reason.meaning);
    /// }
    /// ```
    pub const fn table() -> &'static [Self] {
        &table::KNOWN
    }

    /// Whether the code is one of the documented ones.
    pub fn is_known(&self) -> bool {
        self.category != ReasonCategory::Unknown
    }
}

closed_enum! {
    /// The kind of a reason.
    pub enum ReasonCategory {
        /// Nothing stood in the way: code 0.
        Success = "SUCCESS",
        /// Something went wrong at the upstream: code 1.
        System = "SYSTEM",
        /// The vendor's account review stopped the send: code 2.
        Compliance = "COMPLIANCE",
        /// The account's payment or subscription: code 3.
        Billing = "BILLING",
        /// More contacts than the account may send to: code 4.
        Limit = "LIMIT",
        /// Held back, to be released after a review: code 5.
        Staging = "STAGING",
        /// Some contacts were not reached: code 6.
        Partial = "PARTIAL",
        /// Something in the email itself: codes 7 and 8.
        Content = "CONTENT",
        /// The sender's address: codes 9 and 10.
        Sender = "SENDER",
        /// A feature the account does not have: code 11.
        Feature = "FEATURE",
        /// Nobody to send to: code 12.
        Audience = "AUDIENCE",
        /// A code that is not documented.
        Unknown = "UNKNOWN",
    }
}

closed_enum! {
    /// Whether sending again can help, and when.
    pub enum RetryAdvice {
        /// There is nothing to repeat.
        NotNeeded = "NOT_NEEDED",
        /// Send again as it is.
        Yes = "YES",
        /// Send again once the cause has been put right.
        AfterFix = "AFTER_FIX",
        /// Send again once the vendor's account review has cleared it, not before.
        AfterClearance = "AFTER_CLEARANCE",
        /// Do not send again: the send is still going to happen by itself.
        Wait = "WAIT",
        /// Find out first who has been reached, or some contacts may get the email twice.
        NotBlindly = "NOT_BLINDLY",
        /// Sending again cannot help.
        No = "NO",
        /// The code is not documented, so nothing can be said.
        Unknown = "UNKNOWN",
    }
}

closed_enum! {
    /// Someone who can do something about a reason.
    pub enum Actor {
        /// Whoever is responsible for the account and its subscription.
        AccountOwner = "ACCOUNT_OWNER",
        /// The vendor's account review, which clears or refuses a send.
        AccountReview = "ACCOUNT_REVIEW",
        /// Whoever keeps the contact lists and segments.
        ListOwner = "LIST_OWNER",
        /// Whoever writes the email.
        ContentEditor = "CONTENT_EDITOR",
        /// The vendor's customer support.
        Support = "SUPPORT",
        /// Constant Contact, without being asked.
        ConstantContact = "CONSTANT_CONTACT",
    }
}
