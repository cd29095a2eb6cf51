//! GraphiQL page and files.
//!
//! The build script embeds GraphiQL if Node.js is available. Otherwise, the page loads pinned versions with integrity hashes from
//! a CDN, and falls back to a plain editor if the CDN is unreachable.

mod files;
mod page;

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, State},
    response::{IntoResponse, Response},
    routing,
};
use http::{HeaderMap, StatusCode};

use self::page::Page;
use super::unrouted;

pub(super) fn routes(sandbox: bool) -> Router {
    let page = Page::bundled(sandbox).unwrap_or_else(|| Page::from_cdn(sandbox));
    Router::new()
        .route("/", routing::get(unrouted::root))
        .route("/graphiql", routing::get(show))
        .route("/graphiql/{file}", routing::get(file))
        .with_state(Arc::new(page))
}

async fn show(State(page): State<Arc<Page>>, headers: HeaderMap) -> Response {
    page.response(&headers)
}

async fn file(State(page): State<Arc<Page>>, Path(name): Path<String>, headers: HeaderMap) -> Response {
    match page.file(&name) {
        Some(file) => file.response(&headers),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

#[cfg(test)]
mod tests;
