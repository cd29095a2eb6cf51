//! Steps of a request: log, availability, authentication, rate limits, faults, response.

use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::{Map, Value, json};

use crate::config::settings::{Availability, Encoding, Settings};
use crate::connection::{Broken, Ending};
use crate::faults::{BodyShape, Fault, FaultKind};
use crate::reply::{Body, HTML, JSON, Reply};
use crate::request_log::{Arrival, InFlight};
use crate::upstream::Upstream;
use crate::wild::Draw;
use crate::{api, bearer, compression, control, errors, oauth};

const MAX_BODY_BYTES: usize = 1 << 20;
const HUGE: usize = 10_000_000;
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const GATEWAY_ID: HeaderName = HeaderName::from_static("x-amz-apigw-id");

pub(crate) async fn answer(
    upstream: Arc<Upstream>,
    request: Request<Incoming>,
    ending: Ending,
) -> Result<Response<Body>, Broken> {
    let (parts, body) = request.into_parts();
    if parts.uri.path().starts_with("/_sandbox") {
        let body = read_body(body).await.unwrap_or_default();
        return Ok(control::answer(&upstream, &parts, &body).into_response());
    }
    let mut settings = upstream.settings();
    let draw = settings.wild.map(|seed| upstream.attempts.draw(seed, &parts));
    if let Some(draw) = draw {
        settings = Arc::new(draw.settings(&settings));
    }
    if settings.jitter_ms > 0 {
        // The random delay precedes the limits, so that requests can be counted closer together than they were sent.
        tokio::time::sleep(Duration::from_millis(upstream.faults.jitter(settings.jitter_ms))).await;
    }
    let route = api::Route::parse(parts.uri.path());
    let mut logged = upstream.log.arrived(arrival(&parts, route));
    match settings.availability {
        Availability::Up => {}
        Availability::Closed => {
            logged.faulted("closed");
            return Err(Broken);
        }
        Availability::Unavailable => {
            let page = Reply::text(StatusCode::SERVICE_UNAVAILABLE, HTML, UNAVAILABLE_PAGE);
            return Ok(finish(page, &parts, &settings, draw, &mut logged).into_response());
        }
    }
    let admitted = if parts.uri.path().starts_with("/oauth2/") {
        let body = read_body(body).await.ok_or(Broken)?;
        oauth::admit(&upstream, &settings, &parts, &body).map(|()| Admitted::OAuth(body))
    } else {
        bearer::admit(&upstream, &settings, &parts).map(Admitted::Api)
    };
    let admitted = match admitted {
        Ok(admitted) => admitted,
        Err(refusal) => return Ok(finish(refusal, &parts, &settings, draw, &mut logged).into_response()),
    };
    let strike = upstream
        .faults
        .strike(parts.uri.path(), parts.uri.query().unwrap_or_default());
    let delay_ms = settings.latency_ms + strike.delay_ms;
    if strike.delay_ms > 0 {
        logged.faulted(FaultKind::Latency.name());
    }
    if delay_ms > 0 {
        tokio::time::sleep(Duration::from_millis(delay_ms)).await;
    }
    let real = || match &admitted {
        Admitted::Api(bearer) => {
            let reply = api::answer(&upstream, &settings, &parts, route, bearer);
            match draw {
                Some(draw) => draw.answer(route, reply),
                None => reply,
            }
        }
        Admitted::OAuth(body) => {
            let reply = oauth::answer(&upstream, &settings, &parts, body);
            match draw {
                Some(draw) => draw.oauth_answer(body, reply),
                None => reply,
            }
        }
    };
    let is_api = matches!(admitted, Admitted::Api(_));
    let drawn = draw.filter(|_| is_api).and_then(Draw::failure);
    let Some(fault) = strike.fault.or(drawn) else {
        return Ok(finish(real(), &parts, &settings, draw, &mut logged).into_response());
    };
    logged.faulted(fault.kind.name());
    let mut finished = |reply| finish(reply, &parts, &settings, draw, &mut logged);
    Ok(match fault.kind {
        FaultKind::Reset => return reset(&ending),
        FaultKind::Close => return Err(Broken),
        FaultKind::Stall => {
            std::future::pending::<()>().await;
            return Err(Broken);
        }
        FaultKind::AnswerLost => {
            drop(real());
            return reset(&ending);
        }
        FaultKind::CutOff => {
            // The reset takes effect when the connection is closed, after the body has failed.
            ending.reset();
            finished(real()).cut_off()
        }
        FaultKind::StalledBody => finished(real()).stalled(),
        FaultKind::SlowBody => {
            finished(real()).dripping(fault.bytes.unwrap_or(16), Duration::from_millis(fault.delay_ms))
        }
        FaultKind::Status | FaultKind::NotJson | FaultKind::WrongShape | FaultKind::HugeBody => {
            finished(invented(&fault)).into_response()
        }
        FaultKind::Rewritten => finished(rewritten(real(), &fault)).into_response(),
        // The delay was already applied above.
        FaultKind::Latency => finished(real()).into_response(),
    })
}

enum Admitted {
    Api(bearer::Bearer),
    OAuth(bytes::Bytes),
}

fn reset(ending: &Ending) -> Result<Response<Body>, Broken> {
    ending.reset();
    Err(Broken)
}

fn arrival(parts: &Parts, route: Option<api::Route<'_>>) -> Arrival {
    let path = parts.uri.path();
    let is_api = !path.starts_with("/oauth2/");
    Arrival {
        method: parts.method.clone(),
        path: path.to_owned(),
        query: parts.uri.query().map(|query| {
            if is_api {
                query.to_owned()
            } else {
                oauth::names(query)
            }
        }),
        credential: bearer::fingerprint(parts),
        endpoint: if is_api {
            route.map_or("unknown", api::Route::name)
        } else {
            oauth::endpoint(path)
        },
        is_api,
    }
}

async fn read_body(body: Incoming) -> Option<bytes::Bytes> {
    let collected = http_body_util::Limited::new(body, MAX_BODY_BYTES)
        .collect()
        .await
        .ok()?;
    Some(collected.to_bytes())
}

fn finish(
    mut reply: Reply,
    parts: &Parts,
    settings: &Settings,
    draw: Option<Draw>,
    logged: &mut InFlight,
) -> Reply {
    if settings.etag && reply.status == StatusCode::OK && !reply.body.is_empty() {
        let tag = format!("\"{:016x}\"", bearer::digest(&reply.body));
        if parts
            .headers
            .get(IF_NONE_MATCH)
            .is_some_and(|known| known.as_bytes() == tag.as_bytes())
        {
            reply = Reply::empty(StatusCode::NOT_MODIFIED);
        }
        if let Ok(tag) = HeaderValue::try_from(tag) {
            reply.headers.push((ETAG, tag));
        }
    }
    let accepts_gzip = parts
        .headers
        .get(ACCEPT_ENCODING)
        .is_some_and(|accepted| accepted.to_str().is_ok_and(|accepted| accepted.contains("gzip")));
    if settings.encoding == Encoding::Gzip && accepts_gzip && !reply.body.is_empty() {
        reply.body = compression::gzip(&reply.body);
        reply
            .headers
            .push((CONTENT_ENCODING, HeaderValue::from_static("gzip")));
        reply
            .headers
            .push((VARY, HeaderValue::from_static("Accept-Encoding")));
    }
    let id = fastrand::u128(..);
    if let Ok(id) = HeaderValue::try_from(uuid::Builder::from_u128(id).into_uuid().to_string()) {
        reply.headers.push((REQUEST_ID, id));
    }
    if let Ok(id) = HeaderValue::try_from(format!("{:011x}oAMFkPg=", id >> 84)) {
        reply.headers.push((GATEWAY_ID, id));
    }
    if let Some(draw) = draw {
        draw.drop_headers(&mut reply);
    }
    logged.answered(reply.status.as_u16());
    reply
}

const UNAVAILABLE_PAGE: &str =
    "<html><head><title>503 Service Temporarily Unavailable</title></head><body>503</body></html>";

fn invented(fault: &Fault) -> Reply {
    match fault.kind {
        FaultKind::NotJson => Reply::text(
            StatusCode::OK,
            HTML,
            "<!doctype html><title>Sign in</title><p>Please sign in to this network.",
        ),
        FaultKind::WrongShape => Reply::ok(&json!({"send_history": "see attachment", "send_id": [1]})),
        FaultKind::HugeBody => {
            let row = br#"{"send_id":1,"count":1,"send_status":"COMPLETED","reason_code":0},"#;
            let mut body = Vec::with_capacity(fault.bytes.unwrap_or(HUGE) + row.len());
            body.push(b'[');
            while body.len() < fault.bytes.unwrap_or(HUGE) {
                body.extend_from_slice(row);
            }
            body.pop();
            body.push(b']');
            Reply::text(StatusCode::OK, JSON, body)
        }
        _ => failed(fault),
    }
}

/// Changes the response as specified by the fault. Members are replaced only in a JSON object.
fn rewritten(mut reply: Reply, fault: &Fault) -> Reply {
    if let Ok(mut body) = serde_json::from_slice::<Map<String, Value>>(&reply.body) {
        body.retain(|name, _| !fault.without.contains(name));
        body.extend(fault.members.clone());
        reply.body = Value::Object(body).to_string().into();
    }
    if !fault.prefix.is_empty() {
        reply.body = [fault.prefix.as_bytes(), &reply.body].concat().into();
    }
    if let Some(content_type) = &fault.content_type {
        reply.headers.retain(|(name, _)| name != CONTENT_TYPE);
        if let (false, Ok(value)) = (content_type.is_empty(), HeaderValue::try_from(content_type)) {
            reply.headers.push((CONTENT_TYPE, value));
        }
    }
    reply
}

fn failed(fault: &Fault) -> Reply {
    let status = StatusCode::from_u16(fault.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let error =
        json!({"error_key": "emails.api.internal_error", "error_message": "This error is simulated."});
    match fault.body {
        _ if !fault.members.is_empty() => Reply::json(status, &fault.members),
        // Clients act on the keys of these two errors.
        BodyShape::Object if status == StatusCode::UNAUTHORIZED => errors::unauthorized(),
        BodyShape::Object if status == StatusCode::FORBIDDEN => errors::access_denied(),
        BodyShape::Array => Reply::json(status, &json!([error])),
        BodyShape::Object => Reply::json(status, &error),
        BodyShape::Gateway => Reply::json(
            status,
            &json!({"message": status.canonical_reason().unwrap_or("Forbidden")}),
        ),
        BodyShape::Html => Reply::text(status, HTML, UNAVAILABLE_PAGE),
        BodyShape::Empty => Reply::empty(status),
        BodyShape::CutOff => Reply::text(status, JSON, r#"[{"error_key":"emails.api.inter"#),
    }
}
