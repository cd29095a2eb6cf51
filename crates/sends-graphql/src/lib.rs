//! A GraphQL service over the send history of Constant Contact's email campaign activities.
//!
//! The main steps of `campaignActivity(id) { sendHistory }`, in order:
//!
//! | step | file |
//! |---|---|
//! | the connection | `server/connection.rs`, its time in `server/connection/activity.rs` |
//! | the routes and their layers | `server.rs` |
//! | the response cache | `server/response_cache.rs`, `response_cache.rs` |
//! | the request: its body, its parameters, its place among the operations | `server/graphql.rs`, `server/body.rs`, `server/parameters.rs`, `server/graphql/running.rs` |
//! | the operation: validated, planned, executed | `server/operation.rs`, `execution.rs`, `execution/documents.rs`, `execution/validation.rs`, `execution/plan.rs` |
//! | the fields | `schema/query.rs`, `schema/activity/fields.rs`, `schema/activity.rs` |
//! | the dataloader | `sources/loader.rs` |
//! | the store, the freshness rules, and the shared call to the upstream | `sources/histories.rs`, `sources/histories/single_flight.rs` |
//! | the call itself, in its turn | the `sends-client` crate |
//!
//! | folder | |
//! |---|---|
//! | `cli/` | the command line, and the commands other than `serve` |
//! | `config/` | checks of several options together, parsers of values |
//! | `server/` | HTTP: connections, layers, requests and answers |
//! | `bulkheads/` | bounds on what is held at once: operations, memory of answers, threads for long work |
//! | `execution/` | documents, their validation and limits, and the one way in which the schema is executed |
//! | `response_cache/` | whole responses, valid while the histories they were made of are |
//! | `schema/` | the fields, from `Query` down, and the errors |
//! | `sources/` | histories, the other resources, the send log, and the dataloaders |
//! | `sync/` | the synchronisation of the send log, in the background and as a command |
//! | `telemetry/` | log, metrics and traces |
//!
//! Beside them, `backend.rs` puts the sources together, `serve.rs` starts and stops the service, `shutdown.rs` has the order of
//! its end, and `readiness.rs` says whether it can answer.
//!
//! What is absent by design: mutations, any way to make the upstream send mail, and any field that returns a token.

// A library for the program, its tests and its benchmarks only.
#![allow(
    missing_docs,
    clippy::missing_errors_doc,
    reason = "a comment that restates a name or an error type says nothing"
)]

pub mod api_keys;
pub mod backend;
pub mod bulkheads;
pub mod cli;
pub mod config;
pub mod execution;
pub mod ledger;
mod option_values;
pub mod readiness;
pub mod response_cache;
pub mod schema;
pub mod serve;
pub mod server;
pub mod shutdown;
pub mod sources;
pub mod sync;
pub mod telemetry;
