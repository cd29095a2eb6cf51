//! Details of failed HTTP requests, shared with the OAuth client of `sends-credentials`.

use std::{error::Error, time::Duration};

use reqwest::header::{HeaderMap, RETRY_AFTER};

/// Returns the last cause in the chain of `error`, such as "connection refused" instead of "error sending request for url (…)".
/// The causes of `reqwest` contain no URL.
pub fn root_cause(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// Returns the value of the `Retry-After` header in whole seconds, or `None` when the header is absent or not a number, such as a
/// date. The upstream is not documented to send the header.
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}
