//! The forms of an export.
//!
//! Owns the names and the order of the fields, and that no cell of a table is taken for a formula. Must not know where the
//! sends come from.

use std::io::{self, Write};

use jiff::Timestamp;
use sends_store::LoggedSend;
use serde::Serialize;

/// A form of an export.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub enum Format {
    /// A table with a line of names, separated by commas
    Csv,
    /// One JSON object a line
    Ndjson,
    /// One JSON array
    Json,
}

/// An export on its way.
pub(super) enum Form<W: Write> {
    Csv(Box<csv::Writer<W>>),
    Ndjson(W),
    Json { out: W, is_empty: bool },
}

/// A send, as every form has it. What is not known is empty in a table and null in JSON.
#[derive(Serialize)]
struct Record<'a> {
    run_date: Option<Timestamp>,
    campaign_id: Option<String>,
    campaign_name: Option<&'a str>,
    activity_id: String,
    send_id: i32,
    outcome: &'a str,
    send_status: Option<&'a str>,
    count: Option<i64>,
    reason_code: Option<i32>,
    reason: Option<&'a str>,
    meaning: Option<&'a str>,
    remedy: Option<&'a str>,
    contact_list_ids: Vec<&'a str>,
    segment_ids: Vec<i64>,
}

const NAMES: [&str; 14] = [
    "run_date",
    "campaign_id",
    "campaign_name",
    "activity_id",
    "send_id",
    "outcome",
    "send_status",
    "count",
    "reason_code",
    "reason",
    "meaning",
    "remedy",
    "contact_list_ids",
    "segment_ids",
];

impl<'a> Record<'a> {
    fn of(logged: &'a LoggedSend) -> Self {
        let (send, reason) = (&logged.send, logged.send.reason());
        let campaign = logged.campaign.as_ref();
        Self {
            run_date: send.run_date,
            campaign_id: campaign.map(|campaign| campaign.id.to_string()),
            campaign_name: campaign.and_then(|campaign| campaign.name.as_deref()),
            activity_id: logged.activity.to_string(),
            send_id: send.send_id,
            outcome: send.outcome().as_str(),
            send_status: send.send_status.as_ref().map(sends_core::Verbatim::verbatim),
            count: send.count,
            reason_code: send.reason_code.map(sends_core::ReasonCode::get),
            reason: reason.map(|reason| reason.name),
            meaning: reason.map(|reason| reason.meaning),
            remedy: reason.map(|reason| reason.remedy),
            contact_list_ids: send
                .contact_list_ids
                .iter()
                .map(sends_core::ListId::as_str)
                .collect(),
            segment_ids: send.segment_ids.iter().map(|segment| segment.get()).collect(),
        }
    }

    /// Several ids are one cell, with spaces between them.
    fn cells(&self) -> [String; NAMES.len()] {
        let text = |text: Option<&str>| text.map_or_else(String::new, inert);
        let number = |number: Option<i64>| number.map_or_else(String::new, |number| number.to_string());
        let segments: Vec<String> = self.segment_ids.iter().map(ToString::to_string).collect();
        [
            self.run_date.map_or_else(String::new, |date| date.to_string()),
            text(self.campaign_id.as_deref()),
            text(self.campaign_name),
            text(Some(&self.activity_id)),
            self.send_id.to_string(),
            text(Some(self.outcome)),
            text(self.send_status),
            number(self.count),
            number(self.reason_code.map(i64::from)),
            text(self.reason),
            text(self.meaning),
            text(self.remedy),
            text(Some(&self.contact_list_ids.join(" "))),
            segments.join(" "),
        ]
    }
}

impl<W: Write> Form<W> {
    pub(super) fn begin(format: Format, mut out: W) -> io::Result<Self> {
        Ok(match format {
            Format::Csv => {
                let mut table = csv::Writer::from_writer(out);
                table.write_record(NAMES).map_err(written)?;
                Self::Csv(Box::new(table))
            }
            Format::Ndjson => Self::Ndjson(out),
            Format::Json => {
                out.write_all(b"[")?;
                Self::Json { out, is_empty: true }
            }
        })
    }

    pub(super) fn write(&mut self, logged: &LoggedSend) -> io::Result<()> {
        let record = Record::of(logged);
        match self {
            Self::Csv(table) => table.write_record(record.cells()).map_err(written),
            Self::Ndjson(out) => {
                serde_json::to_writer(&mut *out, &record)?;
                out.write_all(b"\n")
            }
            Self::Json { out, is_empty } => {
                out.write_all(if *is_empty { b"\n" } else { b",\n" })?;
                *is_empty = false;
                Ok(serde_json::to_writer(out, &record)?)
            }
        }
    }

    pub(super) fn end(self) -> io::Result<()> {
        match self {
            Self::Csv(mut table) => table.flush(),
            Self::Ndjson(mut out) => out.flush(),
            Self::Json { mut out, .. } => {
                out.write_all(b"\n]\n")?;
                out.flush()
            }
        }
    }
}

/// The only errors of a table whose rows are all of one length are the writer's own.
fn written(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

/// The text as a spreadsheet will show it and not calculate it. Programs take a cell for a formula by its first sign, some of
/// them after spaces, and some by the wide forms that Asian keyboards write; an apostrophe before it makes it a text.
fn inert(text: &str) -> String {
    const SIGNS: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];
    let is_formula = text.starts_with(['\t', '\r', '\n']) || text.trim_start().starts_with(SIGNS);
    if is_formula {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use sends_core::{Campaign, CampaignId, SendAttempt};

    use super::*;

    fn sends() -> Vec<LoggedSend> {
        let logged = |name: &str, json: &str| LoggedSend {
            activity: "1ead98be-dfa0-4e04-81f7-5f1534d42e9c".parse().unwrap(),
            ordinal: 0,
            repeat: 0,
            campaign: Some(Campaign {
                id: CampaignId::from_bytes([7; 16]),
                name: Some(name.to_owned()),
                status: None,
                campaign_type: None,
                type_code: None,
                created_at: None,
                updated_at: None,
            }),
            send: serde_json::from_str::<SendAttempt>(json).unwrap(),
        };
        let full = r#"{"send_id": 1, "contact_list_ids": ["a", "b"], "count": 2, "run_date": "2019-04-18T20:03:08.108Z",
                       "send_status": "COMPLETED", "reason_code": 7}"#;
        let mut bare = logged("", r#"{"send_id": -2, "segment_ids": [3, 4]}"#);
        bare.campaign = None;
        vec![logged(r#"=HYPERLINK("x"), "y""#, full), bare]
    }

    fn written(format: Format) -> String {
        let mut out = Vec::new();
        let mut form = Form::begin(format, &mut out).unwrap();
        for send in &sends() {
            form.write(send).unwrap();
        }
        form.end().unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_form_has_every_field() {
        assert_snapshot!(written(Format::Csv), @r#"
        run_date,campaign_id,campaign_name,activity_id,send_id,outcome,send_status,count,reason_code,reason,meaning,remedy,contact_list_ids,segment_ids
        2019-04-18T20:03:08.108Z,07070707-0707-0707-0707-070707070707,"'=HYPERLINK(""x""), ""y""",1ead98be-dfa0-4e04-81f7-5f1534d42e9c,1,FAILED,COMPLETED,2,7,INVALID_IMAGES,Images in the email are missing or cannot be used.,"Replace or remove the images concerned, then schedule the email again.",a b,
        ,,,1ead98be-dfa0-4e04-81f7-5f1534d42e9c,-2,UNKNOWN,,,,,,,,3 4
        "#);
        assert_snapshot!(written(Format::Ndjson), @r#"
        {"run_date":"2019-04-18T20:03:08.108Z","campaign_id":"07070707-0707-0707-0707-070707070707","campaign_name":"=HYPERLINK(\"x\"), \"y\"","activity_id":"1ead98be-dfa0-4e04-81f7-5f1534d42e9c","send_id":1,"outcome":"FAILED","send_status":"COMPLETED","count":2,"reason_code":7,"reason":"INVALID_IMAGES","meaning":"Images in the email are missing or cannot be used.","remedy":"Replace or remove the images concerned, then schedule the email again.","contact_list_ids":["a","b"],"segment_ids":[]}
        {"run_date":null,"campaign_id":null,"campaign_name":null,"activity_id":"1ead98be-dfa0-4e04-81f7-5f1534d42e9c","send_id":-2,"outcome":"UNKNOWN","send_status":null,"count":null,"reason_code":null,"reason":null,"meaning":null,"remedy":null,"contact_list_ids":[],"segment_ids":[3,4]}
        "#);
        let json: serde_json::Value = serde_json::from_str(&written(Format::Json)).unwrap();
        let lines = written(Format::Ndjson);
        let lines: Vec<serde_json::Value> = lines
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(json, serde_json::Value::Array(lines));
        let names: Vec<&str> = json[0].as_object().unwrap().keys().map(String::as_str).collect();
        let mut expected = NAMES;
        expected.sort_unstable();
        assert_eq!(names, expected);
    }

    #[test]
    fn an_export_of_nothing_is_well_formed() {
        for (format, expected) in [(Format::Ndjson, ""), (Format::Json, "[\n]\n")] {
            let mut out = Vec::new();
            Form::begin(format, &mut out).unwrap().end().unwrap();
            assert_eq!(out, expected.as_bytes());
        }
    }

    #[test]
    fn no_text_is_a_formula() {
        for text in [
            "=1", "+1", "-1", "@x", "\tx", "\rx", "\n=1", "  =1", "\u{a0}-1", "＝1",
        ] {
            assert_eq!(inert(text), format!("'{text}"));
        }
        for text in ["", "a=1", "1-2", "'=1", " x"] {
            assert_eq!(inert(text), text);
        }
    }
}
