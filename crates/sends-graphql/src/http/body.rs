//! Reading a request's body: so many bytes, in so much time, and no more.

use axum::body::Body;
use http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::{media_type, rejection::Rejection};
use crate::{graphql::ErrorCode, settings::RequestLimits};

/// The body of a POST, which is JSON as far as its headers tell.
pub(super) async fn read(
    headers: &HeaderMap,
    body: Body,
    limits: &RequestLimits,
) -> Result<impl AsRef<[u8]> + use<>, Rejection> {
    if !media_type::is_json_body(headers) {
        return Err(unsupported("Send the request as application/json, in UTF-8."));
    }
    let is_encoded = headers
        .get_all(header::CONTENT_ENCODING)
        .iter()
        .any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"));
    if is_encoded {
        // A few kilobytes can unfold to gigabytes, and no client compresses its questions.
        return Err(unsupported("Send the request uncompressed."));
    }
    let declared = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|length| length > limits.body) {
        return Err(too_large(limits));
    }
    let collected = tokio::time::timeout(limits.body_timeout, Limited::new(body, limits.body).collect());
    match collected.await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large(limits)),
        Ok(Err(_)) => Err(Rejection::malformed("The body ended too early.")),
        Err(_) => Err(Rejection::new(
            StatusCode::REQUEST_TIMEOUT,
            ErrorCode::BadUserInput,
            "The body did not arrive in time.",
        )),
    }
}

fn unsupported(message: &str) -> Rejection {
    Rejection::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ErrorCode::BadUserInput,
        message,
    )
}

fn too_large(limits: &RequestLimits) -> Rejection {
    Rejection::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        ErrorCode::BadUserInput,
        format!("The body is larger than {} bytes.", limits.body),
    )
}
