//! The options of the commands that print sends, as they were written. What they mean is for `config/log.rs` to decide.

use clap::Args;

use super::{AccountOptions, SandboxOptions, SourceOptions, UpstreamOptions};

/// The options of `export`.
#[derive(Args, Clone, Debug)]
pub struct ExportOptions {
    /// In which form to write
    #[arg(long, value_name = "csv|ndjson|json", default_value = "csv")]
    pub format: String,

    /// Where to write; standard output when left out. The file appears when it is complete
    #[arg(long, value_name = "FILE")]
    pub output: Option<String>,

    /// Which send comes first
    #[arg(long, value_name = "newest|oldest", default_value = "newest")]
    pub order: String,

    #[command(flatten)]
    #[expect(missing_docs, reason = "a comment here would become help text")]
    pub filter: FilterOptions,

    #[command(flatten)]
    #[expect(missing_docs, reason = "a comment here would become help text")]
    pub sandbox: SandboxOptions,

    #[command(flatten)]
    #[expect(missing_docs, reason = "a comment here would become help text")]
    pub account: AccountOptions,
}

/// Which sends to choose: those that meet every condition that is given.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Which sends")]
pub struct FilterOptions {
    /// Sends that ran then or later: a date, which means its beginning in UTC, or a date and time with an offset
    #[arg(long, value_name = "DATE")]
    pub from: Option<String>,

    /// Sends that ran before then
    #[arg(long, value_name = "DATE")]
    pub until: Option<String>,

    /// How they ended, such as FAILED or `NO_RECIPIENTS`; this and the following can hold several, separated by commas
    #[arg(long, value_name = "OUTCOME", value_delimiter = ',')]
    pub outcome: Vec<String>,

    /// Constant Contact's word for that: COMPLETED, ERRORED, or UNKNOWN for all others
    #[arg(long, value_name = "STATUS", value_delimiter = ',')]
    pub status: Vec<String>,

    /// The reason code
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    pub reason_code: Vec<String>,

    /// What the reason is about, such as CONTENT
    #[arg(long, value_name = "CATEGORY", value_delimiter = ',')]
    pub reason_category: Vec<String>,

    /// The campaign's id
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub campaign: Vec<String>,

    /// The activity's id
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub activity: Vec<String>,

    /// The id of a contact list it went to
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub list: Vec<String>,

    /// The id of a segment it went to
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub segment: Vec<String>,

    /// A text in the campaign's name, in upper or lower case
    #[arg(long, value_name = "TEXT")]
    pub campaign_name: Option<String>,
}

/// The options of `history`.
#[derive(Args, Clone, Debug)]
pub struct HistoryOptions {
    /// The ids of the activities
    #[arg(required = true, value_name = "ID")]
    pub ids: Vec<String>,

    /// How many seconds to wait for Constant Contact
    #[arg(
        long,
        env = "SENDS_REQUEST_TIMEOUT",
        value_name = "SECONDS",
        default_value = "60"
    )]
    pub request_timeout: String,

    /// How many seconds old an answer may be without asking again
    #[arg(long, env = "SENDS_MAX_AGE", value_name = "SECONDS", default_value = "60")]
    pub max_age: String,

    #[command(flatten)]
    #[expect(missing_docs, reason = "a comment here would become help text")]
    pub source: SourceOptions,

    #[command(flatten)]
    #[expect(missing_docs, reason = "a comment here would become help text")]
    pub upstream: UpstreamOptions,

    #[command(flatten)]
    #[expect(missing_docs, reason = "a comment here would become help text")]
    pub account: AccountOptions,
}
