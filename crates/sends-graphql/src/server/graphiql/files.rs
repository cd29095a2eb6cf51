//! Files of the page: content types, caching and compression.

use std::io::Read;

use axum::response::{IntoResponse, Response};
use flate2::read::GzDecoder;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::server::{
    entity_tag,
    header_lists::{items, value, weight},
};

#[derive(Debug)]
pub(super) struct File {
    name: &'static str,
    bytes: &'static [u8],
    is_gzipped: bool,
    tag: HeaderValue,
}

impl File {
    pub(super) fn gzipped(name: &'static str, bytes: &'static [u8]) -> Self {
        Self::new(name, bytes, true)
    }

    pub(super) fn plain(name: &'static str, text: &'static str) -> Self {
        Self::new(name, text.as_bytes(), false)
    }

    fn new(name: &'static str, bytes: &'static [u8], is_gzipped: bool) -> Self {
        Self {
            name,
            bytes,
            is_gzipped,
            tag: entity_tag::of_file(bytes),
        }
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn response(&self, request: &HeaderMap) -> Response {
        // The bundler appends a hyphen and a content hash to the names of immutable files.
        let caching = if self.name.contains('-') {
            "public, max-age=31536000, immutable"
        } else {
            "no-cache"
        };
        let headers = [
            (header::CONTENT_TYPE, content_type(self.name)),
            (header::CACHE_CONTROL, caching),
            (header::VARY, "accept-encoding"),
        ];
        let response = if self.is_gzipped && accepts_gzip(request) {
            (headers, [(header::CONTENT_ENCODING, "gzip")], self.bytes).into_response()
        } else if self.is_gzipped {
            let mut text = Vec::new();
            match GzDecoder::new(self.bytes).read_to_end(&mut text) {
                Ok(_) => (headers, text).into_response(),
                Err(_) => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            }
        } else {
            (headers, self.bytes).into_response()
        };
        entity_tag::apply(response, self.tag.clone(), request)
    }
}

fn accepts_gzip(request: &HeaderMap) -> bool {
    let of = |name: &str| {
        items(request, &header::ACCEPT_ENCODING).find(|coding| value(coding).eq_ignore_ascii_case(name))
    };
    of("gzip")
        .or_else(|| of("*"))
        .and_then(weight)
        .is_some_and(|weight| weight > 0)
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("md" | "txt") => "text/plain; charset=utf-8",
        Some("ttf") => "font/ttf",
        Some("woff2") => "font/woff2",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weight_of_gzip_takes_precedence_over_the_wildcard() {
        for (accepted, gzip) in [
            ("gzip", true),
            ("br, GZIP;q=0.5", true),
            ("*", true),
            ("gzip;q=0, *", false),
            ("*;q=0", false),
            ("br", false),
        ] {
            let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, accepted.parse().unwrap())]);
            assert_eq!(accepts_gzip(&headers), gzip, "{accepted}");
        }
    }
}
