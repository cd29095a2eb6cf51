//! Compression of answers: Zstandard only where the client prefers it, since many announce it and cannot read it, and large
//! answers as long work.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderMap, HeaderValue, header};
use http_body_util::BodyExt;

use super::graphql::Large;
use crate::bulkheads::long_work::LongWork;

/// Weights are between 0 and 1 with up to three decimal places.
const FULL_WEIGHT: u16 = 1_000;

/// Takes Zstandard from what a request accepts, unless its weight is greater than those of Brotli and gzip.
pub(super) fn demote_zstd(headers: &mut HeaderMap) {
    let accepted = Accepted::of(headers);
    if accepted.weight("zstd") == 0
        || accepted.weight("zstd") > accepted.weight("br").max(accepted.weight("gzip"))
    {
        return;
    }
    // A weight of its own comes before that of `*`.
    let others = accepted
        .0
        .iter()
        .filter(|(coding, _)| !coding.eq_ignore_ascii_case("zstd"))
        .map(|(coding, weight)| {
            let (whole, fraction) = (weight / FULL_WEIGHT, weight % FULL_WEIGHT);
            format!("{coding};q={whole}.{fraction:03}")
        });
    let written: Vec<_> = others.chain(["zstd;q=0".to_owned()]).collect();
    if let Ok(value) = HeaderValue::try_from(written.join(", ")) {
        headers.insert(header::ACCEPT_ENCODING, value);
    }
}

/// Compresses large answers at once, which is long work. The connection would do it piece by piece for as long as the client
/// takes them, and keep its worker busy for a tenth of a second.
pub(super) async fn of_large(
    State(long_work): State<Arc<LongWork>>,
    request: Request,
    next: Next,
) -> Response {
    let response = next.run(request).await;
    let is_large = response.extensions().get::<Large>().is_some();
    if !is_large || !response.headers().contains_key(header::CONTENT_ENCODING) {
        return response;
    }
    let (head, body) = response.into_parts();
    match long_work.run(body.collect()).await {
        Ok(body) => Response::from_parts(head, Body::from(body.to_bytes())),
        // The connection breaks on it, as it would have without this.
        Err(error) => {
            let broken = futures_util::stream::once(async { Err::<axum::body::Bytes, _>(error) });
            Response::from_parts(head, Body::from_stream(broken))
        }
    }
}

/// The codings of the header `accept-encoding`, each with its weight.
struct Accepted(Vec<(String, u16)>);

impl Accepted {
    fn of(headers: &HeaderMap) -> Self {
        let values = headers.get_all(header::ACCEPT_ENCODING).iter();
        let items = values
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','));
        let weighted = items.filter_map(|item| {
            let (coding, parameters) = item.split_once(';').unwrap_or((item, ""));
            let coding = coding.trim();
            let weight = match parameters.trim().split_once('=') {
                Some((name, weight)) if name.trim().eq_ignore_ascii_case("q") => thousandths(weight.trim())?,
                _ => FULL_WEIGHT,
            };
            (!coding.is_empty()).then(|| (coding.to_owned(), weight))
        });
        Self(weighted.collect())
    }

    fn weight(&self, wanted: &str) -> u16 {
        let weight = |wanted: &str| {
            let mut items = self.0.iter();
            items
                .find(|(coding, _)| coding.eq_ignore_ascii_case(wanted))
                .map(|(_, weight)| *weight)
        };
        weight(wanted).or_else(|| weight("*")).unwrap_or(0)
    }
}

fn thousandths(weight: &str) -> Option<u16> {
    let (whole, fraction) = weight.split_once('.').unwrap_or((weight, ""));
    let digits = format!("{fraction:0<3}");
    let weight = whole.parse::<u16>().ok()? * FULL_WEIGHT + digits.get(..3)?.parse::<u16>().ok()?;
    Some(weight.min(FULL_WEIGHT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zstd_stays_only_where_it_is_preferred() {
        for (accepted, left) in [
            (
                "gzip, deflate, br, zstd",
                "gzip;q=1.000, deflate;q=1.000, br;q=1.000, zstd;q=0",
            ),
            ("zstd, gzip;q=0.5", "zstd, gzip;q=0.5"),
            ("zstd;q=0.5, gzip;q=0.5", "gzip;q=0.500, zstd;q=0"),
            ("zstd;q=0.25, br;q=0.125", "zstd;q=0.25, br;q=0.125"),
            ("zstd", "zstd"),
            ("*", "*;q=1.000, zstd;q=0"),
            ("zstd, *;q=0.1", "zstd, *;q=0.1"),
            ("gzip", "gzip"),
            ("identity", "identity"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(accepted));
            demote_zstd(&mut headers);
            assert_eq!(headers[header::ACCEPT_ENCODING], left, "{accepted}");
        }
    }
}
