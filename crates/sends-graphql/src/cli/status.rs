//! Command `status`: prints the account, its tokens, the daily calls and the store, without an upstream call.

use std::io::{self, Write};

use clap::Args;
use jiff::{Timestamp, tz::Offset};
use sends_client::{Clock, SystemClock};
use sends_credentials::{EnvironmentCredential, Login, Status, environment::EnvironmentVariables};
use sends_store::{SqliteStore, Store, StoreSize};

use super::account::CommandError;
use crate::config::{AccountOptions, UpstreamOptions};
use crate::{
    backend,
    config::{self, Problem, Upstream},
};

#[derive(Args, Clone, Debug)]
pub struct StatusOptions {
    #[command(flatten)]
    pub upstream: UpstreamOptions,

    #[command(flatten)]
    pub account: AccountOptions,
}

pub async fn status(
    options: &StatusOptions,
    mut variables: EnvironmentVariables,
) -> Result<(), CommandError> {
    let upstream = Upstream::new(&options.upstream, None);
    let state = config::state_dir(&options.account.state)?;
    let now = SystemClock.now();
    let mut out = io::stdout();
    writeln!(out, "state folder   {}", state.path().display())?;

    variables.client_id.clone_from(&options.account.client_id);
    let from_environment = EnvironmentCredential::new(
        variables,
        options.account.oauth_url.clone(),
        &state,
        sends_credentials::Settings::default(),
    )
    .map_err(Problem::Environment)?;
    let (origin, login) = match &from_environment {
        Some(credential) => ("the environment", credential.status()?),
        None => (
            "a login",
            Login::new(&state, sends_credentials::Settings::default()).status()?,
        ),
    };
    match login {
        Some(login) => print_login(&mut out, origin, &login, now)?,
        None if from_environment.is_some() => {
            writeln!(
                out,
                "account        unknown, from an access token in the environment"
            )?;
        }
        None => writeln!(out, "account        none; connect one with `sends-graphql login`")?,
    }

    // Opening a missing store would create it.
    let (used, size) = if SqliteStore::is_begun(state.path()) {
        let store = backend::open(&state).await?;
        let used = store.calls_on(Offset::UTC.to_datetime(now).date()).await?;
        let size = store.size().await?;
        store.close().await?;
        (used, size)
    } else {
        (0, StoreSize::default())
    };
    match upstream.limits.rate_per_day {
        0 => writeln!(out, "calls today    {used}, without a limit")?,
        limit => writeln!(
            out,
            "calls today    {used} of {limit}; {} left until 00:00 UTC",
            limit.saturating_sub(used)
        )?,
    }
    writeln!(
        out,
        "store          {} activities with {} sends, {} kB",
        size.activities,
        size.sends,
        size.bytes / 1_000
    )?;
    Ok(())
}

fn print_login(out: &mut impl Write, origin: &str, login: &Status, now: Timestamp) -> io::Result<()> {
    let name = login.account.as_ref().map_or("name unknown", |account| {
        account.organization.as_deref().unwrap_or(&account.id)
    });
    writeln!(out, "account        {name}, from {origin}")?;
    writeln!(out, "application    {}", login.client_id)?;
    let scopes = if login.scopes.is_empty() {
        "unknown".to_owned()
    } else {
        login.scopes.join(" ")
    };
    writeln!(out, "scopes         {scopes}")?;
    match login.access_token {
        Some(token) => {
            let end = token
                .expires_at
                .map_or("expires at an unknown time".to_owned(), |end| until(end, now));
            writeln!(
                out,
                "access token   {} old, {end}",
                length(now, token.obtained_at)
            )?;
        }
        None => writeln!(out, "access token   none yet")?,
    }
    match login.refresh_token {
        Some(token) => {
            let end = until(token.dies_at, now);
            writeln!(
                out,
                "refresh token  {} old, {end} unless used",
                length(now, token.obtained_at)
            )?;
        }
        None => writeln!(
            out,
            "refresh token  none: the login expires with its access token"
        )?,
    }
    if let Some(since) = login.refresh_in_flight_since {
        writeln!(out, "refresh        in progress for {}", length(now, since))?;
    }
    if let Some(reason) = &login.login_required {
        writeln!(out, "LOG IN AGAIN   {reason}")?;
    }
    Ok(())
}

fn until(end: Timestamp, now: Timestamp) -> String {
    if end > now {
        format!("expires in {}", length(end, now))
    } else {
        format!("expired {} ago", length(now, end))
    }
}

fn length(later: Timestamp, earlier: Timestamp) -> String {
    match later.duration_since(earlier).as_secs() {
        seconds @ ..120 => format!("{seconds} s"),
        seconds @ ..7_200 => format!("{} min", seconds / 60),
        seconds @ ..172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} days", seconds / 86_400),
    }
}
