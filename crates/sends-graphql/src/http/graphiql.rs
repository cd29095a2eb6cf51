//! GraphiQL: the page on which a person explores the schema.
//!
//! The page loads GraphiQL from a public content delivery network, in pinned versions with integrity hashes, so that the
//! binary needs nothing but itself. Without the internet it says so and shows how to ask with curl.

use axum::{
    extract::State,
    response::{Html, IntoResponse},
};
use http::header;

use super::Service;

const PAGE: &str = include_str!("graphiql/page.html");
const SCRIPT: &str = include_str!("graphiql/start.js");

/// `GET /graphiql`.
pub(super) async fn page(State(service): State<Service>) -> Html<String> {
    Html(PAGE.replace("{{sandbox}}", if service.sandbox { "true" } else { "false" }))
}

/// `GET /graphiql/start.js`: what the page does once GraphiQL is there. A file of its own, since inline scripts cannot be
/// told from injected ones.
pub(super) async fn script() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], SCRIPT)
}
