//! One row of a send history.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::clock::Moment;
use crate::config::settings::{SendStatus, Settings};

/// Row as the JSON object that is sent. No member is documented as required, and tests append rows with any content.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(from = "Map<String, Value>")]
pub(crate) struct Send {
    members: Map<String, Value>,
    /// Whether the settings determine the status of the reason codes 5 and 6.
    status_from_settings: bool,
}

impl From<Map<String, Value>> for Send {
    fn from(members: Map<String, Value>) -> Self {
        Self {
            members,
            status_from_settings: true,
        }
    }
}

impl Send {
    pub(crate) fn new(
        send_id: i64,
        lists: &[Uuid],
        segments: &[i64],
        count: i64,
        run_at: Moment,
        reason_code: i64,
    ) -> Self {
        let audience = if segments.is_empty() {
            ("contact_list_ids", json!(lists))
        } else {
            ("segment_ids", json!(segments))
        };
        // Code 12, an empty audience, has the status COMPLETED (documented).
        let status = if matches!(reason_code, 0 | 12) {
            "COMPLETED"
        } else {
            "ERRORED"
        };
        let members = [
            ("send_id", json!(send_id)),
            audience,
            ("count", json!(count)),
            ("run_date", json!(run_at)),
            ("send_status", json!(status)),
            ("reason_code", json!(reason_code)),
        ];
        let members = members.map(|(name, value)| (name.to_owned(), value));
        Map::from_iter(members).into()
    }

    pub(crate) fn verbatim(members: Map<String, Value>) -> Self {
        Self {
            members,
            status_from_settings: false,
        }
    }

    pub(crate) fn with_status(mut self, status: &str) -> Self {
        self.members.insert("send_status".to_owned(), json!(status));
        self
    }

    pub(crate) fn send_id(&self) -> Option<i64> {
        self.members.get("send_id")?.as_i64()
    }

    pub(crate) fn reason_code(&self) -> Option<i64> {
        self.members.get("reason_code")?.as_i64()
    }

    pub(crate) fn run_at(&self) -> Option<Moment> {
        Moment::parse(self.members.get("run_date")?.as_str()?)
    }

    pub(crate) fn failed(&self) -> bool {
        !matches!(self.reason_code(), Some(0 | 6 | 12))
    }

    pub(crate) fn reached(&self) -> i64 {
        let count = self.members.get("count").and_then(Value::as_i64).unwrap_or(0);
        match self.reason_code() {
            Some(0) => count,
            Some(6) => count / 2,
            _ => 0,
        }
    }

    pub(crate) fn rendered(&self, settings: &Settings) -> Map<String, Value> {
        let status = match self.reason_code() {
            Some(5) => settings.staged_status,
            Some(6) => settings.partial_status,
            _ => return self.members.clone(),
        };
        let status = match status {
            SendStatus::Completed => "COMPLETED",
            SendStatus::Errored => "ERRORED",
        };
        if self.status_from_settings {
            self.clone().with_status(status).members
        } else {
            self.members.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn send(reason_code: i64) -> Send {
        Send::new(1, &[], &[14], 3, Moment(0), reason_code)
    }

    #[test]
    fn row_to_segments_has_no_lists_key() {
        let row = send(0).rendered(&Settings::default());
        insta::assert_snapshot!(
            serde_json::to_string(&row).unwrap(),
            @r#"{"count":3,"reason_code":0,"run_date":"1970-01-01T00:00:00.000Z","segment_ids":[14],"send_id":1,"send_status":"COMPLETED"}"#
        );
    }

    #[test]
    fn empty_audience_has_the_status_completed() {
        assert_eq!(
            send(12).rendered(&Settings::default())["send_status"],
            "COMPLETED"
        );
    }

    #[test]
    fn status_of_a_staged_send_follows_the_setting() {
        let completed = Settings {
            staged_status: SendStatus::Completed,
            ..Settings::default()
        };
        assert_eq!(send(5).rendered(&Settings::default())["send_status"], "ERRORED");
        assert_eq!(send(5).rendered(&completed)["send_status"], "COMPLETED");
        let verbatim = Send::verbatim(send(5).members);
        assert_eq!(verbatim.rendered(&completed)["send_status"], "ERRORED");
    }
}
