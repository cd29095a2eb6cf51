//! Owns the switches: one definition that is at once the library's configuration, the command line's options, their
//! environment variables, and the JSON of `POST /_sandbox/config`. Knows nothing of what the switches do.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Everything that may change while the sandbox runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
#[serde(deny_unknown_fields, default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an independent switch of the simulation"
)]
pub struct Settings {
    /// Requests a second that one API key may make; 0 for no limit
    #[arg(
        long,
        env = "SENDS_SANDBOX_RATE_PER_SECOND",
        value_name = "N",
        default_value_t = 4,
        help_heading = "Limits"
    )]
    pub rate_per_second: u32,
    /// Requests a day (UTC) that one API key may make; 0 for no limit
    #[arg(
        long,
        env = "SENDS_SANDBOX_RATE_PER_DAY",
        value_name = "N",
        default_value_t = 10_000,
        help_heading = "Limits"
    )]
    pub rate_per_day: u64,
    /// Requests a second that one application may make to the token endpoint; 0 for no limit
    #[arg(
        long,
        env = "SENDS_SANDBOX_TOKEN_RATE_PER_SECOND",
        value_name = "N",
        default_value_t = 1,
        help_heading = "Limits"
    )]
    pub token_rate_per_second: u32,
    /// How a second is counted
    #[arg(long, env = "SENDS_SANDBOX_SECOND_WINDOW", value_enum, default_value_t = SecondWindow::Fixed, help_heading = "Limits")]
    pub second_window: SecondWindow,
    /// Send a Retry-After header with a 429, which the documented upstream does not
    #[arg(long, env = "SENDS_SANDBOX_RETRY_AFTER", help_heading = "Limits")]
    pub retry_after: bool,

    /// Milliseconds between a request's arrival and its answer
    #[arg(
        long,
        env = "SENDS_SANDBOX_LATENCY_MS",
        value_name = "MS",
        default_value_t = 0,
        help_heading = "Network"
    )]
    pub latency_ms: u64,
    /// Milliseconds at most, drawn evenly, that a request takes to arrive; the limits count it after that
    #[arg(
        long,
        env = "SENDS_SANDBOX_JITTER_MS",
        value_name = "MS",
        default_value_t = 0,
        help_heading = "Network"
    )]
    pub jitter_ms: u64,
    /// Whether the upstream is reachable
    #[arg(long, env = "SENDS_SANDBOX_AVAILABILITY", value_enum, default_value_t = Availability::Up, help_heading = "Network")]
    pub availability: Availability,
    /// How bodies are encoded for a client that accepts gzip
    #[arg(long, env = "SENDS_SANDBOX_ENCODING", value_enum, default_value_t = Encoding::Gzip, help_heading = "Network")]
    pub encoding: Encoding,
    /// Send an `ETag` and answer 304 to a matching If-None-Match
    #[arg(long, env = "SENDS_SANDBOX_ETAG", help_heading = "Network")]
    pub etag: bool,

    /// Status for an activity or campaign id that is not a UUID
    #[arg(long, env = "SENDS_SANDBOX_MALFORMED_ID", value_enum, default_value_t = MalformedId::BadRequest, help_heading = "What is not documented")]
    pub malformed_id: MalformedId,
    /// Body of a 404
    #[arg(long, env = "SENDS_SANDBOX_NOT_FOUND_BODY", value_enum, default_value_t = NotFoundBody::Array, help_heading = "What is not documented")]
    pub not_found_body: NotFoundBody,
    /// History of an activity that cannot be sent: a permalink, or a removed one
    #[arg(long, env = "SENDS_SANDBOX_UNSENDABLE_HISTORY", value_enum, default_value_t = UnsendableHistory::Empty, help_heading = "What is not documented")]
    pub unsendable_history: UnsendableHistory,
    /// Show a row for a send that is still under way
    #[arg(
        long,
        env = "SENDS_SANDBOX_EXECUTING_ROW",
        help_heading = "What is not documented"
    )]
    pub executing_row: bool,
    /// The `send_status` that reason code 5 (staged) arrives with
    #[arg(long, env = "SENDS_SANDBOX_STAGED_STATUS", value_enum, default_value_t = SendStatus::Errored, help_heading = "What is not documented")]
    pub staged_status: SendStatus,
    /// The `send_status` that reason code 6 (partly sent) arrives with
    #[arg(long, env = "SENDS_SANDBOX_PARTIAL_STATUS", value_enum, default_value_t = SendStatus::Errored, help_heading = "What is not documented")]
    pub partial_status: SendStatus,
    /// What the last page says of the next
    #[arg(long, env = "SENDS_SANDBOX_LAST_PAGE", value_enum, default_value_t = LastPage::WithoutLinks, help_heading = "What is not documented")]
    pub last_page: LastPage,
    /// Spelling of the keys of the open counts by device
    #[arg(long, env = "SENDS_SANDBOX_STATS_KEYS", value_enum, default_value_t = StatsKeys::Dotted, help_heading = "What is not documented")]
    pub stats_keys: StatsKeys,
    /// Type of the counts of the campaign summaries
    #[arg(long, env = "SENDS_SANDBOX_SUMMARY_COUNTS", value_enum, default_value_t = SummaryCounts::Numbers, help_heading = "What is not documented")]
    pub summary_counts: SummaryCounts,

    /// Vary the form of every answer at random, from this seed, within what is documented or observed: optional members and
    /// links, statuses, headers, error bodies, spellings, and a few failures that a retry mends. What is true stays the same
    #[arg(
        long,
        env = "SENDS_SANDBOX_WILD",
        value_name = "SEED",
        help_heading = "What is not documented"
    )]
    pub wild: Option<u64>,

    /// What a refresh does to the refresh token
    #[arg(long, env = "SENDS_SANDBOX_REFRESH_TOKENS", value_enum, default_value_t = RefreshTokens::Rotating, help_heading = "OAuth")]
    pub refresh_tokens: RefreshTokens,
    /// Seconds an access token lives
    #[arg(
        long,
        env = "SENDS_SANDBOX_EXPIRES_IN",
        value_name = "SECONDS",
        default_value_t = 86_400,
        help_heading = "OAuth"
    )]
    pub expires_in: u32,
    /// Show a page to approve on, instead of approving every authorization at once
    #[arg(long, env = "SENDS_SANDBOX_AUTHORIZE_PAGE", help_heading = "OAuth")]
    pub authorize_page: bool,
    /// The account that OAuth logs in to, instead of the first
    #[arg(
        long,
        env = "SENDS_SANDBOX_LOGIN_ACCOUNT",
        value_name = "NAME",
        help_heading = "OAuth"
    )]
    pub login_account: Option<String>,
    /// Privileges that no user has; may be repeated
    #[arg(
        long = "without-privilege",
        env = "SENDS_SANDBOX_WITHOUT_PRIVILEGE",
        value_name = "NAME",
        value_delimiter = ',',
        help_heading = "OAuth"
    )]
    pub missing_privileges: Vec<String>,
    /// Seconds a device code lives
    #[arg(
        long,
        env = "SENDS_SANDBOX_DEVICE_EXPIRES_IN",
        value_name = "SECONDS",
        default_value_t = 600,
        help_heading = "OAuth"
    )]
    pub device_expires_in: u32,
    /// Seconds a device has to leave between two polls; 0 to allow any pace
    #[arg(
        long,
        env = "SENDS_SANDBOX_DEVICE_INTERVAL",
        value_name = "SECONDS",
        default_value_t = 5,
        help_heading = "OAuth"
    )]
    pub device_interval: u32,
    /// Polls after which a device is approved by itself; without it a control request approves
    #[arg(
        long,
        env = "SENDS_SANDBOX_DEVICE_APPROVES_AFTER",
        value_name = "POLLS",
        help_heading = "OAuth"
    )]
    pub device_approves_after: Option<u32>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            rate_per_second: 4,
            rate_per_day: 10_000,
            token_rate_per_second: 1,
            second_window: SecondWindow::Fixed,
            retry_after: false,
            latency_ms: 0,
            jitter_ms: 0,
            availability: Availability::Up,
            encoding: Encoding::Gzip,
            etag: false,
            malformed_id: MalformedId::BadRequest,
            not_found_body: NotFoundBody::Array,
            unsendable_history: UnsendableHistory::Empty,
            executing_row: false,
            staged_status: SendStatus::Errored,
            partial_status: SendStatus::Errored,
            last_page: LastPage::WithoutLinks,
            stats_keys: StatsKeys::Dotted,
            summary_counts: SummaryCounts::Numbers,
            wild: None,
            refresh_tokens: RefreshTokens::Rotating,
            expires_in: 86_400,
            authorize_page: false,
            login_account: None,
            missing_privileges: Vec::new(),
            device_expires_in: 600,
            device_interval: 5,
            device_approves_after: None,
        }
    }
}

impl Settings {
    /// These settings with the members of a JSON object put over them.
    pub(crate) fn patched(&self, patch: &Value) -> Result<Self, serde_json::Error> {
        let mut merged = serde_json::to_value(self)?;
        if let (Some(merged), Value::Object(patch)) = (merged.as_object_mut(), patch) {
            merged.extend(patch.clone());
            return serde_json::from_value(Value::Object(std::mem::take(merged)));
        }
        Err(serde::de::Error::custom("a JSON object of settings is expected"))
    }
}

macro_rules! switch {
    ($(#[$about:meta])* $name:ident { $($(#[$what:meta])* $variant:ident),+ $(,)? }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
        #[serde(rename_all = "snake_case")]
        #[value(rename_all = "snake_case")]
        pub enum $name { $($(#[$what])* $variant),+ }
    };
}

switch! {
    /// How a second is counted.
    SecondWindow {
        /// By the seconds of the wall clock: up to twice the rate passes around an edge.
        Fixed,
        /// By the last 1,000 milliseconds.
        Sliding,
    }
}
switch! {
    /// Whether the upstream is reachable.
    Availability {
        /// It answers.
        Up,
        /// Every connection is closed as soon as it asks something.
        Closed,
        /// Every request gets a gateway's HTML page with 503.
        Unavailable,
    }
}
switch! {
    /// How bodies are encoded for a client that accepts gzip.
    Encoding {
        /// Compressed.
        Gzip,
        /// As they are.
        Identity,
    }
}
switch! {
    /// The status for an id that is not a UUID.
    MalformedId {
        /// 400.
        BadRequest,
        /// 404.
        NotFound,
    }
}
switch! {
    /// The body of a 404.
    NotFoundBody {
        /// An array of errors.
        Array,
        /// One error.
        Object,
        /// Nothing at all.
        Empty,
    }
}
switch! {
    /// The history of an activity that cannot be sent.
    UnsendableHistory {
        /// 200 with an empty array.
        Empty,
        /// 404.
        NotFound,
        /// 400.
        BadRequest,
    }
}
switch! {
    /// The documented values of `send_status`.
    SendStatus {
        /// `COMPLETED`.
        Completed,
        /// `ERRORED`.
        Errored,
    }
}
switch! {
    /// What the last page says of the next.
    LastPage {
        /// No `_links` at all.
        WithoutLinks,
        /// `_links` without `next`.
        WithoutNext,
        /// `next` with an `href` of null.
        NullHref,
    }
}
switch! {
    /// The spelling of the keys of the open counts by device.
    StatsKeys {
        /// `em_opens.all.mobile`, as in the guide.
        Dotted,
        /// `em_opens_all_mobile`, as in the `OpenAPI` document.
        Underscored,
    }
}
switch! {
    /// The type of the counts of the campaign summaries.
    SummaryCounts {
        /// JSON numbers.
        Numbers,
        /// Strings of digits.
        Strings,
    }
}
switch! {
    /// What a refresh does to the refresh token.
    RefreshTokens {
        /// A new one is issued and every earlier one of the grant dies.
        Rotating,
        /// The same one is returned.
        LongLived,
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Options {
        #[command(flatten)]
        settings: Settings,
    }

    #[test]
    fn the_command_lines_defaults_are_the_librarys() {
        assert_eq!(Options::parse_from(["sandbox"]).settings, Settings::default());
    }

    #[test]
    fn a_patch_changes_what_it_names_and_nothing_else() {
        let patch = serde_json::json!({"malformed_id": "not_found", "rate_per_second": 0});
        let patched = Settings::default().patched(&patch).unwrap();
        let expected = Settings {
            malformed_id: MalformedId::NotFound,
            rate_per_second: 0,
            ..Settings::default()
        };
        assert_eq!(patched, expected);
        assert!(
            Settings::default()
                .patched(&serde_json::json!({"rate": 1}))
                .is_err()
        );
    }
}
