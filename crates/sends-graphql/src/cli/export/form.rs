//! Output formats of an export: field names, field order, and protection of CSV cells against formula injection.

use std::{
    borrow::Cow,
    io::{self, Write},
};

use sends_store::LoggedSend;
use serde::{Serialize, Serializer};

#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub enum Format {
    /// Comma-separated values with a header line
    Csv,
    /// One JSON object per line
    Ndjson,
    /// One JSON array
    Json,
}

pub(super) enum Form<W: Write> {
    Csv(Box<csv::Writer<W>>),
    Ndjson(W),
    Json { out: W, is_empty: bool },
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

/// Field value. A missing value becomes an empty CSV cell or a JSON null.
#[derive(Serialize)]
#[serde(untagged)]
enum Field<'s> {
    Text(Option<Cow<'s, str>>),
    Number(Option<i64>),
    Texts(Vec<&'s str>),
    Numbers(Vec<i64>),
}

impl<'s> Field<'s> {
    fn text(text: Option<&'s str>) -> Self {
        Self::Text(text.map(Cow::Borrowed))
    }

    fn written(value: Option<impl ToString>) -> Self {
        Self::Text(value.map(|value| value.to_string().into()))
    }

    /// Returns the CSV cell, in which several ids are separated by spaces.
    fn cell(&self) -> String {
        match self {
            Self::Text(text) => inert(text.as_deref().unwrap_or_default()),
            Self::Number(number) => number.map_or_else(String::new, |number| number.to_string()),
            Self::Texts(texts) => inert(&texts.join(" ")),
            Self::Numbers(numbers) => {
                let numbers: Vec<_> = numbers.iter().map(ToString::to_string).collect();
                numbers.join(" ")
            }
        }
    }
}

fn fields(logged: &LoggedSend) -> [Field<'_>; NAMES.len()] {
    let (send, reason, campaign) = (&logged.send, logged.send.reason(), logged.campaign.as_ref());
    let lists = send.contact_list_ids.iter().map(sends_core::ListId::as_str);
    let segments = send.segment_ids.iter().map(|segment| segment.get());
    [
        Field::written(send.run_date),
        Field::written(campaign.map(|campaign| campaign.id)),
        Field::text(campaign.and_then(|campaign| campaign.name.as_deref())),
        Field::written(Some(logged.activity)),
        Field::Number(Some(send.send_id.into())),
        Field::text(Some(send.outcome().as_str())),
        Field::text(send.send_status.as_ref().map(sends_core::Verbatim::verbatim)),
        Field::Number(send.count),
        Field::Number(send.reason_code.map(|code| code.get().into())),
        Field::text(reason.map(|reason| reason.name)),
        Field::text(reason.map(|reason| reason.meaning)),
        Field::text(reason.map(|reason| reason.remedy)),
        Field::Texts(lists.collect()),
        Field::Numbers(segments.collect()),
    ]
}

fn write_json(out: &mut impl Write, fields: &[Field<'_>]) -> io::Result<()> {
    let mut serializer = serde_json::Serializer::new(out);
    Ok(serializer.collect_map(NAMES.iter().zip(fields))?)
}

impl<W: Write> Form<W> {
    pub(super) fn begin(format: Format, mut out: W) -> io::Result<Self> {
        Ok(match format {
            Format::Csv => {
                let mut table = csv::Writer::from_writer(out);
                table.write_record(NAMES).map_err(io_error)?;
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
        let fields = fields(logged);
        match self {
            Self::Csv(table) => {
                let cells = fields.each_ref().map(Field::cell);
                table.write_record(cells).map_err(io_error)
            }
            Self::Ndjson(out) => {
                write_json(out, &fields)?;
                out.write_all(b"\n")
            }
            Self::Json { out, is_empty } => {
                out.write_all(if *is_empty { b"\n" } else { b",\n" })?;
                *is_empty = false;
                write_json(out, &fields)
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

/// Converts an error of the CSV writer. Only I/O errors are expected, since all rows have the same length.
fn io_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

/// Prefixes a formula with an apostrophe, so that spreadsheets display it as text. Spreadsheets recognise a formula by its first
/// character. Some spreadsheets skip leading spaces or accept the full-width form of the character.
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
    fn every_format_contains_every_field() {
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
    fn empty_export_is_well_formed() {
        for (format, expected) in [(Format::Ndjson, ""), (Format::Json, "[\n]\n")] {
            let mut out = Vec::new();
            Form::begin(format, &mut out).unwrap().end().unwrap();
            assert_eq!(out, expected.as_bytes());
        }
    }

    #[test]
    fn formulas_are_escaped() {
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
