//! Why an operation is refused before it runs, in words for the caller.

use apollo_compiler::{
    diagnostic::Diagnostic,
    parser::{SourceMap, SourceSpan},
    validation::{DiagnosticData, DiagnosticList},
};
use async_graphql::{ErrorExtensionValues, Pos, ServerError, Value};

use crate::{execution::shorten, schema::ErrorCode};

/// A bound that an operation exceeds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limit {
    /// The option that sets it, without its dashes; `None` when nothing does.
    pub option: Option<&'static str>,
    /// What is counted, in the plural.
    pub counted: &'static str,
    /// How much there is; where counting stops early, how much there is at least.
    pub found: usize,
    /// How much there may be.
    pub allowed: usize,
}

/// Why an operation is not executed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Refused {
    /// It is too large, or asks for too much.
    TooMuch(Limit),
    /// The text is not a document that is valid for the schema, or its variables do not fit it.
    Invalid(Vec<Mistake>),
    /// The operation is a mutation, and the schema has none.
    Mutation,
    /// The document holds several operations.
    OperationNotNamed,
    /// The schema itself is asked for, and is not to be told.
    SchemaHidden,
    /// The document does not hold the operation.
    UnknownOperation(String),
}

/// One thing that is wrong with a document.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Mistake {
    /// What is wrong, in one line.
    pub message: String,
    /// Where.
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

/// How many mistakes of one document are told: twenty kilobytes of unknown directives are a thousand mistakes, and their
/// messages forty times as long as the document.
const MISTAKES_TOLD: usize = 20;

impl Limit {
    /// Refuses an operation that exceeds a limit.
    pub(super) fn check(
        option: Option<&'static str>,
        counted: &'static str,
        found: usize,
        allowed: usize,
    ) -> Result<(), Refused> {
        if found <= allowed {
            return Ok(());
        }
        Err(Refused::TooMuch(Self {
            option,
            counted,
            found,
            allowed,
        }))
    }
}

impl Refused {
    /// What the parser or the validator found.
    pub(super) fn of_diagnostics(diagnostics: &DiagnosticList) -> Self {
        // Behind a syntax error the parser guesses.
        let is_syntax = |diagnostic: &Diagnostic<'_, DiagnosticData>| {
            diagnostic.error.to_string().starts_with("syntax error")
        };
        if let Some(first) = diagnostics.iter().next().filter(is_syntax) {
            return Self::of_diagnostic(&first);
        }
        let told = diagnostics.iter().take(MISTAKES_TOLD);
        let mut mistakes: Vec<_> = told.map(|diagnostic| Mistake::of(&diagnostic)).collect();
        if let Some(more @ 1..) = diagnostics.len().checked_sub(MISTAKES_TOLD) {
            mistakes.push(Mistake {
                message: format!("{more} further mistakes are not shown."),
                at: None,
            });
        }
        Self::Invalid(mistakes)
    }

    pub(super) fn of_diagnostic(diagnostic: &Diagnostic<'_, DiagnosticData>) -> Self {
        Self::Invalid(vec![Mistake::of(diagnostic)])
    }

    /// The parser has left out a part of the text.
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

    /// The refusal as the answer carries it.
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

    /// Everything that is wrong, in one line.
    pub fn message(&self) -> String {
        match self {
            Self::TooMuch(limit) => limit.to_string(),
            Self::Invalid(mistakes) => {
                let messages: Vec<_> = mistakes.iter().map(|mistake| mistake.message.as_str()).collect();
                messages.join(" ")
            }
            Self::Mutation => "The schema has no mutations; send a query.".to_owned(),
            Self::OperationNotNamed => {
                "The document holds several operations; name one of them in \"operationName\".".to_owned()
            }
            Self::SchemaHidden => "The schema may not be asked for: introspection is off.".to_owned(),
            Self::UnknownOperation(name) => format!("The document holds no operation named \"{name}\"."),
        }
    }
}

impl Limit {
    /// For clients that want to ask for less by themselves.
    fn describe(&self) -> Value {
        let number = |count: usize| Value::from(u64::try_from(count).unwrap_or(u64::MAX));
        let mut described = async_graphql::indexmap::IndexMap::new();
        let mut tell = |name: &str, value: Value| described.insert(async_graphql::Name::new(name), value);
        if let Some(option) = self.option {
            tell("option", Value::from(option));
        }
        tell("found", number(self.found));
        tell("allowed", number(self.allowed));
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

/// The validator's words as a sentence.
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

/// As much of a name as anybody needs to recognise it.
fn short(name: &str) -> &str {
    name.char_indices().nth(60).map_or(name, |(end, _)| &name[..end])
}
