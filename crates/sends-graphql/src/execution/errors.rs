//! Converts the errors of a response for callers: a one-line message of limited length, with a code and a location.

use apollo_compiler::parser::{SourceFile, SourceMap};
use async_graphql::{ErrorExtensionValues, Pos, ServerError, Value};

use crate::schema::ErrorCode;

/// Maximum length of a message in bytes. async-graphql's messages can quote names and values of the request.
const MESSAGE_LENGTH: usize = 500;

/// Converts the errors of one response. `sources` maps the offsets in locations to lines and columns.
pub(super) fn publish(errors: &mut [ServerError], sources: Option<&SourceMap>) {
    let source = sources.and_then(|sources| sources.values().next());
    for error in errors {
        for at in &mut error.locations {
            *at = location(*at, source.map(|source| &**source));
        }
        error.message = shorten(std::mem::take(&mut error.message));
        if error.extensions.is_none() {
            // async-graphql adds no code to errors about invalid documents, variables and arguments.
            error.extensions = Some(code_only(ErrorCode::BadUserInput));
        }
    }
}

pub(crate) fn coded(code: ErrorCode, message: impl Into<String>) -> ServerError {
    let mut error = ServerError::new(message, None);
    error.extensions = Some(code_only(code));
    error
}

pub(super) fn is_internal(error: &ServerError) -> bool {
    let code = error
        .extensions
        .as_ref()
        .and_then(|extensions| extensions.get("code"));
    matches!(code, Some(Value::String(code)) if code == ErrorCode::Internal.as_str())
}

fn location(at: Pos, source: Option<&SourceFile>) -> Pos {
    if at.line > 0 {
        return at;
    }
    let location = source.and_then(|source| source.get_line_column(at.column));
    location.map_or(Pos { line: 1, column: 1 }, |location| Pos {
        line: location.line,
        column: location.column,
    })
}

fn code_only(code: ErrorCode) -> ErrorExtensionValues {
    let mut extensions = ErrorExtensionValues::default();
    extensions.set("code", code.as_str());
    extensions
}

pub(crate) fn shorten(mut message: String) -> String {
    if message.contains(['\n', '\r']) {
        message = message.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    if message.len() > MESSAGE_LENGTH {
        let mut end = MESSAGE_LENGTH;
        while !message.is_char_boundary(end) {
            end -= 1;
        }
        message.truncate(end);
        message.push('…');
    }
    message
}
