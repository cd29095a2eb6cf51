//! Account summary, and the privileges of its user.

use serde_json::{Value, json};

use super::Call;
use crate::config::{AccountConfig, WrittenRecords};
use crate::reply::Reply;

pub(super) fn summary(call: &Call<'_>) -> Reply {
    let AccountConfig {
        name,
        written_records,
        ..
    } = &call.bearer.account.config;
    let organization = match written_records {
        WrittenRecords::Shop => "The Lantern Bookshop".to_owned(),
        WrittenRecords::Odd | WrittenRecords::None => format!("The Lantern Bookshop ({name})"),
    };
    let digest = crate::bearer::digest(name.as_bytes());
    Reply::ok(&json!({
        "encoded_account_id": format!("a07e{digest:012x}"),
        "organization_name": organization,
        "organization_phone": "555-0100",
        "contact_email": "owner@lantern.example",
        "country_code": "US",
        "state_code": "MA",
        "first_name": "Robin",
        "last_name": "Example",
        "time_zone_id": "US/Eastern",
        "website": "https://lantern.example",
    }))
}

pub(super) fn privileges(call: &Call<'_>) -> Reply {
    let numbered = (30_u32..).zip(call.bearer.privileges(call.settings));
    let privileges: Vec<Value> = numbered
        .map(|(id, name)| json!({"privilege_id": id, "privilege_name": name}))
        .collect();
    Reply::ok(&privileges)
}
