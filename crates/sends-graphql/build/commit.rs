//! Version that `--version` prints. In release builds, the version includes the commit, such as `0.1.0 (1a2b3c4d5)`.

use std::{env, path::Path, process::Command};

/// Environment variable with the commit for builds without a Git repository, such as in a container.
const COMMIT: &str = "SENDS_COMMIT";

/// Returns the version. Debug builds omit the commit, because each new commit would otherwise recompile the crate.
pub(crate) fn version() -> String {
    println!("cargo::rerun-if-env-changed={COMMIT}");
    let version = env::var("CARGO_PKG_VERSION").unwrap_or_default();
    let is_release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let given = env::var(COMMIT).ok().filter(|commit| !commit.is_empty());
    match given.or_else(|| is_release.then(commit_of_head).flatten()) {
        Some(commit) => format!("{version} ({commit})"),
        None => version,
    }
}

/// Returns the abbreviated hash of the checked-out commit, or `None` if Git is not installed or the folder is not in a
/// repository.
fn commit_of_head() -> Option<String> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok()?;
        let printed = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| printed.trim().to_owned())
    };
    // The log of HEAD changes with every commit and checkout.
    let log = git(&["rev-parse", "--git-path", "logs/HEAD"])?;
    if Path::new(&log).exists() {
        println!("cargo::rerun-if-changed={log}");
    }
    git(&["rev-parse", "--short=9", "HEAD"])
}
