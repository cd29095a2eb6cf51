//! JSON with invalid characters in its strings. The values of `serde_json` cannot represent such characters, so private-use
//! characters replace them until the text is written.

use bytes::Bytes;
use serde_json::Value;

/// Half of a surrogate pair, a raw control character, and a byte that is not valid UTF-8.
pub(super) const ODD: [char; 3] = ['\u{e0d0}', '\u{e0d1}', '\u{e0d2}'];
const WRITTEN: [&[u8]; 3] = [br"\ud83d", b"\x07", b"\xff"];

pub(super) fn written(body: &Value) -> Bytes {
    let text = body.to_string();
    if !text.contains(ODD) {
        return text.into();
    }
    let mut bytes = Vec::with_capacity(text.len());
    for character in text.chars() {
        match ODD.iter().position(|odd| *odd == character) {
            Some(odd) => bytes.extend_from_slice(WRITTEN[odd]),
            None => bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    bytes.into()
}
