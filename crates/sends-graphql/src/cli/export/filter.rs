//! Filter options of `export`.

use clap::Args;
use jiff::Timestamp;
use sends_core::{
    ActivityId, CampaignId, ListId, Outcome, ReasonCategory, ReasonCode, SegmentId, SendFilter, SendStatus,
};
use sends_store::LogFilter;

use crate::{
    config::Problem,
    option_values::{moment, one_of, parsed},
};

#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Filter")]
pub struct FilterOptions {
    /// Sends that ran at or after this time: a date, which means midnight UTC, or a date and time with an offset
    #[arg(long, value_name = "DATE", value_parser = moment)]
    pub from: Option<Timestamp>,

    /// Sends that ran before this time
    #[arg(long, value_name = "DATE", value_parser = moment)]
    pub until: Option<Timestamp>,

    /// Outcomes such as FAILED or `NO_RECIPIENTS`, separated by commas
    #[arg(long, value_name = "OUTCOME", value_delimiter = ',', value_parser = one_of(&Outcome::ALL))]
    pub outcome: Vec<Outcome>,

    /// Statuses of Constant Contact, separated by commas: COMPLETED, ERRORED, or UNKNOWN for all others
    #[arg(long, value_name = "STATUS", value_delimiter = ',')]
    pub status: Vec<String>,

    /// Reason codes, separated by commas
    #[arg(long, value_name = "CODE", value_delimiter = ',',
          value_parser = |text: &str| parsed(text, "a number").map(ReasonCode::new))]
    pub reason_code: Vec<ReasonCode>,

    /// Categories of reasons such as CONTENT, separated by commas
    #[arg(long, value_name = "CATEGORY", value_delimiter = ',', value_parser = one_of(&ReasonCategory::ALL))]
    pub reason_category: Vec<ReasonCategory>,

    /// Ids of campaigns, separated by commas
    #[arg(long, value_name = "ID", value_delimiter = ',',
          value_parser = |text: &str| parsed::<CampaignId>(text, "a UUID with hyphens"))]
    pub campaign: Vec<CampaignId>,

    /// Ids of activities, separated by commas
    #[arg(long, value_name = "ID", value_delimiter = ',',
          value_parser = |text: &str| parsed::<ActivityId>(text, "a UUID with hyphens"))]
    pub activity: Vec<ActivityId>,

    /// Ids of contact lists, separated by commas
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub list: Vec<String>,

    /// Ids of segments, separated by commas
    #[arg(long, value_name = "ID", value_delimiter = ',',
          value_parser = |text: &str| parsed(text, "a number").map(SegmentId::new))]
    pub segment: Vec<SegmentId>,

    /// Part of the campaign's name, case-insensitive
    #[arg(long, value_name = "TEXT")]
    pub campaign_name: Option<String>,
}

impl FilterOptions {
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
