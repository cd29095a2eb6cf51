//! The page itself: its text, what it may load, and the queries it starts with.

use axum::{
    body::Bytes,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, header};
use serde_json::{Value, json};

use super::files::File;
use crate::server::entity_tag;

macro_rules! files {
    ($($folder:literal: $($name:literal)+;)+) => {
        &[$($(($name, include_str!(concat!("../../../graphiql/", $folder, "/", $name)))),+),+]
    };
}

/// The files of the page without a bundle.
const FALLBACK: &[(&str, &str)] = files! {
    "fallback":
        "answer.js" "cdn.js" "docs.js" "dom.js" "editor.js" "panes.css" "plain.css" "plain.js" "request.js"
        "schema.js" "session.js" "start.js" "state.js" "tablist.js";
    "src":
        "page.css" "service.js";
};

/// A page, and the names and compressed contents of its files.
type Bundle = (&'static str, &'static [(&'static str, &'static [u8])]);

/// What `build.rs` found.
const BUNDLE: Option<Bundle> = include!(concat!(env!("OUT_DIR"), "/graphiql_bundle.rs"));

/// Activity of the sandbox that was sent, and then again when nobody new was left to send to.
const SENT_TO_NOBODY_NEW: &str = "c8315a27-03da-4973-beb2-9acaadd522bd";

/// Activities of the sandbox: a newsletter, one with a link that was too long at first, one that was sent again to new
/// contacts, and one that had too many contacts at first.
const SEVERAL: [&str; 4] = [
    "aff49a6f-b6c8-485a-8aef-90475b7b0242",
    "5dbdac17-b682-4bf2-a903-8f1c248401ff",
    "aa4d5653-b69c-4846-83f9-3d418c841aef",
    "378aa6e6-89e6-415f-abf8-67b478cb60df",
];

/// Stands where an id of one's own belongs.
const PLACEHOLDER: &str = "YOUR-CAMPAIGN-ACTIVITY-ID";

/// The page, ready to be sent.
#[derive(Debug)]
pub(super) struct Page {
    html: Bytes,
    tag: HeaderValue,
    policy: String,
    files: Vec<File>,
}

impl Page {
    /// The page with GraphiQL in the binary, if it is there.
    pub(super) fn bundled(sandbox: bool) -> Option<Self> {
        let (html, files) = BUNDLE?;
        let files = files.iter().map(|(name, gzipped)| File::gzipped(name, gzipped));
        Some(Self::new(html, files.collect(), sandbox))
    }

    /// The page with GraphiQL from a content delivery network, or of our own when that cannot be reached.
    pub(super) fn from_cdn(sandbox: bool) -> Self {
        let html = include_str!("../../../graphiql/fallback/page.html");
        let files = FALLBACK.iter().map(|(name, text)| File::plain(name, text));
        Self::new(html, files.collect(), sandbox)
    }

    fn new(html: &str, files: Vec<File>, sandbox: bool) -> Self {
        // Inside the page a `<` could end the element that holds the queries.
        let tabs = starter_tabs(sandbox).to_string().replace('<', "\\u003c");
        let text = html
            .replace("{{sandbox}}", if sandbox { "true" } else { "false" })
            .replace("{{tabs}}", &tabs);
        Self {
            tag: entity_tag::of_file(text.as_bytes()),
            html: Bytes::from(text),
            policy: policy(html),
            files,
        }
    }

    pub(super) fn file(&self, name: &str) -> Option<&File> {
        self.files.iter().find(|file| file.name() == name)
    }

    pub(super) fn response(&self, request: &HeaderMap) -> Response {
        let headers = [
            (header::CONTENT_TYPE, "text/html; charset=utf-8"),
            (header::CONTENT_SECURITY_POLICY, &self.policy),
            (header::REFERRER_POLICY, "no-referrer"),
            (header::CACHE_CONTROL, "no-cache"),
        ];
        entity_tag::apply(
            (headers, self.html.clone()).into_response(),
            self.tag.clone(),
            request,
        )
    }

    #[cfg(test)]
    pub(super) fn files(&self) -> &[File] {
        &self.files
    }
}

/// What the page may load: this service's own files, and from elsewhere exactly the addresses that stand in it. The host
/// alone would be too much, since a content delivery network serves anybody's scripts.
///
/// GraphiQL's editors set styles while they run, so inline styles have to be allowed; inline scripts are not.
fn policy(html: &str) -> String {
    let elsewhere = |extension: &str| -> String {
        html.split('"')
            .filter(|text| text.starts_with("https://") && text.ends_with(extension))
            .fold(String::new(), |sources, url| sources + " " + url)
    };
    let (scripts, styles) = (elsewhere(".js"), elsewhere(".css"));
    format!(
        "default-src 'none'; script-src 'self'{scripts}; style-src 'self' 'unsafe-inline'{styles}; font-src 'self' data:; \
         img-src 'self' data:; connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    )
}

/// The queries that teach the schema. In the sandbox they answer as they are; for an account their ids have to be filled
/// in.
fn starter_tabs(sandbox: bool) -> Value {
    let ids = if sandbox { &SEVERAL[..] } else { &[PLACEHOLDER] };
    let id = if sandbox { SENT_TO_NOBODY_NEW } else { PLACEHOLDER };
    json!([
        { "query": include_str!("../../../graphiql/tabs/failures.graphql") },
        { "query": include_str!("../../../graphiql/tabs/history.graphql").replace("{{id}}", id) },
        {
            "query": include_str!("../../../graphiql/tabs/several.graphql"),
            "variables": format!("{:#}", json!({ "ids": ids })),
        },
        { "query": include_str!("../../../graphiql/tabs/campaigns.graphql") },
        { "query": include_str!("../../../graphiql/tabs/totals.graphql") },
        { "query": include_str!("../../../graphiql/tabs/budget.graphql") },
    ])
}
