//! A GraphQL service over the send history of Constant Contact's email campaign activities.
//!
//! The way of one request through the files:
//!
//! | step | file |
//! |---|---|
//! | the routes, and the limits on what may come in | `http.rs` |
//! | the response cache | `response_cache.rs`, in front of the routes by `http/cached.rs` |
//! | one GraphQL request over HTTP: read, executed, answered | `http/graphql.rs` |
//! | one operation, from the text to the answer | `execution.rs` |
//! | whether it may run at all, decided before anything of it does | `guard.rs` |
//! | how much of everything there is at once, by name | `bulkheads.rs`, and `answers.rs` for answers |
//! | whose data the request may read | `access.rs` |
//! | the fields, from `Query` down | `graphql/` |
//! | which things one operation asks for, each read once | `loader.rs` |
//! | what was sent by the whole account, as far as it is known | `log.rs` |
//! | what is known already and fresh enough, or stale and all there is | `histories.rs` |
//! | campaigns, lists and statistics, known for a short while | `neighbours.rs` |
//! | the call itself, in its turn | the `sends-client` crate |
//! | what a field says when there is no answer | `graphql/error.rs` |
//!
//! `places.rs` bounds how many operations work and wait at once, and `long_work.rs` has threads for what keeps them busy.
//!
//! Around it, `cli/` has the command line and the commands, `config.rs` the checks of several options together, `backend.rs`
//! puts the parts together, `serve.rs` starts and stops the whole, `shutdown.rs` says in which order, `readiness.rs` whether it
//! can answer, `telemetry.rs` what it tells about itself, and `sync.rs` keeps the log of all sends in step.
//!
//! What is absent by design: mutations, any way to make the upstream send mail, and any field that returns a token.

pub mod access;
pub mod answers;
pub mod backend;
pub mod bulkheads;
pub mod cli;
pub mod config;
pub mod execution;
pub mod graphql;
pub mod guard;
pub mod histories;
pub mod http;
pub mod ledger;
pub mod loader;
pub mod log;
pub mod long_work;
pub mod neighbours;
pub mod places;
pub mod readiness;
pub mod response_cache;
pub mod serve;
pub mod shutdown;
pub mod sync;
pub mod telemetry;
