//! The binary.

use std::process::{Command, Output};

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sends-sandbox"))
        .args(arguments)
        .output()
        .unwrap()
}

#[test]
fn help_names_the_switches_and_the_control_requests() {
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
fn a_wrong_setting_is_one_sentence_and_exits_with_2() {
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
fn a_taken_port_is_one_sentence_and_exits_with_1() {
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
