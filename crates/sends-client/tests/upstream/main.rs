//! Tests of the client against a scripted HTTP server.

#![expect(clippy::unwrap_used, reason = "tests and their helpers fail by panicking")]

mod listings;
mod retries;
mod scripted_upstream;
mod single_requests;
