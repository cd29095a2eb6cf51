//! What the options of the commands that print sends mean.

use std::{fmt::Display, path::PathBuf, str::FromStr, time::Duration};

use jiff::{
    Timestamp,
    civil::{Date, Time},
    tz::TimeZone,
};
use sends_core::{
    ActivityId, ListId, Outcome, ReasonCategory, ReasonCode, SegmentId, SendFilter, SendStatus,
};
use sends_credentials::EnvironmentVariables;
use sends_store::{LogFilter, LogOrder};

use super::{
    Problem, Source, UpstreamSettings, check_sandbox, check_source, given,
    value::{Problems, seconds},
};
use crate::{
    cli::{ExportOptions, FilterOptions, HistoryOptions},
    export::Format,
    histories::Freshness,
};

/// Settings an export can run with.
#[derive(Debug)]
pub struct ExportSettings {
    /// In which form to write.
    pub format: Format,
    /// Where to write; standard output without it.
    pub output: Option<PathBuf>,
    /// Which send comes first.
    pub order: LogOrder,
    /// Which sends to write.
    pub filter: LogFilter,
    /// The sandbox whose log to write, and how to ask it. The account's own log without it.
    pub sandbox: Option<(Source, UpstreamSettings)>,
}

impl ExportSettings {
    /// Checks what was written on the command line.
    ///
    /// # Errors
    ///
    /// Every [`Problem`] there is.
    pub fn check(options: &ExportOptions) -> Result<Self, Vec<Problem>> {
        let mut problems = Problems::default();
        let format = problems.keep(match options.format.as_str() {
            "csv" => Ok(Format::Csv),
            "ndjson" => Ok(Format::Ndjson),
            "json" => Ok(Format::Json),
            other => Err(Problem::option("format", other, "csv, ndjson or json")),
        });
        let order = problems.keep(match options.order.as_str() {
            "newest" => Ok(LogOrder::NewestFirst),
            "oldest" => Ok(LogOrder::OldestFirst),
            other => Err(Problem::option("order", other, "newest or oldest")),
        });
        let filter = filter(&options.filter, &mut problems);
        let sandbox = check_sandbox(&options.sandbox, &mut problems);
        let sandbox = sandbox.and_then(|sandbox| match sandbox {
            Some(sandbox) => {
                let upstream = UpstreamSettings::of_sandbox(sandbox, &mut problems)?;
                Some(Some((Source::Sandbox(sandbox), upstream)))
            }
            None => Some(None),
        });
        let output = given(options.output.as_deref()).map(PathBuf::from);
        match (format, order, sandbox) {
            (Some(format), Some(order), Some(sandbox)) => problems.or(Self {
                format,
                output,
                order,
                filter,
                sandbox,
            }),
            _ => Err(problems.into()),
        }
    }
}

fn filter(options: &FilterOptions, problems: &mut Problems) -> LogFilter {
    let from = moment("from", options.from.as_deref(), problems);
    let until = moment("until", options.until.as_deref(), problems);
    if let (Some(from), Some(until)) = (from, until)
        && from >= until
    {
        let text = options.until.as_deref().unwrap_or_default();
        problems.note::<()>(Problem::option("until", text, "later than --from"));
    }
    let statuses = &options.status;
    let is_unknown = |status: &&String| status.eq_ignore_ascii_case("unknown");
    LogFilter {
        send: SendFilter {
            statuses: statuses
                .iter()
                .filter(|status| !is_unknown(status))
                .map(|status| SendStatus::from(status.as_str()))
                .collect(),
            unfamiliar_status: statuses.iter().any(|status| is_unknown(&status)),
            outcomes: named("outcome", &options.outcome, &Outcome::ALL, problems),
            reason_codes: parsed("reason-code", &options.reason_code, "a number", problems)
                .into_iter()
                .map(ReasonCode::new)
                .collect(),
            reason_categories: named(
                "reason-category",
                &options.reason_category,
                &ReasonCategory::ALL,
                problems,
            ),
            contact_lists: options
                .list
                .iter()
                .map(|list| ListId::from(list.as_str()))
                .collect(),
            segments: parsed("segment", &options.segment, "a number", problems)
                .into_iter()
                .map(SegmentId::new)
                .collect(),
            from,
            until,
        },
        campaigns: parsed("campaign", &options.campaign, "a UUID with hyphens", problems),
        activities: parsed("activity", &options.activity, "a UUID with hyphens", problems),
        campaign_name: options.campaign_name.clone(),
    }
}

fn moment(option: &'static str, text: Option<&str>, problems: &mut Problems) -> Option<Timestamp> {
    let text = text?;
    let beginning = |day: Date| TimeZone::UTC.to_timestamp(day.to_datetime(Time::midnight())).ok();
    let moment = text.parse().ok().or_else(|| beginning(text.parse().ok()?));
    let expected = "a date such as 2026-01-31, or a time such as 2026-01-31T12:00:00Z";
    problems.keep(moment.ok_or_else(|| Problem::option(option, text, expected)))
}

/// Values of a closed set, in upper or lower case.
fn named<T: Copy + Display>(
    option: &'static str,
    texts: &[String],
    all: &[T],
    problems: &mut Problems,
) -> Vec<T> {
    let name = |text: &String| {
        let found = all
            .iter()
            .find(|value| value.to_string().eq_ignore_ascii_case(text));
        let names = || all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        found
            .copied()
            .ok_or_else(|| Problem::option(option, text, format!("one of {}", names())))
    };
    texts
        .iter()
        .filter_map(|text| problems.keep(name(text)))
        .collect()
}

fn parsed<T: FromStr>(
    option: &'static str,
    texts: &[String],
    expected: &str,
    problems: &mut Problems,
) -> Vec<T> {
    let parse = |text: &String| {
        text.trim()
            .parse()
            .map_err(|_| Problem::option(option, text, expected))
    };
    texts
        .iter()
        .filter_map(|text| problems.keep(parse(text)))
        .collect()
}

/// Settings with which histories can be printed.
#[derive(Debug)]
pub struct HistorySettings {
    /// What was asked for, each with the text it was asked by.
    pub activities: Vec<(String, Result<ActivityId, sends_core::ParseIdError>)>,
    /// Where the answers come from.
    pub source: Source,
    /// How long to wait for all of them.
    pub timeout: Duration,
    /// How old an answer may be.
    pub freshness: Freshness,
    /// How the upstream is asked.
    pub upstream: UpstreamSettings,
}

impl HistorySettings {
    /// Checks what was written on the command line and in the environment.
    ///
    /// # Errors
    ///
    /// Every [`Problem`] there is. An id that is none is no problem of the others.
    pub fn check(options: &HistoryOptions, variables: EnvironmentVariables) -> Result<Self, Vec<Problem>> {
        let mut problems = Problems::default();
        let timeout = problems.keep(seconds("request-timeout", &options.request_timeout, 0.1, 3_600.0));
        let max_age = problems.keep(seconds("max-age", &options.max_age, 0.0, 31_536_000.0));
        let upstream = UpstreamSettings::check(&options.upstream, &mut problems);
        let source = check_source(
            &options.source,
            false,
            &options.upstream,
            &options.account,
            variables,
            &mut problems,
        );
        match (timeout, max_age, upstream, source) {
            (Some(timeout), Some(max_age), Some(upstream), Some(source)) => {
                let activity = |text: &String| (text.clone(), text.parse());
                problems.or(Self {
                    activities: options.ids.iter().map(activity).collect(),
                    upstream: upstream.paced_for(&source, &options.upstream),
                    source,
                    timeout,
                    freshness: Freshness::new(max_age, max_age),
                })
            }
            _ => Err(problems.into()),
        }
    }
}
