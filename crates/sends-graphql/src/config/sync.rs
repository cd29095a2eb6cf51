//! The settings about the log of all sends, once checked.

use std::time::Duration;

use sends_credentials::EnvironmentVariables;

use super::{
    Problem, Source, UpstreamSettings, check_one_account, check_sandbox, sandbox_alone,
    value::{Problems, seconds},
};
use crate::{
    cli::{BackgroundSyncOptions, SyncOptions},
    histories::Freshness,
};

/// What `sync` can run with.
#[derive(Debug)]
pub struct SyncSettings {
    /// The account, and where its log is.
    pub source: Source,
    /// How old an answer may be: of no account here, since a synchronisation asks for nothing that it can know.
    pub freshness: Freshness,
    /// How the upstream is asked.
    pub upstream: UpstreamSettings,
}

impl SyncSettings {
    /// Checks what was written on the command line and in the environment.
    ///
    /// # Errors
    ///
    /// Every [`Problem`] there is.
    pub fn check(options: &SyncOptions, variables: EnvironmentVariables) -> Result<Self, Vec<Problem>> {
        let mut problems = Problems::default();
        let upstream = UpstreamSettings::check(&options.upstream, &mut problems);
        let source = check_sandbox(&options.sandbox, &mut problems).and_then(|sandbox| match sandbox {
            Some(sandbox) => sandbox_alone(sandbox, &options.upstream, &mut problems),
            None => check_one_account(&options.account, Some(true), variables, &mut problems),
        });
        match (upstream, source) {
            (Some(upstream), Some(source)) => problems.or(Self {
                upstream: upstream.paced_for(&source, &options.upstream),
                source,
                freshness: Freshness::new(Duration::ZERO, Duration::ZERO),
            }),
            _ => Err(problems.into()),
        }
    }
}

/// How often the log is brought in step. `None` for never, and where a problem was noted.
pub(super) fn check_every(
    options: &BackgroundSyncOptions,
    source: Option<&Source>,
    problems: &mut Problems,
) -> Option<Duration> {
    let text = options.sync_every.trim();
    if matches!(text, "off" | "") {
        return None;
    }
    if matches!(source, Some(Source::CallersAccounts { .. })) {
        return problems.note(Problem::SyncOfCallers);
    }
    problems.keep(seconds("sync-every", text, 1.0, 86_400.0))
}
