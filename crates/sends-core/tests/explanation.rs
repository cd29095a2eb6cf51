//! Text table of a history.

#![allow(clippy::unwrap_used, reason = "tests and their helpers fail by panicking")]

use insta::assert_snapshot;
use sends_core::SendHistory;

fn explained(json: &str) -> String {
    let history = SendHistory::from_json(json.as_bytes()).unwrap();
    history.explanation().to_string()
}

#[test]
fn activity_without_sends_is_reported_as_never_sent() {
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
fn missing_values_and_contradictions_are_shown() {
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
fn status_cannot_control_the_terminal() {
    let json = r#"[{"send_id": 1, "send_status": "\u001b[2J", "reason_code": 12, "count": 3}]"#;
    assert!(!explained(json).contains('\u{1b}'));
}
