//! The options about what may come in over HTTP, as they were written. What they mean is for `config/http.rs` to decide.

use clap::Args;

/// Who may ask over HTTP, and how much.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "HTTP")]
pub struct HttpOptions {
    /// A file with the keys that callers may send as X-API-Key: one in a line, # begins a comment; read again when it
    /// changes
    #[arg(long, env = "SENDS_API_KEY_FILE", value_name = "FILE")]
    pub api_key_file: Option<String>,

    /// Listen beyond this machine without API keys, since something in front of the service checks who asks
    #[arg(long, env = "SENDS_BEHIND_AUTHENTICATING_PROXY", value_name = "true|false", num_args = 0..=1,
          require_equals = true, default_missing_value = "true", default_value = "false", hide_default_value = true)]
    pub behind_authenticating_proxy: String,

    /// Names the service may be addressed by, beside loopback names and IP addresses; separated by commas
    #[arg(long, env = "SENDS_ALLOWED_HOST", value_name = "HOST", value_delimiter = ',')]
    pub allowed_host: Vec<String>,

    /// Origins whose pages may ask from a browser, such as `https://app.example.com`; separated by commas
    #[arg(
        long,
        env = "SENDS_ALLOWED_ORIGIN",
        value_name = "ORIGIN",
        value_delimiter = ','
    )]
    pub allowed_origin: Vec<String>,

    /// Answer only the documents of this manifest, as Apollo's, Relay's or GraphQL Code Generator's tools write it
    #[arg(long, env = "SENDS_PERSISTED_ONLY", value_name = "FILE")]
    pub persisted_only: Option<String>,

    /// How many bytes of automatically persisted queries are kept; 0 to take none
    #[arg(
        long,
        env = "SENDS_PERSISTED_CACHE",
        value_name = "BYTES",
        default_value = "16777216"
    )]
    pub persisted_cache: String,

    /// How many bytes of answers to keep for requests that come again; 0 keeps none
    #[arg(
        long,
        env = "SENDS_ANSWER_CACHE",
        value_name = "BYTES",
        default_value = "33554432"
    )]
    pub answer_cache: String,

    /// Whether the schema may be asked for
    #[arg(long, env = "SENDS_INTROSPECTION", value_name = "true|false", num_args = 0..=1, require_equals = true,
          default_missing_value = "true", default_value = "true")]
    pub introspection: String,

    /// How many operations one request may hold; 1 to refuse batches
    #[arg(
        long,
        env = "SENDS_BATCH_LIMIT",
        value_name = "OPERATIONS",
        default_value = "1"
    )]
    pub batch_limit: String,

    /// How many bytes a request body may have
    #[arg(
        long,
        env = "SENDS_BODY_LIMIT",
        value_name = "BYTES",
        default_value = "1048576"
    )]
    pub body_limit: String,

    /// How many bytes all request bodies that are arriving may have together
    #[arg(
        long,
        env = "SENDS_BODY_BUDGET",
        value_name = "BYTES",
        default_value = "67108864"
    )]
    pub body_budget: String,

    /// How many bytes of memory all answers may take that are being made and written
    #[arg(
        long,
        env = "SENDS_ANSWER_BUDGET",
        value_name = "BYTES",
        default_value = "134217728"
    )]
    pub answer_budget: String,

    /// How many seconds a request body may take to arrive
    #[arg(
        long,
        env = "SENDS_BODY_TIMEOUT",
        value_name = "SECONDS",
        default_value = "15"
    )]
    pub body_timeout: String,

    /// How many seconds the head of a request may take to arrive
    #[arg(
        long,
        env = "SENDS_HEADER_TIMEOUT",
        value_name = "SECONDS",
        default_value = "10"
    )]
    pub header_timeout: String,

    /// How many seconds a connection may stay open without a request
    #[arg(
        long,
        env = "SENDS_IDLE_TIMEOUT",
        value_name = "SECONDS",
        default_value = "75"
    )]
    pub idle_timeout: String,

    /// How many seconds a connection with answers to be read may go without any of them being read
    #[arg(
        long,
        env = "SENDS_WRITE_TIMEOUT",
        value_name = "SECONDS",
        default_value = "30"
    )]
    pub write_timeout: String,

    /// How many connections may be open at once
    #[arg(
        long,
        env = "SENDS_MAX_CONNECTIONS",
        value_name = "CONNECTIONS",
        default_value = "16384"
    )]
    pub max_connections: String,

    /// How many operations may work at once; those that wait for Constant Contact do not count
    #[arg(
        long,
        env = "SENDS_MAX_OPERATIONS",
        value_name = "OPERATIONS",
        default_value = "256"
    )]
    pub max_operations: String,

    /// How many operations may wait at once, for Constant Contact, the log or memory of answers
    #[arg(
        long,
        env = "SENDS_MAX_WAITING_OPERATIONS",
        value_name = "OPERATIONS",
        default_value = "4096"
    )]
    pub max_waiting_operations: String,

    /// How many seconds an operation waits for others to end before it is refused
    #[arg(
        long,
        env = "SENDS_OPERATION_WAIT",
        value_name = "SECONDS",
        default_value = "5"
    )]
    pub operation_wait: String,
}
