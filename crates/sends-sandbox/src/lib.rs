#![doc = include_str!("../README.md")]
#![doc = include_str!("reference.md")]
#![allow(
    missing_docs,
    clippy::missing_errors_doc,
    reason = "only this workspace uses the crate, so doc comments are limited to facts that names and types do not show"
)]

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
mod query;
mod reply;
mod request_log;
mod sandbox;
mod serving;
mod upstream;
mod wild;

pub use config::Config;
pub use config::settings::Settings;
pub use faults::{BodyShape, Fault, FaultKind};
pub use request_log::LoggedRequest;
pub use sandbox::Sandbox;

/// Example activity of the vendor's guide, with two sends.
pub const GUIDE_ACTIVITY_ID: &str = "1ead98be-dfa0-4e04-81f7-5f1534d42e9c";
