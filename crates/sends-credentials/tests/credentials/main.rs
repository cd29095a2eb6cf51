//! The crate against the simulated upstream over TCP.

#![expect(
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "all of this is a test, the functions around the tests included, and the kills are counted on the terminal"
)]

mod browser_login;
mod device_login;
mod environment;
mod kept_login;
mod kill_storm;
mod processes;
mod refreshing;
mod secrecy;
mod upstream;
