//! Tests of the crate against the simulated upstream over TCP.

#![expect(
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "the helper functions are test code as well, and the number of kills is printed"
)]

mod browser_login;
mod credential_file;
mod device_login;
mod environment;
mod kill_storm;
mod processes;
mod refreshing;
mod secrecy;
mod upstream;
