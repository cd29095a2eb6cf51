//! Account summary and user privileges. The owner's personal data in the upstream's summary is not decoded.

use alloc::string::String;
use alloc::vec::Vec;

use crate::fields::{Fields, is_not};
use crate::json::{self, read_as_object};
use crate::json_repair::repair_json;
use crate::lenient::Prose;
use crate::{DecodeError, Decoded, FromJson, Oddities};

/// Summary of the account that an access token belongs to (`/account/summary`). A field is `None` when its member is missing,
/// null or unreadable.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct AccountSummary {
    /// Id of the account, shared by all of its users and tokens.
    pub encoded_account_id: Option<String>,
    /// Display name of the account, with HTML entities decoded.
    pub organization_name: Option<String>,
    /// Time zone of the account, such as `US/Eastern`.
    pub time_zone_id: Option<String>,
    /// Number of values that could not be decoded and are `None`. Normally 0.
    pub unreadable_values: usize,
}

/// Members that are not decoded but identify a response as an account summary.
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

/// Privilege of a user.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Privilege {
    /// Name of the privilege, such as `campaign:read`.
    pub privilege_name: String,
}

/// Privileges of the user that an access token belongs to (`/account/user/privileges`). Entries without a readable name are
/// omitted.
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
