//! Owns one row of a send history, in every form the upstream may give it: each field there, null or missing, and rows
//! that a test wrote by hand. Must not know which activity a row belongs to.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;
use uuid::Uuid;

use crate::clock::Moment;
use crate::config::settings::{SendStatus, Settings};

/// One field of a row: no field of it is documented as required.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Field<T> {
    Absent,
    Null,
    Is(T),
}

impl<T: Serialize> Field<T> {
    fn write<M: SerializeMap>(&self, map: &mut M, key: &'static str) -> Result<(), M::Error> {
        match self {
            Self::Absent => Ok(()),
            Self::Null => map.serialize_entry(key, &()),
            Self::Is(value) => map.serialize_entry(key, value),
        }
    }
}

/// When a row says it was sent: a moment in the upstream's usual form, or a text in another.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum RunDate {
    At(Moment),
    Written(&'static str),
}

impl Serialize for RunDate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::At(moment) => moment.serialize(serializer),
            Self::Written(text) => serializer.serialize_str(text),
        }
    }
}

/// What a row says of its outcome.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Status {
    /// What the reason code implies, which for codes 5 and 6 is a switch.
    ByReason,
    Written(&'static str),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) send_id: Field<i64>,
    /// The guide's prose spells the key `contact_lists_ids` once.
    pub(crate) lists_key: &'static str,
    pub(crate) contact_list_ids: Field<Vec<Uuid>>,
    pub(crate) segment_ids: Field<Vec<i64>>,
    pub(crate) count: Field<i64>,
    pub(crate) run_date: Field<RunDate>,
    pub(crate) send_status: Field<Status>,
    pub(crate) reason_code: Field<i64>,
}

impl Row {
    pub(crate) fn to_lists(
        send_id: i64,
        lists: Vec<Uuid>,
        count: i64,
        run_date: RunDate,
        reason_code: i64,
    ) -> Self {
        Self {
            send_id: Field::Is(send_id),
            lists_key: "contact_list_ids",
            contact_list_ids: Field::Is(lists),
            segment_ids: Field::Absent,
            count: Field::Is(count),
            run_date: Field::Is(run_date),
            send_status: Field::Is(Status::ByReason),
            reason_code: Field::Is(reason_code),
        }
    }

    pub(crate) fn to_segments(
        send_id: i64,
        segments: Vec<i64>,
        count: i64,
        run_date: RunDate,
        reason_code: i64,
    ) -> Self {
        Self {
            contact_list_ids: Field::Absent,
            segment_ids: Field::Is(segments),
            ..Self::to_lists(send_id, Vec::new(), count, run_date, reason_code)
        }
    }

    /// Whether the send ended without reaching anybody because something was wrong.
    pub(crate) fn failed(&self) -> bool {
        !matches!(self.reason_code, Field::Is(0 | 6 | 12))
    }

    fn status(&self, status: Status, settings: &Settings) -> &'static str {
        let by_reason = match (status, &self.reason_code) {
            (Status::Written(text), _) => return text,
            // Code 12 is documented to arrive as COMPLETED with nobody sent to.
            (Status::ByReason, Field::Is(0 | 12)) => SendStatus::Completed,
            (Status::ByReason, Field::Is(5)) => settings.staged_status,
            (Status::ByReason, Field::Is(6)) => settings.partial_status,
            (Status::ByReason, _) => SendStatus::Errored,
        };
        match by_reason {
            SendStatus::Completed => "COMPLETED",
            SendStatus::Errored => "ERRORED",
        }
    }
}

/// A row as the sandbox holds it.
#[derive(Clone, Debug)]
pub(crate) enum Send {
    Row(Row),
    /// Written by a control request, and passed on verbatim.
    Verbatim(Value),
}

impl Send {
    pub(crate) fn send_id(&self) -> Option<i64> {
        match self {
            Self::Row(Row {
                send_id: Field::Is(send_id),
                ..
            }) => Some(*send_id),
            Self::Row(_) => None,
            Self::Verbatim(value) => value.get("send_id").and_then(Value::as_i64),
        }
    }

    pub(crate) fn run_at(&self) -> Option<Moment> {
        match self {
            Self::Row(Row {
                run_date: Field::Is(RunDate::At(moment)),
                ..
            }) => Some(*moment),
            Self::Row(Row {
                run_date: Field::Is(RunDate::Written(text)),
                ..
            }) => Moment::parse(text),
            Self::Row(_) => None,
            Self::Verbatim(value) => value
                .get("run_date")
                .and_then(Value::as_str)
                .and_then(Moment::parse),
        }
    }

    /// How many contacts a report counts for this row: none for a send that failed before it started.
    pub(crate) fn reached(&self) -> i64 {
        let (reason, count) = match self {
            Self::Row(row) => (&row.reason_code, &row.count),
            Self::Verbatim(value) => {
                let reached = value.get("reason_code").and_then(Value::as_i64) == Some(0);
                return if reached {
                    value.get("count").and_then(Value::as_i64).unwrap_or(0)
                } else {
                    0
                };
            }
        };
        match (reason, count) {
            (Field::Is(0), Field::Is(count)) => *count,
            (Field::Is(6), Field::Is(count)) => count / 2,
            _ => 0,
        }
    }
}

/// A row together with the switches that decide how it is written.
pub(crate) struct Rendered<'a> {
    pub(crate) send: &'a Send,
    pub(crate) settings: &'a Settings,
}

impl Serialize for Rendered<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let row = match self.send {
            Send::Row(row) => row,
            Send::Verbatim(value) => return value.serialize(serializer),
        };
        let mut map = serializer.serialize_map(None)?;
        row.send_id.write(&mut map, "send_id")?;
        row.contact_list_ids.write(&mut map, row.lists_key)?;
        row.segment_ids.write(&mut map, "segment_ids")?;
        row.count.write(&mut map, "count")?;
        row.run_date.write(&mut map, "run_date")?;
        match row.send_status {
            Field::Absent => {}
            Field::Null => map.serialize_entry("send_status", &())?,
            Field::Is(status) => map.serialize_entry("send_status", row.status(status, self.settings))?,
        }
        row.reason_code.write(&mut map, "reason_code")?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(row: Row, settings: &Settings) -> String {
        serde_json::to_string(&Rendered {
            send: &Send::Row(row),
            settings,
        })
        .unwrap()
    }

    #[test]
    fn a_row_to_segments_has_no_lists_key() {
        let row = Row::to_segments(1, vec![14], 3, RunDate::Written("2019-04-18T20:03:08Z"), 0);
        insta::assert_snapshot!(
            render(row, &Settings::default()),
            @r#"{"send_id":1,"segment_ids":[14],"count":3,"run_date":"2019-04-18T20:03:08Z","send_status":"COMPLETED","reason_code":0}"#
        );
    }

    #[test]
    fn nobody_eligible_arrives_as_completed() {
        let row = Row::to_segments(1, vec![], 0, RunDate::Written(""), 12);
        assert!(render(row, &Settings::default()).contains("COMPLETED"));
    }

    #[test]
    fn the_status_of_a_staged_send_is_a_switch() {
        let row = Row::to_segments(1, vec![], 0, RunDate::Written(""), 5);
        let completed = Settings {
            staged_status: SendStatus::Completed,
            ..Settings::default()
        };
        assert!(render(row.clone(), &Settings::default()).contains("ERRORED"));
        assert!(render(row, &completed).contains("COMPLETED"));
    }
}
