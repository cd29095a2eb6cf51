//! Output of `failures`: text that fits the terminal, or JSON.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use jiff::Timestamp;
use sends_core::{Actor, Outcome, RetryAdvice, Verbatim};
use sends_store::LoggedSend;
use serde::Serialize;

/// Maximum width of a line. Longer lines of prose are hard to read.
const MAX_WIDTH: usize = 100;

const BOLD: Style = Style::new().bold();
const DIMMED: Style = Style::new().dimmed();
const RED: Style = AnsiColor::Red.on_default().bold();
const YELLOW: Style = AnsiColor::Yellow.on_default().bold();

/// JSON representation of a failure, with the field names of an export.
#[derive(Serialize)]
struct Failure<'s> {
    run_date: Option<Timestamp>,
    campaign_id: Option<String>,
    campaign_name: Option<&'s str>,
    activity_id: String,
    send_id: i32,
    outcome: Outcome,
    send_status: Option<&'s str>,
    count: Option<i64>,
    reason_code: Option<i32>,
    reason: Option<&'s str>,
    meaning: Option<&'s str>,
    remedy: Option<&'s str>,
    actors: &'s [Actor],
    retry: Option<RetryAdvice>,
}

impl<'s> Failure<'s> {
    fn of(logged: &'s LoggedSend) -> Self {
        let (send, campaign) = (&logged.send, logged.campaign.as_ref());
        let reason = send.reason();
        Self {
            run_date: send.run_date,
            campaign_id: campaign.map(|campaign| campaign.id.to_string()),
            campaign_name: campaign.and_then(|campaign| campaign.name.as_deref()),
            activity_id: logged.activity.to_string(),
            send_id: send.send_id,
            outcome: send.outcome(),
            send_status: send.send_status.as_ref().map(Verbatim::verbatim),
            count: send.count,
            reason_code: send.reason_code.map(sends_core::ReasonCode::get),
            reason: reason.map(|reason| reason.name),
            meaning: reason.map(|reason| reason.meaning),
            remedy: reason.map(|reason| reason.remedy),
            actors: reason.map_or(&[], |reason| reason.actors),
            retry: reason.map(|reason| reason.retry),
        }
    }
}

pub(super) fn json(failures: &[LoggedSend]) -> io::Result<()> {
    let failures: Vec<_> = failures.iter().map(Failure::of).collect();
    let mut out = io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, &failures)?;
    writeln!(out)
}

/// Prints text, in colour if standard output is a terminal and `NO_COLOR` is not set.
pub(super) fn text(failures: &[LoggedSend], since: Timestamp) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    let width = textwrap::termwidth().min(MAX_WIDTH);
    write_text(&mut out, failures, since, width)
}

fn write_text(
    out: &mut impl Write,
    failures: &[LoggedSend],
    since: Timestamp,
    width: usize,
) -> io::Result<()> {
    let day = since.strftime("%-d %B %Y");
    match failures.len() {
        0 => return writeln!(out, "No send since {day} needs attention."),
        1 => writeln!(out, "1 email since {day} needs attention.")?,
        count => writeln!(out, "{count} emails since {day} need attention.")?,
    }
    for failure in failures {
        writeln!(out)?;
        write_failure(out, failure, width)?;
    }
    Ok(())
}

fn write_failure(out: &mut impl Write, logged: &LoggedSend, width: usize) -> io::Result<()> {
    let send = &logged.send;
    let name = logged
        .campaign
        .as_ref()
        .and_then(|campaign| campaign.name.as_deref());
    let name = printable(name.unwrap_or("(campaign unknown)"));
    let colour = if send.outcome() == Outcome::Failed {
        RED
    } else {
        YELLOW
    };
    writeln!(out, "{BOLD}{name}{BOLD:#}")?;
    let date = send.run_date.map_or_else(
        || "at an unknown time".to_owned(),
        |date| date.strftime("%-d %B %Y, %H:%M UTC").to_string(),
    );
    writeln!(out, "  {colour}{}{colour:#} {date}", outcome(send.outcome()))?;
    match send.reason() {
        // The meaning of code 0 is success, which is not the outcome.
        Some(reason) if reason.retry == RetryAdvice::NotNeeded => {
            let status = send.send_status.as_ref().map_or("none", Verbatim::verbatim);
            let why = format!(
                "The values of Constant Contact do not determine the outcome (status {}, code {}).",
                printable(status),
                reason.code
            );
            line(out, "Why", &why, width)?;
        }
        Some(reason) => {
            line(
                out,
                "Why",
                &format!("{} (code {})", reason.meaning, reason.code),
                width,
            )?;
            line(out, "Remedy", reason.remedy, width)?;
            let actors: Vec<_> = reason.actors.iter().map(|actor| actor_name(*actor)).collect();
            if !actors.is_empty() {
                line(out, "Who acts", &actors.join(", "), width)?;
            }
            line(out, "Resend", advice(reason.retry), width)?;
        }
        None => line(out, "Why", "Constant Contact reported no reason code.", width)?,
    }
    writeln!(
        out,
        "  {DIMMED}Activity {}, send {}{DIMMED:#}",
        logged.activity, send.send_id
    )
}

/// Writes a label, and wrapped text next to it.
fn line(out: &mut impl Write, label: &str, text: &str, width: usize) -> io::Result<()> {
    let first = format!("  {label:<9} ");
    let options = textwrap::Options::new(width)
        .initial_indent(&first)
        .subsequent_indent("            ");
    writeln!(out, "{}", textwrap::fill(text, options))
}

/// Replaces control characters, which could control the terminal, and invisible characters that change the text direction.
fn printable(text: &str) -> String {
    let is_direction = |character| matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars()
        .map(|character| match character {
            _ if character.is_control() || is_direction(character) => char::REPLACEMENT_CHARACTER,
            other => other,
        })
        .collect()
}

fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Sent => "Sent",
        Outcome::PartiallySent => "Sent to some of the contacts",
        Outcome::Staged => "Held for a review",
        Outcome::Failed => "Failed",
        Outcome::NoRecipients => "No recipients",
        Outcome::Unknown => "Unknown outcome",
    }
}

fn actor_name(actor: Actor) -> &'static str {
    match actor {
        Actor::AccountOwner => "the account's owner",
        Actor::AccountReview => "Constant Contact's account review",
        Actor::ListOwner => "the owner of the contact lists",
        Actor::ContentEditor => "the email's author",
        Actor::Support => "Constant Contact's support",
        Actor::ConstantContact => "Constant Contact",
    }
}

fn advice(advice: RetryAdvice) -> &'static str {
    match advice {
        RetryAdvice::NotNeeded => "Not needed.",
        RetryAdvice::Yes => "Yes, without changes.",
        RetryAdvice::AfterFix => "After the cause is fixed.",
        RetryAdvice::AfterClearance => "After Constant Contact's clearance.",
        RetryAdvice::Wait => "No: Constant Contact releases the send itself.",
        RetryAdvice::NotBlindly => {
            "Only after checking which contacts were reached; otherwise some get the email twice."
        }
        RetryAdvice::No => "No: it cannot succeed.",
        RetryAdvice::Unknown => "Unknown.",
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use sends_core::{ActivityId, Campaign, CampaignId, SendAttempt};

    use super::*;

    fn failure(name: Option<&str>, send: &str) -> LoggedSend {
        LoggedSend {
            activity: ActivityId::from_bytes([7; 16]),
            ordinal: 0,
            repeat: 0,
            campaign: name.map(|name| Campaign {
                id: CampaignId::from_bytes([9; 16]),
                name: Some(name.to_owned()),
                status: None,
                campaign_type: None,
                type_code: None,
                created_at: None,
                updated_at: None,
            }),
            send: serde_json::from_str::<SendAttempt>(send).unwrap(),
        }
    }

    fn text_of(failures: &[LoggedSend], width: usize) -> String {
        let mut out = Vec::new();
        let since = "2019-04-01T00:00:00Z".parse().unwrap();
        write_text(&mut anstream::StripStream::new(&mut out), failures, since, width).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn text_wraps_at_the_width_of_the_terminal() {
        let failed = failure(
            Some("Spring sale"),
            r#"{"send_id": 2, "count": 0, "run_date": "2019-04-18T20:03:08Z", "send_status": "ERRORED", "reason_code": 7}"#,
        );
        let bare = failure(None, r#"{"send_id": 1}"#);
        let unknown = failure(
            None,
            r#"{"send_id": 3, "send_status": "PENDING", "count": 1, "reason_code": 0}"#,
        );
        assert!(text_of(&[unknown], 100).contains("(status PENDING, code 0)"));
        assert_snapshot!(text_of(&[failed, bare], 60), @"
        2 emails since 1 April 2019 need attention.

        Spring sale
          Failed 18 April 2019, 20:03 UTC
          Why       Images in the email are missing or cannot be
                    used. (code 7)
          Remedy    Replace or remove the images concerned, then
                    schedule the email again.
          Who acts  the email's author
          Resend    After the cause is fixed.
          Activity 07070707-0707-0707-0707-070707070707, send 2

        (campaign unknown)
          Unknown outcome at an unknown time
          Why       Constant Contact reported no reason code.
          Activity 07070707-0707-0707-0707-070707070707, send 1
        ");
        assert_snapshot!(text_of(&[], 60), @"No send since 1 April 2019 needs attention.");
    }

    #[test]
    fn text_of_the_upstream_cannot_control_the_terminal() {
        let failed = failure(
            Some("a\u{1b}]0;title\u{7}b\u{202e}c\nd"),
            r#"{"send_id": 2, "reason_code": 7}"#,
        );
        let text = text_of(&[failed], 80);
        assert!(
            text.contains("a\u{fffd}]0;title\u{fffd}b\u{fffd}c\u{fffd}d"),
            "{text:?}"
        );
    }
}
