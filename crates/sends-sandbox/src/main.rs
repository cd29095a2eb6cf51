//! Command-line program of the sandbox.

mod options;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use options::Options;
use sends_sandbox::Sandbox;
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

/// Exit code of `clap` for invalid options.
const INVALID_OPTIONS: u8 = 2;

#[tokio::main]
async fn main() -> ExitCode {
    let options = match Options::try_parse() {
        Ok(options) => options,
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            error.exit()
        }
        Err(error) => return fail(&options::first_paragraph(&error), INVALID_OPTIONS),
    };
    let (listen, config) = match options.into_config() {
        Ok(read) => read,
        Err(error) => return fail(&error.to_string(), INVALID_OPTIONS),
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal())
        .init();

    let sandbox = match start(listen, config).await {
        Ok(sandbox) => sandbox,
        Err(error) => return fail(&format!("cannot listen on {listen}: {error}"), 1),
    };
    tracing::info!(
        "listening on {} with access token {:?}; all data is invented",
        sandbox.base_url(),
        sandbox.access_token(),
    );
    tracing::info!(
        "the guide's example is at {}/emails/activities/{}/send_history, control requests at {}",
        sandbox.base_url(),
        sends_sandbox::GUIDE_ACTIVITY_ID,
        sandbox.control_url(),
    );
    interrupted().await;
    sandbox.stop().await;
    ExitCode::SUCCESS
}

async fn start(listen: std::net::SocketAddr, config: sends_sandbox::Config) -> std::io::Result<Sandbox> {
    Sandbox::start_on(TcpListener::bind(listen).await?, config)
}

async fn interrupted() {
    use tokio::signal;
    #[cfg(unix)]
    if let Ok(mut terminate) = signal::unix::signal(signal::unix::SignalKind::terminate()) {
        tokio::select! {
            _ = signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        return;
    }
    if let Err(error) = signal::ctrl_c().await {
        tracing::error!(%error, "cannot wait for signals; shutting down");
    }
}

fn fail(error: &str, code: u8) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "sends-sandbox: {error}");
    ExitCode::from(code)
}
