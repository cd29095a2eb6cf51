//! Tests of the pacer on a paused clock, without sockets.

#![expect(clippy::unwrap_used, reason = "tests and their helpers fail by panicking")]

mod bench;
mod day;
mod queue;
mod second;
mod sharing;
mod throttling;
