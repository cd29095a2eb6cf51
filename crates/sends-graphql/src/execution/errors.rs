//! Errors of the library, brought into the shape that callers may see: one line each, not too long, not too many, each with
//! a code.

use apollo_compiler::parser::{SourceFile, SourceMap};
use async_graphql::{ErrorExtensionValues, Pos, ServerError, Value};

use crate::schema::ErrorCode;

/// The bytes of one message. What the library says can quote names and values of the caller's.
const MESSAGE_LENGTH: usize = 500;

/// Puts the errors of one answer into shape. `sources` has the text of what was executed, if it came so far: the places of
/// its errors are offsets yet.
pub(super) fn publish(errors: &mut [ServerError], sources: Option<&SourceMap>) {
    let source = sources.and_then(|sources| sources.values().next());
    for error in errors {
        for at in &mut error.locations {
            *at = place(*at, source.map(|source| &**source));
        }
        error.message = shorten(std::mem::take(&mut error.message));
        if error.extensions.is_none() {
            // What is wrong with the document, its variables or an argument is the caller's to mend.
            error.extensions = Some(code_only(ErrorCode::BadUserInput));
        }
    }
}

/// An error with a code and without a location.
pub(crate) fn coded(code: ErrorCode, message: impl Into<String>) -> ServerError {
    let mut error = ServerError::new(message, None);
    error.extensions = Some(code_only(code));
    error
}

/// Whether the error is a defect of the service.
pub(super) fn is_internal(error: &ServerError) -> bool {
    let code = error
        .extensions
        .as_ref()
        .and_then(|extensions| extensions.get("code"));
    matches!(code, Some(Value::String(code)) if code == ErrorCode::Internal.as_str())
}

fn place(at: Pos, source: Option<&SourceFile>) -> Pos {
    if at.line > 0 {
        return at;
    }
    let place = source.and_then(|source| source.get_line_column(at.column));
    place.map_or(Pos { line: 1, column: 1 }, |place| Pos {
        line: place.line,
        column: place.column,
    })
}

fn code_only(code: ErrorCode) -> ErrorExtensionValues {
    let mut extensions = ErrorExtensionValues::default();
    extensions.set("code", code.as_str());
    extensions
}

/// A message in one line that is not too long.
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
