//! A GraphQL service over the send history of Constant Contact's email campaign activities.
//!
//! The files that a request for `campaignActivity(id) { sendHistory }` passes, in this order:
//!
//! | step | file |
//! |---|---|
//! | the connection is accepted, and the request parsed by hyper | `server/connection.rs` |
//! | routes and layers | `server.rs` |
//! | lookup in the response cache, from here on for a miss | `server/response_cache.rs` |
//! | the GraphQL endpoint | `server/graphql.rs` |
//! | the body is received | `server/body.rs` |
//! | the parameters are parsed | `server/parameters.rs` |
//! | admission, memory and threads of the operation | `server/graphql/running.rs` |
//! | errors of the document become responses | `server/operation.rs` |
//! | the operation is prepared | `execution.rs` |
//! | cache of validated documents | `execution/documents.rs` |
//! | parsing, validation and limits | `execution/validation.rs` |
//! | variables are coerced | `execution/coercion.rs` |
//! | fields are collected | `execution/plan.rs` |
//! | memory is reserved by estimate | `bulkheads/answers.rs` |
//! | the plan becomes a document of async-graphql, which executes it | `execution/lowering.rs` |
//! | resolver of `campaignActivity` | `schema/query.rs` |
//! | resolver of `sendHistory` | `schema/activity/fields.rs` |
//! | the dataloader | `sources/loader.rs` |
//! | the store, or a call of the `sends-client` crate | `sources/histories.rs` |
//! | the response is written | `server/connection/outgoing.rs` |
//!
//! | folder | |
//! |---|---|
//! | `backend/` | construction of the data sources |
//! | `bulkheads/` | limits of concurrent operations, of the memory of responses, and a runtime for long work |
//! | `cli/` | the command line, and the commands other than `serve` |
//! | `config/` | configuration from several options |
//! | `execution/` | documents: validation, limits, plan and execution |
//! | `response_cache/` | documents with cacheable responses |
//! | `schema/` | the GraphQL types and errors |
//! | `server/` | HTTP: connections, layers, requests and responses |
//! | `sources/` | histories, other resources, the send log, and the dataloaders |
//! | `sync/` | synchronisation of the send log |
//! | `telemetry/` | log, metrics and traces |
//!
//! `serve.rs` starts and stops the service, `shutdown.rs` has the stages of its shutdown, and `readiness.rs` its readiness.
//!
//! Absent by design: mutations, any way to make the upstream send mail, and any field that returns a token.

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
