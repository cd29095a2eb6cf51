//! The credential file's content: version 1, JSON.
//!
//! The only place where secrets become text. Must not know where that text goes.

use std::path::Path;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use crate::{
    Account, Application, CredentialId, Endpoints, LoginRequired, StoreError,
    credential::{Access, Credential, PreviousLogin, Refresh, RefreshInFlight, RefreshRefusals},
};

/// Raised with every change that an older program would misread.
const VERSION: u32 = 1;

/// Room for two tokens and what goes with them, so that no copy of a secret is left behind by a buffer that grew.
const USUAL_SIZE: usize = 16 << 10;

/// What every version of the file has.
#[derive(Deserialize)]
struct AnyVersion {
    version: u32,
}

#[derive(Serialize, Deserialize)]
struct Document {
    version: u32,
    credential_id: CredentialId,
    client_id: String,
    client_secret: Option<Written>,
    authorize_endpoint: String,
    token_endpoint: String,
    device_endpoint: String,
    scopes: Vec<String>,
    access_token: Option<AccessToken>,
    refresh_token: Option<RefreshToken>,
    account: Option<Account>,
    previous_login: Option<PreviousLogin>,
    refresh_in_flight: Option<RefreshInFlight>,
    login_required: Option<LoginRequired>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refresh_refusals: Option<RefreshRefusals>,
}

#[derive(Serialize, Deserialize)]
struct AccessToken {
    secret: Written,
    obtained_at: Timestamp,
    expires_at: Option<Timestamp>,
}

#[derive(Serialize, Deserialize)]
struct RefreshToken {
    secret: Written,
    obtained_at: Timestamp,
}

/// A secret that can be written, which `secrecy` rightly makes impossible for its own types.
struct Written(SecretString);

impl Serialize for Written {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose_secret())
    }
}

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(text.into()))
    }
}

/// The content of the file for `credential`. It is wiped when it is dropped.
pub(crate) fn write(credential: &Credential) -> Result<Zeroizing<Vec<u8>>, serde_json::Error> {
    let Credential {
        id,
        application,
        endpoints,
        scopes,
        access,
        refresh,
        account,
        previous,
        refresh_in_flight,
        login_required,
        refresh_refusals,
    } = credential.clone();
    let document = Document {
        version: VERSION,
        credential_id: id,
        client_id: application.client_id,
        client_secret: application.client_secret.map(Written),
        authorize_endpoint: endpoints.authorize().to_string(),
        token_endpoint: endpoints.token().to_string(),
        device_endpoint: endpoints.device().to_string(),
        scopes,
        access_token: access.map(|access| AccessToken {
            secret: Written(access.token),
            obtained_at: access.obtained_at,
            expires_at: access.expires_at,
        }),
        refresh_token: refresh.map(|refresh| RefreshToken {
            secret: Written(refresh.token),
            obtained_at: refresh.obtained_at,
        }),
        account,
        previous_login: previous,
        refresh_in_flight,
        login_required,
        refresh_refusals,
    };
    let mut content = Zeroizing::new(Vec::with_capacity(USUAL_SIZE));
    serde_json::to_writer_pretty(&mut *content, &document)?;
    Ok(content)
}

/// Reads the content of the file at `path`, which is for the errors only.
pub(crate) fn read(path: &Path, content: &[u8]) -> Result<Credential, StoreError> {
    let AnyVersion { version } = parse(path, content)?;
    if version > VERSION {
        return Err(StoreError::Newer {
            path: path.to_owned(),
            found: version,
            known: VERSION,
        });
    }
    let document: Document = parse(path, content)?;
    let endpoints = Endpoints::new(
        &document.authorize_endpoint,
        &document.token_endpoint,
        &document.device_endpoint,
    )
    .map_err(|error| StoreError::damaged(path, error.to_string()))?;
    Ok(Credential {
        id: document.credential_id,
        application: Application {
            client_id: document.client_id,
            client_secret: document.client_secret.map(|Written(secret)| secret),
        },
        endpoints,
        scopes: document.scopes,
        access: document.access_token.map(|access| Access {
            token: access.secret.0,
            obtained_at: access.obtained_at,
            expires_at: access.expires_at,
        }),
        refresh: document.refresh_token.map(|refresh| Refresh {
            token: refresh.secret.0,
            obtained_at: refresh.obtained_at,
        }),
        account: document.account,
        previous: document.previous_login,
        refresh_in_flight: document.refresh_in_flight,
        login_required: document.login_required,
        refresh_refusals: document.refresh_refusals,
    })
}

fn parse<T: for<'de> Deserialize<'de>>(path: &Path, content: &[u8]) -> Result<T, StoreError> {
    // The message of `serde_json` quotes what it found, which may be a secret: the place is told, and nothing else.
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
    fn what_is_written_is_what_was_read() {
        let credential = read(path(), COMPLETE.as_bytes()).unwrap();
        assert_eq!(
            std::str::from_utf8(&write(&credential).unwrap()).unwrap(),
            COMPLETE
        );
    }

    #[test]
    fn a_file_of_before_refusals_were_counted_is_read() {
        let (before, _) = COMPLETE.split_once(",\n  \"refresh_refusals\"").unwrap();
        let credential = read(path(), format!("{before}}}").as_bytes()).unwrap();
        assert_eq!(credential.refresh_refusals, None);
    }

    #[test]
    fn a_credential_does_not_print_its_secrets() {
        let printed = format!("{:?}", read(path(), COMPLETE.as_bytes()).unwrap());
        assert!(
            !printed.contains("hush") && printed.contains("REDACTED"),
            "{printed}"
        );
    }

    #[test]
    fn a_file_of_a_newer_version_is_told_from_a_damaged_one() {
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
