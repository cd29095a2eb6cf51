//! The crate against the simulated upstream over TCP: logging in, staying logged in, and what is on disk meanwhile.

mod browser_login;
mod device_login;
mod environment;
mod kept_login;
mod kill_storm;
mod processes;
mod refreshing;
mod secrecy;
mod upstream;
