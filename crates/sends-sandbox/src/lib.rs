//! Placeholder docs.

mod api;
mod bearer;
mod clock;
mod compression;
pub mod config;
mod connection;
mod control;
mod data;
mod errors;
pub mod faults;
mod limits;
mod lock;
mod oauth;
mod reply;
mod request_log;
mod sandbox;
mod serving;
mod upstream;

pub use config::Config;
pub use config::settings::Settings;
pub use faults::{BodyShape, Fault, FaultKind};
pub use sandbox::Sandbox;

/// The activity of the vendor's guide, with its two sends.
pub const GUIDE_ACTIVITY_ID: &str = "1ead98be-dfa0-4e04-81f7-5f1534d42e9c";
