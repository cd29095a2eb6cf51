//! The GraphQL schema: thin types over the core crate's, a description on every one of them.
//!
//! `query.rs` holds the entry points, `activity.rs`, `send.rs` and `reason.rs` the types from there down, `narrowing.rs`
//! the arguments that choose among sends, `budget.rs` what is left of the upstream's limits, and `error.rs` the one way in which a failure becomes a GraphQL error.

mod activity;
mod budget;
mod enums;
mod error;
mod narrowing;
mod query;
mod reason;
mod scalar;
mod send;

use async_graphql::{EmptyMutation, EmptySubscription, SchemaBuilder};

pub use error::{ApiError, ErrorCode};
pub use query::Query;

/// The executable schema. It holds the [`Pacer`](sends_client::Pacer) as data, and an operation brings its own
/// [`HistoryLoader`](crate::loader::HistoryLoader).
pub type Schema = async_graphql::Schema<Query, EmptyMutation, EmptySubscription>;

/// The schema, to which the data has yet to be added.
pub fn schema() -> SchemaBuilder<Query, EmptyMutation, EmptySubscription> {
    Schema::build(Query, EmptyMutation, EmptySubscription)
}

/// The schema in the Schema Definition Language, as `schema.graphql` holds it.
pub fn sdl() -> String {
    let options = async_graphql::SDLExportOptions::new()
        .prefer_single_line_descriptions()
        .include_specified_by();
    schema().finish().sdl_with_options(options)
}
