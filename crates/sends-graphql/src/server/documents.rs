//! Where the text of a document comes from: the request, a hash that clients registered a text under, or a manifest.
//!
//! Owns which documents are answered. Must not know what is in a document.

mod manifest;

use std::sync::Arc;

use http::StatusCode;
use quick_cache::{Weighter, sync::Cache};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

pub use self::manifest::{InvalidManifest, TrustedDocuments};
use super::{parameters::Parameters, rejection::Rejection};
use crate::schema::ErrorCode;

/// What an entry costs beyond its text.
const BOOKKEEPING: u64 = 128;

/// The room for texts that clients register. It has no option: it holds thousands of documents of the usual length, and the
/// client of one that was displaced sends its text again.
pub(super) const REGISTERED_BYTES: u64 = 16 << 20;

/// About how long a document is, to begin with a cache of the right size.
const USUAL_TEXT: u64 = 1 << 10;

type Hash = [u8; 32];

/// The documents that can be named instead of sent.
pub(super) enum Documents {
    /// Any document is answered.
    Any {
        /// Texts that clients registered.
        registered: Cache<Hash, Arc<str>, ByLength>,
    },
    /// Only these are.
    Trusted(Arc<TrustedDocuments>),
}

/// The text of a document, and the hash to keep it under once it has proved to be good.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) text: Arc<str>,
    register: Option<Hash>,
}

/// Bounds the cache by the bytes of its texts.
#[derive(Clone)]
pub(super) struct ByLength;

impl Weighter<Hash, Arc<str>> for ByLength {
    fn weight(&self, _: &Hash, text: &Arc<str>) -> u64 {
        text.len() as u64 + BOOKKEEPING
    }
}

impl Documents {
    /// The documents of a manifest, or any with a cache of this size.
    pub(super) fn new(trusted: Option<Arc<TrustedDocuments>>, cache_bytes: u64) -> Self {
        trusted.map_or_else(
            || {
                let items = usize::try_from(cache_bytes / (USUAL_TEXT + BOOKKEEPING)).unwrap_or(usize::MAX);
                let registered = Cache::with_weighter(items.clamp(16, 1 << 16), cache_bytes, ByLength);
                Self::Any { registered }
            },
            Self::Trusted,
        )
    }

    /// The document that a request means.
    pub(super) fn find(&self, request: &mut Parameters) -> Result<Document, Rejection> {
        let hash = persisted_hash(&request.extensions)?;
        let text = request.query.take().filter(|text| !text.is_empty());
        match self {
            Self::Trusted(trusted) => {
                let named = hash.as_deref().or(request.document_id.as_deref());
                let text = match (named, text) {
                    // What is sent beside the name of a trusted document is not looked at.
                    (Some(name), _) => trusted.named(name),
                    (None, Some(text)) => trusted.worded(&text),
                    (None, None) => return Err(no_document()),
                };
                text.map(Document::sent).ok_or_else(|| {
                    Rejection::of_request(
                        ErrorCode::PersistedQueryNotFound,
                        "Only the documents of the service's manifest are answered, and this is none of them.",
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

    /// Keeps the text of a document that a client registers, after it turned out to be one that is answered: nonsense must
    /// not displace what others use.
    pub(super) fn keep(&self, document: Document) {
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

/// Clients compare the message, too, before they send the text.
fn not_found() -> Rejection {
    Rejection::of_request(ErrorCode::PersistedQueryNotFound, "PersistedQueryNotFound")
}

fn no_document() -> Rejection {
    Rejection::malformed(
        "The request has no operation; send its text in \"query\", as in {\"query\": \"{ __typename }\"}.",
    )
}

/// The hash in the extension that Apollo's clients brought into use.
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
            "\"extensions.persistedQuery\" must hold \"version\": 1 and \"sha256Hash\".",
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
