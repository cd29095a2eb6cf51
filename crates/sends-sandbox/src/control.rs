//! Control requests under `/_sandbox`, with which tests inspect and change the sandbox. The requests are neither rate-limited nor
//! logged.

mod tokens;

use bytes::Bytes;
use http::request::Parts;
use http::{Method, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::data::account::Account;
use crate::data::changes::Change;
use crate::faults::Fault;
use crate::query::Query;
use crate::reply::Reply;
use crate::upstream::Upstream;

const MAX_IDS: u64 = 100_000;

pub(crate) fn answer(upstream: &Upstream, parts: &Parts, body: &Bytes) -> Reply {
    let path = parts.uri.path().trim_start_matches("/_sandbox").trim_matches('/');
    let query = Query::parse(parts.uri.query().unwrap_or_default().as_bytes());
    let answered = match (parts.method.as_str(), path) {
        ("GET", "requests") => requests(upstream, &query),
        ("DELETE", "requests") => {
            upstream.log.clear();
            Ok(Value::Null)
        }
        ("GET", "counters") => counters(upstream),
        ("POST", "reset") => {
            upstream.reset();
            Ok(Value::Null)
        }
        ("GET", "faults") => to_value(&upstream.faults.list()),
        ("POST", "faults") => add_faults(upstream, body),
        ("DELETE", "faults") => remove_faults(upstream, &query),
        ("GET", "config") => to_value(&*upstream.settings()),
        ("POST" | "PATCH", "config") => configure(upstream, body),
        ("GET", "activities") => activities(upstream, &query),
        ("POST", "sends") => parsed(body).and_then(|request| change(upstream, request)),
        ("GET", "clock") => Ok(json!({"now": upstream.clock.now()})),
        ("POST", "clock") => parsed(body).map(|advance| advance_clock(upstream, &advance)),
        ("POST", "tokens") => parsed(body).and_then(|request| tokens::issue(upstream, request)),
        ("POST", "tokens/revoke") => parsed(body).map(|request| tokens::revoke(upstream, &request)),
        ("POST", "devices") => parsed(body).and_then(|decision| tokens::decide(upstream, &decision)),
        _ => Err(Refusal::missing(
            &"unknown control request; the crate's documentation lists the available ones",
        )),
    };
    match answered {
        Ok(Value::Null) => Reply::empty(StatusCode::NO_CONTENT),
        Ok(value) if parts.method == Method::POST && path == "faults" => {
            Reply::json(StatusCode::CREATED, &value)
        }
        Ok(value) => Reply::ok(&value),
        Err(Refusal(status, reason)) => Reply::json(status, &json!({"error": reason})),
    }
}

struct Refusal(StatusCode, String);

impl Refusal {
    fn bad(reason: &impl ToString) -> Self {
        Self(StatusCode::BAD_REQUEST, reason.to_string())
    }

    fn missing(reason: &impl ToString) -> Self {
        Self(StatusCode::NOT_FOUND, reason.to_string())
    }
}

type Answered = Result<Value, Refusal>;

fn parsed<T: DeserializeOwned>(body: &Bytes) -> Result<T, Refusal> {
    let body: &[u8] = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|error| Refusal::bad(&error))
}

fn to_value(value: &impl serde::Serialize) -> Answered {
    serde_json::to_value(value).map_err(|error| Refusal(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
}

fn number(query: &Query, name: &str) -> Result<Option<u64>, Refusal> {
    let number = query.get(name).map(str::parse).transpose();
    number.map_err(|_| Refusal::bad(&format!("{name} must be a whole number")))
}

fn requests(upstream: &Upstream, query: &Query) -> Answered {
    let entries = upstream.log.entries(number(query, "from")?.unwrap_or(0));
    to_value(&json!({"requests": entries}))
}

fn counters(upstream: &Upstream) -> Answered {
    let mut counters = to_value(&upstream.log.counters())?;
    counters["keys"] = to_value(&upstream.limits.counters())?;
    counters["token_endpoint"] = to_value(&upstream.token_limits.counters())?;
    Ok(counters)
}

/// Adds one fault or an array of faults. An invalid fault rejects the whole array.
fn add_faults(upstream: &Upstream, body: &Bytes) -> Answered {
    let faults = match parsed(body)? {
        Value::Array(faults) => faults,
        fault => vec![fault],
    };
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

fn remove_faults(upstream: &Upstream, query: &Query) -> Answered {
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
    let answer = to_value(&settings);
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

fn activities(upstream: &Upstream, query: &Query) -> Answered {
    let account = account(upstream, query.get("account"))?;
    let offset = number(query, "offset")?.unwrap_or(0);
    let limit = number(query, "limit")?.unwrap_or(1000).min(MAX_IDS);
    let total = account.activity_count();
    let ids = account.activity_ids(offset, limit);
    let next_offset = offset.saturating_add(limit);
    let next_offset = (next_offset < total).then_some(next_offset);
    Ok(json!({"account": account.config.name, "total": total, "activities": ids, "next_offset": next_offset}))
}

#[derive(Deserialize)]
struct ChangeRequest {
    account: Option<String>,
    #[serde(flatten)]
    change: Change,
}

fn change(upstream: &Upstream, request: ChangeRequest) -> Answered {
    account(upstream, request.account.as_deref())?
        .change(request.change, upstream.clock.now())
        .map_err(|error| Refusal::missing(&error))
}

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
