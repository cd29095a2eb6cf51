//! Errors of the library, brought into the shape that callers may see: one line each, not too long, not too many, each with
//! a code.

use async_graphql::{ErrorExtensionValues, ServerError, Value};

use crate::graphql::ErrorCode;

/// How many mistakes in one document are told. Twenty kilobytes of unknown directives are a thousand mistakes, and their
/// messages forty times as long as the document.
const MISTAKES_TOLD: usize = 20;

/// The bytes of one message. What the library says can quote names and values of the caller's.
const MESSAGE_LENGTH: usize = 500;

/// Where the library begins to guess what somebody meant, which tells names of the schema.
const GUESS: &str = " Did you mean ";

/// Puts the errors of one answer into shape.
pub(super) fn publish(errors: &mut Vec<ServerError>, may_guess: bool) {
    // A field's failure is told for each field; a document's mistakes have no path.
    let mistakes = errors.iter().filter(|error| error.path.is_empty()).count();
    if mistakes > MISTAKES_TOLD {
        let mut told = 0;
        errors.retain(|error| {
            told += usize::from(error.path.is_empty());
            !error.path.is_empty() || told <= MISTAKES_TOLD
        });
        let more = format!("{} further mistakes are not shown.", mistakes - MISTAKES_TOLD);
        errors.push(ServerError::new(more, None));
    }
    for error in errors {
        if let (false, Some(guess)) = (may_guess, error.message.find(GUESS)) {
            error.message.truncate(guess);
        }
        shorten(&mut error.message);
        if error.extensions.is_none() {
            // What the library itself finds wrong, in the document or its variables, is the caller's to mend.
            error.extensions = Some(code_only(ErrorCode::BadUserInput));
        }
    }
}

/// The same error with this code.
pub(super) fn with_code(mut error: ServerError, code: ErrorCode) -> ServerError {
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

fn code_only(code: ErrorCode) -> ErrorExtensionValues {
    let mut extensions = ErrorExtensionValues::default();
    extensions.set("code", code.as_str());
    extensions
}

fn shorten(message: &mut String) {
    if message.contains(['\n', '\r']) {
        *message = message.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    if message.len() > MESSAGE_LENGTH {
        let mut end = MESSAGE_LENGTH;
        while !message.is_char_boundary(end) {
            end -= 1;
        }
        message.truncate(end);
        message.push('…');
    }
}
