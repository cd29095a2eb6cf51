//! Ids of campaigns and email activities. A well-formed id may be unknown to the upstream.

use alloc::string::String;
use core::fmt;

use uuid::Uuid;

use crate::excerpt::excerpt;

/// Defines a UUID id type. `$kind` is its name in error messages, with the article.
macro_rules! uuid_identifier {
    ($(#[$attribute:meta])* pub struct $name:ident = $kind:literal;) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// Creates an id from its bytes, in the order of their hexadecimal digits.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// Returns the bytes of the id, in the order of their hexadecimal digits.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.0.hyphenated().encode_lower(&mut Uuid::encode_buffer()))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl core::str::FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                parse(text, $kind).map(Self)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct TextVisitor;

                impl serde::de::Visitor<'_> for TextVisitor {
                    type Value = $name;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str(concat!($kind, ", which is a UUID as text"))
                    }

                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$name, E> {
                        text.parse().map_err(E::custom)
                    }
                }

                deserializer.deserialize_str(TextVisitor)
            }
        }
    };
}

uuid_identifier! {
    /// Id of an email activity: the upstream's `campaign_activity_id`, a UUID (documented).
    ///
    /// Parses the hyphenated notation of 36 characters, in any letter case and of any UUID version. Displayed in lower case so
    /// that each activity has one spelling. The upstream's response to a malformed id is not documented, so malformed ids are
    /// rejected before any request.
    ///
    /// ```
    /// use sends_core::ActivityId;
    ///
    /// let id: ActivityId = "1EAD98BE-dfa0-4e04-81f7-5f1534d42e9c".parse()?;
    /// assert_eq!(id.to_string(), "1ead98be-dfa0-4e04-81f7-5f1534d42e9c");
    ///
    /// let error = "1ead98be".parse::<ActivityId>().unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "\"1ead98be\" is not an activity id: expected 36 characters, found 8",
    /// );
    /// # Ok::<(), sends_core::ParseIdError>(())
    /// ```
    pub struct ActivityId = "an activity id";
}

uuid_identifier! {
    /// Id of a campaign: the upstream's `campaign_id`, a UUID (documented). Parsed and displayed like an [`ActivityId`]. A
    /// campaign's id differs from the ids of its activities.
    ///
    /// ```
    /// use sends_core::CampaignId;
    ///
    /// let id: CampaignId = "CAFE1EAD-0000-4000-8000-000000000001".parse()?;
    /// assert_eq!(id.to_string(), "cafe1ead-0000-4000-8000-000000000001");
    /// # Ok::<(), sends_core::ParseIdError>(())
    /// ```
    pub struct CampaignId = "a campaign id";
}

fn parse(text: &str, kind: &'static str) -> Result<Uuid, ParseIdError> {
    let reject = |problem| ParseIdError {
        excerpt: excerpt(text, EXCERPT_LENGTH, 0),
        kind,
        problem,
    };
    let length = text.chars().count();
    if length != TEXT_LENGTH {
        return Err(reject(Problem::Length(length)));
    }
    for (index, found) in text.chars().enumerate() {
        let hyphen_expected = HYPHENS.contains(&index);
        if hyphen_expected && found != '-' {
            return Err(reject(Problem::NotAHyphen { position: index + 1 }));
        }
        if !hyphen_expected && !found.is_ascii_hexdigit() {
            return Err(reject(Problem::NotADigit { position: index + 1 }));
        }
    }
    Uuid::try_parse(text).map_err(|_| reject(Problem::Other))
}

const TEXT_LENGTH: usize = 36;
const HYPHENS: [usize; 4] = [8, 13, 18, 23];
const EXCERPT_LENGTH: usize = 60;

/// Error returned when a string is not a valid [`ActivityId`] or [`CampaignId`].
///
/// The message contains the kind of id, the problem, and at most 60 characters of the string with control characters escaped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{excerpt}\" is not {kind}: {problem}")]
pub struct ParseIdError {
    excerpt: String,
    kind: &'static str,
    problem: Problem,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Problem {
    Length(usize),
    NotAHyphen {
        position: usize,
    },
    NotADigit {
        position: usize,
    },
    /// Any other syntax error of the UUID parser.
    Other,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length(0) => write!(f, "the text is empty"),
            Self::Length(1) => write!(f, "expected 36 characters, found 1"),
            Self::Length(length) => write!(f, "expected 36 characters, found {length}"),
            Self::NotAHyphen { position } => write!(f, "character {position} of a UUID must be a hyphen"),
            Self::NotADigit { position } => {
                write!(
                    f,
                    "character {position} of a UUID must be a hexadecimal digit (0-9, a-f)"
                )
            }
            Self::Other => write!(f, "it is not a UUID"),
        }
    }
}
