//! The options of those who operate the service, as they were written.

use clap::Args;

/// How the service is watched and stopped.
#[derive(Args, Clone, Debug)]
pub struct OperationsOptions {
    /// How to write the log: one line for people or one JSON object for programs; auto is pretty on a terminal only
    #[arg(
        long,
        env = "SENDS_LOG_FORMAT",
        value_name = "auto|pretty|json",
        default_value = "auto"
    )]
    pub log_format: String,

    /// Whether /metrics answers
    #[arg(
        long,
        env = "SENDS_METRICS",
        value_name = "true|false",
        default_value = "true"
    )]
    pub metrics: String,

    /// How many seconds operations may go on after the service was told to end
    #[arg(long, env = "SENDS_GRACE", value_name = "SECONDS", default_value = "5")]
    pub grace: String,

    /// How many seconds the service answers as before, though no longer ready, when it is told to end
    #[arg(
        long,
        env = "SENDS_SHUTDOWN_DELAY",
        value_name = "SECONDS",
        default_value = "0"
    )]
    pub shutdown_delay: String,
}
