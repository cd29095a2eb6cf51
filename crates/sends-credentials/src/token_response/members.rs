//! Members of a response, parsed individually so that a malformed member does not affect the others.

use std::fmt;

use sends_core::repair_json;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::{Value, value::RawValue};
use url::form_urlencoded;

/// Members of a JSON object or a form in their original order. Members whose value is not JSON are omitted.
pub(super) struct Members {
    members: Vec<(String, Value)>,
    /// Whether the object is complete.
    pub(super) is_whole: bool,
}

impl Members {
    /// Parses the first JSON object, which may be the first element of an array (observed for errors), or a form with an OAuth
    /// member.
    ///
    /// Text after the object is ignored, and an invalid character affects only its string. Returns `None` if the body has no
    /// members.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let text = cleaned(body);
        let text = text.trim_start_matches(is_filler);
        if text.starts_with(['{', '[']) {
            return Self::of_object(text.strip_prefix('[').unwrap_or(text));
        }
        Self::of_form(text.trim_end_matches(is_filler))
    }

    /// Parses an object or a form and, unlike [`read`](Self::read), rejects truncated objects.
    pub(super) fn read_whole(body: &[u8]) -> Option<Self> {
        Self::read(body).filter(|members| members.is_whole)
    }

    pub(super) fn nested(&self, name: &str) -> Option<Self> {
        self.values(name).find_map(|value| {
            Some(Self {
                members: value.as_object()?.clone().into_iter().collect(),
                is_whole: true,
            })
        })
    }

    /// Returns the first of these members that is a number or a non-blank string.
    pub(super) fn text(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| self.values(name).find_map(text_of))
    }

    /// Returns a token that can be sent again. A replacement character, a control character or a space shows that the token was
    /// damaged in transit.
    pub(super) fn token(&self, name: &str) -> Option<String> {
        let is_broken = |character: char| {
            character == char::REPLACEMENT_CHARACTER || character.is_control() || character.is_whitespace()
        };
        self.values(name)
            .filter_map(text_of)
            .find(|token| !token.contains(is_broken))
    }

    /// Returns a finite number, which may be written as a string.
    pub(super) fn number(&self, name: &str) -> Option<f64> {
        self.values(name).find_map(|value| {
            let number = match value {
                Value::Number(number) => number.as_f64()?,
                Value::String(text) => text.trim().parse().ok()?,
                _ => return None,
            };
            number.is_finite().then_some(number)
        })
    }

    pub(super) fn words(&self, name: &str) -> Vec<String> {
        let texts = match self.values(name).next() {
            Some(Value::Array(values)) => values.as_slice(),
            Some(value) => std::slice::from_ref(value),
            None => &[],
        };
        let words = texts.iter().filter_map(Value::as_str).flat_map(|text| {
            text.split(|character: char| character.is_whitespace() || character == ',')
                .filter(|word| !word.is_empty())
        });
        words.map(str::to_owned).collect()
    }

    /// Returns the values of a name, the last value first, because most parsers use the last value. The previous value replaces
    /// an unusable value.
    fn values(&self, name: &str) -> impl Iterator<Item = &Value> {
        self.members
            .iter()
            .rev()
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value)
    }

    fn of_object(text: &str) -> Option<Self> {
        let mut members = Vec::new();
        let mut object = serde_json::Deserializer::from_str(text);
        let is_whole = Collector(&mut members).deserialize(&mut object).is_ok();
        (is_whole || !members.is_empty()).then_some(Self { members, is_whole })
    }

    /// Parses a form. Returns `None` for other text, such as an HTML page, which also parses as a form, but has none of these
    /// names.
    fn of_form(text: &str) -> Option<Self> {
        let members: Vec<_> = form_urlencoded::parse(text.as_bytes())
            .map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())))
            .collect();
        let is_oauth = |(name, _): &(String, Value)| name == "access_token" || name == "error";
        let is_markup = text.starts_with('<');
        (!is_markup && members.iter().any(is_oauth)).then_some(Self {
            members,
            is_whole: true,
        })
    }
}

fn is_filler(character: char) -> bool {
    character == '\u{feff}' || character.is_whitespace()
}

/// Converts the body to text for the JSON parser. Raw control characters become spaces, because line breaks at the ends of a
/// token are not part of the token.
fn cleaned(body: &[u8]) -> String {
    let spaced: Vec<u8> = body
        .iter()
        .map(|byte| if byte.is_ascii_control() { b' ' } else { *byte })
        .collect();
    repair_json(&spaced).into_owned()
}

fn text_of(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// Visitor that collects members individually, so that a syntax error does not affect the members before it.
struct Collector<'m>(&'m mut Vec<(String, Value)>);

impl<'de> DeserializeSeed<'de> for Collector<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Collector<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        while let Some((name, value)) = entries.next_entry::<String, &RawValue>()? {
            // A number beyond the range of a float, for example, is skipped.
            if let Ok(value) = serde_json::from_str(value.get()) {
                self.0.push((name, value));
            }
        }
        Ok(())
    }
}
