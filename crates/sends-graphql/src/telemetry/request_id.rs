//! Request id in the log and the response: the caller's id if it is valid, otherwise a random id.

use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue};

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Maximum length of a caller's id, in bytes. A UUID has 36 characters, and a trace context has 55.
const MAX_LENGTH: usize = 128;

#[derive(Clone, Debug)]
pub struct RequestId(HeaderValue);

impl RequestId {
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut ids = headers.get_all(REQUEST_ID).iter();
        match (ids.next(), ids.next()) {
            (Some(id), None) if is_usable(id) => Self(id.clone()),
            _ => Self::random(),
        }
    }

    pub(crate) fn mark(self, response: &mut Response) {
        response.headers_mut().insert(REQUEST_ID, self.0);
    }

    /// Returns a unique id, or a constant if the operating system provides no random numbers.
    fn random() -> Self {
        let mut bytes = [0; 16];
        if getrandom::fill(&mut bytes).is_err() {
            return Self(HeaderValue::from_static("unnamed"));
        }
        let digits = format!("{:032x}", u128::from_be_bytes(bytes));
        Self(HeaderValue::from_str(&digits).unwrap_or(HeaderValue::from_static("unnamed")))
    }
}

fn is_usable(id: &HeaderValue) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:/+=@".contains(byte);
    (1..=MAX_LENGTH).contains(&id.len()) && id.as_bytes().iter().all(is_plain)
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, extract::Request};

    use super::*;

    fn id(values: &[&str]) -> String {
        let mut request = Request::new(Body::empty());
        for value in values {
            request.headers_mut().append(REQUEST_ID, value.parse().unwrap());
        }
        RequestId::of(request.headers()).as_str().to_owned()
    }

    #[test]
    fn valid_id_is_preserved_and_invalid_id_is_replaced() {
        let max_length = "a".repeat(MAX_LENGTH);
        for usable in ["1", "7b1c-4e.a:b/c+d=e@f_g", &max_length] {
            assert_eq!(id(&[usable]), usable);
        }
        let too_long = "a".repeat(MAX_LENGTH + 1);
        for unusable in [&[][..], &[""], &["a b"], &["a\"b"], &["a", "b"], &[&too_long]] {
            let random = id(unusable);
            assert_eq!(random.len(), 32, "{unusable:?}: {random}");
            assert_ne!(random, id(unusable));
        }
    }
}
