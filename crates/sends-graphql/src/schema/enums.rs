//! The enums of the schema, each the mirror of one in the core crate with a description on every value.

use async_graphql::Enum;

/// What Constant Contact says about an attempt.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub(super) enum SendStatus {
    /// The attempt ran to its end. That alone does not mean that anybody received it.
    Completed,
    /// The attempt ended with an error.
    Errored,
    /// The status is missing or one that this service does not know; `sendStatusRaw` has it as it came.
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
    /// The status in the core crate's terms; `None` stands for every unfamiliar one.
    pub(super) fn known(self) -> Option<sends_core::SendStatus> {
        match self {
            Self::Completed => Some(sends_core::SendStatus::Completed),
            Self::Errored => Some(sends_core::SendStatus::Errored),
            Self::Unknown => None,
        }
    }
}

/// How far a campaign or an activity has come.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub(super) enum CampaignStatus {
    /// Being written.
    Draft,
    /// To be sent at a time that has not come.
    Scheduled,
    /// Being sent.
    Executing,
    /// Sent. That alone does not mean that anybody received it.
    Done,
    /// The last send failed.
    Error,
    /// Deleted.
    Removed,
    /// The status is missing or one that this service does not know; `statusRaw` has it as it came.
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

/// What an activity is within its campaign.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub(super) enum ActivityRole {
    /// The email itself.
    PrimaryEmail,
    /// The email as a web page, which is never sent.
    Permalink,
    /// The email once more, to those who did not open it.
    Resend,
    /// The role is missing or one that this service does not know; `roleRaw` has it as it came.
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

/// How an attempt really ended.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
#[graphql(remote = "sends_core::Outcome")]
pub(super) enum SendOutcome {
    /// It went to all its contacts.
    Sent,
    /// It went to some of its contacts; Constant Contact does not say to how many.
    PartiallySent,
    /// Constant Contact holds it for review and releases it in portions.
    Staged,
    /// It ran, but there was nobody to send it to.
    NoRecipients,
    /// It was not sent.
    Failed,
    /// Constant Contact says too little, or something new.
    Unknown,
}

/// What a reason code is about.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
#[graphql(remote = "sends_core::ReasonCategory")]
pub(super) enum ReasonCategory {
    /// Nothing went wrong.
    Success,
    /// Constant Contact failed without saying why.
    System,
    /// The account is under review.
    Compliance,
    /// A payment failed or the product expired.
    Billing,
    /// A limit of the account is exceeded.
    Limit,
    /// The send is held and released in portions.
    Staging,
    /// Only some contacts were reached.
    Partial,
    /// Something in the email itself has to be mended.
    Content,
    /// The sender's address could not be verified.
    Sender,
    /// The account lacks a feature that the email uses.
    Feature,
    /// There was nobody to send to.
    Audience,
    /// The code is not documented.
    Unknown,
}

/// Whether sending again can help, and when.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
#[graphql(remote = "sends_core::RetryAdvice")]
pub(super) enum RetryAdvice {
    /// It was sent; there is nothing to repeat.
    NotNeeded,
    /// Yes, at once.
    Yes,
    /// Yes, once the cause is mended.
    AfterFix,
    /// Not before the account review has cleared it.
    AfterClearance,
    /// No: it goes on by itself.
    Wait,
    /// Only with care: some contacts would get it twice.
    NotBlindly,
    /// No, it would end the same way.
    No,
    /// Nobody can say for a code that is not documented.
    Unknown,
}

/// Who has to act.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
#[graphql(remote = "sends_core::Actor")]
pub(super) enum ResponsibleParty {
    /// The owner of the Constant Contact account.
    AccountOwner,
    /// Constant Contact's account review.
    AccountReview,
    /// Whoever keeps the contact lists and segments.
    ListOwner,
    /// Whoever edits the email.
    ContentEditor,
    /// Constant Contact's customer support.
    Support,
    /// Constant Contact, without being asked.
    ConstantContact,
}

/// The order of a list of sends.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub(super) enum SendOrder {
    /// The first attempt comes first.
    OldestFirst,
    /// The latest attempt comes first.
    NewestFirst,
}

/// Why a history is older than it was meant to be.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
#[graphql(remote = "crate::sources::histories::StaleReason")]
pub(super) enum StaleReason {
    /// Constant Contact could not be reached, failed, or gave an answer that could not be used.
    UpstreamUnavailable,
    /// Constant Contact did not answer in time, or the call's turn did not come.
    TooSlow,
    /// Constant Contact's limit for a second held the call back for too long.
    RateLimited,
    /// The calls that Constant Contact allows for the day are used up.
    QuotaExceeded,
}

/// Why no upstream call leaves at the moment.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
#[graphql(remote = "sends_client::pacing::PauseReason")]
pub(super) enum PauseReason {
    /// Constant Contact said that there were too many calls in a second.
    Throttled,
    /// Constant Contact said that the day's calls are used up.
    QuotaExceeded,
    /// By this service's own count the day's calls are used up.
    DayUsedUp,
}
