//! Tests of the built service against the built sandbox over TCP: responses to callers and requests to the upstream.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(
    clippy::print_stderr,
    reason = "measurements are printed and shown when a test fails"
)]

mod budget;
mod callers;
mod credentials;
mod errors;
mod federation;
mod freshness;
mod graph;
mod graphiql;
mod history;
mod http;
mod identity;
mod operations;
mod program;
mod readme;
mod send_log;
mod shown;
mod sync;
mod upstream_calls;
mod wild;
