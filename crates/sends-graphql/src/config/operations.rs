//! How the service is watched and stopped, once checked.

use std::time::Duration;

use super::{
    Problem,
    value::{Problems, seconds, switch},
};
use crate::{cli::OperationsOptions, telemetry::log::LogFormat};

/// How the service is watched and stopped.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct OperationsSettings {
    /// How the log is written.
    pub log_format: LogFormat,
    /// Whether `/metrics` answers.
    pub metrics: bool,
    /// How the end is spread over time.
    pub ending: EndingTimes,
}

/// How long each stage of the end may take.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct EndingTimes {
    /// From being told to end, which readiness shows at once, to the last connection taken.
    pub delay: Duration,
    /// From there until what still waits for the upstream is given up.
    pub grace: Duration,
}

impl OperationsSettings {
    pub(super) fn check(options: &OperationsOptions, problems: &mut Problems) -> Option<Self> {
        let log_format = problems.keep(match options.log_format.trim() {
            "auto" | "" => Ok(LogFormat::Auto),
            "pretty" => Ok(LogFormat::Pretty),
            "json" => Ok(LogFormat::Json),
            other => Err(Problem::value("log-format", other, "auto, pretty or json")),
        });
        let metrics = problems.keep(switch("metrics", &options.metrics));
        let grace = problems.keep(seconds("grace", &options.grace, 0.0, 3_600.0));
        let delay = problems.keep(seconds("shutdown-delay", &options.shutdown_delay, 0.0, 3_600.0));
        Some(Self {
            log_format: log_format?,
            metrics: metrics?,
            ending: EndingTimes {
                delay: delay?,
                grace: grace?,
            },
        })
    }
}
