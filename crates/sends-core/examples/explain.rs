//! Explains a send history: reads the upstream's JSON on standard input and prints what became of each send, why, and
//! what to do about it.
//!
//! ```text
//! cargo run --example explain < history.json
//! ```
//!
//! Exit status 1: the input is not a send history. Exit status 2: the program was called wrongly, or could not read or
//! write.

use std::fmt::{self, Write as _};
use std::io::{self, Read as _, Write as _};
use std::process::ExitCode;

use sends_core::{SendAttempt, SendHistory, SendStatus};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Nobody is left to be told when standard error is gone as well.
            let _ = writeln!(io::stderr(), "explain: {}.", failure.message);
            ExitCode::from(failure.status)
        }
    }
}

struct Failure {
    message: String,
    status: u8,
}

impl Failure {
    fn new(status: u8, message: String) -> Self {
        Self { message, status }
    }
}

fn run() -> Result<(), Failure> {
    if std::env::args_os().len() > 1 {
        return Err(Failure::new(
            2,
            "takes no arguments, but a send history as JSON on standard input".into(),
        ));
    }
    let mut json = Vec::new();
    io::stdin()
        .read_to_end(&mut json)
        .map_err(|error| Failure::new(2, format!("cannot read standard input: {error}")))?;
    let history = SendHistory::from_json(&json).map_err(|error| Failure::new(1, error.to_string()))?;
    let explained =
        explain(&history).map_err(|error| Failure::new(2, format!("cannot lay out the table: {error}")))?;
    match io::stdout().write_all(explained.as_bytes()) {
        // A reader such as `head` has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Failure::new(
            2,
            format!("cannot write to standard output: {error}"),
        )),
        Ok(()) => Ok(()),
    }
}

fn explain(history: &SendHistory) -> Result<String, fmt::Error> {
    let mut out = String::new();
    if history.is_empty() {
        writeln!(out, "This activity was never sent.")?;
        return Ok(out);
    }
    writeln!(
        out,
        "{:>4}  {:<20}  {:<14}  {:>8}  REASON",
        "SEND", "RUN DATE (UTC)", "OUTCOME", "CONTACTS"
    )?;
    for send in history {
        explain_send(&mut out, send)?;
    }
    let summary = history.summary();
    let attention = if summary.needs_attention {
        "needs attention"
    } else {
        "needs nobody's attention"
    };
    writeln!(
        out,
        "\nAttempts: {}. Failed: {}. Contacts reached: {}. This activity {attention}.",
        summary.attempts, summary.failed_attempts, summary.contacts_reached,
    )?;
    Ok(out)
}

fn explain_send(out: &mut String, send: &SendAttempt) -> fmt::Result {
    let date = send
        .run_date
        .map_or_else(|| "-".into(), |date| format!("{date:.0}"));
    let count = send.count.map_or_else(|| "-".into(), |count| count.to_string());
    write!(
        out,
        "{:>4}  {date:<20}  {:<14}  {count:>8}  ",
        send.send_id,
        send.outcome()
    )?;
    let Some(reason) = send.reason() else {
        return writeln!(out, "- (the record has no reason code)");
    };
    writeln!(out, "{} {}", reason.code, reason.name)?;
    writeln!(out, "      why:  {}", reason.meaning)?;
    if !reason.actors.is_empty() {
        let actors: Vec<_> = reason.actors.iter().map(ToString::to_string).collect();
        writeln!(out, "      do:   {}", reason.remedy)?;
        writeln!(out, "      who:  {}", actors.join(", "))?;
    }
    if send.is_contradictory() {
        let status = send
            .send_status
            .as_ref()
            .map_or("-", SendStatus::as_str)
            .escape_debug();
        writeln!(
            out,
            "      note: the record contradicts itself (status {status}, count {count})"
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use sends_core::SendHistory;

    use super::explain;

    fn explained(json: &str) -> String {
        let history = SendHistory::from_json(json.as_bytes()).unwrap();
        explain(&history).unwrap()
    }

    #[test]
    fn an_activity_never_sent_is_said_to_be_so() {
        assert_snapshot!(explained("[]"), @"This activity was never sent.");
    }

    #[test]
    fn every_send_has_its_reason_and_remedy() {
        let json = r#"[
            {"send_id": 1, "count": 2, "run_date": "2019-04-18T20:03:08.000Z",
             "send_status": "COMPLETED", "reason_code": 0},
            {"send_id": 2, "count": 0, "run_date": "2019-05-07T14:42:57.000Z",
             "send_status": "COMPLETED", "reason_code": 12}
        ]"#;
        assert_snapshot!(explained(json), @"
        SEND  RUN DATE (UTC)        OUTCOME         CONTACTS  REASON
           1  2019-04-18T20:03:08Z  SENT                   2  0 SENT
              why:  Nothing went wrong.
           2  2019-05-07T14:42:57Z  NO_RECIPIENTS          0  12 NO_ELIGIBLE_CONTACTS
              why:  Nobody could be sent to: the list is empty or invalid, or a resend found no contacts that had not received the email yet.
              do:   Check the list and add contacts to it, then schedule the email again; after a resend without new contacts there is nothing to do.
              who:  LIST_OWNER

        Attempts: 2. Failed: 0. Contacts reached: 2. This activity needs nobody's attention.
        ");
    }

    #[test]
    fn gaps_and_contradictions_are_shown() {
        let json = r#"[
            {"send_id": 1, "send_status": "COMPLETED", "reason_code": 7, "count": 9},
            {"send_id": 2, "reason_code": 99},
            {"send_id": 3}
        ]"#;
        assert_snapshot!(explained(json), @"
        SEND  RUN DATE (UTC)        OUTCOME         CONTACTS  REASON
           1  -                     FAILED                 9  7 INVALID_IMAGES
              why:  Images in the email are missing or cannot be used.
              do:   Replace or remove the images concerned, then schedule the email again.
              who:  CONTENT_EDITOR
              note: the record contradicts itself (status COMPLETED, count 9)
           2  -                     UNKNOWN                -  99 UNKNOWN
              why:  This code is not among the documented ones, so its meaning is not known.
              do:   Look up the code in Constant Contact's current documentation or ask support before sending again.
              who:  SUPPORT
           3  -                     UNKNOWN                -  - (the record has no reason code)

        Attempts: 3. Failed: 1. Contacts reached: 0. This activity needs attention.
        ");
    }

    #[test]
    fn a_status_cannot_act_on_the_terminal() {
        let json = r#"[{"send_id": 1, "send_status": "\u001b[2J", "reason_code": 12, "count": 3}]"#;
        assert!(!explained(json).contains('\u{1b}'));
    }
}
