//! The options of the HTTP server: access, and the room for requests and answers.

use std::{path::Path, sync::Arc, time::Duration};

use clap::Args;
use http::HeaderValue;

use super::{ConnectionLimits, RequestLimits, TrustedDocuments};
use crate::api_keys::ApiKeys;
use crate::bulkheads::{Bulkhead, Bulkheads, answers};
use crate::option_values::{HOUR, bytes, duration, host, number, origin, switch};

/// The least budget of answers: with less, the quarter for small answers would hold none of the larger ones among them.
const LEAST_ANSWER_BUDGET: u64 = 4 * answers::SMALL as u64;

/// Who may send requests over HTTP, and how many of them have room.
#[derive(Args, Clone, Debug)]
pub struct HttpOptions {
    #[command(flatten)]
    pub access: AccessOptions,

    #[command(flatten)]
    pub capacity: CapacityOptions,
}

/// Access over HTTP.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Access over HTTP")]
pub struct AccessOptions {
    /// File of the keys that callers have to send as X-API-Key
    ///
    /// It has one key in a line, and # begins a comment. It is read again when it changes.
    #[arg(long = "api-key-file", env = "SENDS_API_KEY_FILE", value_name = "FILE",
          value_parser = |path: &str| ApiKeys::read(Path::new(path)).map(Arc::new))]
    pub api_keys: Option<Arc<ApiKeys>>,

    /// Listen beyond this machine without API keys
    ///
    /// Only for a service behind a proxy or gateway that authenticates callers.
    #[arg(long, env = "SENDS_BEHIND_AUTHENTICATING_PROXY", value_parser = switch)]
    pub behind_authenticating_proxy: bool,

    /// Host names of the service, separated by commas
    ///
    /// Requests under loopback names and IP addresses are answered in any case.
    #[arg(long = "allowed-host", env = "SENDS_ALLOWED_HOST", value_name = "HOST", value_delimiter = ',',
          value_parser = host)]
    pub allowed_hosts: Vec<String>,

    /// Origins of web pages that may send requests, separated by commas
    ///
    /// An origin is written as in <https://app.example.com>.
    #[arg(long = "allowed-origin", env = "SENDS_ALLOWED_ORIGIN", value_name = "ORIGIN",
          value_delimiter = ',', value_parser = origin)]
    pub allowed_origins: Vec<HeaderValue>,

    /// Answer only the documents of this manifest
    ///
    /// It has the format of Apollo, Relay or GraphQL Code Generator.
    #[arg(long = "persisted-only", env = "SENDS_PERSISTED_ONLY", value_name = "FILE",
          value_parser = |path: &str| TrustedDocuments::read(Path::new(path)).map(Arc::new))]
    pub trusted_documents: Option<Arc<TrustedDocuments>>,
}

/// How much is held and done at once.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Capacity")]
pub struct CapacityOptions {
    #[command(flatten)]
    pub request: RequestLimits,

    #[command(flatten)]
    pub connection: ConnectionLimits,

    /// Size of the response cache; 0 turns it off
    #[arg(long, env = "SENDS_ANSWER_CACHE", value_name = "BYTES", default_value = "32MiB",
          value_parser = bytes::<u64>(0..=1 << 40))]
    pub answer_cache: u64,

    /// Memory for all answers that are being made and written
    ///
    /// Operations that wait for Constant Contact have half as much in addition.
    #[arg(long, env = "SENDS_ANSWER_BUDGET", value_name = "BYTES", default_value = "128MiB",
          value_parser = bytes::<usize>(LEAST_ANSWER_BUDGET..=1 << 40))]
    pub answer_budget: usize,

    /// Operations executed at once
    ///
    /// Those that wait for Constant Contact do not count.
    #[arg(long, env = "SENDS_MAX_OPERATIONS", value_name = "COUNT", default_value = "256",
          value_parser = number::<usize>(1..=1_000_000))]
    pub max_operations: usize,

    /// Operations waiting at once
    ///
    /// They wait for Constant Contact, a search of the log or memory for answers.
    #[arg(long, env = "SENDS_MAX_WAITING_OPERATIONS", value_name = "COUNT", default_value = "4096",
          value_parser = number::<usize>(1..=1_000_000))]
    pub max_waiting_operations: usize,

    /// Time an operation waits for its turn before it is refused
    #[arg(long, env = "SENDS_OPERATION_WAIT", value_name = "DURATION", default_value = "5s",
          value_parser = duration(Duration::ZERO..=HOUR))]
    pub operation_wait: Duration,
}

impl CapacityOptions {
    /// The bulkheads with these limits.
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
