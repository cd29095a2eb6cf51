//! Owns the control requests under `/_sandbox`: what tests read and change while the sandbox runs. They are neither
//! limited nor logged. Must not know how any of it is done.

mod changes;
mod tokens;

use bytes::Bytes;
use http::request::Parts;
use http::{Method, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::data::account::Account;
use crate::faults::Fault;
use crate::reply::Reply;
use crate::upstream::Upstream;

const MOST_IDS: u64 = 100_000;

pub(crate) fn answer(upstream: &Upstream, parts: &Parts, body: &Bytes) -> Reply {
    let path = parts.uri.path().trim_start_matches("/_sandbox").trim_matches('/');
    let query = parts.uri.query().unwrap_or_default();
    let answered = match (parts.method.as_str(), path) {
        ("GET", "requests") => requests(upstream, query),
        ("DELETE", "requests") => {
            upstream.log.clear();
            Ok(Value::Null)
        }
        ("GET", "counters") => counters(upstream),
        ("POST", "reset") => {
            upstream.reset();
            Ok(Value::Null)
        }
        ("GET", "faults") => shown(&upstream.faults.shown()),
        ("POST", "faults") => add_faults(upstream, body),
        ("DELETE", "faults") => remove_faults(upstream, query),
        ("GET", "config") => shown(&*upstream.settings()),
        ("POST" | "PATCH", "config") => configure(upstream, body),
        ("GET", "activities") => activities(upstream, query),
        ("POST", "sends") => parsed(body).and_then(|change| changes::apply(upstream, change)),
        ("GET", "clock") => Ok(json!({"now": upstream.clock.now()})),
        ("POST", "clock") => parsed(body).map(|advance| advance_clock(upstream, &advance)),
        ("POST", "tokens") => parsed(body).and_then(|asked| tokens::issue(upstream, asked)),
        ("POST", "tokens/revoke") => parsed(body).map(|asked| tokens::revoke(upstream, &asked)),
        ("POST", "devices") => parsed(body).and_then(|decision| tokens::decide(upstream, &decision)),
        _ => {
            return refused(
                StatusCode::NOT_FOUND,
                "There is no such control request; the crate's documentation lists them.",
            );
        }
    };
    match answered {
        Ok(Value::Null) => Reply::empty(StatusCode::NO_CONTENT),
        Ok(value) if parts.method == Method::POST && path == "faults" => {
            Reply::json(StatusCode::CREATED, &value)
        }
        Ok(value) => Reply::ok(&value),
        Err(Refusal(status, why)) => refused(status, &why),
    }
}

/// Why a control request is not done.
struct Refusal(StatusCode, String);

impl Refusal {
    fn bad(why: &impl ToString) -> Self {
        Self(StatusCode::BAD_REQUEST, why.to_string())
    }

    fn missing(why: &impl ToString) -> Self {
        Self(StatusCode::NOT_FOUND, why.to_string())
    }
}

type Answered = Result<Value, Refusal>;

fn refused(status: StatusCode, why: &str) -> Reply {
    Reply::json(status, &json!({"error": why}))
}

fn parsed<T: DeserializeOwned>(body: &Bytes) -> Result<T, Refusal> {
    let body: &[u8] = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|error| Refusal::bad(&error))
}

fn shown(value: &impl serde::Serialize) -> Answered {
    serde_json::to_value(value).map_err(|error| Refusal(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
}

fn number(query: &str, name: &str) -> Result<Option<u64>, Refusal> {
    text(query, name)
        .map(|value| {
            value
                .parse()
                .map_err(|_| Refusal::bad(&format!("{name} must be a whole number")))
        })
        .transpose()
}

fn text(query: &str, name: &str) -> Option<String> {
    form_urlencoded::parse(query.as_bytes())
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

fn requests(upstream: &Upstream, query: &str) -> Answered {
    let entries = upstream.log.entries(number(query, "from")?.unwrap_or(0));
    shown(&json!({"requests": entries}))
}

fn counters(upstream: &Upstream) -> Answered {
    let mut counters = shown(&upstream.log.counters())?;
    counters["keys"] = shown(&upstream.limits.counters())?;
    counters["token_endpoint"] = shown(&upstream.token_limits.counters())?;
    Ok(counters)
}

/// One fault, or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    More(Vec<Value>),
    One(Value),
}

fn add_faults(upstream: &Upstream, body: &Bytes) -> Answered {
    let faults = match parsed(body)? {
        OneOrMore::More(faults) => faults,
        OneOrMore::One(fault) => vec![fault],
    };
    // All are read before any is added, so that a wrong one leaves nothing behind.
    let faults: Vec<Fault> = faults
        .into_iter()
        .map(serde_json::from_value)
        .collect::<Result<_, _>>()
        .map_err(|error| Refusal::bad(&error))?;
    let ids: Vec<u64> = faults
        .into_iter()
        .map(|fault| upstream.faults.add(fault))
        .collect();
    Ok(json!({"ids": ids}))
}

fn remove_faults(upstream: &Upstream, query: &str) -> Answered {
    match number(query, "id")? {
        None => upstream.faults.replace(&[]),
        Some(id) if upstream.faults.remove(id) => {}
        Some(id) => return Err(Refusal::missing(&format!("there is no fault {id}"))),
    }
    Ok(Value::Null)
}

fn configure(upstream: &Upstream, body: &Bytes) -> Answered {
    let settings = upstream
        .settings()
        .patched(&parsed(body)?)
        .map_err(|error| Refusal::bad(&error))?;
    let answer = shown(&settings);
    upstream.set_settings(settings);
    answer
}

fn account<'a>(upstream: &'a Upstream, name: Option<&str>) -> Result<&'a Account, Refusal> {
    let found = match name {
        Some(name) => upstream.account(name),
        None => upstream.accounts.first(),
    };
    found
        .map(AsRef::as_ref)
        .ok_or_else(|| Refusal::missing(&format!("there is no account {}", name.unwrap_or_default())))
}

fn activities(upstream: &Upstream, query: &str) -> Answered {
    let account = account(upstream, text(query, "account").as_deref())?;
    let offset = number(query, "offset")?.unwrap_or(0);
    let limit = number(query, "limit")?.unwrap_or(1000).min(MOST_IDS);
    let total = account.activity_count();
    let ids = account.activity_ids(offset, limit);
    let next_offset = offset.saturating_add(limit);
    let next_offset = (next_offset < total).then_some(next_offset);
    Ok(json!({"account": account.config.name, "total": total, "activities": ids, "next_offset": next_offset}))
}

/// How far to move the sandbox's clock.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    #[serde(default)]
    advance_seconds: i32,
    #[serde(default)]
    to_next_day: bool,
}

fn advance_clock(upstream: &Upstream, advance: &Advance) -> Value {
    upstream.clock.advance(i64::from(advance.advance_seconds) * 1000);
    if advance.to_next_day {
        upstream.clock.advance_to_next_day();
    }
    json!({"now": upstream.clock.now()})
}
