//! A GraphQL service over the send history of Constant Contact's email campaign activities.
//!
//! A request for `campaignActivity(id) { sendHistory }` passes through these files in order:
//!
//! | step | file |
//! |---|---|
//! | accept the connection; hyper parses the request | `server/connection.rs` |
//! | apply routes and layers | `server.rs` |
//! | look up the response cache; the following steps apply to a miss | `server/response_cache.rs` |
//! | handle the GraphQL request | `server/graphql.rs` |
//! | receive the body | `server/body.rs` |
//! | parse the parameters | `server/parameters.rs` |
//! | acquire a permit and memory, and select the runtime | `server/graphql/running.rs` |
//! | convert errors of the document to responses | `server/operation.rs` |
//! | prepare the operation | `execution.rs` |
//! | look up the cache of validated documents | `execution/documents.rs` |
//! | parse, validate and check limits | `execution/validation.rs` |
//! | coerce variables | `execution/coercion.rs` |
//! | collect fields | `execution/plan.rs` |
//! | reserve memory by estimate | `bulkheads/answers.rs` |
//! | convert the plan to a document, which async-graphql executes | `execution/lowering.rs` |
//! | resolve `campaignActivity` | `schema/query.rs` |
//! | resolve `sendHistory` | `schema/activity/fields.rs` |
//! | batch keys in the dataloader | `sources/loader.rs` |
//! | read the store, or call the `sends-client` crate | `sources/histories.rs` |
//! | write the response | `server/connection/outgoing.rs` |
//!
//! | folder | |
//! |---|---|
//! | `backend/` | construction of the data sources |
//! | `bulkheads/` | limits on concurrency and memory, and a runtime for CPU-bound work |
//! | `cli/` | the command line, and the commands other than `serve` |
//! | `config/` | configuration derived from options |
//! | `execution/` | documents: validation, limits, plan and execution |
//! | `response_cache/` | selection of documents with cacheable responses |
//! | `schema/` | the GraphQL types and errors |
//! | `server/` | HTTP: connections, layers, requests and responses |
//! | `sources/` | histories, other resources, the send log, and the dataloaders |
//! | `sync/` | synchronisation of the send log |
//! | `telemetry/` | log, metrics and traces |
//!
//! `serve.rs` starts and stops the service, `shutdown.rs` implements the stages of the shutdown, and `readiness.rs` the readiness
//! checks.
//!
//! Absent by design: mutations, any way to make the upstream send mail, and any field that returns a token.

// This library serves only the program, its tests and its benchmarks.
#![allow(
    missing_docs,
    clippy::missing_errors_doc,
    reason = "comments that restate a name or an error type add nothing to an internal library"
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
