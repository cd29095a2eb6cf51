//! The settings about what may come in over HTTP, once checked.
//!
//! Owns what the options mean. Must not know how a request is held against them.

use std::{path::Path, sync::Arc, time::Duration};

use http::HeaderValue;
use url::Url;

use super::{
    Problem, given,
    value::{Problems, number, number_from, seconds, switch},
};
use crate::{
    answers::SMALL,
    cli::HttpOptions,
    http::{ApiKeys, TrustedDocuments},
};

/// The least budget of answers: with less, the quarter for small answers would hold none of the larger ones among them.
const LEAST_ANSWER_BUDGET: usize = 4 * SMALL;

/// Who may ask over HTTP, and how much.
#[derive(Debug)]
pub struct HttpSettings {
    /// The keys that callers have to bring; `None` asks for none.
    pub api_keys: Option<Arc<ApiKeys>>,
    /// Names the service may be addressed by, beside loopback names and IP addresses, in lower case and without ports.
    pub allowed_hosts: Vec<String>,
    /// Origins whose pages may ask, as browsers write them.
    pub allowed_origins: Vec<HeaderValue>,
    /// Which documents are answered.
    pub documents: Documents,
    /// Bytes of answers that are kept for requests that come again; 0 keeps none.
    pub answer_bytes: u64,
    /// Whether the schema may be asked for.
    pub introspection: bool,
    /// How much one request may hold.
    pub request: RequestLimits,
    /// How connections are bounded.
    pub connection: ConnectionLimits,
    /// Bytes of all answers that are being made and written.
    pub answer_budget: usize,
    /// How many operations may work at once.
    pub max_operations: usize,
    /// How many more may wait at once, for Constant Contact, the log or memory of answers.
    pub max_waiting_operations: usize,
    /// How long an operation waits for others to end.
    pub operation_wait: Duration,
}

/// Which documents are answered.
#[derive(Debug)]
pub enum Documents {
    /// Any; those that clients register under their hashes are kept, so many bytes of them.
    Any {
        /// 0 keeps none.
        persisted_bytes: u64,
    },
    /// Only these.
    Trusted(TrustedDocuments),
}

/// How much one request may hold.
#[derive(Clone, Copy, Debug)]
pub struct RequestLimits {
    /// Bytes in the body.
    pub body: usize,
    /// Bytes in all bodies that are arriving.
    pub body_budget: usize,
    /// How long the body may take to arrive.
    pub body_timeout: Duration,
    /// Operations in one body.
    pub batch: usize,
}

/// How connections are bounded.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// How long the head of a request may take to arrive.
    pub header_timeout: Duration,
    /// How long a connection may stay open without a request.
    pub idle_timeout: Duration,
    /// How long answers of a connection may wait to be read, all of them together.
    pub write_timeout: Duration,
    /// How many may be open at once.
    pub connections: usize,
}

impl HttpSettings {
    pub(super) fn check(options: &HttpOptions, problems: &mut Problems) -> Option<Self> {
        let api_keys = given(options.api_key_file.as_deref())
            .map(|path| problems.keep(ApiKeys::read(Path::new(path)).map_err(Problem::ApiKeys)));
        let allowed_hosts = each(&options.allowed_host, |host| problems.keep(check_host(host)));
        let allowed_origins = each(&options.allowed_origin, |origin| {
            problems.keep(check_origin(origin))
        });
        let trusted = given(options.persisted_only.as_deref()).map(|path| {
            problems.keep(TrustedDocuments::read(Path::new(path)).map_err(Problem::PersistedOnly))
        });
        let persisted_bytes = problems.keep(number("persisted-cache", &options.persisted_cache, 1 << 40));
        let answer_bytes = problems.keep(number("answer-cache", &options.answer_cache, 1 << 40));
        let introspection = problems.keep(switch("introspection", &options.introspection));
        let batch = problems.keep(count("batch-limit", &options.batch_limit, 1_000));
        let body = problems.keep(count("body-limit", &options.body_limit, 1 << 30));
        // Less than one whole body would refuse it even when nobody else asks.
        let body_budget = problems.keep(count_from(
            "body-budget",
            &options.body_budget,
            body.unwrap_or(1),
            1 << 40,
        ));
        let body_timeout = problems.keep(seconds("body-timeout", &options.body_timeout, 0.1, 3_600.0));
        let header_timeout = problems.keep(seconds("header-timeout", &options.header_timeout, 0.1, 3_600.0));
        let idle_timeout = problems.keep(seconds("idle-timeout", &options.idle_timeout, 0.1, 86_400.0));
        let write_timeout = problems.keep(seconds("write-timeout", &options.write_timeout, 0.1, 3_600.0));
        let answer_budget = problems.keep(count_from(
            "answer-budget",
            &options.answer_budget,
            LEAST_ANSWER_BUDGET,
            1 << 40,
        ));
        let connections = problems.keep(count("max-connections", &options.max_connections, 1_000_000));
        let max_operations = problems.keep(count("max-operations", &options.max_operations, 1_000_000));
        let max_waiting_operations = problems.keep(count(
            "max-waiting-operations",
            &options.max_waiting_operations,
            1_000_000,
        ));
        let operation_wait = problems.keep(seconds("operation-wait", &options.operation_wait, 0.0, 3_600.0));
        let documents = match trusted {
            Some(trusted) => Documents::Trusted(trusted?),
            None => Documents::Any {
                persisted_bytes: persisted_bytes?,
            },
        };
        Some(Self {
            api_keys: api_keys.map_or(Some(None), |keys| keys.map(|keys| Some(Arc::new(keys))))?,
            allowed_hosts,
            allowed_origins,
            documents,
            answer_bytes: answer_bytes?,
            introspection: introspection?,
            request: RequestLimits {
                body: body?,
                body_budget: body_budget?,
                body_timeout: body_timeout?,
                batch: batch?,
            },
            connection: ConnectionLimits {
                header_timeout: header_timeout?,
                idle_timeout: idle_timeout?,
                write_timeout: write_timeout?,
                connections: connections?,
            },
            answer_budget: answer_budget?,
            max_operations: max_operations?,
            max_waiting_operations: max_waiting_operations?,
            operation_wait: operation_wait?,
        })
    }
}

/// Whether a `HOST:PORT` is one that only this machine can reach.
pub(super) fn is_loopback(listen: &str) -> bool {
    let host = listen.rsplit_once(':').map_or(listen, |(host, _)| host);
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

fn count(option: &'static str, text: &str, most: u64) -> Result<usize, Problem> {
    count_from(option, text, 1, most)
}

fn count_from(option: &'static str, text: &str, least: usize, most: u64) -> Result<usize, Problem> {
    let least = u64::try_from(least).unwrap_or(u64::MAX);
    number_from(option, text, least, most).map(|number| usize::try_from(number).unwrap_or(usize::MAX))
}

/// An empty element is how an empty variable arrives.
fn each<T>(values: &[String], check: impl FnMut(&str) -> Option<T>) -> Vec<T> {
    let values = values.iter().map(|value| value.trim());
    values
        .filter(|value| !value.is_empty())
        .filter_map(check)
        .collect()
}

fn check_host(host: &str) -> Result<String, Problem> {
    let is_name = |character: char| character.is_ascii_alphanumeric() || ".-_".contains(character);
    if host.chars().all(is_name) {
        Ok(host.to_ascii_lowercase())
    } else {
        Err(Problem::value(
            "allowed-host",
            host,
            "a name such as sends.example.com, without a port",
        ))
    }
}

/// The origin as browsers write it: scheme, host and port where it is not the scheme's own.
fn check_origin(origin: &str) -> Result<HeaderValue, Problem> {
    let wrong = || {
        Problem::value(
            "allowed-origin",
            origin,
            "an origin such as https://app.example.com, without a path",
        )
    };
    let url = Url::parse(origin).map_err(|_| wrong())?;
    let written = url.origin().ascii_serialization();
    let is_origin = matches!(url.scheme(), "http" | "https")
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty();
    let value = HeaderValue::from_str(&written).map_err(|_| wrong())?;
    if is_origin { Ok(value) } else { Err(wrong()) }
}
