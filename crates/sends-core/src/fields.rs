//! Members of a JSON object, decoded individually: an unreadable value is counted and does not affect the other members. A
//! duplicate member is unreadable because its value is ambiguous.

use alloc::borrow::Cow;
use alloc::format;
use alloc::vec::Vec;
use core::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::excerpt::excerpt;
use crate::lenient::Lenient;
use crate::{DecodeError, Oddities};

/// JSON object with unparsed members.
pub(crate) struct Fields<'a> {
    members: Vec<(Cow<'a, str>, &'a RawValue)>,
    /// Name of the object in error messages, with its article.
    what: &'static str,
}

/// Result of a member lookup.
#[derive(Clone, Copy)]
pub(crate) enum Member<'a> {
    /// Missing or null.
    Absent,
    /// JSON text of the value.
    Json(&'a str),
    /// Several members have this name.
    Repeated,
}

impl<'a> Fields<'a> {
    /// Parses `json`, which is a single value. Returns `None` for any value other than an object.
    pub(crate) fn of(json: &'a str, what: &'static str) -> Option<Self> {
        Some(Self::new(serde_json::from_str(json).ok()?, what))
    }

    pub(crate) fn new(Members(members): Members<'a>, what: &'static str) -> Self {
        Self { members, what }
    }

    /// Looks up a member by its name, which is case-sensitive.
    pub(crate) fn member(&self, name: &str) -> Member<'a> {
        let mut found = self.members.iter().filter(|(key, _)| key == name);
        match (found.next(), found.next()) {
            (None, _) => Member::Absent,
            (Some(_), Some(_)) => Member::Repeated,
            (Some((_, value)), None) if value.get() == "null" => Member::Absent,
            (Some((_, value)), None) => Member::Json(value.get()),
        }
    }

    /// Returns the members with a matching name, one per distinct name.
    pub(crate) fn distinct(&self, is_meant: impl Fn(&str) -> bool) -> Vec<Member<'a>> {
        let mut names: Vec<&str> = self
            .members
            .iter()
            .map(|(key, _)| &**key)
            .filter(|key| is_meant(key))
            .collect();
        names.sort_unstable();
        names.dedup();
        names.into_iter().map(|name| self.member(name)).collect()
    }

    /// Returns the value of a member, or `None` when the member is missing, null or unreadable.
    pub(crate) fn read<T: Lenient>(&self, name: &str, oddities: &mut Oddities) -> Option<T> {
        read(name, &self.member(name), oddities)
    }

    /// Same as [`read`](Self::read), but counts a missing or null member as unreadable.
    pub(crate) fn expect<T: Lenient>(&self, name: &str, oddities: &mut Oddities) -> Option<T> {
        self.expect_member(name, oddities);
        self.read(name, oddities)
    }

    /// Counts a missing or null member as an unreadable value.
    pub(crate) fn expect_member(&self, name: &str, oddities: &mut Oddities) {
        if matches!(self.member(name), Member::Absent) {
            oddities.value(|| format!("field {name}: missing or null"));
        }
    }

    pub(crate) fn list<T: Lenient>(&self, name: &str, oddities: &mut Oddities) -> Vec<T> {
        let mut values = Vec::new();
        for (json, index) in self.elements(name, oddities).into_iter().zip(0_usize..) {
            match T::read(json) {
                Some(value) => values.push(value),
                None => oddities.value(|| format!("field {name}[{index}]: {}", is_not(json, T::EXPECTED))),
            }
        }
        values
    }

    pub(crate) fn elements(&self, name: &str, oddities: &mut Oddities) -> Vec<&'a str> {
        let json = match self.member(name) {
            Member::Absent => return Vec::new(),
            Member::Json(json) => json,
            Member::Repeated => {
                oddities.value(|| format!("field {name}: {REPEATED}"));
                return Vec::new();
            }
        };
        elements(json).unwrap_or_else(|| {
            oddities.value(|| format!("field {name}: {}", is_not(json, "an array")));
            Vec::new()
        })
    }

    /// Returns the members of a nested object, or `None` when the object is missing, null or unreadable.
    pub(crate) fn object(&self, name: &str, oddities: &mut Oddities) -> Option<Self> {
        let json = match self.member(name) {
            Member::Absent => return None,
            Member::Json(json) => json,
            Member::Repeated => {
                oddities.value(|| format!("field {name}: {REPEATED}"));
                return None;
            }
        };
        let fields = Self::of(json, self.what);
        if fields.is_none() {
            oddities.value(|| format!("field {name}: {}", is_not(json, "an object")));
        }
        fields
    }

    pub(crate) fn require<T: Lenient>(&self, name: &str) -> Result<T, DecodeError> {
        let reject = |reason: &str| DecodeError::new(self.what, name, reason);
        match self.member(name) {
            Member::Absent => Err(reject("missing or null")),
            Member::Repeated => Err(reject(REPEATED)),
            Member::Json(json) => T::read(json).ok_or_else(|| reject(&is_not(json, T::EXPECTED))),
        }
    }

    /// Requires at least one of these members, readable or not. An error body in place of the resource has none of them.
    pub(crate) fn require_any(&self, names: &[&str]) -> Result<(), DecodeError> {
        let is_present = |name: &&str| !matches!(self.member(name), Member::Absent);
        if names.iter().any(is_present) {
            return Ok(());
        }
        Err(DecodeError::new(
            self.what,
            "",
            "the response has none of its members",
        ))
    }

    /// Requires that a response has the requested id. A missing or unreadable id is accepted and counted.
    pub(crate) fn confirm<T: Lenient + PartialEq>(
        &self,
        name: &str,
        requested: &T,
        oddities: &mut Oddities,
    ) -> Result<(), DecodeError> {
        match self.read::<T>(name, oddities) {
            Some(other) if other != *requested => {
                Err(DecodeError::new(self.what, name, "not the requested id"))
            }
            Some(_) => Ok(()),
            None => {
                self.expect_member(name, oddities);
                Ok(())
            }
        }
    }
}

/// Returns the value of a member, or `None` when the member is missing, null or unreadable.
pub(crate) fn read<T: Lenient>(name: &str, member: &Member<'_>, oddities: &mut Oddities) -> Option<T> {
    let json = match *member {
        Member::Absent => return None,
        Member::Json(json) => json,
        Member::Repeated => {
            oddities.value(|| format!("field {name}: {REPEATED}"));
            return None;
        }
    };
    let value = T::read(json);
    if value.is_none() {
        oddities.value(|| format!("field {name}: {}", is_not(json, T::EXPECTED)));
    }
    value
}

pub(crate) fn elements(json: &str) -> Option<Vec<&str>> {
    let elements: Vec<&RawValue> = serde_json::from_str(json).ok()?;
    Some(elements.into_iter().map(RawValue::get).collect())
}

pub(crate) fn is_not(json: &str, expected: &str) -> alloc::string::String {
    format!("{} is not {expected}", excerpt(json, EXCERPT_LENGTH, 0))
}

const REPEATED: &str = "the member is repeated";
const EXCERPT_LENGTH: usize = 40;

/// Members of an object in input order. A derived `Deserialize` implementation would also accept an array.
pub(crate) struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

        struct ObjectVisitor;

        impl<'de> Visitor<'de> for ObjectVisitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::with_capacity(8);
                while let Some((Key(key), value)) = entries.next_entry()? {
                    members.push((key, value));
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(ObjectVisitor)
    }
}
