//! The options of the commands that print sends: `history` and `export`.

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;
use sends_core::{
    ActivityId, CampaignId, ListId, Outcome, ReasonCategory, ReasonCode, SegmentId, SendFilter, SendStatus,
};
use sends_store::{LogFilter, LogOrder};

use super::{
    AccountOptions, SandboxOptions, SourceOptions, UpstreamOptions, WaitOptions,
    export::Format,
    value::{moment, one_of, order, parsed},
};
use crate::config::Problem;

/// The options of `export`.
#[derive(Args, Clone, Debug)]
pub struct ExportOptions {
    /// Format of the output
    #[arg(long, value_enum, default_value = "csv")]
    pub format: Format,

    /// File to write, instead of standard output; it appears when it is complete
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Which send comes first
    #[arg(long, value_name = "newest|oldest", default_value = "newest", value_parser = order)]
    pub order: LogOrder,

    #[command(flatten)]
    pub filter: FilterOptions,

    #[command(flatten)]
    pub sandbox: SandboxOptions,

    #[command(flatten)]
    pub account: AccountOptions,
}

/// Which sends to choose: those that meet every condition that is given.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Which sends")]
pub struct FilterOptions {
    /// Sends that ran at this time or later: a date, which is its beginning in UTC, or a date and time with an offset
    #[arg(long, value_name = "DATE", value_parser = moment)]
    pub from: Option<Timestamp>,

    /// Sends that ran before this time
    #[arg(long, value_name = "DATE", value_parser = moment)]
    pub until: Option<Timestamp>,

    /// Outcomes such as FAILED or `NO_RECIPIENTS`; this and the following take several values, separated by commas
    #[arg(long, value_name = "OUTCOME", value_delimiter = ',', value_parser = one_of(&Outcome::ALL))]
    pub outcome: Vec<Outcome>,

    /// Constant Contact's statuses: COMPLETED, ERRORED, or UNKNOWN for all others
    #[arg(long, value_name = "STATUS", value_delimiter = ',')]
    pub status: Vec<String>,

    /// Reason codes
    #[arg(long, value_name = "CODE", value_delimiter = ',',
          value_parser = |text: &str| parsed(text, "a number").map(ReasonCode::new))]
    pub reason_code: Vec<ReasonCode>,

    /// Categories of reasons, such as CONTENT
    #[arg(long, value_name = "CATEGORY", value_delimiter = ',', value_parser = one_of(&ReasonCategory::ALL))]
    pub reason_category: Vec<ReasonCategory>,

    /// Ids of campaigns
    #[arg(long, value_name = "ID", value_delimiter = ',',
          value_parser = |text: &str| parsed::<CampaignId>(text, "a UUID with hyphens"))]
    pub campaign: Vec<CampaignId>,

    /// Ids of activities
    #[arg(long, value_name = "ID", value_delimiter = ',',
          value_parser = |text: &str| parsed::<ActivityId>(text, "a UUID with hyphens"))]
    pub activity: Vec<ActivityId>,

    /// Ids of contact lists that a send went to
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub list: Vec<String>,

    /// Ids of segments that a send went to
    #[arg(long, value_name = "ID", value_delimiter = ',',
          value_parser = |text: &str| parsed(text, "a number").map(SegmentId::new))]
    pub segment: Vec<SegmentId>,

    /// A text in the campaign's name, in any letter case
    #[arg(long, value_name = "TEXT")]
    pub campaign_name: Option<String>,
}

impl FilterOptions {
    /// The filter that the store knows.
    ///
    /// # Errors
    ///
    /// [`Problem::EmptyPeriod`].
    pub fn log_filter(&self) -> Result<LogFilter, Problem> {
        let options = self.clone();
        if let (Some(from), Some(until)) = (options.from, options.until)
            && from >= until
        {
            return Err(Problem::EmptyPeriod { from, until });
        }
        let (unknown, familiar): (Vec<String>, Vec<String>) = options
            .status
            .into_iter()
            .partition(|status| status.eq_ignore_ascii_case("unknown"));
        Ok(LogFilter {
            send: SendFilter {
                statuses: familiar
                    .iter()
                    .map(|status| SendStatus::from(status.as_str()))
                    .collect(),
                unfamiliar_status: !unknown.is_empty(),
                outcomes: options.outcome,
                reason_codes: options.reason_code,
                reason_categories: options.reason_category,
                contact_lists: options
                    .list
                    .iter()
                    .map(|list| ListId::from(list.as_str()))
                    .collect(),
                segments: options.segment,
                from: options.from,
                until: options.until,
            },
            campaigns: options.campaign,
            activities: options.activity,
            campaign_name: options.campaign_name,
        })
    }
}

/// The options of `history`.
#[derive(Args, Clone, Debug)]
pub struct HistoryOptions {
    /// Ids of activities
    #[arg(required = true, value_name = "ID")]
    pub ids: Vec<String>,

    #[command(flatten)]
    pub wait: WaitOptions,

    #[command(flatten)]
    pub source: SourceOptions,

    #[command(flatten)]
    pub upstream: UpstreamOptions,

    #[command(flatten)]
    pub account: AccountOptions,
}
