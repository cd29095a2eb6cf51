//! Options of the data source: sandbox or Constant Contact, account, rate limits and store.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};
use sends_client::BaseUrl;
use sends_credentials::Endpoints;

use crate::option_values::{MIN_DURATION, MINUTE, duration, number, switch, text};

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Account and data")]
pub struct SourceOptions {
    #[command(flatten)]
    pub sandbox: SandboxOptions,

    /// Type of store for fetched data
    #[arg(long, env = "SENDS_STORE", value_enum, default_value = "sqlite")]
    pub store: StoreKind,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum StoreKind {
    /// Database in the state folder
    Sqlite,
    /// Memory, for the lifetime of the process
    Memory,
}

#[derive(Args, Clone, Copy, Debug, Default)]
#[command(next_help_heading = "Account and data")]
pub struct SandboxOptions {
    /// Use an embedded simulation of Constant Contact with invented data
    ///
    /// No account is required.
    #[arg(long, env = "SENDS_SANDBOX", value_parser = switch)]
    pub sandbox: bool,

    /// Enforce Constant Contact's limits in the sandbox
    ///
    /// The limits are 4 calls a second and 10,000 a day. Without this option, calls are not paced, and 250,000 a day are allowed.
    #[arg(long, env = "SENDS_SANDBOX_LIMITS", value_parser = switch)]
    pub sandbox_limits: bool,

    /// Fill the sandbox with malformed and undocumented records
    ///
    /// These records replace the plausible campaigns, for tests of clients. The example queries of GraphiQL do not apply to them.
    #[arg(long, env = "SENDS_SANDBOX_ODD_RECORDS", value_parser = switch)]
    pub sandbox_odd_records: bool,
}

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Constant Contact")]
pub struct UpstreamOptions {
    /// Base URL of the Constant Contact API [default: `https://api.cc.email/v3`]
    #[arg(long, env = "SENDS_UPSTREAM_URL", value_name = "URL")]
    pub upstream_url: Option<BaseUrl>,

    /// Timeout of one upstream call
    #[arg(long, env = "SENDS_UPSTREAM_TIMEOUT", value_name = "DURATION", default_value = "20s",
          value_parser = duration(MIN_DURATION..=10 * MINUTE))]
    pub upstream_timeout: Duration,

    /// Maximum calls in any one second; 0 for no limit [default: 4]
    ///
    /// A sandbox without `--sandbox-limits` has no limit by default. Constant Contact allows partners 10 calls.
    #[arg(long, env = "SENDS_RATE_PER_SECOND", value_name = "CALLS",
          value_parser = number::<u32>(0..=1_000_000))]
    pub rate_per_second: Option<u32>,

    /// Maximum calls in one UTC day; 0 for no limit [default: 10000]
    ///
    /// For a sandbox without `--sandbox-limits`, the default is 250000. Constant Contact allows partners 250000 calls.
    #[arg(long, env = "SENDS_RATE_PER_DAY", value_name = "CALLS",
          value_parser = number::<u64>(0..=1_000_000_000))]
    pub rate_per_day: Option<u64>,

    /// Number of daily upstream calls that are reserved for queries and not used by synchronisation
    #[arg(long, env = "SENDS_RATE_RESERVE", value_name = "CALLS", default_value = "500",
          value_parser = number::<u64>(0..=1_000_000_000))]
    pub rate_reserve: u64,
}

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Account and data")]
pub struct AccountOptions {
    /// Client id of your application at Constant Contact
    #[arg(long, env = "SENDS_CLIENT_ID", value_name = "ID", value_parser = text)]
    pub client_id: Option<String>,

    /// Base URL of the authorization server
    #[arg(long, env = "SENDS_OAUTH_URL", value_name = "URL", default_value = Endpoints::REAL_BASE,
          value_parser = Endpoints::from_base)]
    pub oauth_url: Endpoints,

    #[command(flatten)]
    pub state: StateOptions,
}

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Account and data")]
pub struct StateOptions {
    /// Folder of the login and the store [default: of the platform]
    #[arg(long, env = "SENDS_STATE_DIR", value_name = "FOLDER")]
    pub state_dir: Option<PathBuf>,
}
