//! The harness of the end-to-end tests: the built programs, started on free loopback ports and ended when dropped.

#![expect(
    clippy::missing_panics_doc,
    reason = "the harness reports by panicking, as tests do"
)]

mod command;
mod memory;
mod process;
mod sandbox;
mod service;

pub use command::{CommandProcess, Finished, run};
pub use memory::memory_kilobytes;
pub use process::{Program, free_port};
pub use sandbox::SandboxProcess;
pub use service::{ServiceProcess, http_client, http_client_builder, refused_start};

/// The activity of the upstream's own guide, with two sends.
pub const GUIDE_ACTIVITY: &str = "1ead98be-dfa0-4e04-81f7-5f1534d42e9c";
