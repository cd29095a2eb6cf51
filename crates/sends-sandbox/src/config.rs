//! Configuration of a sandbox. Settings that can change at runtime are in [`settings`].

pub mod settings;

use crate::faults::Fault;
use settings::Settings;

/// Default access token, which has every scope.
pub const DEFAULT_ACCESS_TOKEN: &str = "sandbox-access-token";
pub const DEFAULT_CLIENT_ID: &str = "sandbox-client";
pub const DEFAULT_CLIENT_SECRET: &str = "sandbox-secret";
/// Default public application (PKCE and device flow).
pub const DEFAULT_PUBLIC_CLIENT_ID: &str = "sandbox-public-client";
pub const DEFAULT_ACCOUNT: &str = "main";
pub const EVERY_SCOPE: [&str; 6] = [
    "campaign_data",
    "contact_data",
    "account_read",
    "account_update",
    "billing_data",
    "offline_access",
];

/// Configuration of a sandbox. By default, the limits are 4 requests a second and 10,000 a day, and there are no latency and no
/// faults. The only account has the guide's example and the campaigns of a small bookshop.
#[derive(Clone, Debug)]
pub struct Config {
    /// OAuth logs in to the first account by default.
    pub accounts: Vec<AccountConfig>,
    /// The rate limits apply to each application separately.
    pub clients: Vec<ClientConfig>,
    /// Fixed access tokens, which never expire.
    pub access_tokens: Vec<AccessTokenConfig>,
    pub seed: u64,
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
    /// Returns the default configuration without rate limits.
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

    #[must_use]
    pub fn with_activities(mut self, count: u64) -> Self {
        if let Some(account) = self.accounts.first_mut() {
            account.activities = count;
        }
        self
    }

    #[must_use]
    pub fn with_odd_records(mut self) -> Self {
        if let Some(account) = self.accounts.first_mut() {
            account.written_records = WrittenRecords::Odd;
        }
        self
    }

    /// Adds an account with generated activities, and a token of the default application for the account.
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
    pub name: String,
    pub written_records: WrittenRecords,
    pub activities: u64,
    /// Privileges of the account's user. Campaigns require `campaign:read`, and reports also require `ui:campaign:metrics`.
    pub privileges: Vec<String>,
}

/// Predefined records of an account, in addition to generated records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrittenRecords {
    /// The guide's example and the campaigns of a small bookshop, dated relative to the start of the sandbox.
    Shop,
    /// The guide's example and one record with fixed dates for each variant of a response, including malformed and undocumented
    /// variants.
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

#[derive(Clone, Debug)]
pub struct AccessTokenConfig {
    pub token: String,
    pub account: String,
    /// Application whose rate limits apply.
    pub client_id: String,
    pub scopes: Vec<String>,
}

impl AccessTokenConfig {
    pub fn new(token: &str, account: &str) -> Self {
        Self {
            token: token.to_owned(),
            account: account.to_owned(),
            client_id: DEFAULT_CLIENT_ID.to_owned(),
            scopes: EVERY_SCOPE.map(str::to_owned).to_vec(),
        }
    }
}
