//! A reason code, explained.

use async_graphql::Object;

use super::enums::{ReasonCategory, ResponsibleParty, RetryAdvice};

/// What a reason code means and what to do about it. The meanings are Constant Contact's in other words; category, advice
/// and remedy are this service's reading of them.
pub(super) struct Reason(pub(super) sends_core::Reason);

/// What a reason code means and what to do about it. The meanings are Constant Contact's in other words; category, advice
/// and remedy are this service's reading of them.
#[Object]
impl Reason {
    /// The number that Constant Contact gives; 0 is success.
    async fn code(&self) -> i32 {
        self.0.code.get()
    }

    /// A stable name for the code, such as `NO_ELIGIBLE_CONTACTS`; UNKNOWN for a code that is not documented.
    async fn name(&self) -> &str {
        self.0.name
    }

    /// What it means, in a sentence for people.
    async fn description(&self) -> &str {
        self.0.meaning
    }

    /// What the reason is about, for grouping.
    async fn category(&self) -> ReasonCategory {
        self.0.category.into()
    }

    /// Whether sending again can help, and when.
    async fn retry(&self) -> RetryAdvice {
        self.0.retry.into()
    }

    /// Who has to act, the first one first. Empty when nobody has to, or when the code is unknown.
    async fn responsible(&self) -> Vec<ResponsibleParty> {
        self.0.actors.iter().copied().map(Into::into).collect()
    }

    /// What to do, in a sentence for people.
    async fn remedy(&self) -> &str {
        self.0.remedy
    }

    /// Whether the code is one that Constant Contact documents.
    async fn is_known(&self) -> bool {
        self.0.is_known()
    }
}
