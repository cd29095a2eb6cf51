//! Settings, defined once for the library, the command line, the environment, and the JSON of `POST /_sandbox/config`.

use clap::{Args, Command, FromArgMatches, ValueEnum};
use serde::{Deserialize, Serialize};
use serde_json::Value;

const LIMITS: &str = "Limits";
const NETWORK: &str = "Network";
const UNDOCUMENTED: &str = "Undocumented behaviour";
const OAUTH: &str = "OAuth";

/// The settings that can change while the sandbox runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Args)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::struct_excessive_bools, reason = "independent settings")]
pub struct Settings {
    /// Requests a second per API key; 0 for no limit
    #[arg(long, env = "SENDS_SANDBOX_RATE_PER_SECOND", value_name = "N", default_value_t = 4, help_heading = LIMITS)]
    pub rate_per_second: u32,
    /// Requests a day (UTC) per API key; 0 for no limit
    #[arg(long, env = "SENDS_SANDBOX_RATE_PER_DAY", value_name = "N", default_value_t = 10_000, help_heading = LIMITS)]
    pub rate_per_day: u64,
    /// Requests a second to the token endpoint per application; 0 for no limit
    #[arg(long, env = "SENDS_SANDBOX_TOKEN_RATE_PER_SECOND", value_name = "N", default_value_t = 1, help_heading = LIMITS)]
    pub token_rate_per_second: u32,
    /// The window of a second
    #[arg(long, env = "SENDS_SANDBOX_SECOND_WINDOW", value_enum, default_value_t = SecondWindow::Fixed, help_heading = LIMITS)]
    pub second_window: SecondWindow,
    /// Send Retry-After with a 429, which is not documented
    #[arg(long, env = "SENDS_SANDBOX_RETRY_AFTER", help_heading = LIMITS)]
    pub retry_after: bool,

    /// Milliseconds between a request and its response
    #[arg(long, env = "SENDS_SANDBOX_LATENCY_MS", value_name = "MS", default_value_t = 0, help_heading = NETWORK)]
    pub latency_ms: u64,
    /// Maximum of the random delay, in milliseconds, before a request is counted
    #[arg(long, env = "SENDS_SANDBOX_JITTER_MS", value_name = "MS", default_value_t = 0, help_heading = NETWORK)]
    pub jitter_ms: u64,
    /// Availability of the upstream
    #[arg(long, env = "SENDS_SANDBOX_AVAILABILITY", value_enum, default_value_t = Availability::Up, help_heading = NETWORK)]
    pub availability: Availability,
    /// Encoding of bodies for a client that accepts gzip
    #[arg(long, env = "SENDS_SANDBOX_ENCODING", value_enum, default_value_t = Encoding::Gzip, help_heading = NETWORK)]
    pub encoding: Encoding,
    /// Send an `ETag`, and 304 for a matching If-None-Match
    #[arg(long, env = "SENDS_SANDBOX_ETAG", help_heading = NETWORK)]
    pub etag: bool,

    /// Status for an activity or campaign id that is not a UUID
    #[arg(long, env = "SENDS_SANDBOX_MALFORMED_ID", value_enum, default_value_t = MalformedId::BadRequest, help_heading = UNDOCUMENTED)]
    pub malformed_id: MalformedId,
    /// Body of a 404
    #[arg(long, env = "SENDS_SANDBOX_NOT_FOUND_BODY", value_enum, default_value_t = NotFoundBody::Array, help_heading = UNDOCUMENTED)]
    pub not_found_body: NotFoundBody,
    /// History of a permalink or a removed activity
    #[arg(long, env = "SENDS_SANDBOX_UNSENDABLE_HISTORY", value_enum, default_value_t = UnsendableHistory::Empty, help_heading = UNDOCUMENTED)]
    pub unsendable_history: UnsendableHistory,
    /// Show a row for a send in progress
    #[arg(long, env = "SENDS_SANDBOX_EXECUTING_ROW", help_heading = UNDOCUMENTED)]
    pub executing_row: bool,
    /// The `send_status` of reason code 5 (staged)
    #[arg(long, env = "SENDS_SANDBOX_STAGED_STATUS", value_enum, default_value_t = SendStatus::Errored, help_heading = UNDOCUMENTED)]
    pub staged_status: SendStatus,
    /// The `send_status` of reason code 6 (partly sent)
    #[arg(long, env = "SENDS_SANDBOX_PARTIAL_STATUS", value_enum, default_value_t = SendStatus::Errored, help_heading = UNDOCUMENTED)]
    pub partial_status: SendStatus,
    /// The link to the next page on the last page
    #[arg(long, env = "SENDS_SANDBOX_LAST_PAGE", value_enum, default_value_t = LastPage::WithoutLinks, help_heading = UNDOCUMENTED)]
    pub last_page: LastPage,
    /// Spelling of the keys of the open counts by device
    #[arg(long, env = "SENDS_SANDBOX_STATS_KEYS", value_enum, default_value_t = StatsKeys::Dotted, help_heading = UNDOCUMENTED)]
    pub stats_keys: StatsKeys,
    /// Type of the counts of the campaign summaries
    #[arg(long, env = "SENDS_SANDBOX_SUMMARY_COUNTS", value_enum, default_value_t = SummaryCounts::Numbers, help_heading = UNDOCUMENTED)]
    pub summary_counts: SummaryCounts,

    /// Vary the form of every response at random, from this seed, within the documented and observed forms: optional members and
    /// links, statuses, headers, error bodies, spellings, and a few failures that a retry overcomes. The data stays the same
    #[arg(long, env = "SENDS_SANDBOX_WILD", value_name = "SEED", help_heading = UNDOCUMENTED)]
    pub wild: Option<u64>,

    /// Effect of a refresh on the refresh token
    #[arg(long, env = "SENDS_SANDBOX_REFRESH_TOKENS", value_enum, default_value_t = RefreshTokens::Rotating, help_heading = OAUTH)]
    pub refresh_tokens: RefreshTokens,
    /// Lifetime of an access token in seconds
    #[arg(long, env = "SENDS_SANDBOX_EXPIRES_IN", value_name = "SECONDS", default_value_t = 86_400, help_heading = OAUTH)]
    pub expires_in: u32,
    /// Show a page to approve on, instead of approving every authorization
    #[arg(long, env = "SENDS_SANDBOX_AUTHORIZE_PAGE", help_heading = OAUTH)]
    pub authorize_page: bool,
    /// Account that OAuth logs in to, instead of the first
    #[arg(long, env = "SENDS_SANDBOX_LOGIN_ACCOUNT", value_name = "NAME", help_heading = OAUTH)]
    pub login_account: Option<String>,
    /// Privilege that no user has. Repeatable
    #[arg(long = "without-privilege", env = "SENDS_SANDBOX_WITHOUT_PRIVILEGE", value_name = "NAME", value_delimiter = ',', help_heading = OAUTH)]
    pub missing_privileges: Vec<String>,
    /// Lifetime of a device code in seconds
    #[arg(long, env = "SENDS_SANDBOX_DEVICE_EXPIRES_IN", value_name = "SECONDS", default_value_t = 600, help_heading = OAUTH)]
    pub device_expires_in: u32,
    /// Minimum interval of a device's polls in seconds; 0 for none
    #[arg(long, env = "SENDS_SANDBOX_DEVICE_INTERVAL", value_name = "SECONDS", default_value_t = 5, help_heading = OAUTH)]
    pub device_interval: u32,
    /// Number of polls after which a device is approved without its user
    #[arg(long, env = "SENDS_SANDBOX_DEVICE_APPROVES_AFTER", value_name = "POLLS", help_heading = OAUTH)]
    pub device_approves_after: Option<u32>,
}

impl Default for Settings {
    /// Returns the defaults of the command line, ignoring the environment.
    fn default() -> Self {
        let command = Self::augment_args(Command::new("defaults")).mut_args(|arg| arg.env(None::<&str>));
        command
            .try_get_matches_from(["defaults"])
            .and_then(|matches| Self::from_arg_matches(&matches))
            .expect("the default values are valid")
    }
}

impl Settings {
    /// Returns these settings with the members of a JSON object replaced.
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
    SecondWindow {
        /// The seconds of the wall clock: up to twice the rate passes around an edge.
        Fixed,
        /// The last 1,000 milliseconds.
        Sliding,
    }
}
switch! {
    Availability {
        /// Available.
        Up,
        /// Every connection is closed at the first request.
        Closed,
        /// 503 with a gateway's HTML page.
        Unavailable,
    }
}
switch! {
    Encoding {
        /// Compressed.
        Gzip,
        /// Uncompressed.
        Identity,
    }
}
switch! {
    MalformedId {
        /// 400.
        BadRequest,
        /// 404.
        NotFound,
    }
}
switch! {
    NotFoundBody {
        /// An array of errors.
        Array,
        /// One error.
        Object,
        /// No body.
        Empty,
    }
}
switch! {
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
    SendStatus {
        /// `COMPLETED`.
        Completed,
        /// `ERRORED`.
        Errored,
    }
}
switch! {
    LastPage {
        /// No `_links`.
        WithoutLinks,
        /// `_links` without `next`.
        WithoutNext,
        /// `next` with an `href` of null.
        NullHref,
    }
}
switch! {
    StatsKeys {
        /// `em_opens.all.mobile`, as in the guide.
        Dotted,
        /// `em_opens_all_mobile`, as in the `OpenAPI` document.
        Underscored,
    }
}
switch! {
    SummaryCounts {
        /// JSON numbers.
        Numbers,
        /// Strings of digits.
        Strings,
    }
}
switch! {
    RefreshTokens {
        /// A new one is issued and the earlier ones are invalid.
        Rotating,
        /// The refresh token stays the same.
        LongLived,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patch_changes_only_the_named_settings() {
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
