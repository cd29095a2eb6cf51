//! The one way this crate writes an enum whose values it defines itself.
//!
//! Owns that such an enum has one text per value, and that `as_str`, `Display` and serde agree on it. Must not be
//! used for what the upstream defines: those sets are open, see [`SendStatus`](crate::SendStatus) and
//! [`ReasonCode`](crate::ReasonCode).

macro_rules! closed_enum {
    (
        $(#[$enum_attribute:meta])*
        pub enum $name:ident {
            $( $(#[$variant_attribute:meta])* $variant:ident = $text:literal, )+
        }
    ) => {
        $(#[$enum_attribute])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $( $(#[$variant_attribute])* #[serde(rename = $text)] $variant, )+
        }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: [Self; [$($text),+].len()] = [$(Self::$variant),+];

            /// The value's name in upper case with underscores, as it is displayed and serialised.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $( Self::$variant => $text, )+
                }
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

pub(crate) use closed_enum;
