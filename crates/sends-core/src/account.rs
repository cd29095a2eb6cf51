//! The account behind a token.
//!
//! The upstream's summary holds the owner's personal data too, name, telephone and address, none of which is read.

use alloc::string::String;
use alloc::vec::Vec;

use crate::fields::{Fields, is_not};
use crate::json::{self, read_as_object};
use crate::json_repair::repair_json;
use crate::lenient::Prose;
use crate::{DecodeError, Decoded, FromJson, Oddities};

/// Whose account a token belongs to (`/account/summary`). Any field may be missing.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct AccountSummary {
    /// The account's id, the same for every user and token of it.
    pub encoded_account_id: Option<String>,
    /// The account's name, for people, freed of HTML escapes.
    pub organization_name: Option<String>,
    /// The account's time zone, such as `US/Eastern`.
    pub time_zone_id: Option<String>,
    /// How many of these values could not be read, and are missing. 0 as a rule.
    pub unreadable_values: usize,
}

/// The members of a summary that are not read, by which it is known as one.
const UNREAD: [&str; 11] = [
    "company_logo",
    "contact_email",
    "contact_phone",
    "country_code",
    "first_name",
    "last_name",
    "organization_phone",
    "physical_address",
    "state_code",
    "state_name",
    "website",
];

read_as_object! {
    AccountSummary = "an account summary", |fields, oddities| {
        let read = ["encoded_account_id", "organization_name", "time_zone_id"];
        fields.require_any(&[&read[..], &UNREAD].concat())?;
        Self {
            encoded_account_id: fields.read("encoded_account_id", oddities),
            organization_name: fields.read("organization_name", oddities).map(|Prose(name)| name),
            time_zone_id: fields.read("time_zone_id", oddities),
            unreadable_values: oddities.values,
        }
    }
}

/// One thing that the user behind a token may do.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Privilege {
    /// Its name, such as `campaign:read`.
    pub privilege_name: String,
}

/// Everything that the user behind a token may do (`/account/user/privileges`). An entry without a name is left out.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Privileges(pub Vec<Privilege>);

impl FromJson for Privileges {
    fn decode(json: &[u8]) -> Result<Decoded<Self>, DecodeError> {
        let json = repair_json(json);
        let mut oddities = Oddities::default();
        let mut privileges = Vec::new();
        for entry in json::array(&json, "a list of privileges", &mut oddities)? {
            match Fields::of(entry, "a privilege").map(|fields| fields.require("privilege_name")) {
                Some(Ok(privilege_name)) => privileges.push(Privilege { privilege_name }),
                Some(Err(error)) => oddities.record(|| alloc::format!("{error}")),
                None => oddities.record(|| is_not(entry, "a privilege, which is an object")),
            }
        }
        Ok(Decoded {
            value: Self(privileges),
            oddities,
        })
    }
}
