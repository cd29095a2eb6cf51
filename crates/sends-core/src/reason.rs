//! Reason codes and their meaning. The documented codes are in [`table`].

mod table;

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::closed_enum::closed_enum;

/// The upstream's `reason_code`: a 32-bit integer, of which the values 0 to 12 are documented.
///
/// ```
/// assert_eq!(sends_core::ReasonCode::new(12).get(), 12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReasonCode(i32);

impl ReasonCode {
    /// Creates a code from its number.
    pub const fn new(number: i32) -> Self {
        Self(number)
    }

    /// Returns the code as a number.
    pub const fn get(self) -> i32 {
        self.0
    }
}

impl fmt::Display for ReasonCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Meaning, retry advice and remedy of a reason code.
///
/// The meaning is documented by the vendor and paraphrased here. Name, category, advice, actors and remedy are inferred from
/// the meaning.
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
    /// Reason code.
    pub code: ReasonCode,
    /// Short name in upper case with underscores, unique among the documented codes; `UNKNOWN` for other codes.
    pub name: &'static str,
    /// Meaning in one or two sentences.
    pub meaning: &'static str,
    /// Category of the reason.
    pub category: ReasonCategory,
    /// Advice on whether to send again.
    pub retry: RetryAdvice,
    /// Parties that have to act, in this order. Empty if no action is needed.
    pub actors: &'static [Actor],
    /// Recommended action for these parties, in one or two sentences.
    pub remedy: &'static str,
}

impl Reason {
    /// Returns the meaning of a code. An undocumented code has a generic meaning.
    pub fn of(code: ReasonCode) -> Self {
        let known = usize::try_from(code.get())
            .ok()
            .and_then(|index| table::KNOWN.get(index));
        known.copied().unwrap_or(Self {
            code,
            ..table::UNKNOWN
        })
    }

    /// Returns the documented codes, 0 to 12, in order.
    ///
    /// ```
    /// for reason in sends_core::Reason::table() {
    ///     println!("{:>2}  {}", reason.code, reason.meaning);
    /// }
    /// ```
    pub const fn table() -> &'static [Self] {
        &table::KNOWN
    }

    /// Returns whether the code is documented.
    pub fn is_known(&self) -> bool {
        self.category != ReasonCategory::Unknown
    }
}

closed_enum! {
    /// Category of a reason (inferred).
    pub enum ReasonCategory {
        /// Success: code 0.
        Success = "SUCCESS",
        /// Failure of the upstream: code 1.
        System = "SYSTEM",
        /// Send that the vendor's account review stopped: code 2.
        Compliance = "COMPLIANCE",
        /// Payment or subscription problem of the account: code 3.
        Billing = "BILLING",
        /// More contacts than the account may send to: code 4.
        Limit = "LIMIT",
        /// Send held for a review: code 5.
        Staging = "STAGING",
        /// Send that did not reach all contacts: code 6.
        Partial = "PARTIAL",
        /// Problem with the content of the email: codes 7 and 8.
        Content = "CONTENT",
        /// Problem with the sender's address: codes 9 and 10.
        Sender = "SENDER",
        /// Feature that is not enabled for the account: code 11.
        Feature = "FEATURE",
        /// No recipients: code 12.
        Audience = "AUDIENCE",
        /// Undocumented code.
        Unknown = "UNKNOWN",
    }
}

closed_enum! {
    /// Advice on sending again (inferred).
    pub enum RetryAdvice {
        /// The send succeeded, so a retry is not needed.
        NotNeeded = "NOT_NEEDED",
        /// Send again without changes.
        Yes = "YES",
        /// Send again after fixing the cause.
        AfterFix = "AFTER_FIX",
        /// Send again after the clearance by the vendor's account review.
        AfterClearance = "AFTER_CLEARANCE",
        /// Do not send again, because the upstream releases the send later.
        Wait = "WAIT",
        /// First determine which contacts were reached. Otherwise some contacts may receive the email twice.
        NotBlindly = "NOT_BLINDLY",
        /// Sending again cannot succeed.
        No = "NO",
        /// No advice for an undocumented code.
        Unknown = "UNKNOWN",
    }
}

closed_enum! {
    /// Party that can fix the cause of a reason (inferred).
    pub enum Actor {
        /// Owner of the account and its subscription.
        AccountOwner = "ACCOUNT_OWNER",
        /// The vendor's account review, which clears or rejects sends.
        AccountReview = "ACCOUNT_REVIEW",
        /// Maintainer of the contact lists and segments.
        ListOwner = "LIST_OWNER",
        /// Author of the email.
        ContentEditor = "CONTENT_EDITOR",
        /// The vendor's customer support.
        Support = "SUPPORT",
        /// Constant Contact itself; a support request is not needed.
        ConstantContact = "CONSTANT_CONTACT",
    }
}
