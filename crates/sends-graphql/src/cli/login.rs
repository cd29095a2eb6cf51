//! Command `login`: connects an account.

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
    Account, Application, CodeLogin, DeviceLogin, Grant, Login, LoginError, LoginRequest, StateDir,
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

#[derive(Args, Clone, Debug)]
pub struct LoginOptions {
    /// Log in on another device, for a machine without a browser
    #[arg(long)]
    pub device: bool,

    /// Loopback port of the redirect after the login
    ///
    /// `http://127.0.0.1:PORT/callback` must be registered with the application. 0 selects a free port, for authorization servers
    /// that allow any port.
    #[arg(long, env = "SENDS_REDIRECT_PORT", value_name = "PORT", default_value = "8918",
          value_parser = number::<u16>(0..=65_535))]
    pub redirect_port: u16,

    /// Print the URL without opening a browser
    #[arg(long)]
    pub no_browser: bool,

    #[command(flatten)]
    pub upstream: UpstreamOptions,

    #[command(flatten)]
    pub account: AccountOptions,
}

/// Scopes of the login, each with the consequence if it is missing.
const SCOPES: [(&str, &str); 4] = [
    ("campaign_data", "no send history can be read"),
    ("contact_data", "lists and segments have no names"),
    ("account_read", "the account has no name"),
    (
        OFFLINE_ACCESS,
        "the login expires with its access token, after a day",
    ),
];

/// Scope that grants a refresh token (documented).
const OFFLINE_ACCESS: &str = "offline_access";

/// Privileges of the user (documented), each with the consequence if it is missing.
const PRIVILEGES: [(&str, &str); 2] = [
    ("campaign:read", "no send history can be read"),
    (
        "ui:campaign:metrics",
        "statistics are not available, and the log misses sends that do not change their campaign",
    ),
];

const VERIFICATION_TIMEOUT: Duration = Duration::from_secs(30);

const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

pub async fn login(options: &LoginOptions, variables: EnvironmentVariables) -> Result<(), CommandError> {
    let upstream = Upstream::new(&options.upstream, None);
    let client_id = options.account.client_id.clone().ok_or(Problem::NoClientId)?;
    let has_secret = variables.client_secret.is_some();
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
        on_a_device(request, &state).await
    } else {
        in_a_browser(options, request, &state).await
    };
    let grant = grant.map_err(|error| with_hint(error, has_secret))?;
    let login = Login::new(&state, sends_credentials::Settings::default());
    let is_renewable = grant.is_renewable();
    login.save(grant).await?;
    if !is_renewable {
        print_expiry(&login)?;
    }
    let pacer = pacer(&upstream, &state).await;
    let verified = verify(&login, &upstream, pacer.clone()).await;
    // A failed write does not invalidate the login.
    let _ = tokio::time::timeout(FLUSH_TIMEOUT, pacer.flush()).await;
    verified
}

/// Adds the options to check if the application could not be authenticated (RFC 6749, section 5.2).
fn with_hint(error: CommandError, has_secret: bool) -> CommandError {
    match error {
        CommandError::Login(error @ LoginError::Refused { .. }) if is_of_client(&error) => {
            let hint = if has_secret {
                "check --client-id and SENDS_CLIENT_SECRET, which an application without a secret must not have"
            } else {
                "check --client-id, and set SENDS_CLIENT_SECRET if the application has a client secret"
            };
            CommandError::ClientRejected { error, hint }
        }
        error => error,
    }
}

fn is_of_client(error: &LoginError) -> bool {
    const CODES: [&str; 2] = ["invalid_client", "unauthorized_client"];
    matches!(error, LoginError::Refused { error, .. } if CODES.contains(&error.as_str()))
}

fn print_expiry(login: &Login) -> Result<(), CommandError> {
    let access_token = login.status()?.and_then(|status| status.access_token);
    let end = access_token.and_then(|token| token.expires_at);
    let end = end.map_or_else(|| "when it expires".to_owned(), |end| format!("at {end:.0}"));
    writeln!(
        io::stdout(),
        "This login cannot be renewed and expires with its access token, {end}: Constant Contact issued no refresh token. \
         Grant the application offline access (scope {OFFLINE_ACCESS}) and log in again."
    )?;
    Ok(())
}

/// Returns a pacer that shares the daily count and departures of the state folder. Falls back to memory if the folder has no
/// usable store.
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
        "Open this URL in a browser on this machine, and allow the access:\n\n  {}\n",
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

/// Opens the URL in a browser, if available. Errors are ignored, since the URL is also printed.
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

async fn verify(login: &Login, upstream: &Upstream, pacer: Pacer) -> Result<(), CommandError> {
    let client = ConstantContact::new(backend::client_settings(upstream), pacer)?;
    let caller = Caller::new(Arc::new(login.clone()), Instant::now() + VERIFICATION_TIMEOUT);
    let privileges = privileges(&client, &caller).await?;
    let account = account(&client, &caller).await?;

    let mut out = io::stdout();
    match account {
        Some(account) => {
            let name = account.organization.clone().unwrap_or_else(|| account.id.clone());
            login.set_account(account).await?;
            writeln!(out, "Connected: {name}.")?;
        }
        None => writeln!(out, "Connected. The account's name is not available.")?,
    }
    let status = login.status()?;
    // The missing refresh token has already been reported.
    let is_renewable = status
        .as_ref()
        .is_none_or(|status| status.refresh_token.is_some());
    let granted = status.map(|status| status.scopes).unwrap_or_default();
    for (scope, loss) in SCOPES {
        let is_printed = scope == OFFLINE_ACCESS && !is_renewable;
        if !is_printed && !granted.iter().any(|granted| granted == scope) {
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
                "Whether the user has the privileges {needed} could not be checked: {error}. Without them some data is not \
                 readable; check them in Constant Contact."
            )?;
        }
    }
    Ok(())
}

/// Returns the missing privileges with their consequences. Names are case-insensitive.
fn lacking(privileges: &[Privilege]) -> impl Iterator<Item = (&'static str, &'static str)> {
    PRIVILEGES.into_iter().filter(|(needed, _)| {
        let is_needed = |one: &Privilege| one.privilege_name.eq_ignore_ascii_case(needed);
        !privileges.iter().any(is_needed)
    })
}

/// Returns the user's privileges. The inner error concerns only this endpoint, and the token is still valid.
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

/// Returns the account, or `None` if its scope is missing.
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
    fn names_of_privileges_are_case_insensitive() {
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
