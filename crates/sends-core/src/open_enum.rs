//! Enums of the upstream's values. Unknown values are preserved, and known values are recognised in any letter case. Enums of
//! this project's own values are [closed](crate::closed_enum).

use alloc::boxed::Box;
use alloc::string::String;
use core::ops::Deref;

use serde::ser::{Serialize, Serializer};

/// Open enum: a set of upstream values that may grow.
pub trait OpenSet: for<'a> From<&'a str> {
    /// Returns the documented spelling of a known value, or the upstream's spelling of an undocumented value.
    fn name(&self) -> &str;
}

/// Value of an open enum, with the upstream's spelling.
///
/// Equality includes the spelling. Dereference to compare only the values.
///
/// ```
/// use sends_core::{SendStatus, Verbatim};
///
/// let status: Verbatim<SendStatus> = "Completed".into();
/// assert_eq!(*status, SendStatus::Completed);
/// assert_eq!(status.verbatim(), "Completed");
/// assert_eq!(status.as_str(), "COMPLETED");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Verbatim<T> {
    value: T,
    /// `None` if the upstream used the documented spelling.
    spelling: Option<Box<str>>,
}

impl<T: OpenSet> Verbatim<T> {
    /// Returns the upstream's spelling.
    pub fn verbatim(&self) -> &str {
        self.spelling.as_deref().unwrap_or_else(|| self.value.name())
    }

    /// Returns the upstream's spelling, or `None` if it is the documented spelling.
    pub fn other_spelling(&self) -> Option<&str> {
        self.spelling.as_deref()
    }
}

impl<T> Deref for Verbatim<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> From<T> for Verbatim<T> {
    fn from(value: T) -> Self {
        Self {
            value,
            spelling: None,
        }
    }
}

impl<T: OpenSet> From<&str> for Verbatim<T> {
    fn from(text: &str) -> Self {
        let value = T::from(text);
        let spelling = (value.name() != text).then(|| text.into());
        Self { value, spelling }
    }
}

impl<T: OpenSet> From<String> for Verbatim<T> {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl<T: OpenSet> Serialize for Verbatim<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.verbatim())
    }
}

/// Defines an open enum with the additional variant `Other`.
macro_rules! open_enum {
    (
        $(#[$enum_attribute:meta])*
        pub enum $name:ident {
            $( $(#[$variant_attribute:meta])* $variant:ident = $text:literal, )+
        }
    ) => {
        $(#[$enum_attribute])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $( $(#[$variant_attribute])* $variant, )+
            /// An undocumented value in the upstream's spelling. Construct it with `from`, which maps known values to their
            /// variants.
            Other(alloc::boxed::Box<str>),
        }

        impl $name {
            /// Returns the documented spelling of a known value, or the upstream's spelling of an undocumented value.
            pub fn as_str(&self) -> &str {
                match self {
                    $( Self::$variant => $text, )+
                    Self::Other(text) => text,
                }
            }

            fn known(text: &str) -> Option<Self> {
                $( if text.eq_ignore_ascii_case($text) {
                    return Some(Self::$variant);
                } )+
                None
            }
        }

        impl crate::open_enum::OpenSet for $name {
            fn name(&self) -> &str {
                self.as_str()
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::known(text).unwrap_or_else(|| Self::Other(text.into()))
            }
        }

        impl From<alloc::string::String> for $name {
            fn from(text: alloc::string::String) -> Self {
                Self::known(&text).unwrap_or_else(|| Self::Other(text.into()))
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                alloc::string::String::deserialize(deserializer).map(Self::from)
            }
        }
    };
}

pub(crate) use open_enum;
