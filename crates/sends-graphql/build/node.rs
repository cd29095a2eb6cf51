//! Node.js and npm: the version check, and the two commands that build the bundle.

use std::{
    fs::{self, File},
    io,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

const NPM: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };

/// How long installing the packages may take, and how long building the bundle.
const INSTALL_LIMIT: Duration = Duration::from_secs(300);
const BUILD_LIMIT: Duration = Duration::from_secs(120);

/// Whether the bundler supports the version of Node.js on the `PATH`.
pub(crate) fn check_version() -> Result<(), String> {
    let output = match Command::new("node").arg("--version").output() {
        Ok(output) => output,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err("there is no Node.js on the PATH; version 20.19, 22.12 or later builds it".to_owned());
        }
        Err(error) => return Err(format!("node cannot be run: {error}")),
    };
    let printed = String::from_utf8_lossy(&output.stdout);
    let version = printed.trim();
    let mut numbers = version
        .trim_start_matches('v')
        .split('.')
        .map_while(|number| number.parse::<u32>().ok());
    match (numbers.next(), numbers.next()) {
        (Some(20), Some(19..)) | (Some(22), Some(12..)) | (Some(23..), Some(_)) => Ok(()),
        (Some(_), Some(_)) => Err(format!(
            "Node.js {version} on the PATH is not supported; version 20.19, 22.12 or later builds it"
        )),
        _ => Err(format!(
            "`node --version` failed: {}",
            first_error(&String::from_utf8_lossy(&output.stderr))
        )),
    }
}

/// Installs the packages that the lockfile names and builds the bundle, both in `folder`.
pub(crate) fn build(folder: &Path) -> Result<(), String> {
    run(
        folder,
        &[
            "ci",
            "--ignore-scripts",
            "--include=dev",
            "--no-audit",
            "--no-fund",
            "--no-progress",
            "--loglevel=error",
            // An unreachable registry takes seconds rather than minutes.
            "--fetch-retries=1",
            "--fetch-retry-mintimeout=1000",
            "--fetch-retry-maxtimeout=2000",
            "--fetch-timeout=20000",
        ],
        INSTALL_LIMIT,
    )?;
    run(folder, &["run", "build", "--loglevel=error"], BUILD_LIMIT)
}

fn run(folder: &Path, arguments: &[&str], limit: Duration) -> Result<(), String> {
    let name = format!("`npm {}`", arguments[..arguments.len().min(2)].join(" "));
    let log = folder.join("npm.log");
    let failure = |error: io::Error| {
        if error.kind() == io::ErrorKind::NotFound {
            "there is no npm on the PATH".to_owned()
        } else {
            format!("{name} cannot be run: {error}")
        }
    };
    let mut child = Command::new(NPM)
        .args(arguments)
        .current_dir(folder)
        .env("NODE_ENV", "production")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(File::create(&log).map_err(failure)?)
        .spawn()
        .map_err(failure)?;
    let end = Instant::now() + limit;
    let status = loop {
        if let Some(status) = child.try_wait().map_err(failure)? {
            break status;
        }
        if Instant::now() >= end {
            let _ = child.kill();
            let _ = child.wait();
            return Err(format!("{name} did not end in {} s", limit.as_secs()));
        }
        thread::sleep(Duration::from_millis(50));
    };
    if status.success() {
        return Ok(());
    }
    let printed = fs::read(&log).unwrap_or_default();
    Err(format!(
        "{name} failed: {}",
        first_error(&String::from_utf8_lossy(&printed))
    ))
}

/// The first line that tells a cause: npm prints codes and paths before it.
fn first_error(printed: &str) -> String {
    let mut lines = printed
        .lines()
        .map(|line| line.trim_start_matches("npm error").trim_start_matches("npm ERR!").trim());
    let cause = lines.find(|line| {
        let label = line.split(' ').next().unwrap_or_default();
        !["", "code", "errno", "path", "syscall", "npm"].contains(&label)
    });
    cause.map_or_else(
        || "it printed no error".to_owned(),
        |cause| cause.trim_end_matches('.').chars().take(300).collect(),
    )
}
