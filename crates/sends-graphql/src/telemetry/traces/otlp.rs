//! Spans sent to an OpenTelemetry collector by OTLP over HTTP (protobuf), from a thread of the exporter's own.

use std::time::Duration;

use http::HeaderMap;
use opentelemetry::{
    Context,
    propagation::{Extractor, TextMapPropagator},
    trace::TracerProvider,
};
use opentelemetry_otlp::{SpanExporter, WithHttpConfig};
use opentelemetry_sdk::{Resource, propagation::TraceContextPropagator, trace::SdkTracerProvider};
use tracing::{Span, level_filters::LevelFilter};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::{Layer, Registry, filter::Targets};

use super::{TracesError, collector};

/// How long the end of the process waits for the collector.
const LAST_SPANS: Duration = Duration::from_secs(2);
/// How long one request to the collector may take.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(10);

/// The exporter of spans.
#[derive(Debug)]
pub struct Traces(SdkTracerProvider);

impl Traces {
    /// Connects with the collector that the environment names, if it names one.
    pub fn from_environment() -> Result<Option<Self>, TracesError> {
        let Some((variable, endpoint)) = collector() else {
            return Ok(None);
        };
        let failed = |reason: String| TracesError { variable, reason };
        match endpoint
            .parse::<http::Uri>()
            .map(|uri| uri.scheme_str().map(str::to_owned))
        {
            Ok(Some(scheme)) if scheme == "http" || scheme == "https" => {}
            _ => return Err(failed("it must be an http:// or https:// address".to_owned())),
        }
        sends_client::install_crypto_provider();
        let mut client = reqwest::blocking::Client::builder().timeout(EXPORT_TIMEOUT);
        if endpoint.starts_with("http://") {
            // The TLS library refuses to start on a machine without CA certificates, which plain HTTP does not need.
            client = client.tls_certs_only([]);
        }
        let client = client.build().map_err(|error| failed(error.to_string()))?;
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(client)
            .build()
            .map_err(|error| failed(error.to_string()))?;
        let mut resource = Resource::builder();
        if std::env::var_os("OTEL_SERVICE_NAME").is_none() {
            resource = resource.with_service_name("sends-graphql");
        }
        let provider = SdkTracerProvider::builder()
            .with_resource(resource.build())
            .with_batch_exporter(exporter)
            .build();
        Ok(Some(Self(provider)))
    }

    /// The layer that turns spans of this project into spans of a trace. Its filter is its own: `RUST_LOG` is about the log.
    pub fn layer(&self) -> Box<dyn Layer<Registry> + Send + Sync> {
        let ours = Targets::new()
            .with_target("sends_graphql", LevelFilter::DEBUG)
            .with_target("sends_client", LevelFilter::DEBUG);
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer("sends-graphql"))
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_filter(ours)
            .boxed()
    }

    /// Sends what has not been sent.
    pub fn end(&self) {
        if let Err(error) = self.0.shutdown_with_timeout(LAST_SPANS) {
            tracing::warn!("the last traces were not sent: {error}");
        }
    }
}

/// Makes `span` part of the trace that the caller's `traceparent` header names. Does nothing while nothing is traced.
pub fn continue_trace(span: &Span, headers: &HeaderMap) {
    if !headers.contains_key("traceparent") {
        return;
    }
    let context: Context = TraceContextPropagator::new().extract(&Headers(headers));
    // It fails where there is no layer that could take it.
    let _ = span.set_parent(context);
}

/// Tells the trace what came of a request. Does nothing while nothing is traced, and then costs next to nothing: a field of
/// the span itself would be written out for the log as well.
pub(in crate::telemetry) fn tell(span: &Span, outcome: &'static str, upstream_calls: u32) {
    span.set_attribute("outcome", outcome);
    span.set_attribute("upstream_calls", i64::from(upstream_calls));
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}
