use async_graphql::Object;

use super::enums::{ReasonCategory, ResponsibleParty, RetryAdvice};

pub(super) struct Reason(pub(super) sends_core::Reason);

/// Explanation of a reason code. `description` paraphrases Constant Contact's documentation. `category`, `retry`, `responsible`
/// and `remedy` are this service's interpretation.
#[Object]
impl Reason {
    /// Reason code of Constant Contact. Codes from 0 (success) to 12 are documented.
    async fn code(&self) -> i32 {
        self.0.code.get()
    }

    /// Stable name of the code, such as `NO_ELIGIBLE_CONTACTS`; `UNKNOWN` for an undocumented code.
    async fn name(&self) -> &str {
        self.0.name
    }

    /// Meaning of the code, as a sentence for display.
    async fn description(&self) -> &str {
        self.0.meaning
    }

    /// Area in which the cause lies, such as billing or content.
    async fn category(&self) -> ReasonCategory {
        self.0.category.into()
    }

    /// Advice on whether and when to send again.
    async fn retry(&self) -> RetryAdvice {
        self.0.retry.into()
    }

    /// Parties that have to act, in the order of their actions. Empty if no action is needed or the code is undocumented.
    async fn responsible(&self) -> Vec<ResponsibleParty> {
        self.0.actors.iter().copied().map(Into::into).collect()
    }

    /// Recommended action, as a sentence for display.
    async fn remedy(&self) -> &str {
        self.0.remedy
    }

    /// Whether Constant Contact documents the code.
    async fn is_known(&self) -> bool {
        self.0.is_known()
    }
}
