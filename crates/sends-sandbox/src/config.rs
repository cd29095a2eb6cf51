//! The configuration of a sandbox. The part that can change while it runs is in [`settings`].

pub mod settings;

use crate::faults::Fault;
use settings::Settings;

/// The default access token, with every scope.
pub const DEFAULT_ACCESS_TOKEN: &str = "sandbox-access-token";
/// The default confidential application.
pub const DEFAULT_CLIENT_ID: &str = "sandbox-client";
pub const DEFAULT_CLIENT_SECRET: &str = "sandbox-secret";
/// The default public application (PKCE, device flow).
pub const DEFAULT_PUBLIC_CLIENT_ID: &str = "sandbox-public-client";
pub const DEFAULT_ACCOUNT: &str = "main";
/// The documented scopes.
pub const EVERY_SCOPE: [&str; 6] = [
    "campaign_data",
    "contact_data",
    "account_read",
    "account_update",
    "billing_data",
    "offline_access",
];

/// The configuration of a sandbox. By default: limits of 4 requests a second and 10,000 a day, no latency, no faults, and one
/// account with the guide's example and the campaigns of a small bookshop.
#[derive(Clone, Debug)]
pub struct Config {
    /// OAuth logs in to the first one by default.
    pub accounts: Vec<AccountConfig>,
    /// The limits count per application.
    pub clients: Vec<ClientConfig>,
    /// Fixed access tokens, which never expire.
    pub access_tokens: Vec<AccessTokenConfig>,
    /// The seed of generated data.
    pub seed: u64,
    /// The capacity of the request log.
    pub log_capacity: usize,
    pub faults: Vec<Fault>,
    pub settings: Settings,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            accounts: vec![AccountConfig::default()],
            clients: vec![
                ClientConfig::confidential(DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET),
                ClientConfig::public(DEFAULT_PUBLIC_CLIENT_ID),
            ],
            access_tokens: vec![AccessTokenConfig::new(DEFAULT_ACCESS_TOKEN, DEFAULT_ACCOUNT)],
            seed: 1,
            log_capacity: 100_000,
            faults: Vec::new(),
            settings: Settings::default(),
        }
    }
}

impl Config {
    /// The default without rate limits.
    #[must_use]
    pub fn unlimited() -> Self {
        let settings = Settings {
            rate_per_second: 0,
            rate_per_day: 0,
            token_rate_per_second: 0,
            ..Settings::default()
        };
        Self {
            settings,
            ..Self::default()
        }
    }

    /// Adds generated activities to the first account.
    #[must_use]
    pub fn with_activities(mut self, count: u64) -> Self {
        if let Some(account) = self.accounts.first_mut() {
            account.activities = count;
        }
        self
    }

    /// Replaces the shop's campaigns in the first account by the odd records.
    #[must_use]
    pub fn with_odd_records(mut self) -> Self {
        if let Some(account) = self.accounts.first_mut() {
            account.written_records = WrittenRecords::Odd;
        }
        self
    }

    /// Adds an account with generated activities, and a token of the default application for it.
    #[must_use]
    pub fn with_account(mut self, name: &str, access_token: &str, activities: u64) -> Self {
        self.accounts.push(AccountConfig {
            name: name.to_owned(),
            written_records: WrittenRecords::None,
            activities,
            ..AccountConfig::default()
        });
        self.access_tokens
            .push(AccessTokenConfig::new(access_token, name));
        self
    }
}

#[derive(Clone, Debug)]
pub struct AccountConfig {
    /// The name in control requests and tokens.
    pub name: String,
    pub written_records: WrittenRecords,
    /// The number of generated activities.
    pub activities: u64,
    /// The privileges of its user. Campaigns need `campaign:read`, reports `ui:campaign:metrics` as well.
    pub privileges: Vec<String>,
}

/// The records of an account in addition to generated ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrittenRecords {
    /// The guide's example and the campaigns of a small bookshop, dated relative to the start of the sandbox.
    Shop,
    /// The guide's example and one record with fixed dates for each form of response, malformed and undocumented ones included.
    Odd,
    None,
}

impl Default for AccountConfig {
    fn default() -> Self {
        let privileges = [
            "campaign:create",
            "campaign:read",
            "campaign:send",
            "contacts:lists:read",
            "contacts:read",
            "ui:campaign:metrics",
        ];
        Self {
            name: DEFAULT_ACCOUNT.to_owned(),
            written_records: WrittenRecords::Shop,
            activities: 0,
            privileges: privileges.map(str::to_owned).to_vec(),
        }
    }
}

/// An application (API key).
#[derive(Clone, Debug)]
pub struct ClientConfig {
    pub id: String,
    /// `None` for a public application.
    pub secret: Option<String>,
}

impl ClientConfig {
    pub fn confidential(id: &str, secret: &str) -> Self {
        Self {
            id: id.to_owned(),
            secret: Some(secret.to_owned()),
        }
    }

    pub fn public(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            secret: None,
        }
    }
}

/// A fixed access token.
#[derive(Clone, Debug)]
pub struct AccessTokenConfig {
    pub token: String,
    pub account: String,
    /// The application whose limits apply.
    pub client_id: String,
    pub scopes: Vec<String>,
}

impl AccessTokenConfig {
    /// A token of the default application with every scope.
    pub fn new(token: &str, account: &str) -> Self {
        Self {
            token: token.to_owned(),
            account: account.to_owned(),
            client_id: DEFAULT_CLIENT_ID.to_owned(),
            scopes: EVERY_SCOPE.map(str::to_owned).to_vec(),
        }
    }
}
