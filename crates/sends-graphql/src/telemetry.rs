//! Log, metrics and traces.
//!
//! | part | file |
//! |---|---|
//! | one GraphQL request, for all three | `telemetry/operation.rs` |
//! | output and format of the log | `telemetry/log.rs` |
//! | counters, gauges and histograms, and their text | `telemetry/metrics.rs`, `telemetry/metrics/` |
//! | spans, sent to a collector | `telemetry/traces.rs`, `telemetry/traces/` |
//!
//! Requests are observed from outside of async-graphql, whose extensions would add half to the time of every request. No token,
//! no variable, and no header except the request id reaches this module.

pub mod log;
pub mod metrics;
pub mod operation;
mod request_id;
pub mod traces;

use tracing_subscriber::{Layer, Registry, layer::SubscriberExt, util::SubscriberInitExt};

pub(crate) use self::request_id::REQUEST_ID;
pub use self::request_id::RequestId;
use self::{
    log::LogFormat,
    traces::{Traces, TracesError},
};

/// Starts the log, and the traces if the environment names a collector. The exporter needs a call outside of the runtime.
pub fn start(format: LogFormat) -> Result<Option<Traces>, TracesError> {
    let traces = Traces::from_environment()?;
    let mut layers: Vec<Box<dyn Layer<Registry> + Send + Sync>> = vec![log::layer(format)];
    if let Some(traces) = &traces {
        layers.push(traces.layer());
    }
    // A program that embeds the service can have a subscriber already.
    let _ = tracing_subscriber::registry().with(layers).try_init();
    #[cfg(not(feature = "otlp"))]
    traces::warn_if_absent();
    Ok(traces)
}
