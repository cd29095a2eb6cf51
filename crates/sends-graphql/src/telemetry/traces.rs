//! Traces: a span for every GraphQL request, with its upstream calls as children.
//!
//! Traces are disabled unless the environment names a collector in one of the standard OpenTelemetry variables
//! `OTEL_EXPORTER_OTLP_ENDPOINT` and `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`. The exporter, which requires the cargo feature `otlp`,
//! also reads `OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_TRACES_SAMPLER` and
//! `OTEL_BSP_*`.

#[cfg(not(feature = "otlp"))]
mod absent;
#[cfg(feature = "otlp")]
mod otlp;

#[cfg(not(feature = "otlp"))]
pub use absent::{Traces, continue_trace, warn_if_absent};
#[cfg(feature = "otlp")]
pub use otlp::{Traces, continue_trace};

#[cfg(not(feature = "otlp"))]
pub(super) use absent::record;
#[cfg(feature = "otlp")]
pub(super) use otlp::record;

/// Variables that name a collector, in order of precedence.
const ENDPOINTS: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
];

#[derive(Debug, thiserror::Error)]
#[error("{variable}: {reason}")]
pub struct TracesError {
    variable: &'static str,
    reason: String,
}

fn collector() -> Option<(&'static str, String)> {
    ENDPOINTS.into_iter().find_map(|variable| {
        let value = std::env::var(variable).ok()?;
        (!value.trim().is_empty()).then_some((variable, value))
    })
}
