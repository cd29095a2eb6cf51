//! GraphiQL: the page on which a person explores the schema, and the files it is made of.
//!
//! The build script embeds GraphiQL where it finds Node.js, and the page needs nothing from the internet. Otherwise the page
//! loads GraphiQL from a public content delivery network, in pinned versions with integrity hashes; when it cannot be
//! reached, a plain page of our own takes its place.

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

/// The page at `/graphiql`, its files below, and the way there from `/`.
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
