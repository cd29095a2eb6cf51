//! GraphQL enums, each of which mirrors an enum of another module or crate.

use async_graphql::Enum;
use sends_client::pacing;

/// Constant Contact's status of a send attempt.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub(super) enum SendStatus {
    /// Processing ended, which does not imply delivery.
    Completed,
    /// Processing ended with an error.
    Errored,
    /// Missing or unknown to this service. `sendStatusRaw` has the original value.
    Unknown,
}

impl From<Option<&sends_core::SendStatus>> for SendStatus {
    fn from(status: Option<&sends_core::SendStatus>) -> Self {
        match status {
            Some(sends_core::SendStatus::Completed) => Self::Completed,
            Some(sends_core::SendStatus::Errored) => Self::Errored,
            Some(sends_core::SendStatus::Other(_)) | None => Self::Unknown,
        }
    }
}

impl SendStatus {
    /// Returns the documented status, or `None` for [`Self::Unknown`].
    pub(super) fn known(self) -> Option<sends_core::SendStatus> {
        match self {
            Self::Completed => Some(sends_core::SendStatus::Completed),
            Self::Errored => Some(sends_core::SendStatus::Errored),
            Self::Unknown => None,
        }
    }
}

/// Constant Contact's status of a campaign or an activity.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub(super) enum CampaignStatus {
    /// Not yet scheduled or sent.
    Draft,
    /// Scheduled for a future time.
    Scheduled,
    /// Sending in progress.
    Executing,
    /// Sent, which does not imply delivery.
    Done,
    /// The last send failed.
    Error,
    /// Deleted.
    Removed,
    /// Missing or unknown to this service. `statusRaw` has the original value.
    Unknown,
}

impl From<Option<&sends_core::CampaignStatus>> for CampaignStatus {
    fn from(status: Option<&sends_core::CampaignStatus>) -> Self {
        use sends_core::CampaignStatus as Known;
        match status {
            Some(Known::Draft) => Self::Draft,
            Some(Known::Scheduled) => Self::Scheduled,
            Some(Known::Executing) => Self::Executing,
            Some(Known::Done) => Self::Done,
            Some(Known::Error) => Self::Error,
            Some(Known::Removed) => Self::Removed,
            Some(Known::Other(_)) | None => Self::Unknown,
        }
    }
}

/// Role of an activity within its campaign.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub(super) enum ActivityRole {
    /// Email of the campaign.
    PrimaryEmail,
    /// Web page of the email, which is never sent.
    Permalink,
    /// Resend of the email to contacts who did not open it.
    Resend,
    /// Missing or unknown to this service. `roleRaw` has the original value.
    Unknown,
}

impl From<Option<&sends_core::ActivityRole>> for ActivityRole {
    fn from(role: Option<&sends_core::ActivityRole>) -> Self {
        match role {
            Some(sends_core::ActivityRole::PrimaryEmail) => Self::PrimaryEmail,
            Some(sends_core::ActivityRole::Permalink) => Self::Permalink,
            Some(sends_core::ActivityRole::Resend) => Self::Resend,
            Some(sends_core::ActivityRole::Other(_)) | None => Self::Unknown,
        }
    }
}

/// Outcome of a send attempt, derived from status, reason code and count.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
#[graphql(remote = "sends_core::Outcome")]
pub(super) enum SendOutcome {
    /// The email was sent to all contacts of the attempt.
    Sent,
    /// The email was sent to some contacts of the attempt. Constant Contact does not report their number.
    PartiallySent,
    /// Constant Contact holds the email for review and releases it in portions.
    Staged,
    /// The attempt was processed, but had no recipients.
    NoRecipients,
    /// The email was not sent.
    Failed,
    /// The outcome is undetermined, because Constant Contact's values are missing or undocumented.
    Unknown,
}

/// Area in which the cause of a result lies.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
#[graphql(remote = "sends_core::ReasonCategory")]
pub(super) enum ReasonCategory {
    /// No problem: the email was sent.
    Success,
    /// Constant Contact failed internally.
    System,
    /// Constant Contact reviews the account.
    Compliance,
    /// Failed payment or expired product.
    Billing,
    /// Exceeded limit of the account.
    Limit,
    /// Send that Constant Contact holds for review and releases in portions.
    Staging,
    /// Send that did not reach some contacts.
    Partial,
    /// Defect in the email's content.
    Content,
    /// Unverified sender address.
    Sender,
    /// Feature that the account lacks.
    Feature,
    /// The contact lists or segments had no recipients.
    Audience,
    /// Undocumented code.
    Unknown,
}

/// Advice on whether and when to send again.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
#[graphql(remote = "sends_core::RetryAdvice")]
pub(super) enum RetryAdvice {
    /// Do nothing, because the email was sent.
    #[graphql(name = "NO_ACTION")]
    NotNeeded,
    /// Send again now, without changes.
    #[graphql(name = "RETRY_NOW")]
    Yes,
    /// Send again after the cause is fixed.
    #[graphql(name = "RETRY_AFTER_FIX")]
    AfterFix,
    /// Send again after Constant Contact's account review has cleared the account.
    #[graphql(name = "RETRY_AFTER_CLEARANCE")]
    AfterClearance,
    /// Wait, because Constant Contact continues the send automatically.
    Wait,
    /// Check which contacts were reached before sending again, because some contacts could receive the email twice.
    #[graphql(name = "CHECK_BEFORE_RETRY")]
    NotBlindly,
    /// Do not send again, because the result would be the same.
    #[graphql(name = "DO_NOT_RETRY")]
    No,
    /// No advice, because the code is undocumented.
    Unknown,
}

/// Party that can remove the cause of a failed send.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
#[graphql(remote = "sends_core::Actor")]
pub(super) enum ResponsibleParty {
    /// Owner of the Constant Contact account.
    AccountOwner,
    /// Constant Contact's account review team.
    AccountReview,
    /// Maintainer of the contact lists and segments.
    ListOwner,
    /// Editor of the email.
    ContentEditor,
    /// Constant Contact's customer support.
    Support,
    /// Constant Contact, which acts without a request.
    ConstantContact,
}

/// Order of sends: by `sendId` within one activity, by `runDate` in the send log.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub(super) enum SendOrder {
    /// Earliest attempt first.
    OldestFirst,
    /// Latest attempt first.
    NewestFirst,
}

/// Cause of a failed refresh. Each value corresponds to the error code of the same name.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
#[graphql(remote = "crate::sources::histories::StaleReason")]
pub(super) enum StaleReason {
    /// Constant Contact could not be reached, failed, or sent an invalid response.
    UpstreamUnavailable,
    /// Constant Contact did not respond in time, or the call could not be sent in time.
    #[graphql(name = "UPSTREAM_TIMEOUT")]
    TooSlow,
    /// The call was delayed for too long by Constant Contact's limit of calls per second.
    RateLimited,
    /// Constant Contact's daily limit is used up.
    QuotaExceeded,
}

/// Cause of a pause of upstream calls. Each value corresponds to the error code of the same name.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub(super) enum PauseReason {
    /// Constant Contact reported too many calls per second.
    RateLimited,
    /// The daily limit is used up, as reported by Constant Contact or counted by this service.
    QuotaExceeded,
}

impl From<pacing::PauseReason> for PauseReason {
    fn from(reason: pacing::PauseReason) -> Self {
        match reason {
            pacing::PauseReason::Throttled => Self::RateLimited,
            pacing::PauseReason::QuotaExceeded | pacing::PauseReason::DayUsedUp => Self::QuotaExceeded,
        }
    }
}
