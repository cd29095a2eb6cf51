//! Format of the credential file: JSON, version 1.
//!
//! Invariant: no other module serializes secrets.

use std::path::Path;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{Application, StoreError, credential::Credential};

/// Version of the format, which is incremented with each change that an older program would misread.
const VERSION: u32 = 1;

/// Initial buffer capacity in bytes, enough for two tokens. A growing buffer would leave copies of secrets in memory.
const USUAL_SIZE: usize = 16 << 10;

#[derive(Deserialize)]
struct AnyVersion {
    version: u32,
}

#[derive(Serialize)]
struct Document<'c> {
    version: u32,
    #[serde(flatten)]
    credential: &'c Credential,
}

/// Serialization of [`Application`]. The public type does not implement `Serialize`, because that would expose its secret.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Application")]
pub(crate) struct StoredApplication {
    client_id: String,
    #[serde(default, with = "optional_secret")]
    client_secret: Option<SecretString>,
}

/// Serialization of secrets, which `secrecy` does not provide.
pub(crate) mod secret {
    use secrecy::{ExposeSecret, SecretString};
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(secret: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(secret.expose_secret())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
        String::deserialize(deserializer).map(SecretString::from)
    }
}

mod optional_secret {
    use secrecy::{ExposeSecret, SecretString};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[expect(clippy::ref_option, reason = "serde requires this signature")]
    pub(super) fn serialize<S: Serializer>(
        secret: &Option<SecretString>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        secret
            .as_ref()
            .map(ExposeSecret::expose_secret)
            .serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<SecretString>, D::Error> {
        Ok(Option::<String>::deserialize(deserializer)?.map(SecretString::from))
    }
}

/// Serializes the credential. The buffer is zeroed on drop.
pub(crate) fn write(credential: &Credential) -> Result<Zeroizing<Vec<u8>>, serde_json::Error> {
    let document = Document {
        version: VERSION,
        credential,
    };
    let mut content = Zeroizing::new(Vec::with_capacity(USUAL_SIZE));
    serde_json::to_writer_pretty(&mut *content, &document)?;
    Ok(content)
}

pub(crate) fn read(path: &Path, content: &[u8]) -> Result<Credential, StoreError> {
    let AnyVersion { version } = parse(path, content)?;
    if version > VERSION {
        return Err(StoreError::Newer {
            path: path.to_owned(),
            found: version,
            known: VERSION,
        });
    }
    parse(path, content)
}

fn parse<T: for<'de> Deserialize<'de>>(path: &Path, content: &[u8]) -> Result<T, StoreError> {
    // Only the position is reported, because the message of `serde_json` quotes the value, which may be a secret.
    serde_json::from_slice(content).map_err(|error| {
        let detail = format!("at line {}, column {}", error.line(), error.column());
        StoreError::damaged(path, detail)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPLETE: &str = r#"{
  "version": 1,
  "credential_id": "0123456789abcdef0123456789abcdef",
  "client_id": "client",
  "client_secret": "hush-client",
  "authorize_endpoint": "https://example.com/authorize",
  "token_endpoint": "https://example.com/token",
  "device_endpoint": "https://example.com/device",
  "scopes": [
    "campaign_data",
    "offline_access"
  ],
  "access_token": {
    "secret": "hush-access",
    "obtained_at": "2026-01-02T03:04:05Z",
    "expires_at": "2026-01-03T03:04:05Z"
  },
  "refresh_token": {
    "secret": "hush-refresh",
    "obtained_at": "2026-01-02T03:04:05Z"
  },
  "account": {
    "id": "a07e1",
    "organization": "Lantern"
  },
  "previous_login": {
    "credential_id": "00000000000000000000000000000000",
    "account_id": "a07e2"
  },
  "refresh_in_flight": {
    "token_fingerprint": "aa",
    "since": "2026-01-02T03:04:05Z"
  },
  "login_required": {
    "reason": "answer_lost",
    "sent_at": "2026-01-02T03:04:05Z",
    "since": "2026-01-02T03:05:05Z"
  },
  "refresh_refusals": {
    "count": 2,
    "last": "2026-01-02T03:06:05Z"
  }
}"#;

    fn path() -> &'static Path {
        Path::new("credential.json")
    }

    #[test]
    fn written_credential_reads_back_unchanged() {
        let credential = read(path(), COMPLETE.as_bytes()).unwrap();
        assert_eq!(
            std::str::from_utf8(&write(&credential).unwrap()).unwrap(),
            COMPLETE
        );
    }

    #[test]
    fn file_without_a_rejection_count_is_read() {
        let (before, _) = COMPLETE.split_once(",\n  \"refresh_refusals\"").unwrap();
        let credential = read(path(), format!("{before}}}").as_bytes()).unwrap();
        assert_eq!(credential.refresh_refusals, None);
    }

    #[test]
    fn debug_output_of_a_credential_hides_its_secrets() {
        let printed = format!("{:?}", read(path(), COMPLETE.as_bytes()).unwrap());
        assert!(
            !printed.contains("hush") && printed.contains("REDACTED"),
            "{printed}"
        );
    }

    #[test]
    fn file_of_a_newer_version_is_not_reported_as_damaged() {
        let newer = read(path(), br#"{"version":2,"tokens":"elsewhere"}"#).unwrap_err();
        assert!(
            matches!(
                newer,
                StoreError::Newer {
                    found: 2,
                    known: 1,
                    ..
                }
            ),
            "{newer}"
        );
        let misplaced_secret = COMPLETE.replace(r#""version": 1"#, r#""version": "hush""#);
        let damaged = [
            "",
            "{}",
            "null",
            r#"{"version":1}"#,
            &COMPLETE[..COMPLETE.len() / 2],
            &COMPLETE.replace("\"2026-01-03T03:04:05Z\"", "\"hush-date\""),
            &COMPLETE.replace("https://example.com/token", "http://example.com/token"),
            &misplaced_secret,
        ];
        for content in damaged {
            let error = read(path(), content.as_bytes()).unwrap_err();
            assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
            assert!(!format!("{error} {error:?}").contains("hush"), "{error:?}");
        }
    }
}
