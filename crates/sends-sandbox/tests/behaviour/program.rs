//! Command line of the sandbox.

use std::process::{Command, Output};

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sends-sandbox"))
        .args(arguments)
        .output()
        .unwrap()
}

#[test]
fn help_names_the_settings_and_the_control_requests() {
    let help = String::from_utf8(run(&["--help"]).stdout).unwrap();
    for part in [
        "--rate-per-second",
        "SENDS_SANDBOX_RATE_PER_DAY",
        "--malformed-id",
        "--wild",
        "SENDS_SANDBOX_WILD",
        "/_sandbox/faults",
    ] {
        assert!(help.contains(part), "{part}");
    }
}

#[test]
fn invalid_setting_is_reported_in_one_sentence_with_status_2() {
    for wrong in [
        ["--rate-per-second", "many"],
        ["--login-account", "nobody"],
        ["--fault", "{}"],
    ] {
        let output = run(&wrong);
        assert_eq!(output.status.code(), Some(2));
        assert_eq!(
            String::from_utf8(output.stderr).unwrap().lines().count(),
            1,
            "{wrong:?}"
        );
    }
}

#[test]
fn occupied_port_is_reported_in_one_sentence_with_status_1() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = run(&["--listen", &address]);
    assert_eq!(output.status.code(), Some(1));
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(
        complaint.starts_with(&format!("sends-sandbox: cannot listen on {address}")),
        "{complaint}"
    );
    assert_eq!(complaint.lines().count(), 1);
}
