//! Known state of a history, and its merge with a new response.

use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, Result};
use sends_core::{SendAttempt, SendHistory};

use super::rows::Rows;
use crate::sqlite::read;
use crate::{Answer, StoredAnswer};

#[derive(Default)]
pub(super) struct Known {
    pub(super) history: Arc<SendHistory>,
    /// For each send in order, whether the last response lacked it.
    pub(super) missing: Vec<bool>,
    /// Number of known records: the sends, and records that were unreadable in every response.
    pub(super) records: usize,
    pub(super) missing_since: Option<i64>,
    is_found: bool,
    fetched_at: Timestamp,
}

pub(super) struct Merged {
    pub(super) history: SendHistory,
    pub(super) missing: Vec<bool>,
    pub(super) records: usize,
    pub(super) lost: usize,
    /// Whether the previous response was of the same kind and lacked exactly the same records.
    pub(super) is_known_lack: bool,
}

impl Known {
    /// Returns `None` if the history has no record, belongs to no campaign, or is damaged. The history is then replaced.
    pub(super) fn read(connection: &Connection, rows: &Rows) -> Result<Option<Self>> {
        const KNOWN: &str = "SELECT records, missing_since, is_found FROM activity_history WHERE id = ?1";
        const MISSING: &str = "SELECT is_missing IS NOT NULL FROM send WHERE history = ?1 ORDER BY ordinal";
        let (Some(id), Some(_)) = (rows.history, rows.campaign) else {
            return Ok(None);
        };
        let (records, missing_since, is_found) = connection
            .prepare_cached(KNOWN)?
            .query_row([id], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?, row.get(2)?)))?;
        let stored = read::histories(connection, rows.key, &[rows.activity]).ok();
        let stored = stored.and_then(|mut stored| stored.pop().flatten());
        let Some(StoredAnswer {
            fetched_at,
            answer: Answer::History(history),
        }) = stored.filter(|_| records > 0)
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
        let response = match answer {
            Answer::History(history) => history,
            Answer::NotFound => &nothing,
        };
        let (known, mut lacking) = (self.history.sends(), (0..self.history.len()).collect::<Vec<_>>());
        let mut pairs = vec![None; response.len()];
        // Send ids may repeat, so sends with equal run dates are paired first.
        for is_exact in [true, false] {
            for (send, pair) in response.iter().zip(&mut pairs).filter(|(_, pair)| pair.is_none()) {
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
        let unpaired = response
            .iter()
            .zip(&pairs)
            .filter(|(_, pair)| pair.is_none())
            .map(|(send, _)| send);
        let shown = response.iter().zip(pairs.iter().copied());
        let mut sends: Vec<(SendAttempt, bool)> = shown
            .map(|(send, pair)| {
                (
                    pair.map_or_else(|| send.clone(), |place| filled(send, &known[place])),
                    false,
                )
            })
            .collect();
        sends.extend(lacking.iter().map(|&place| (known[place].clone(), true)));
        sends.sort_by_key(|(send, _)| send.send_id);
        let response_records = response.len() + response.unreadable_sends();
        // Sends that ran after the last fetch cannot be among the unreadable records.
        let is_later = |send: &SendAttempt| send.run_date > Some(self.fetched_at);
        let later = unpaired.filter(|send| is_later(send)).count();
        let records = (self.records + later).max(response_records).max(sends.len());
        let known_lack = self
            .missing
            .iter()
            .enumerate()
            .filter(|(_, is_missing)| **is_missing);
        let is_known_lack = response.unreadable_sends() == 0
            && self.is_found == (*answer != Answer::NotFound)
            && lacking.iter().copied().eq(known_lack.map(|(place, _)| place))
            && records - sends.len() == self.records.saturating_sub(known.len());
        let (sends, missing) = sends.into_iter().unzip();
        Merged {
            history: SendHistory::new(sends)
                .with_unreadable(response.unreadable_sends(), response.unreadable_values()),
            missing,
            records,
            lost: records - response_records,
            is_known_lack,
        }
    }
}

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
