//! Text table of a send history. Strings from the upstream are escaped so that they cannot control a terminal.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use crate::{SendAttempt, SendHistory, Verbatim};

/// `Display` adapter that prints the outcome, reason and remedy of each send. Each line ends with a line break.
///
/// ```
/// let history = sends_core::SendHistory::default();
/// assert_eq!(history.explanation().to_string(), "This activity was never sent.\n");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Explanation<'a>(&'a SendHistory);

impl SendHistory {
    /// Returns the history as a printable text table.
    pub fn explanation(&self) -> Explanation<'_> {
        Explanation(self)
    }
}

impl fmt::Display for Explanation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() && self.0.unreadable_sends() == 0 {
            return writeln!(f, "This activity was never sent.");
        }
        writeln!(
            f,
            "{:>4}  {:<20}  {:<14}  {:>8}  REASON",
            "SEND", "RUN DATE (UTC)", "OUTCOME", "CONTACTS"
        )?;
        for send in self.0 {
            explain_send(f, send)?;
        }
        let summary = self.0.summary();
        if summary.unreadable_sends > 0 {
            writeln!(
                f,
                "\nSends in a form that cannot be read: {}.",
                summary.unreadable_sends
            )?;
        }
        let attention = if summary.needs_attention {
            "needs attention"
        } else {
            "needs nobody's attention"
        };
        writeln!(
            f,
            "\nAttempts: {}. Failed: {}. Contacts reached: {}. This activity {attention}.",
            summary.attempts, summary.failed_attempts, summary.contacts_reached,
        )
    }
}

fn explain_send(f: &mut fmt::Formatter<'_>, send: &SendAttempt) -> fmt::Result {
    let date = send
        .run_date
        .map_or_else(|| String::from("-"), |date| alloc::format!("{date:.0}"));
    let count = send
        .count
        .map_or_else(|| String::from("-"), |count| count.to_string());
    write!(
        f,
        "{:>4}  {date:<20}  {:<14}  {count:>8}  ",
        send.send_id,
        send.outcome()
    )?;
    let Some(reason) = send.reason() else {
        return writeln!(f, "- (the record has no reason code)");
    };
    writeln!(f, "{} {}", reason.code, reason.name)?;
    writeln!(f, "      why:  {}", reason.meaning)?;
    if !reason.actors.is_empty() {
        let actors: Vec<_> = reason.actors.iter().map(|actor| actor.as_str()).collect();
        writeln!(f, "      do:   {}", reason.remedy)?;
        writeln!(f, "      who:  {}", actors.join(", "))?;
    }
    if send.is_contradictory() {
        let status = send
            .send_status
            .as_ref()
            .map_or("-", Verbatim::verbatim)
            .escape_debug();
        writeln!(
            f,
            "      note: the record contradicts itself (status {status}, count {count})"
        )?;
    }
    Ok(())
}
