//! The JSON of a body, with an end to how many values it may have.
//!
//! A megabyte holds some hundred thousand values, and each costs far more than its bytes once it has been read. So they are
//! counted while they are read, and what has too many is not read to its end.

use std::{cell::Cell, fmt};

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Why a body is no JSON that can be used.
#[derive(Debug)]
pub(super) enum Unreadable {
    /// It has more values than it may.
    TooMany,
    /// It is not JSON.
    Malformed(serde_json::Error),
}

/// Reads one JSON text of at most so many values, those within others included.
pub(super) fn read(text: &[u8], most: usize) -> Result<Value, Unreadable> {
    let left = Cell::new(most);
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let value = Counted(&left).deserialize(&mut deserializer);
    let ended = value.and_then(|value| deserializer.end().map(|()| value));
    ended.map_err(|error| {
        if error.is_data() {
            Unreadable::TooMany
        } else {
            Unreadable::Malformed(error)
        }
    })
}

/// How many more values there may be.
#[derive(Clone, Copy)]
struct Counted<'c>(&'c Cell<usize>);

impl<'de> DeserializeSeed<'de> for Counted<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let left = self.0.get().checked_sub(1);
        self.0
            .set(left.ok_or_else(|| D::Error::custom("too many values"))?);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Counted<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            list.push(item);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            object.insert(name, members.next_value_seed(self)?);
        }
        Ok(object.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_what_the_library_reads() {
        for text in [
            "null",
            "-3",
            "18446744073709551615",
            "1.5e3",
            r#""a\u00e9\n""#,
            r#" {"a": [true, {"b": null}], "a": [false, 1e400.0]} "#,
            r#"{"a": [true, {"b": null}], "c": {}, "a": 2}"#,
            "[",
            "",
            "1 2",
        ] {
            let ours = read(text.as_bytes(), 100).ok();
            assert_eq!(ours, serde_json::from_str(text).ok(), "{text}");
        }
    }

    #[test]
    fn every_value_counts_however_deep() {
        let text = br#"{"a": [1, {"b": 2}], "c": "d"}"#;
        assert!(read(text, 6).is_ok());
        assert!(matches!(read(text, 5), Err(Unreadable::TooMany)));
        assert!(matches!(read(b"{\"a\": ", 5), Err(Unreadable::Malformed(_))));
        assert!(matches!(read(b"[1, 2", 1), Err(Unreadable::TooMany)));
    }
}
