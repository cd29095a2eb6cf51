//! Options of the HTTP server: access and capacity.

use std::{path::Path, sync::Arc, time::Duration};

use clap::Args;
use http::HeaderValue;

use super::{ConnectionLimits, RequestLimits, TrustedDocuments};
use crate::api_keys::ApiKeys;
use crate::bulkheads::{Bulkhead, Bulkheads, answers};
use crate::option_values::{HOUR, bytes, duration, host, number, origin, switch};

/// Minimum of `--answer-budget`. A quarter of the budget must suffice for a small response of maximum size.
const MIN_ANSWER_BUDGET: u64 = 4 * answers::SMALL as u64;

#[derive(Args, Clone, Debug)]
pub struct HttpOptions {
    #[command(flatten)]
    pub access: AccessOptions,

    #[command(flatten)]
    pub capacity: CapacityOptions,
}

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Access over HTTP")]
pub struct AccessOptions {
    /// File of API keys; callers must send a key as X-API-Key
    ///
    /// The file has one key per line; lines that start with # are comments. Changes take effect within a second.
    #[arg(long = "api-key-file", env = "SENDS_API_KEY_FILE", value_name = "FILE",
          value_parser = |path: &str| ApiKeys::read(Path::new(path)).map(Arc::new))]
    pub api_keys: Option<Arc<ApiKeys>>,

    /// Allow connections from other machines without API keys
    ///
    /// Only for a service behind a proxy or gateway that authenticates callers.
    #[arg(long, env = "SENDS_BEHIND_AUTHENTICATING_PROXY", value_parser = switch)]
    pub behind_authenticating_proxy: bool,

    /// Host names of the service, separated by commas
    ///
    /// Loopback names and IP addresses are always allowed.
    #[arg(long = "allowed-host", env = "SENDS_ALLOWED_HOST", value_name = "HOST", value_delimiter = ',',
          value_parser = host)]
    pub allowed_hosts: Vec<String>,

    /// Allowed origins of web pages, separated by commas
    ///
    /// An origin has the form <https://app.example.com>.
    #[arg(long = "allowed-origin", env = "SENDS_ALLOWED_ORIGIN", value_name = "ORIGIN",
          value_delimiter = ',', value_parser = origin)]
    pub allowed_origins: Vec<HeaderValue>,

    /// Execute only the documents of this manifest
    ///
    /// The manifest has the format of Apollo, Relay or GraphQL Code Generator.
    #[arg(long = "persisted-only", env = "SENDS_PERSISTED_ONLY", value_name = "FILE",
          value_parser = |path: &str| TrustedDocuments::read(Path::new(path)).map(Arc::new))]
    pub trusted_documents: Option<Arc<TrustedDocuments>>,
}

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Capacity")]
pub struct CapacityOptions {
    #[command(flatten)]
    pub request: RequestLimits,

    #[command(flatten)]
    pub connection: ConnectionLimits,

    /// Maximum size of the response cache; 0 disables the cache
    #[arg(long, env = "SENDS_ANSWER_CACHE", value_name = "BYTES", default_value = "32MiB",
          value_parser = bytes::<u64>(0..=1 << 40))]
    pub answer_cache: u64,

    /// Maximum memory of all responses being created and written
    ///
    /// Operations that wait for Constant Contact can use half as much in addition.
    #[arg(long, env = "SENDS_ANSWER_BUDGET", value_name = "BYTES", default_value = "128MiB",
          value_parser = bytes::<usize>(MIN_ANSWER_BUDGET..=1 << 40))]
    pub answer_budget: usize,

    /// Maximum number of concurrent operations
    ///
    /// Operations that wait for Constant Contact are not counted.
    #[arg(long, env = "SENDS_MAX_OPERATIONS", value_name = "COUNT", default_value = "256",
          value_parser = number::<usize>(1..=1_000_000))]
    pub max_operations: usize,

    /// Maximum number of waiting operations
    ///
    /// These operations wait for Constant Contact, for a log search or for response memory.
    #[arg(long, env = "SENDS_MAX_WAITING_OPERATIONS", value_name = "COUNT", default_value = "4096",
          value_parser = number::<usize>(1..=1_000_000))]
    pub max_waiting_operations: usize,

    /// Maximum time that an operation queues before it is rejected
    #[arg(long, env = "SENDS_OPERATION_WAIT", value_name = "DURATION", default_value = "5s",
          value_parser = duration(Duration::ZERO..=HOUR))]
    pub operation_wait: Duration,
}

impl CapacityOptions {
    pub fn bulkheads(&self) -> Bulkheads {
        let small = self.answer_budget / 4;
        Bulkheads {
            connections: Bulkhead::new("connections", self.connection.connections),
            bodies: Bulkhead::new("bodies", self.request.body_budget),
            operations: Bulkhead::new("operations", self.max_operations),
            waiting_operations: Bulkhead::new("waiting_operations", self.max_waiting_operations),
            large_answers: Bulkhead::new("large_answers", self.answer_budget - small),
            small_answers: Bulkhead::new("small_answers", small),
            waiting_memory: Bulkhead::new("waiting_memory", self.answer_budget / 2),
        }
    }
}
