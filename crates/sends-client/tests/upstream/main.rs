//! The client against an upstream that answers over a socket, byte for byte as a script says.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod listings;
mod retries;
mod scripted_upstream;
mod single_requests;
