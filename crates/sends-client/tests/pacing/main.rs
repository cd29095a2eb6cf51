//! Tests of the pacer on a paused clock, without sockets.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bench;
mod day;
mod queue;
mod second;
mod sharing;
mod throttling;
