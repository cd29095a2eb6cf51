//! `login`: a person connects an account, once.

use std::{
    io::{self, Write},
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use clap::Args;
use sends_client::{
    Caller, ConstantContact, FailureClass, Pacer, SystemClock, UpstreamError, pacing::DepartureFile,
};
use sends_core::Privilege;
use sends_credentials::{
    Account, Application, CodeLogin, DeviceLogin, Grant, Login, LoginRequest, StateDir,
    environment::EnvironmentVariables,
};
use tokio::time::Instant;

use super::account::CommandError;
use crate::config::{AccountOptions, UpstreamOptions};
use crate::option_values::number;
use crate::{
    backend,
    config::{self, Problem, Upstream},
    ledger::StoreLedger,
};

/// The options of `login`.
#[derive(Args, Clone, Debug)]
pub struct LoginOptions {
    /// Log in on another device, for machines without a browser
    #[arg(long)]
    pub device: bool,

    /// Loopback port that the browser is sent back to
    ///
    /// `http://127.0.0.1:PORT/callback` must be registered with the application. 0 takes any free port, for servers that allow
    /// that.
    #[arg(long, env = "SENDS_REDIRECT_PORT", value_name = "PORT", default_value = "8918",
          value_parser = number::<u16>(0..=65_535))]
    pub redirect_port: u16,

    /// Print the address instead of opening a browser
    #[arg(long)]
    pub no_browser: bool,

    #[command(flatten)]
    pub upstream: UpstreamOptions,

    #[command(flatten)]
    pub account: AccountOptions,
}

/// What the program needs of the user: without the first nothing can be read, without the others names stay ids.
const SCOPES: [(&str, &str); 4] = [
    ("campaign_data", "no send history can be read"),
    ("contact_data", "lists and segments have no names"),
    ("account_read", "the account has no name"),
    (
        OFFLINE_ACCESS,
        "the login ends with its access token, after a day",
    ),
];

/// The scope that brings a refresh token (documented).
const OFFLINE_ACCESS: &str = "offline_access";

/// The privileges that the program needs of the user (documented), and what is lost without them.
const PRIVILEGES: [(&str, &str); 2] = [
    ("campaign:read", "no send history can be read"),
    (
        "ui:campaign:metrics",
        "there are no statistics, and the log misses sends that are no change of their campaign",
    ),
];

/// How long the calls that prove the token may take together.
const PROOF_TIME: Duration = Duration::from_secs(30);

/// How long the end of the command may wait for those calls to be counted.
const LAST_WRITES: Duration = Duration::from_secs(2);

/// Logs in, keeps the login, and proves it with a cheap call.
pub async fn login(options: &LoginOptions, variables: EnvironmentVariables) -> Result<(), CommandError> {
    let upstream = Upstream::new(&options.upstream, None);
    let client_id = options.account.client_id.clone().ok_or(Problem::NoClientId)?;
    let application = match variables.client_secret {
        Some(secret) => Application::confidential(client_id, secret),
        None => Application::public(client_id),
    };
    let request = LoginRequest {
        endpoints: options.account.oauth_url.clone(),
        ..LoginRequest::new(application)
    };
    let state = config::state_dir(&options.account.state)?;

    let grant = if options.device {
        on_a_device(request, &state).await?
    } else {
        in_a_browser(options, request, &state).await?
    };
    let login = Login::new(&state, sends_credentials::Settings::default());
    let is_renewable = grant.is_renewable();
    login.save(grant).await?;
    if !is_renewable {
        say_that_it_ends(&login)?;
    }
    let pacer = pacer(&upstream, &state).await;
    let proven = prove(&login, &upstream, pacer.clone()).await;
    // A count that cannot be written is not worth a login.
    let _ = tokio::time::timeout(LAST_WRITES, pacer.flush()).await;
    proven
}

fn say_that_it_ends(login: &Login) -> Result<(), CommandError> {
    let access_token = login.status()?.and_then(|status| status.access_token);
    let end = access_token.and_then(|token| token.expires_at);
    let end = end.map_or_else(|| "when it expires".to_owned(), |end| format!("at {end:.0}"));
    writeln!(
        io::stdout(),
        "This login cannot be renewed and ends with its access token, {end}: Constant Contact issued no refresh token. \
         Let the application have offline access (scope {OFFLINE_ACCESS}) and log in again."
    )?;
    Ok(())
}

/// The calls of the proof are counted with all others of the day, where there is a store to count them in.
async fn pacer(upstream: &Upstream, state: &StateDir) -> Pacer {
    let counted = async {
        let store = backend::open(state).await.ok()?;
        let ledger = Arc::new(StoreLedger::new(Arc::new(store)));
        let departures = Arc::new(DepartureFile::in_folder(state.path()));
        Pacer::open_shared(upstream.limits, ledger, departures, Arc::new(SystemClock))
            .await
            .ok()
    };
    counted.await.unwrap_or_else(|| Pacer::in_memory(upstream.limits))
}

async fn in_a_browser(
    options: &LoginOptions,
    request: LoginRequest,
    state: &StateDir,
) -> Result<Grant, CommandError> {
    let login = CodeLogin::start(
        request,
        Some(options.redirect_port),
        state,
        &sends_credentials::Settings::default(),
    )
    .await?;
    let mut out = io::stdout();
    writeln!(
        out,
        "Open this address in a browser on this machine, and allow the access:\n\n  {}\n",
        login.url()
    )?;
    if !options.no_browser {
        open_browser(login.url().as_str());
    }
    Ok(login.finish().await?)
}

async fn on_a_device(request: LoginRequest, state: &StateDir) -> Result<Grant, CommandError> {
    let login = DeviceLogin::start(request, state, &sends_credentials::Settings::default()).await?;
    let mut out = io::stdout();
    writeln!(
        out,
        "On any device, open\n\n  {}\n\nand enter the code {}",
        login.verification_uri(),
        login.user_code()
    )?;
    if let Some(complete) = login.verification_uri_complete() {
        writeln!(out, "or open {complete}")?;
    }
    writeln!(out, "within {} minutes.\n", login.expires_in().as_secs() / 60)?;
    Ok(login.finish().await?)
}

/// Opens the browser where there is one. The address has been printed, so that it does not matter if this fails.
fn open_browser(url: &str) {
    let program = if cfg!(target_os = "macos") {
        "open"
    } else {
        "xdg-open"
    };
    let mut command = Command::new(program);
    command
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if let Ok(mut browser) = command.spawn() {
        std::thread::spawn(move || browser.wait());
    }
}

/// Says which account was connected and what it lacks.
async fn prove(login: &Login, upstream: &Upstream, pacer: Pacer) -> Result<(), CommandError> {
    let client = ConstantContact::new(backend::client_settings(upstream), pacer)?;
    let caller = Caller::new(Arc::new(login.clone()), Instant::now() + PROOF_TIME);
    let privileges = privileges(&client, &caller).await?;
    let account = account(&client, &caller).await?;

    let mut out = io::stdout();
    match account {
        Some(account) => {
            let name = account.organization.clone().unwrap_or_else(|| account.id.clone());
            login.set_account(account).await?;
            writeln!(out, "Connected: {name}.")?;
        }
        None => writeln!(out, "Connected. The account does not tell its name.")?,
    }
    let status = login.status()?;
    // What the login lasts for was said before.
    let is_renewable = status
        .as_ref()
        .is_none_or(|status| status.refresh_token.is_some());
    let granted = status.map(|status| status.scopes).unwrap_or_default();
    for (scope, loss) in SCOPES {
        let is_said = scope == OFFLINE_ACCESS && !is_renewable;
        if !is_said && !granted.iter().any(|one| one == scope) {
            writeln!(out, "The scope {scope} was not granted: {loss}.")?;
        }
    }
    match privileges {
        Ok(privileges) => {
            for (privilege, loss) in lacking(&privileges) {
                writeln!(out, "The user lacks the privilege {privilege}: {loss}.")?;
            }
        }
        Err(error) => {
            let needed = PRIVILEGES.map(|(privilege, _)| privilege).join(" and ");
            writeln!(
                out,
                "Whether the user has the privileges {needed} could not be checked: {error}. Without them some data cannot be \
                 read; compare them in Constant Contact."
            )?;
        }
    }
    Ok(())
}

/// Which of the needed privileges are not among these, in any letter case, and what is lost without them.
fn lacking(privileges: &[Privilege]) -> impl Iterator<Item = (&'static str, &'static str)> {
    PRIVILEGES.into_iter().filter(|(needed, _)| {
        let is_needed = |one: &Privilege| one.privilege_name.eq_ignore_ascii_case(needed);
        !privileges.iter().any(is_needed)
    })
}

/// The user's privileges, or why they are not known although the token is accepted: they are refused, or told in a form that
/// cannot be read.
async fn privileges(
    client: &ConstantContact,
    caller: &Caller,
) -> Result<Result<Vec<Privilege>, Box<UpstreamError>>, CommandError> {
    match client.user_privileges(caller).await {
        Ok(privileges) => Ok(Ok(privileges)),
        Err(error) if matches!(error.class, FailureClass::Forbidden | FailureClass::Invalid) => {
            Ok(Err(Box::new(error)))
        }
        Err(error) => Err(CommandError::Proof(Box::new(error))),
    }
}

/// The account's name, which takes a scope that may not have been granted.
async fn account(client: &ConstantContact, caller: &Caller) -> Result<Option<Account>, CommandError> {
    match client.account_summary(caller).await {
        Ok(summary) => Ok(summary.encoded_account_id.map(|id| Account {
            id,
            organization: summary.organization_name,
        })),
        Err(error) if error.class == FailureClass::Forbidden => Ok(None),
        Err(error) => Err(CommandError::Proof(Box::new(error))),
    }
}

#[cfg(test)]
mod tests {
    use sends_core::Privilege;

    use super::lacking;

    #[test]
    fn privileges_count_in_any_letter_case() {
        let privileges = |names: &[&str]| -> Vec<Privilege> {
            let privilege = |name: &&str| Privilege {
                privilege_name: (*name).to_owned(),
            };
            names.iter().map(privilege).collect()
        };
        let granted = privileges(&["Campaign:Read", "UI:CAMPAIGN:METRICS"]);
        assert_eq!(lacking(&granted).count(), 0);
        let granted = privileges(&["campaign:readonly", "ui:campaign:metrics"]);
        let lacked: Vec<&str> = lacking(&granted).map(|(privilege, _)| privilege).collect();
        assert_eq!(lacked, ["campaign:read"]);
    }
}
