//! Responses with the same data in random variants, drawn from the documented and observed variants.
//!
//! A variant is derived from the seed, the URI, and the number of requests for the URI, so that a run can be repeated.
//! Identifiers, sends, outcomes, present counts and the sequence of pages stay the same. Variants that hide a fact are excluded:
//! pages without their records, 200 with an HTML page, 204, and an early expiry of a token.

mod answers;
mod errors;
mod forms;
mod odd_text;
mod tokens;

use std::collections::HashMap;
use std::sync::Mutex;

use bytes::Bytes;
use fastrand::Rng;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::Value;

use crate::api::Route;
use crate::bearer::digest;
use crate::config::settings::{Encoding, RefreshTokens, Settings, StatsKeys, SummaryCounts};
use crate::faults::{BodyShape, Fault, FaultKind};
use crate::lock::locked;
use crate::reply::Reply;
use forms::Forms;

/// Number of requests for each method and URI.
#[derive(Debug, Default)]
pub(crate) struct Attempts(Mutex<HashMap<u64, u64>>);

impl Attempts {
    /// Draws the variants for a request, and counts the request.
    pub(crate) fn draw(&self, seed: u64, parts: &Parts) -> Draw {
        let request = format!("{} {}", parts.method, parts.uri);
        let mut attempts = locked(&self.0);
        let attempt = attempts.entry(digest(request.as_bytes())).or_default();
        let number = *attempt;
        *attempt += 1;
        Draw {
            seed: digest(format!("{seed} {number} {request}").as_bytes()),
            is_repeated: number % 2 == 1,
        }
    }

    pub(crate) fn clear(&self) {
        locked(&self.0).clear();
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Draw {
    seed: u64,
    /// Whether this is an even-numbered request for the URI. Such a request does not fail, so that a retry always succeeds.
    is_repeated: bool,
}

/// Average number of requests per failure.
const FAILURES: usize = 40;
/// Average number of responses per status 202 or 203 instead of 200.
const ODD_STATUSES: usize = 12;

impl Draw {
    /// Returns an independent generator for a stage, so that another draw in one stage does not affect the others.
    fn forms(self, stage: u64) -> Forms {
        Forms::new(Rng::with_seed(self.seed ^ (stage << 56)))
    }

    pub(crate) fn settings(self, settings: &Settings) -> Settings {
        let mut forms = self.forms(1);
        let mut settings = settings.clone();
        settings.encoding = forms.pick(&[Encoding::Gzip, Encoding::Identity]);
        settings.stats_keys = forms.pick(&[StatsKeys::Dotted, StatsKeys::Underscored]);
        settings.summary_counts = forms.pick(&[SummaryCounts::Numbers, SummaryCounts::Strings]);
        if forms.one_in(3) {
            settings.refresh_tokens = RefreshTokens::LongLived;
        }
        settings
    }

    /// Draws a failure for some API requests. A retry succeeds.
    pub(crate) fn failure(self) -> Option<Fault> {
        let mut forms = self.forms(2);
        if self.is_repeated || !forms.one_in(FAILURES) {
            return None;
        }
        if forms.one_in(3) {
            return Some(Fault::new(forms.pick(&[FaultKind::Close, FaultKind::Reset])));
        }
        let status = forms.pick(&[429, 500, 502, 503, 504]);
        if status == 429 {
            let throttled = [("error_key", "throttled"), ("error_message", "Too Many Requests")];
            let body = throttled.map(|(name, text)| (name.to_owned(), Value::from(text)));
            return Some(Fault {
                members: body.into_iter().collect(),
                ..Fault::status(status, BodyShape::Object)
            });
        }
        let body = forms.pick(&[
            BodyShape::Array,
            BodyShape::Object,
            BodyShape::Gateway,
            BodyShape::Html,
            BodyShape::Empty,
            BodyShape::CutOff,
        ]);
        Some(Fault::status(status, body))
    }

    /// Rewrites an API response into another variant.
    pub(crate) fn answer(self, route: Option<Route<'_>>, mut reply: Reply) -> Reply {
        let mut forms = self.forms(3);
        if reply.status != StatusCode::OK {
            return errors::rewritten(&mut forms, reply);
        }
        if let Ok(mut body) = serde_json::from_slice(&reply.body) {
            if let Some(route) = route {
                answers::rewrite(&mut forms, route.endpoint(), &mut body);
            }
            reply.body = odd_text::written(&body);
        }
        if forms.one_in(ODD_STATUSES) {
            reply.status = forms.pick(&[StatusCode::ACCEPTED, StatusCode::NON_AUTHORITATIVE_INFORMATION]);
        }
        content_type(&mut forms, &mut reply);
        reply
    }

    /// Rewrites a response of the token or device endpoint into another variant.
    pub(crate) fn oauth_answer(self, request: &Bytes, mut reply: Reply) -> Reply {
        let mut forms = self.forms(4);
        let parsed = serde_json::from_slice(&reply.body);
        if let (StatusCode::OK, Ok(Value::Object(mut body))) = (reply.status, parsed) {
            tokens::rewrite(&mut forms, request, &mut body);
            content_type(&mut forms, &mut reply);
            tokens::write(&mut forms, body, &mut reply);
        }
        reply
    }

    pub(crate) fn drop_headers(self, reply: &mut Reply) {
        let mut forms = self.forms(5);
        let optional = [
            "x-amzn-requestid",
            "x-amz-apigw-id",
            "x-amzn-errortype",
            "www-authenticate",
        ];
        for name in optional.map(HeaderName::from_static) {
            if forms.one_in(3) {
                reply.headers.retain(|(known, _)| *known != name);
            }
        }
    }
}

fn content_type(forms: &mut Forms, reply: &mut Reply) {
    let content_type = forms.pick(&[
        None,
        None,
        Some(""),
        Some("application/json"),
        Some("application/hal+json"),
        Some("text/plain"),
        Some("text/html; charset=utf-8"),
    ]);
    let Some(content_type) = content_type else { return };
    reply.headers.retain(|(name, _)| name != CONTENT_TYPE);
    if !content_type.is_empty() {
        reply
            .headers
            .push((CONTENT_TYPE, HeaderValue::from_static(content_type)));
    }
}
