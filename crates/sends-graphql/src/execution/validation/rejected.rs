//! Rejection of operations before execution.

use apollo_compiler::{
    diagnostic::Diagnostic,
    parser::{SourceMap, SourceSpan},
    validation::{DiagnosticData, DiagnosticList},
};
use async_graphql::{ErrorExtensionValues, Pos, ServerError, Value};

use crate::{execution::shorten, schema::ErrorCode};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limit {
    /// Name of the option that sets the limit, excluding dashes. `None` if the limit is fixed.
    pub option: Option<&'static str>,
    /// Plural noun for the counted items.
    pub counted: &'static str,
    /// Count, or a lower bound if counting ended early.
    pub found: usize,
    pub allowed: usize,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Rejected {
    TooMuch(Limit),
    Invalid(Vec<Mistake>),
    Mutation,
    OperationNotNamed,
    IntrospectionDisabled,
    UnknownOperation(String),
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Mistake {
    pub message: String,
    pub at: Option<Pos>,
}

impl Mistake {
    fn of(diagnostic: &Diagnostic<'_, DiagnosticData>) -> Self {
        Self {
            message: sentence(&diagnostic.error.to_string()),
            at: diagnostic.line_column_range().map(|range| Pos {
                line: range.start.line,
                column: range.start.column,
            }),
        }
    }
}

/// Maximum number of reported errors per document. 20 kB of unknown directives cause a thousand errors, whose messages are forty
/// times as long as the document.
const MAX_MISTAKES: usize = 20;

impl Limit {
    pub(super) fn check(
        option: Option<&'static str>,
        counted: &'static str,
        found: usize,
        allowed: usize,
    ) -> Result<(), Rejected> {
        if found <= allowed {
            return Ok(());
        }
        Err(Rejected::TooMuch(Self {
            option,
            counted,
            found,
            allowed,
        }))
    }
}

impl Rejected {
    pub(super) fn of_diagnostics(diagnostics: &DiagnosticList) -> Self {
        // Errors after the first syntax error are unreliable.
        let is_syntax = |diagnostic: &Diagnostic<'_, DiagnosticData>| {
            diagnostic.error.to_string().starts_with("syntax error")
        };
        if let Some(first) = diagnostics.iter().next().filter(is_syntax) {
            return Self::of_diagnostic(&first);
        }
        let reported = diagnostics.iter().take(MAX_MISTAKES);
        let mut mistakes: Vec<_> = reported.map(|diagnostic| Mistake::of(&diagnostic)).collect();
        if let Some(more @ 1..) = diagnostics.len().checked_sub(MAX_MISTAKES) {
            mistakes.push(Mistake {
                message: format!("{more} further errors are not shown."),
                at: None,
            });
        }
        Self::Invalid(mistakes)
    }

    pub(super) fn of_diagnostic(diagnostic: &Diagnostic<'_, DiagnosticData>) -> Self {
        Self::Invalid(vec![Mistake::of(diagnostic)])
    }

    /// Returns the rejection of a document in which the parser ignored incomplete constructs.
    pub(super) fn incomplete() -> Self {
        Self::Invalid(vec![Mistake {
            message: "Syntax error: an argument, a type or a value is incomplete.".to_owned(),
            at: None,
        }])
    }

    pub(super) fn unknown_operation(name: &str) -> Self {
        Self::UnknownOperation(short(name).to_owned())
    }

    pub(crate) fn invalid(message: String, at: Option<SourceSpan>, sources: &SourceMap) -> Self {
        let at = at.and_then(|at| at.line_column(sources)).map(|at| Pos {
            line: at.line,
            column: at.column,
        });
        Self::Invalid(vec![Mistake { message, at }])
    }

    pub fn into_errors(self) -> Vec<ServerError> {
        let mut extensions = ErrorExtensionValues::default();
        extensions.set("code", ErrorCode::BadUserInput.as_str());
        if let Self::TooMuch(limit) = &self {
            extensions.set("limit", limit.describe());
        }
        let mistakes = match self {
            Self::Invalid(mistakes) => mistakes,
            other => vec![Mistake {
                message: other.message(),
                at: None,
            }],
        };
        let error = |Mistake { message, at }| {
            let mut error = ServerError::new(shorten(message), at);
            error.extensions = Some(extensions.clone());
            error
        };
        mistakes.into_iter().map(error).collect()
    }

    pub fn message(&self) -> String {
        match self {
            Self::TooMuch(limit) => limit.to_string(),
            Self::Invalid(mistakes) => {
                let messages: Vec<_> = mistakes.iter().map(|mistake| mistake.message.as_str()).collect();
                messages.join(" ")
            }
            Self::Mutation => "The schema has no mutations; send a query.".to_owned(),
            Self::OperationNotNamed => {
                "The document has several operations; name one of them in \"operationName\".".to_owned()
            }
            Self::IntrospectionDisabled => "Introspection is disabled.".to_owned(),
            Self::UnknownOperation(name) => format!("The document has no operation named \"{name}\"."),
        }
    }
}

impl Limit {
    /// Returns the error extension, from which clients can automatically reduce their requests.
    fn describe(&self) -> Value {
        let number = |count: usize| Value::from(u64::try_from(count).unwrap_or(u64::MAX));
        let mut described = async_graphql::indexmap::IndexMap::new();
        let mut add = |name: &str, value: Value| described.insert(async_graphql::Name::new(name), value);
        if let Some(option) = self.option {
            add("option", Value::from(option));
        }
        add("found", number(self.found));
        add("allowed", number(self.allowed));
        Value::Object(described)
    }
}

impl std::fmt::Display for Limit {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            counted,
            found,
            allowed,
            ..
        } = self;
        write!(
            formatter,
            "The operation has {found} {counted}; at most {allowed} are allowed."
        )
    }
}

/// Formats a message of the validator as a sentence, and escapes control characters.
fn sentence(words: &str) -> String {
    let mut characters = words.chars();
    let first = characters.next().map(|first| first.to_ascii_uppercase());
    let end = if words.ends_with(['.', '!', '?']) { "" } else { "." };
    let sentence = first.into_iter().chain(characters).chain(end.chars());
    sentence
        .flat_map(|character| {
            let is_control = character.is_control();
            let escaped = character.escape_default().filter(move |_| is_control);
            escaped.chain((!is_control).then_some(character))
        })
        .collect()
}

fn short(name: &str) -> &str {
    name.char_indices().nth(60).map_or(name, |(end, _)| &name[..end])
}
