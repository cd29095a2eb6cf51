//! GraphiQL page: text, content security policy and example queries.

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

const FALLBACK: &[(&str, &str)] = files! {
    "fallback":
        "answer.js" "cdn.js" "docs.js" "dom.js" "editor.js" "panes.css" "plain.css" "plain.js" "request.js"
        "schema.js" "session.js" "start.js" "state.js" "tablist.js";
    "src":
        "page.css" "service.js";
};

/// Text of the page, and the names and compressed contents of its files.
type Bundle = (&'static str, &'static [(&'static str, &'static [u8])]);

const BUNDLE: Option<Bundle> = include!(concat!(env!("OUT_DIR"), "/graphiql_bundle.rs"));

/// Sandbox activity whose second send had no new recipients.
const NO_NEW_RECIPIENTS: &str = "c8315a27-03da-4973-beb2-9acaadd522bd";

/// Sandbox activities: a newsletter, a failure due to a long link, a resend to new contacts, and a failure due to too many
/// contacts.
const SEVERAL: [&str; 4] = [
    "aff49a6f-b6c8-485a-8aef-90475b7b0242",
    "5dbdac17-b682-4bf2-a903-8f1c248401ff",
    "aa4d5653-b69c-4846-83f9-3d418c841aef",
    "378aa6e6-89e6-415f-abf8-67b478cb60df",
];

const PLACEHOLDER: &str = "YOUR-CAMPAIGN-ACTIVITY-ID";

#[derive(Debug)]
pub(super) struct Page {
    html: Bytes,
    tag: HeaderValue,
    policy: String,
    files: Vec<File>,
}

impl Page {
    pub(super) fn bundled(sandbox: bool) -> Option<Self> {
        let (html, files) = BUNDLE?;
        let files = files.iter().map(|(name, gzipped)| File::gzipped(name, gzipped));
        Some(Self::new(html, files.collect(), sandbox))
    }

    /// Returns the page that loads GraphiQL from a CDN, with a plain editor as the fallback.
    pub(super) fn from_cdn(sandbox: bool) -> Self {
        let html = include_str!("../../../graphiql/fallback/page.html");
        let files = FALLBACK.iter().map(|(name, text)| File::plain(name, text));
        Self::new(html, files.collect(), sandbox)
    }

    fn new(html: &str, files: Vec<File>, sandbox: bool) -> Self {
        // A `<` could close the element that contains the queries.
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

/// Returns a content security policy that allows the service's files and the exact URLs in the page. Allowing the CDN's host
/// would permit arbitrary scripts. GraphiQL's editors need inline styles.
fn policy(html: &str) -> String {
    let external = |extension: &str| -> String {
        html.split('"')
            .filter(|text| text.starts_with("https://") && text.ends_with(extension))
            .fold(String::new(), |sources, url| sources + " " + url)
    };
    let (scripts, styles) = (external(".js"), external(".css"));
    format!(
        "default-src 'none'; script-src 'self'{scripts}; style-src 'self' 'unsafe-inline'{styles}; font-src 'self' data:; \
         img-src 'self' data:; connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    )
}

/// Returns the example queries. Their ids are placeholders unless the sandbox is used.
fn starter_tabs(sandbox: bool) -> Value {
    let ids = if sandbox { &SEVERAL[..] } else { &[PLACEHOLDER] };
    let id = if sandbox { NO_NEW_RECIPIENTS } else { PLACEHOLDER };
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
