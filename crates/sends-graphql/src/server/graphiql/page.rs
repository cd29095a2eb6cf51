//! The page: its text, its content security policy, and its initial queries.

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

/// Files of the page without a bundle.
const FALLBACK: &[(&str, &str)] = files! {
    "fallback":
        "answer.js" "cdn.js" "docs.js" "dom.js" "editor.js" "panes.css" "plain.css" "plain.js" "request.js"
        "schema.js" "session.js" "start.js" "state.js" "tablist.js";
    "src":
        "page.css" "service.js";
};

/// Page, and names and compressed contents of its files.
type Bundle = (&'static str, &'static [(&'static str, &'static [u8])]);

/// Output of `build.rs`.
const BUNDLE: Option<Bundle> = include!(concat!(env!("OUT_DIR"), "/graphiql_bundle.rs"));

/// Activity of the sandbox whose second send had no new recipients.
const SENT_TO_NOBODY_NEW: &str = "c8315a27-03da-4973-beb2-9acaadd522bd";

/// Activities of the sandbox: a newsletter, one that failed for a long link, one that was resent to new contacts, and one that
/// failed for too many contacts.
const SEVERAL: [&str; 4] = [
    "aff49a6f-b6c8-485a-8aef-90475b7b0242",
    "5dbdac17-b682-4bf2-a903-8f1c248401ff",
    "aa4d5653-b69c-4846-83f9-3d418c841aef",
    "378aa6e6-89e6-415f-abf8-67b478cb60df",
];

/// In place of ids, without the sandbox.
const PLACEHOLDER: &str = "YOUR-CAMPAIGN-ACTIVITY-ID";

#[derive(Debug)]
pub(super) struct Page {
    html: Bytes,
    tag: HeaderValue,
    policy: String,
    files: Vec<File>,
}

impl Page {
    /// The page with embedded GraphiQL, if the build has it.
    pub(super) fn bundled(sandbox: bool) -> Option<Self> {
        let (html, files) = BUNDLE?;
        let files = files.iter().map(|(name, gzipped)| File::gzipped(name, gzipped));
        Some(Self::new(html, files.collect(), sandbox))
    }

    /// The page with GraphiQL from a content delivery network, or the plain editor.
    pub(super) fn from_cdn(sandbox: bool) -> Self {
        let html = include_str!("../../../graphiql/fallback/page.html");
        let files = FALLBACK.iter().map(|(name, text)| File::plain(name, text));
        Self::new(html, files.collect(), sandbox)
    }

    fn new(html: &str, files: Vec<File>, sandbox: bool) -> Self {
        // A `<` could end the element with the queries.
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

/// Content security policy: files of the service, and the exact URLs in the page. The host of a content delivery network would
/// allow arbitrary scripts. GraphiQL's editors need inline styles.
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

/// Example queries in tabs. For an account their ids are placeholders.
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
