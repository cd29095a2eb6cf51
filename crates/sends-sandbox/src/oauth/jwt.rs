//! Access tokens: JWTs of realistic length with a random signature.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::grants::Grant;
use crate::clock::Moment;

/// Length of a token in characters. Real tokens have 1,000 to 1,200.
const LENGTH: usize = 1100;
const SIGNATURE_BYTES: usize = 256;

pub(super) fn access_token(grant: &Grant, issued_at: Moment, expires_at: Moment) -> String {
    let header = encoded(&json!({"kid": "sandbox", "alg": "RS256", "typ": "JWT"}));
    let jti = fastrand::u128(..);
    let claims = |padding: usize| {
        encoded(&json!({
            "ver": 1,
            "jti": format!("AT.{jti:032x}"),
            "iss": "https://sandbox.example/oauth2/default",
            "aud": "https://sandbox.example/v3",
            "iat": issued_at.0 / 1000,
            "exp": expires_at.0 / 1000,
            "cid": grant.client_id,
            "uid": format!("user-of-{}", grant.account),
            "sub": format!("{}@lantern.example", grant.account),
            "scp": grant.scopes,
            "pad": "x".repeat(padding),
        }))
    };
    let signature: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..))
        .take(SIGNATURE_BYTES)
        .collect();
    let signature = URL_SAFE_NO_PAD.encode(signature);
    let unpadded = header.len() + claims(0).len() + signature.len() + 2;
    // Base64 encodes three bytes of padding as four characters.
    let padding = LENGTH.saturating_sub(unpadded) * 3 / 4;
    format!("{header}.{}.{signature}", claims(padding))
}

fn encoded(part: &serde_json::Value) -> String {
    URL_SAFE_NO_PAD.encode(part.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_has_a_realistic_length() {
        let grant = Grant {
            account: "main".into(),
            client_id: "c".into(),
            scopes: vec!["campaign_data".into()],
        };
        let token = access_token(&grant, Moment(0), Moment(1000));
        assert!((1000..=1200).contains(&token.len()), "{}", token.len());
        assert_eq!(token.split('.').count(), 3);
    }
}
