//! Harness of the end-to-end tests: starts the built programs on free loopback ports, and kills them on drop.

#![expect(
    missing_docs,
    clippy::missing_panics_doc,
    reason = "only the tests of this workspace use the harness, which panics on failure"
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
pub use service::{ServiceProcess, failed_start, http_client, http_client_builder};

/// Activity of the upstream's own guide, with two sends.
pub const GUIDE_ACTIVITY: &str = "1ead98be-dfa0-4e04-81f7-5f1534d42e9c";
