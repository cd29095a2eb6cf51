//! Token and device responses in observed and possible variants.

use bytes::Bytes;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::forms::{Forms, Object};
use super::odd_text::{ODD, written};
use crate::reply::Reply;

/// Average number of token responses per response that is a form instead of JSON.
const FORM_ANSWERS: usize = 6;

/// Text before a response, which a gateway adds.
const BEFORE: [&str; 4] = ["", "", "\u{feff}", "\r\n\u{feff} "];
const AFTER: [&str; 6] = [
    "",
    "",
    "\n",
    "\0\0\0",
    "\n<!-- node 7 -->",
    "{\"access_token\":null}",
];

fn unknown_members(forms: &mut Forms, body: &mut Object) {
    for name in ["a_note", "z_note"] {
        if forms.one_in(2) {
            let odd = forms.pick(&ODD);
            let (in_name, in_value) = forms.pick(&[(true, false), (false, true), (true, true)]);
            let odd = |is_odd: bool| if is_odd { odd.to_string() } else { String::new() };
            body.insert(
                format!("{name}{}", odd(in_name)),
                json!(format!("note {}", odd(in_value))),
            );
        }
    }
}

pub(super) fn write(forms: &mut Forms, mut body: Object, reply: &mut Reply) {
    let is_flat = body.values().all(|value| !value.is_array() && !value.is_null());
    if body.contains_key("access_token") && is_flat && forms.one_in(FORM_ANSWERS) {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        reply.body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(body.iter().map(|(name, value)| (name, text(value))))
            .finish()
            .into();
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        reply.headers.retain(|(name, _)| name != CONTENT_TYPE);
        reply.headers.push((CONTENT_TYPE, form));
        return;
    }
    unknown_members(forms, &mut body);
    let (before, after) = (forms.pick(&BEFORE), forms.pick(&AFTER));
    let body = written(&Value::Object(body));
    reply.body = [before.as_bytes(), &body, after.as_bytes()].concat().into();
}

pub(super) fn rewrite(forms: &mut Forms, request: &Bytes, body: &mut Object) {
    if body.contains_key("access_token") {
        tokens(forms, request, body);
    } else {
        number(forms, body, "expires_in");
        number(forms, body, "interval");
    }
}

fn tokens(forms: &mut Forms, request: &Bytes, body: &mut Object) {
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
    // Only the refresh token of the request, which stays valid, may be omitted.
    let is_unchanged = form_urlencoded::parse(request)
        .any(|(name, value)| name == "refresh_token" && body.get("refresh_token") == Some(&json!(value)));
    if is_unchanged {
        match forms.pick(&[0, 1, 2]) {
            0 => drop(body.insert("refresh_token".to_owned(), json!(""))),
            1 => forms.remove(body, "refresh_token"),
            _ => {}
        }
    }
}

fn number(forms: &mut Forms, body: &mut Object, name: &str) {
    let Some(seconds) = body.get(name).and_then(Value::as_u64) else {
        return;
    };
    let form = match forms.pick(&[0, 1, 2]) {
        0 => json!(seconds.to_string()),
        1 => serde_json::from_str(&format!("{seconds}.0")).unwrap_or(json!(seconds)),
        _ => return,
    };
    body.insert(name.to_owned(), form);
}
