//! The one way this crate writes an enum whose values the upstream defines.
//!
//! Owns that such a set is open: a value that is not documented is kept verbatim, the known ones are recognised in any
//! case, and `as_str`, `Display` and serde agree on the spelling. Must not be used for what this project defines itself:
//! that is [`closed_enum`](crate::closed_enum)'s.

/// The enum gets one variant more than it is written with: `Other`, with the text as it came.
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
            /// A value that is not documented, verbatim. Made by `from`, which keeps the known values out of here.
            Other(alloc::boxed::Box<str>),
        }

        impl $name {
            /// The value in the upstream's spelling.
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
