//! Version check of Node.js, and the npm commands that build the bundle.

use std::{
    fs::{self, File},
    io,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

const NPM: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };

const NPM_TIMEOUT: Duration = Duration::from_mins(5);

pub(crate) fn check_version() -> Result<(), String> {
    let output = match Command::new("node").arg("--version").output() {
        Ok(output) => output,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(
                "there is no Node.js on the PATH; version 20.19, 22.12 or later builds it".to_owned(),
            );
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

pub(crate) fn build(folder: &Path) -> Result<(), String> {
    // `npm ci` would wait minutes for an unreachable registry. An HTTP error in response to the ping is ignored, because the
    // registry may serve packages anyway.
    match npm(folder, "ping", &["--fetch-retries=0", "--fetch-timeout=10000"]) {
        Err(NpmError::Exit(printed)) if printed.contains("code E4") => {}
        other => other.map_err(|failure| failure.describe("ping"))?,
    }
    let install = [
        "--ignore-scripts",
        "--include=dev",
        "--no-audit",
        "--no-fund",
        "--fetch-retries=1",
    ];
    npm(folder, "ci", &install).map_err(|failure| failure.describe("ci"))?;
    npm(folder, "run", &["build"]).map_err(|failure| failure.describe("run build"))
}

enum NpmError {
    Start(io::Error),
    Timeout,
    Exit(String),
}

impl NpmError {
    fn describe(self, command: &str) -> String {
        match self {
            Self::Start(error) if error.kind() == io::ErrorKind::NotFound => {
                "there is no npm on the PATH".to_owned()
            }
            Self::Start(error) => format!("npm cannot be run: {error}"),
            Self::Timeout => format!("`npm {command}` did not end in {} s", NPM_TIMEOUT.as_secs()),
            Self::Exit(printed) => format!("`npm {command}` failed: {}", first_error(&printed)),
        }
    }
}

fn npm(folder: &Path, command: &str, options: &[&str]) -> Result<(), NpmError> {
    let log = folder.join("npm.log");
    let mut child = Command::new(NPM)
        .arg(command)
        .args(options)
        .arg("--loglevel=error")
        .current_dir(folder)
        // An inherited `NODE_ENV=development` would select React's development build.
        .env("NODE_ENV", "production")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(File::create(&log).map_err(NpmError::Start)?)
        .spawn()
        .map_err(NpmError::Start)?;
    let end = Instant::now() + NPM_TIMEOUT;
    loop {
        match child.try_wait().map_err(NpmError::Start)? {
            Some(status) if status.success() => return Ok(()),
            Some(_) => {
                let printed = fs::read(&log).unwrap_or_default();
                return Err(NpmError::Exit(String::from_utf8_lossy(&printed).into_owned()));
            }
            None if Instant::now() < end => thread::sleep(Duration::from_millis(50)),
            None => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(NpmError::Timeout);
            }
        }
    }
}

/// Returns the first line that describes the cause. npm prints codes and paths before it.
fn first_error(printed: &str) -> String {
    let mut lines = printed.lines().map(|line| {
        line.trim_start_matches("npm error")
            .trim_start_matches("npm ERR!")
            .trim()
    });
    let cause = lines.find(|line| {
        let label = line.split(' ').next().unwrap_or_default();
        !["", "code", "errno", "path", "syscall", "npm"].contains(&label)
    });
    cause.map_or_else(
        || "it printed no error".to_owned(),
        |cause| cause.trim_end_matches('.').chars().take(300).collect(),
    )
}
