//! Table of the reason codes 0 to 12. The index of a row is its code, as [`Reason::of`](super::Reason::of) requires.

use super::Actor::{AccountOwner, AccountReview, ConstantContact, ContentEditor, ListOwner, Support};
use super::{Reason, ReasonCategory, ReasonCode, RetryAdvice};

pub(super) static KNOWN: [Reason; 13] = [
    Reason {
        code: ReasonCode(0),
        name: "SENT",
        meaning: "Nothing went wrong.",
        category: ReasonCategory::Success,
        retry: RetryAdvice::NotNeeded,
        actors: &[],
        remedy: "Nothing to do.",
    },
    Reason {
        code: ReasonCode(1),
        name: "UNSPECIFIED_FAILURE",
        meaning: "Something failed at Constant Contact during the send, and it does not say what.",
        category: ReasonCategory::System,
        retry: RetryAdvice::Yes,
        actors: &[AccountOwner, Support],
        remedy: "Schedule the email again; if it fails the same way once more, report it to support.",
    },
    Reason {
        code: ReasonCode(2),
        name: "ACCOUNT_REVIEW_REQUIRED",
        meaning: "The send was stopped and stays stopped until the account review has cleared it.",
        category: ReasonCategory::Compliance,
        retry: RetryAdvice::AfterClearance,
        actors: &[AccountOwner, AccountReview],
        remedy: "Contact the account review team and wait for its clearance before scheduling the email again.",
    },
    Reason {
        code: ReasonCode(3),
        name: "BILLING_PROBLEM",
        meaning: "The account may not send, because of an open billing matter or an expired subscription.",
        category: ReasonCategory::Billing,
        retry: RetryAdvice::AfterFix,
        actors: &[AccountOwner],
        remedy: "Settle the account's billing or renew its subscription, then schedule the email again.",
    },
    Reason {
        code: ReasonCode(4),
        name: "TOO_MANY_CONTACTS",
        meaning: "The email is addressed to more contacts than this account may send to.",
        category: ReasonCategory::Limit,
        retry: RetryAdvice::AfterFix,
        actors: &[ListOwner],
        remedy: "Choose fewer or smaller lists or segments, then schedule the email again.",
    },
    Reason {
        code: ReasonCode(5),
        name: "STAGED",
        meaning: "The email is held back and goes out in portions as a review releases it, usually within 24 to 48 \
                  hours.",
        category: ReasonCategory::Staging,
        retry: RetryAdvice::Wait,
        actors: &[ConstantContact],
        remedy: "Wait for the release; do not schedule the email again.",
    },
    Reason {
        code: ReasonCode(6),
        name: "PARTIALLY_SENT",
        meaning: "The send began, but some of the contacts were not reached.",
        category: ReasonCategory::Partial,
        retry: RetryAdvice::NotBlindly,
        actors: &[Support],
        remedy: "Ask support who was reached before sending again, or some contacts may get the email twice.",
    },
    Reason {
        code: ReasonCode(7),
        name: "INVALID_IMAGES",
        meaning: "Images in the email are missing or cannot be used.",
        category: ReasonCategory::Content,
        retry: RetryAdvice::AfterFix,
        actors: &[ContentEditor],
        remedy: "Replace or remove the images concerned, then schedule the email again.",
    },
    Reason {
        code: ReasonCode(8),
        name: "LINK_TOO_LONG",
        meaning: "The URL of a link in the email has more than 1005 characters.",
        category: ReasonCategory::Content,
        retry: RetryAdvice::AfterFix,
        actors: &[ContentEditor],
        remedy: "Shorten the link's URL to 1005 characters or fewer, then schedule the email again.",
    },
    Reason {
        code: ReasonCode(9),
        name: "SENDER_NOT_VERIFIED",
        meaning: "The sender's address, which must be authenticated, could not be verified.",
        category: ReasonCategory::Sender,
        retry: RetryAdvice::AfterFix,
        actors: &[Support, AccountOwner],
        remedy: SENDER_REMEDY,
    },
    Reason {
        code: ReasonCode(10),
        name: "SENDER_NOT_VERIFIED_ALTERNATE",
        meaning: "The sender's address, which must be authenticated, could not be verified; how this differs from \
                  code 9 is not documented.",
        category: ReasonCategory::Sender,
        retry: RetryAdvice::AfterFix,
        actors: &[Support, AccountOwner],
        remedy: SENDER_REMEDY,
    },
    Reason {
        code: ReasonCode(11),
        name: "SURVEY_NOT_ALLOWED",
        meaning: "The email invites to a survey, which this account is not allowed to do.",
        category: ReasonCategory::Feature,
        retry: RetryAdvice::No,
        actors: &[AccountOwner, Support],
        remedy: "Ask support whether surveys can be enabled for the account, or send an email without the invitation.",
    },
    Reason {
        code: ReasonCode(12),
        name: "NO_ELIGIBLE_CONTACTS",
        meaning: "Nobody could be sent to: the list is empty or invalid, or a resend found no contacts that had not \
                  received the email yet.",
        category: ReasonCategory::Audience,
        retry: RetryAdvice::AfterFix,
        actors: &[ListOwner],
        remedy: "Check the list and add contacts to it, then schedule the email again; after a resend without new \
                 contacts there is nothing to do.",
    },
];

const SENDER_REMEDY: &str = "Have support check the sender's address and its authentication, correct it, then schedule the email again.";

/// Row for undocumented codes. `Reason::of` sets the actual code.
pub(super) const UNKNOWN: Reason = Reason {
    code: ReasonCode(-1),
    name: "UNKNOWN",
    meaning: "This code is not among the documented ones, so its meaning is not known.",
    category: ReasonCategory::Unknown,
    retry: RetryAdvice::Unknown,
    actors: &[Support],
    remedy: "Look up the code in Constant Contact's current documentation or ask support before sending again.",
};
