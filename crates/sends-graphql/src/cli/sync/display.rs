//! Progress display on standard error: a bar on a terminal, otherwise a line every ten seconds.

use std::{
    io::{self, IsTerminal, Write},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};
use sends_store::{Pending, Subject, Unreadable};
use sends_sync::{Progress, Stage};
use tokio::sync::watch;

const REDRAW_INTERVAL: Duration = Duration::from_millis(100);

const LINE_INTERVAL: Duration = Duration::from_secs(10);

pub(super) async fn show(mut progress: watch::Receiver<Progress>) {
    let is_terminal = io::stderr().is_terminal();
    let bar = is_terminal.then(bar);
    loop {
        let seen = *progress.borrow_and_update();
        match &bar {
            Some(bar) => draw(bar, &seen),
            // Write errors are ignored, since standard error can be closed.
            None => drop(writeln!(io::stderr(), "{}", line(&seen))),
        }
        if progress.changed().await.is_err() {
            return;
        }
        tokio::time::sleep(if is_terminal {
            REDRAW_INTERVAL
        } else {
            LINE_INTERVAL
        })
        .await;
    }
}

fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} campaigns, {msg}");
    ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn draw(bar: &ProgressBar, progress: &Progress) {
    bar.set_length(progress.read + left(&progress.pending));
    bar.set_position(progress.read);
    bar.set_message(match progress.stage {
        Stage::Listing => format!("{} listed, {} calls", progress.listed, progress.calls),
        Stage::Reading => format!("{} calls", progress.calls),
    });
}

fn line(progress: &Progress) -> String {
    let Progress {
        listed, read, calls, ..
    } = progress;
    match progress.stage {
        Stage::Listing => format!("listing: {listed} campaigns, {calls} calls"),
        Stage::Reading => format!(
            "reading: {read} of {} campaigns, {calls} calls",
            read + left(&progress.pending)
        ),
    }
}

pub(super) fn left(pending: &Pending) -> u64 {
    pending.unread_campaigns + pending.changed_campaigns
}

pub(super) fn unreadable(unreadable: &Unreadable) -> String {
    let what = match &unreadable.subject {
        Subject::Campaign(campaign) => format!("campaign {campaign}"),
        Subject::History(activity) => format!("activity {activity}"),
        Subject::Campaigns => "the list of campaigns".to_owned(),
        Subject::Summaries => "the report of sent campaigns".to_owned(),
    };
    let name = unreadable.campaign.as_ref().and_then(|own| own.name.as_ref());
    // Debug formatting escapes terminal control sequences.
    let name = name.map_or_else(String::new, |name| format!(" of {name:?}"));
    let Unreadable { since, reason, .. } = unreadable;
    format!("unreadable since {since:.0}: {what}{name}. {reason}")
}
