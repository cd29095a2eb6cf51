//! The built service against the built sandbox, over TCP: what callers see, and what the upstream was asked.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod errors;
mod history;
mod program;
mod upstream_calls;
