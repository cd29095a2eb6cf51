//! Command `failures`: prints the activities whose most recent send needs attention, each with its reason and remedy.

mod display;

use std::{collections::HashSet, io};

use clap::Args;
use jiff::Timestamp;
use sends_client::{Clock as _, SystemClock};
use sends_core::{Outcome, SendFilter};
use sends_credentials::environment::EnvironmentVariables;
use sends_store::{Answer, LogFilter, LogPageRequest, LoggedSend, Owner, SendLog, Store, StoreError};

use super::{
    account::CommandError,
    log::{AccountLog, open_log, warn_of_gaps},
};
use crate::{
    config::{AccountOptions, SandboxOptions},
    option_values::{Since, since},
};

#[derive(Args, Clone, Debug)]
pub struct FailuresOptions {
    /// Sends that ran within this period, such as 12h or 30d, or since this date
    #[arg(long, value_name = "PERIOD|DATE", default_value = "30d", value_parser = since)]
    pub since: Since,

    /// Print a JSON array instead of text
    #[arg(long)]
    pub json: bool,

    #[command(flatten)]
    pub sandbox: SandboxOptions,

    #[command(flatten)]
    pub account: AccountOptions,
}

/// Number of sends in one page of the log.
const PAGE: usize = 500;

/// Outcomes of sends that may need attention. Whether they do depends on the whole history of the activity.
const CANDIDATES: [Outcome; 4] = [
    Outcome::Failed,
    Outcome::PartiallySent,
    Outcome::NoRecipients,
    Outcome::Unknown,
];

/// Prints the failures, the most recent first. A closed pipe is not an error.
pub async fn failures(
    options: &FailuresOptions,
    variables: EnvironmentVariables,
) -> Result<(), CommandError> {
    let AccountLog { log, store, owner } = open_log(options.sandbox, &options.account, &variables).await?;
    let since = options.since.before(SystemClock.now());
    warn_of_gaps(&log, owner, Some(since), None).await?;
    let candidates = candidates(&*log.sends, owner, since).await?;
    let failures = needing_attention(&*store, owner, candidates).await?;
    store.close().await?;
    let printed = if options.json {
        display::json(&failures)
    } else {
        display::text(&failures, since)
    };
    match printed {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

/// Returns the candidates of the period by activity, the most recent first.
async fn candidates(
    log: &dyn SendLog,
    owner: Owner,
    since: Timestamp,
) -> Result<Vec<LoggedSend>, StoreError> {
    let filter = LogFilter {
        send: SendFilter {
            outcomes: CANDIDATES.to_vec(),
            from: Some(since),
            ..SendFilter::default()
        },
        ..LogFilter::default()
    };
    let mut request = LogPageRequest {
        limit: PAGE,
        ..LogPageRequest::default()
    };
    let (mut candidates, mut activities) = (Vec::new(), HashSet::new());
    loop {
        let page = log.page(owner, &filter, request.clone()).await?;
        request.after = page.sends.last().map(LoggedSend::position);
        for send in page.sends {
            if activities.insert(send.activity) {
                candidates.push(send);
            }
        }
        if !page.has_next {
            return Ok(candidates);
        }
    }
}

/// Returns the candidates whose activity still needs attention, each with the most recent send of its history.
async fn needing_attention(
    store: &dyn Store,
    owner: Owner,
    candidates: Vec<LoggedSend>,
) -> Result<Vec<LoggedSend>, StoreError> {
    let mut failures = Vec::new();
    for candidates in candidates.chunks(PAGE) {
        let activities: Vec<_> = candidates.iter().map(|send| send.activity).collect();
        let stored = store.histories(owner, &activities, Timestamp::MIN).await?;
        for (candidate, stored) in candidates.iter().zip(stored) {
            let Some(Answer::History(history)) = stored.map(|stored| stored.answer) else {
                continue;
            };
            let latest = history
                .iter()
                .last()
                .filter(|_| history.summary().needs_attention);
            failures.extend(latest.map(|send| LoggedSend {
                send: send.clone(),
                ..candidate.clone()
            }));
        }
    }
    Ok(failures)
}
