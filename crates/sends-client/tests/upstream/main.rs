//! Tests of the client against a scripted HTTP server.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod listings;
mod retries;
mod scripted_upstream;
mod single_requests;
