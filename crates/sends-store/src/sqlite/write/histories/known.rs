//! Known state of a history, and its merge with a new response.

use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, Result};
use sends_core::{SendAttempt, SendHistory};

use super::rows::Rows;
use crate::sqlite::read;
use crate::{Answer, StoredAnswer};

/// Known history of a campaign's activity.
#[derive(Default)]
pub(super) struct Known {
    pub(super) history: Arc<SendHistory>,
    /// Whether the last response lacked each send, in the order of the sends.
    pub(super) missing: Vec<bool>,
    /// Number of known records: the sends, and the records that were unreadable in every response.
    pub(super) records: usize,
    /// Time at which a synchronisation found exactly these sends missing.
    pub(super) missing_since: Option<i64>,
    /// Whether the last response was a history.
    is_found: bool,
    /// Fetch time of the last history.
    fetched_at: Timestamp,
}

/// A response merged with the known records that it lacks.
pub(super) struct Merged {
    pub(super) history: SendHistory,
    pub(super) missing: Vec<bool>,
    pub(super) records: usize,
    /// Number of known records that the response lacks, previously unreadable ones included.
    pub(super) lost: usize,
    /// Whether the previous response was of the same kind and lacked exactly the same records.
    pub(super) is_known_lack: bool,
}

impl Known {
    /// `None` if the history has no record, belongs to no campaign, or is damaged; it is then rewritten.
    pub(super) fn read(connection: &Connection, rows: &Rows) -> Result<Option<Self>> {
        const KNOWN: &str = "SELECT records, missing_since, is_found FROM activity_history WHERE id = ?1";
        const MISSING: &str = "SELECT is_missing IS NOT NULL FROM send WHERE history = ?1 ORDER BY ordinal";
        let (Some(id), Some(_)) = (rows.history, rows.campaign) else {
            return Ok(None);
        };
        let (records, missing_since, is_found) = connection
            .prepare_cached(KNOWN)?
            .query_row([id], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?, row.get(2)?)))?;
        let kept = read::histories(connection, rows.key, &[rows.activity]).ok();
        let kept = kept.and_then(|mut kept| kept.pop().flatten());
        let Some(StoredAnswer {
            fetched_at,
            answer: Answer::History(history),
        }) = kept.filter(|_| records > 0)
        else {
            return Ok(None);
        };
        let mut statement = connection.prepare_cached(MISSING)?;
        let missing = statement
            .query_map([id], |row| row.get(0))?
            .collect::<Result<_>>()?;
        Ok(Some(Self {
            history,
            missing,
            records: usize::try_from(records).unwrap_or(0),
            missing_since,
            is_found,
            fetched_at,
        }))
    }

    pub(super) fn merged(&self, answer: &Answer) -> Merged {
        let nothing = SendHistory::default();
        let told = match answer {
            Answer::History(history) => history,
            Answer::NotFound => &nothing,
        };
        let (known, mut lacking) = (self.history.sends(), (0..self.history.len()).collect::<Vec<_>>());
        let mut pairs = vec![None; told.len()];
        // Send ids are not guaranteed to be unique.
        for is_exact in [true, false] {
            for (send, pair) in told.iter().zip(&mut pairs).filter(|(_, pair)| pair.is_none()) {
                let is_same = |&place: &usize| {
                    known[place].send_id == send.send_id
                        && (!is_exact || known[place].run_date == send.run_date)
                };
                *pair = lacking
                    .iter()
                    .position(is_same)
                    .map(|place| lacking.remove(place));
            }
        }
        let unpaired = told
            .iter()
            .zip(&pairs)
            .filter(|(_, pair)| pair.is_none())
            .map(|(send, _)| send);
        let shown = told.iter().zip(pairs.iter().copied());
        let mut sends: Vec<(SendAttempt, bool)> = shown
            .map(|(send, pair)| {
                (
                    pair.map_or_else(|| send.clone(), |place| filled(send, &known[place])),
                    false,
                )
            })
            .collect();
        sends.extend(lacking.iter().map(|&place| (known[place].clone(), true)));
        // The order of a history.
        sends.sort_by_key(|(send, _)| send.send_id);
        let told_records = told.len() + told.unreadable_sends();
        // Sends that ran after the last fetch are none of the unreadable records.
        let is_later = |send: &SendAttempt| send.run_date > Some(self.fetched_at);
        let later = unpaired.filter(|send| is_later(send)).count();
        let records = (self.records + later).max(told_records).max(sends.len());
        let known_lack = self
            .missing
            .iter()
            .enumerate()
            .filter(|(_, is_missing)| **is_missing);
        let is_known_lack = told.unreadable_sends() == 0
            && self.is_found == (*answer != Answer::NotFound)
            && lacking.iter().copied().eq(known_lack.map(|(place, _)| place))
            && records - sends.len() == self.records.saturating_sub(known.len());
        let (sends, missing) = sends.into_iter().unzip();
        Merged {
            history: SendHistory::new(sends)
                .with_unreadable(told.unreadable_sends(), told.unreadable_values()),
            missing,
            records,
            lost: records - told_records,
            is_known_lack,
        }
    }
}

/// The send of the response, with missing values filled in from the known one.
fn filled(send: &SendAttempt, known: &SendAttempt) -> SendAttempt {
    let has_audience = !send.contact_list_ids.is_empty() || !send.segment_ids.is_empty();
    let audience = if has_audience { send } else { known };
    SendAttempt {
        send_id: send.send_id,
        contact_list_ids: audience.contact_list_ids.clone(),
        segment_ids: audience.segment_ids.clone(),
        count: send.count.or(known.count),
        run_date: send.run_date.or(known.run_date),
        send_status: send.send_status.clone().or_else(|| known.send_status.clone()),
        reason_code: send.reason_code.or(known.reason_code),
    }
}
