//! Finds the text of a document: in the request, among the persisted queries by hash, or in a manifest of trusted documents.

mod manifest;

use std::sync::Arc;

use http::StatusCode;
use quick_cache::{Weighter, sync::Cache};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

pub use self::manifest::{InvalidManifest, TrustedDocuments};
use super::{parameters::Parameters, rejection::Rejection};
use crate::schema::ErrorCode;

const OVERHEAD_BYTES: u64 = 128;

/// Capacity of the persisted query cache in bytes. The capacity is not configurable, since it suffices for thousands of typical
/// documents and clients send evicted texts again.
pub(super) const REGISTERED_BYTES: u64 = 16 << 20;

const TYPICAL_TEXT_BYTES: u64 = 1 << 10;

type Hash = [u8; 32];

/// Documents that a request can name instead of sending their text.
pub(super) enum Documents {
    Any {
        /// Automatic persisted queries by hash.
        registered: Cache<Hash, Arc<str>, ByLength>,
    },
    Trusted(Arc<TrustedDocuments>),
}

/// Text of a document, and the hash under which it is registered once it is valid.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) text: Arc<str>,
    register: Option<Hash>,
}

#[derive(Clone)]
pub(super) struct ByLength;

impl Weighter<Hash, Arc<str>> for ByLength {
    fn weight(&self, _: &Hash, text: &Arc<str>) -> u64 {
        text.len() as u64 + OVERHEAD_BYTES
    }
}

impl Documents {
    pub(super) fn new(trusted: Option<Arc<TrustedDocuments>>, cache_bytes: u64) -> Self {
        trusted.map_or_else(
            || {
                let items = usize::try_from(cache_bytes / (TYPICAL_TEXT_BYTES + OVERHEAD_BYTES))
                    .unwrap_or(usize::MAX);
                let registered = Cache::with_weighter(items.clamp(16, 1 << 16), cache_bytes, ByLength);
                Self::Any { registered }
            },
            Self::Trusted,
        )
    }

    pub(super) fn find(&self, request: &mut Parameters) -> Result<Document, Rejection> {
        let hash = persisted_hash(&request.extensions)?;
        let text = request.query.take().filter(|text| !text.is_empty());
        match self {
            Self::Trusted(trusted) => {
                let named = hash.as_deref().or(request.document_id.as_deref());
                let text = match (named, text) {
                    // The request's text is ignored if the request also names a trusted document.
                    (Some(name), _) => trusted.named(name),
                    (None, Some(text)) => trusted.with_text(&text),
                    (None, None) => return Err(no_document()),
                };
                text.map(Document::sent).ok_or_else(|| {
                    Rejection::of_request(
                        ErrorCode::PersistedQueryNotFound,
                        "The document is not in the manifest of the service, which executes no other documents.",
                    )
                })
            }
            Self::Any { registered } => match (hash, text) {
                (Some(hash), text) => registered_document(registered, &hash, text),
                (None, Some(text)) => Ok(Document::sent(text.into())),
                (None, None) if request.document_id.is_some() => Err(not_found()),
                (None, None) => Err(no_document()),
            },
        }
    }

    /// Registers a validated persisted query. Invalid texts are not registered, so that they evict nothing.
    pub(super) fn register(&self, document: Document) {
        if let (Self::Any { registered }, Some(hash)) = (self, document.register) {
            registered.insert(hash, document.text);
        }
    }
}

impl Document {
    fn sent(text: Arc<str>) -> Self {
        Self { text, register: None }
    }
}

fn registered_document(
    registered: &Cache<Hash, Arc<str>, ByLength>,
    hash: &str,
    text: Option<String>,
) -> Result<Document, Rejection> {
    let hash = parse_hash(hash)
        .ok_or_else(|| Rejection::malformed("\"sha256Hash\" must be a SHA-256 in hexadecimal digits."))?;
    let Some(text) = text else {
        return registered.get(&hash).map(Document::sent).ok_or_else(not_found);
    };
    if Sha256::digest(text.as_bytes()).as_slice() != hash {
        return Err(Rejection::malformed(
            "The hash of the persisted query is not the hash of the query.",
        ));
    }
    let register = registered.peek(&hash).is_none().then_some(hash);
    Ok(Document {
        text: text.into(),
        register,
    })
}

/// Returns the rejection of an unregistered hash. Some clients send the document only if the message matches.
fn not_found() -> Rejection {
    Rejection::of_request(ErrorCode::PersistedQueryNotFound, "PersistedQueryNotFound")
}

fn no_document() -> Rejection {
    Rejection::malformed(
        "The request has no operation; send its text in \"query\", as in {\"query\": \"{ __typename }\"}.",
    )
}

fn persisted_hash(extensions: &Map<String, Value>) -> Result<Option<String>, Rejection> {
    let persisted = match extensions.get("persistedQuery") {
        None | Some(Value::Null) => return Ok(None),
        Some(persisted) => persisted,
    };
    match (&persisted["version"], &persisted["sha256Hash"]) {
        (Value::Number(version), Value::String(hash)) if version.as_u64() == Some(1) => {
            Ok(Some(hash.clone()))
        }
        _ => Err(Rejection::new(
            StatusCode::BAD_REQUEST,
            ErrorCode::BadUserInput,
            "\"extensions.persistedQuery\" must contain \"version\": 1 and \"sha256Hash\".",
        )),
    }
}

fn parse_hash(text: &str) -> Option<Hash> {
    let mut hash = Hash::default();
    if text.len() != hash.len() * 2 || !text.is_ascii() {
        return None;
    }
    for (byte, digits) in hash.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(hash)
}

#[cfg(test)]
mod tests;
