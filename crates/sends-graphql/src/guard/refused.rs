//! Why an operation is refused before it runs, in words for the caller.

use async_graphql::{ErrorExtensionValues, Pos, ServerError, Value, parser};

use crate::graphql::ErrorCode;

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
    /// A string without an end. The language knows no such document, but the library's parser tries to read the quotes
    /// as an empty string and goes on behind them, where nothing would have been counted.
    OpenString,
    /// The text is no document.
    Syntax {
        /// What is wrong, in one line.
        message: String,
        /// Where.
        at: Option<Pos>,
    },
    /// The document is one, but cannot mean anything.
    Invalid {
        /// What is wrong, in one line.
        message: String,
        /// Where.
        at: Vec<Pos>,
    },
    /// The document holds several operations.
    OperationNotNamed,
    /// The schema itself is asked for, and is not to be told.
    SchemaHidden,
    /// The document does not hold the operation.
    UnknownOperation(String),
}

impl Limit {
    /// A refusal when more was found than is allowed.
    pub(super) fn check(self) -> Result<(), Refused> {
        if self.found > self.allowed {
            return Err(Refused::TooMuch(self));
        }
        Ok(())
    }
}

impl Refused {
    /// What the parser did not understand. Its own message draws the text over several lines and speaks of the grammar's
    /// internal rules, so only the place is taken from it.
    pub(super) fn syntax(query: &str, error: &parser::Error) -> Self {
        let at = error.positions().next();
        let message = match error {
            parser::Error::Syntax { start, .. } => format!("Syntax error: {}.", unexpected(query, *start)),
            parser::Error::MultipleOperations { .. } => {
                "An operation without a name must be the only one in the document.".to_owned()
            }
            parser::Error::OperationDuplicated { operation, .. } => {
                format!("The operation \"{}\" is defined twice.", short(operation))
            }
            parser::Error::FragmentDuplicated { fragment, .. } => {
                format!("The fragment \"{}\" is defined twice.", short(fragment))
            }
            parser::Error::MissingOperation => "The document holds no operation.".to_owned(),
            _ => "Syntax error.".to_owned(),
        };
        Self::Syntax { message, at }
    }

    pub(super) fn unknown_operation(name: &str) -> Self {
        Self::UnknownOperation(short(name).to_owned())
    }

    pub(crate) fn invalid(message: String, at: impl Into<Vec<Pos>>) -> Self {
        Self::Invalid {
            message,
            at: at.into(),
        }
    }

    /// The refusal as the answer carries it.
    pub fn into_error(self) -> ServerError {
        let mut extensions = ErrorExtensionValues::default();
        extensions.set("code", ErrorCode::BadUserInput.as_str());
        if let Self::TooMuch(limit) = &self {
            extensions.set("limit", limit.describe());
        }
        let (message, locations) = match self {
            Self::TooMuch(limit) => (limit.to_string(), Vec::new()),
            Self::OpenString => (
                "Syntax error: a string in the query is not closed.".to_owned(),
                Vec::new(),
            ),
            Self::Syntax { message, at } => (message, at.into_iter().collect()),
            Self::Invalid { message, at } => (message, at),
            Self::OperationNotNamed => (
                "The document holds several operations; name one of them in \"operationName\".".to_owned(),
                Vec::new(),
            ),
            Self::SchemaHidden => (
                "The schema may not be asked for: introspection is off.".to_owned(),
                Vec::new(),
            ),
            Self::UnknownOperation(name) => (
                format!("The document holds no operation named \"{name}\"."),
                Vec::new(),
            ),
        };
        let mut error = ServerError::new(message, None);
        error.locations = locations;
        error.extensions = Some(extensions);
        error
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

/// What stands at a place where it cannot stand.
fn unexpected(query: &str, at: Pos) -> String {
    let line = query.lines().nth(at.line.saturating_sub(1)).unwrap_or("");
    let rest = line.chars().skip(at.column.saturating_sub(1));
    let mut found: String = rest.take(1).collect();
    if found
        .chars()
        .all(|first| first.is_ascii_alphanumeric() || first == '_')
    {
        let rest = line.chars().skip(at.column.saturating_sub(1));
        found = rest
            .take(20)
            .take_while(|next| next.is_ascii_alphanumeric() || *next == '_')
            .collect();
    }
    let place = format!("at line {}, column {}", at.line, at.column);
    match found.chars().next() {
        None => format!("the query ends too early, {place}"),
        Some(control) if control.is_control() => format!("a control character {place}"),
        Some(_) => format!("unexpected \"{found}\" {place}"),
    }
}

/// As much of a name as anybody needs to recognise it.
fn short(name: &str) -> &str {
    name.char_indices().nth(60).map_or(name, |(end, _)| &name[..end])
}
