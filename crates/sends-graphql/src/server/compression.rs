//! Compression of large responses as [long work](crate::bulkheads::long_work).

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::header;
use http_body_util::BodyExt;

use super::graphql::Large;
use crate::bulkheads::long_work::LongWork;

/// Compresses a large response completely before it is written. The connection would otherwise compress it piece by piece on a
/// worker of the main runtime, for up to a tenth of a second.
pub(super) async fn of_large(
    State(long_work): State<Arc<LongWork>>,
    request: Request,
    next: Next,
) -> Response {
    let response = next.run(request).await;
    let is_large = response.extensions().get::<Large>().is_some();
    if !is_large || !response.headers().contains_key(header::CONTENT_ENCODING) {
        return response;
    }
    let (head, body) = response.into_parts();
    match long_work.run(body.collect()).await {
        Ok(body) => Response::from_parts(head, Body::from(body.to_bytes())),
        // The error aborts the connection, as an error in an uncompressed response does.
        Err(error) => {
            let broken = futures_util::stream::once(async { Err::<axum::body::Bytes, _>(error) });
            Response::from_parts(head, Body::from_stream(broken))
        }
    }
}
