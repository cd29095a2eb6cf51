//! Token and device answers in the forms that were observed.

use bytes::Bytes;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::forms::{Forms, Object};

pub(super) fn rewrite(forms: &mut Forms, asked: &Bytes, body: &mut Object) {
    if body.contains_key("access_token") {
        tokens(forms, asked, body);
    } else {
        number(forms, body, "expires_in");
        number(forms, body, "interval");
    }
}

fn tokens(forms: &mut Forms, asked: &Bytes, body: &mut Object) {
    number(forms, body, "expires_in");
    if forms.one_in(5) {
        forms.remove(body, "expires_in");
    }
    forms.case(body, "token_type");
    if forms.one_in(3) {
        forms.remove(body, "token_type");
    }
    if let Some(scopes) = body.get("scope").and_then(Value::as_str) {
        let array = json!(scopes.split_whitespace().collect::<Vec<_>>());
        match forms.pick(&[0, 1, 2]) {
            0 => drop(body.insert("scope".to_owned(), array)),
            1 => forms.remove(body, "scope"),
            _ => {}
        }
    }
    // Only a refresh token that the client holds already, and that goes on, may be left out.
    let is_held = form_urlencoded::parse(asked)
        .any(|(name, value)| name == "refresh_token" && body.get("refresh_token") == Some(&json!(value)));
    if is_held {
        match forms.pick(&[0, 1, 2]) {
            0 => drop(body.insert("refresh_token".to_owned(), json!(""))),
            1 => forms.remove(body, "refresh_token"),
            _ => {}
        }
    }
}

/// Seconds as a number, as text or as a float.
fn number(forms: &mut Forms, body: &mut Object, name: &str) {
    let Some(seconds) = body.get(name).and_then(Value::as_u64) else {
        return;
    };
    let form = match forms.pick(&[0, 1, 2]) {
        0 => json!(seconds.to_string()),
        // A whole number of seconds that JSON writes with a fraction.
        1 => serde_json::from_str(&format!("{seconds}.0")).unwrap_or(json!(seconds)),
        _ => return,
    };
    body.insert(name.to_owned(), form);
}
