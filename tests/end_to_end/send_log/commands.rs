//! Commands that print sends.

use std::{fs, process::Stdio};

use sends_end_to_end::{
    CommandProcess, Finished, GUIDE_ACTIVITY, Program, SandboxProcess, ServiceProcess, run,
};
use serde_json::Value;
use tempfile::TempDir;

use super::{LONG_URL, WEEKLY};

/// Starts a service that has read three histories. Returns its state folder.
async fn service_with_histories(sandbox: &SandboxProcess) -> (TempDir, ServiceProcess) {
    let state = tempfile::tempdir().unwrap();
    let path = state.path().to_str().unwrap();
    let service = ServiceProcess::unpaced_on(sandbox, &["--state-dir", path]);
    service
        .query(&format!(
            r#"{{ campaignActivities(ids: ["{GUIDE_ACTIVITY}", "{WEEKLY}", "{LONG_URL}"]) {{ latestSend {{ sendId }} }} }}"#
        ))
        .await;
    (state, service)
}

fn export(state: &TempDir, options: &[&str]) -> Finished {
    let path = state.path().to_str().unwrap();
    run(
        &[&["export", "--state-dir", path], options].concat(),
        &[("SENDS_ACCESS_TOKEN", SandboxProcess::ACCESS_TOKEN)],
    )
}

#[tokio::test]
async fn export_equals_the_responses_of_the_running_service() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let (state, service) = service_with_histories(&sandbox).await;
    let sends = service
        .query("{ sends(first: 500) { nodes { sendId activity { id } outcome } } }")
        .await;
    let sends = sends["data"]["sends"]["nodes"].as_array().unwrap().clone();

    let lines = export(&state, &["--format", "ndjson"]);
    assert_eq!(lines.status, Some(0), "{}", lines.errors);
    assert!(lines.errors.contains("sends may be missing"), "{}", lines.errors);
    let exported: Vec<Value> = lines
        .output
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(exported.len(), sends.len());
    for (exported, send) in exported.iter().zip(&sends) {
        assert_eq!(exported["send_id"], send["sendId"]);
        assert_eq!(exported["activity_id"], send["activity"]["id"]);
        assert_eq!(exported["outcome"], send["outcome"]);
    }

    let failed = export(
        &state,
        &[
            "--outcome",
            "failed,staged",
            "--order",
            "oldest",
            "--from",
            "2019-01-01",
        ],
    );
    let failures = sends
        .iter()
        .filter(|send| ["FAILED", "STAGED"].contains(&send["outcome"].as_str().unwrap()));
    assert_eq!(
        failed.output.lines().count(),
        1 + failures.count(),
        "{}",
        failed.output
    );

    let file = state.path().join("sends.json");
    let written = export(&state, &["--format", "json", "--output", file.to_str().unwrap()]);
    assert_eq!((written.status, written.output.as_str()), (Some(0), ""));
    let array: Vec<Value> = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(array, exported);
    let left: Vec<_> = fs::read_dir(state.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(
        left.iter()
            .all(|name| !name.to_string_lossy().starts_with(".tmp")),
        "{left:?}"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn export_preserves_devices_pipes_and_links() {
    use std::{os::unix::fs::FileTypeExt, os::unix::fs::symlink, process::Command};

    let sandbox = SandboxProcess::unlimited(&[]);
    let (state, _service) = service_with_histories(&sandbox).await;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let export_to = |output: &str| {
        let written = export(&state, &["--output", output]);
        assert_eq!(written.status, Some(0), "{output}: {}", written.errors);
        written.output
    };
    let whole = export(&state, &[]).output;

    assert_eq!(export_to("/dev/null"), "");
    assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
    assert_eq!(export_to("/dev/stdout"), whole);

    let made = Command::new("mkfifo").arg(path("pipe")).status();
    assert!(made.unwrap().success());
    let pipe = path("pipe");
    let reader = std::thread::spawn(move || fs::read_to_string(pipe).unwrap());
    export_to(&path("pipe"));
    assert_eq!(reader.join().unwrap().lines().count(), whole.lines().count());
    assert!(fs::metadata(path("pipe")).unwrap().file_type().is_fifo());

    fs::create_dir(path("elsewhere")).unwrap();
    symlink("elsewhere/sends.csv", path("link")).unwrap();
    for _ in ["a new file", "an existing file"] {
        export_to(&path("link"));
        assert!(fs::symlink_metadata(path("link")).unwrap().is_symlink());
        let text = fs::read_to_string(path("elsewhere/sends.csv")).unwrap();
        assert_eq!(text.lines().count(), whole.lines().count());
        fs::write(path("elsewhere/sends.csv"), "before").unwrap();
    }
    let names = fs::read_dir(folder.path()).unwrap();
    assert_eq!(names.count(), 3);

    // The end of a shell's redirection, which a rename would detach from the shell's file.
    let output = fs::File::options()
        .append(true)
        .create(true)
        .open(path("appended"))
        .unwrap();
    fs::write(path("appended"), "header\n").unwrap();
    let mut command = Program::Service.command();
    command.args([
        "export",
        "--state-dir",
        state.path().to_str().unwrap(),
        "--output",
        "/dev/stdout",
    ]);
    command.env("SENDS_ACCESS_TOKEN", SandboxProcess::ACCESS_TOKEN);
    let status = command.stdout(output).stderr(Stdio::null()).status().unwrap();
    assert!(status.success());
    let text = fs::read_to_string(path("appended")).unwrap();
    assert_eq!(text.lines().count(), 1 + whole.lines().count());
}

#[tokio::test]
async fn closed_output_pipe_is_no_failure() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let (state, _service) = service_with_histories(&sandbox).await;
    let mut command = Program::Service.command();
    command.args(["export", "--state-dir", state.path().to_str().unwrap()]);
    command.env("SENDS_ACCESS_TOKEN", SandboxProcess::ACCESS_TOKEN);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert!(child.wait().unwrap().success());
}

#[tokio::test]
async fn impossible_export_is_reported_before_any_output() {
    let state = tempfile::tempdir().unwrap();
    let empty = export(&state, &[]);
    assert_eq!((empty.status, empty.output.as_str()), (Some(1), ""));
    assert!(empty.errors.contains("contains no data yet"), "{}", empty.errors);
    let wrong = export(
        &state,
        &[
            "--format",
            "xml",
            "--outcome",
            "GOOD",
            "--from",
            "soon",
            "--campaign",
            "x",
            "--order",
            "up",
        ],
    );
    assert_eq!(wrong.status, Some(2));
    for option in ["--format", "--outcome", "--from", "--campaign", "--order"] {
        assert!(wrong.errors.contains(option), "{option}: {}", wrong.errors);
    }
    let nobody = run(&["export", "--state-dir", state.path().to_str().unwrap()], &[]);
    assert_eq!(nobody.status, Some(2), "{}", nobody.errors);
}

#[tokio::test]
async fn histories_are_printed_with_reason_and_remedy_and_failures_separately() {
    let state = tempfile::tempdir().unwrap();
    let unknown = "00000000-0000-4000-8000-000000000000";
    let path = state.path().to_str().unwrap();
    let printed = run(
        &[
            "history",
            "--sandbox",
            "--sandbox-odd-records",
            "--state-dir",
            path,
            &GUIDE_ACTIVITY.to_uppercase(),
            unknown,
            "x",
            LONG_URL,
        ],
        &[],
    );
    assert_eq!(printed.status, Some(1));
    for text in [
        GUIDE_ACTIVITY,
        LONG_URL,
        "NO_RECIPIENTS",
        "12 NO_ELIGIBLE_CONTACTS",
        "do:   ",
        "needs attention",
    ] {
        assert!(printed.output.contains(text), "{text}: {}", printed.output);
    }
    for text in [
        unknown,
        "Campaign activity not found",
        "x: \"x\" is not an activity id",
        "the histories of 2 activities",
    ] {
        assert!(printed.errors.contains(text), "{text}: {}", printed.errors);
    }
    let fine = CommandProcess::start(
        &["history", "--sandbox", GUIDE_ACTIVITY],
        &[("SENDS_STATE_DIR", path)],
    )
    .finish();
    assert_eq!((fine.status, fine.errors.as_str()), (Some(0), ""));
}

#[test]
fn sandbox_is_synchronised_and_exported_without_an_account_or_remaining_files() {
    let state = tempfile::tempdir().unwrap();
    let environment = [("SENDS_STATE_DIR", state.path().to_str().unwrap())];
    let exported = run(&["export", "--sandbox", "--outcome", "FAILED"], &environment);
    assert_eq!((exported.status, exported.errors.as_str()), (Some(0), ""));
    for text in ["Survey: what should we stock?", "SENDER_NOT_VERIFIED"] {
        assert!(exported.output.contains(text), "{text}: {}", exported.output);
    }
    assert!(exported.output.lines().count() > 5);
    let synchronised = run(&["sync", "--sandbox"], &environment);
    assert_eq!(synchronised.status, Some(0), "{}", synchronised.errors);
    for text in ["the log is complete as of", "is discarded"] {
        assert!(
            synchronised.output.contains(text),
            "{text}: {}",
            synchronised.output
        );
    }
    assert!(synchronised.errors.contains("listing"), "{}", synchronised.errors);
    let two = run(
        &["sync", "--sandbox", "--upstream-url", "http://127.0.0.1:1/v3"],
        &environment,
    );
    assert_eq!(two.status, Some(2), "{}", two.errors);
    assert_eq!(state.path().read_dir().unwrap().count(), 0);
}

#[tokio::test]
async fn stored_history_costs_no_call() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let (state, _service) = service_with_histories(&sandbox).await;
    let url = sandbox.api_url();
    let before = sandbox.requests().await.len();
    let printed = run(
        &[
            "history",
            "--upstream-url",
            &url,
            "--state-dir",
            state.path().to_str().unwrap(),
            GUIDE_ACTIVITY,
        ],
        &[("SENDS_ACCESS_TOKEN", SandboxProcess::ACCESS_TOKEN)],
    );
    assert_eq!(printed.status, Some(0), "{}", printed.errors);
    assert!(printed.output.contains("Attempts: 2."), "{}", printed.output);
    assert_eq!(sandbox.requests().await.len(), before);
}
