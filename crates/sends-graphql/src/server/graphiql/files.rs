//! The files of the page: their content types, how long a browser may keep them, and in which form they travel.

use std::io::Read;

use axum::{
    body::Bytes,
    response::{IntoResponse, Response},
};
use flate2::read::GzDecoder;
use http::{HeaderMap, HeaderName, StatusCode, header};

/// One file of the page.
#[derive(Debug)]
pub(super) struct File {
    name: &'static str,
    bytes: &'static [u8],
    /// Whether the bytes are compressed with gzip.
    is_gzipped: bool,
    tag: String,
}

impl File {
    pub(super) fn gzipped(name: &'static str, bytes: &'static [u8]) -> Self {
        Self::new(name, bytes, true)
    }

    pub(super) fn plain(name: &'static str, text: &'static str) -> Self {
        Self::new(name, text.as_bytes(), false)
    }

    fn new(name: &'static str, bytes: &'static [u8], is_gzipped: bool) -> Self {
        let tag = tag(bytes);
        Self {
            name,
            bytes,
            is_gzipped,
            tag,
        }
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn answer(&self, request: &HeaderMap) -> Response {
        // The bundler puts a hash of the content behind a hyphen.
        let keep = if self.name.contains('-') {
            "public, max-age=31536000, immutable"
        } else {
            "no-cache"
        };
        let headers = [
            (header::CONTENT_TYPE, content_type(self.name)),
            (header::CACHE_CONTROL, keep),
            (header::VARY, "accept-encoding"),
        ];
        let bytes = Bytes::from_static(self.bytes);
        if !self.is_gzipped {
            return unless_known(request, &self.tag, headers, bytes);
        }
        if takes_gzip(request) {
            let encoded = [(header::CONTENT_ENCODING, "gzip")];
            return (encoded, unless_known(request, &self.tag, headers, bytes)).into_response();
        }
        let mut text = Vec::new();
        match GzDecoder::new(self.bytes).read_to_end(&mut text) {
            Ok(_) => unless_known(request, &self.tag, headers, text.into()),
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
}

/// The `ETag` of content.
pub(super) fn tag(bytes: &[u8]) -> String {
    format!("\"{}\"", &blake3::hash(bytes).to_hex()[..16])
}

/// The content, or the word that the browser has it.
pub(super) fn unless_known<const N: usize>(
    request: &HeaderMap,
    tag: &str,
    headers: [(HeaderName, &str); N],
    body: Bytes,
) -> Response {
    let fixed = [(header::ETAG, tag), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    if knows(request, tag) {
        (StatusCode::NOT_MODIFIED, headers, fixed).into_response()
    } else {
        (headers, fixed, body).into_response()
    }
}

/// Whether the browser has the content with this tag already. A proxy that compresses weakens tags.
fn knows(request: &HeaderMap, tag: &str) -> bool {
    listed(request, &header::IF_NONE_MATCH).any(|known| known == "*" || known.trim_start_matches("W/") == tag)
}

fn takes_gzip(request: &HeaderMap) -> bool {
    listed(request, &header::ACCEPT_ENCODING).any(|coding| {
        let (name, quality) = coding.split_once(';').unwrap_or((coding, ""));
        let refused = quality
            .trim()
            .strip_prefix("q=")
            .is_some_and(|q| q.trim_matches(['0', '.']).is_empty());
        !refused && ["gzip", "*"].contains(&name.trim())
    })
}

/// The comma-separated items of a header.
fn listed<'a>(request: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let values = request.get_all(name).iter();
    values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
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
