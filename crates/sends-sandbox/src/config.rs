//! Owns what a sandbox is started with: its accounts, its applications (API keys), its fixed tokens and its faults.
//! Knows nothing of the command line or of serving; what may change while running is in [`settings`].

pub mod settings;

use crate::faults::Fault;
use settings::Settings;

/// The access token that works when none is configured. It has every scope.
pub const DEFAULT_ACCESS_TOKEN: &str = "sandbox-access-token";
/// The confidential application that exists when none is configured.
pub const DEFAULT_CLIENT_ID: &str = "sandbox-client";
/// The secret of [`DEFAULT_CLIENT_ID`].
pub const DEFAULT_CLIENT_SECRET: &str = "sandbox-secret";
/// The public application (PKCE, device flow) that exists when none is configured.
pub const DEFAULT_PUBLIC_CLIENT_ID: &str = "sandbox-public-client";
/// The account that exists when none is configured.
pub const DEFAULT_ACCOUNT: &str = "main";
/// Every scope the upstream documents.
pub const EVERY_SCOPE: [&str; 6] = [
    "campaign_data",
    "contact_data",
    "account_read",
    "account_update",
    "billing_data",
    "offline_access",
];

/// Everything a sandbox is started with.
///
/// The default has the limits on (4 a second, 10,000 a day), no latency, no faults, and one account that holds the
/// guide's example and the campaigns of a small bookshop.
#[derive(Clone, Debug)]
pub struct Config {
    /// The accounts; the first is the one OAuth logs in to unless told otherwise.
    pub accounts: Vec<AccountConfig>,
    /// The applications, each an API key of its own: the limits count per application.
    pub clients: Vec<ClientConfig>,
    /// Access tokens that exist from the start and never expire.
    pub access_tokens: Vec<AccessTokenConfig>,
    /// What everything invented is derived from.
    pub seed: u64,
    /// How many requests the log holds before it forgets the oldest.
    pub log_capacity: usize,
    /// The faults that exist from the start.
    pub faults: Vec<Fault>,
    /// The switches, which control requests can change later.
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
    /// The default with both limits off, for what is not about limits.
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

    /// The same with `count` generated activities in the first account.
    #[must_use]
    pub fn with_activities(mut self, count: u64) -> Self {
        if let Some(account) = self.accounts.first_mut() {
            account.activities = count;
        }
        self
    }

    /// The same with the odd records in the first account instead of the shop's campaigns.
    #[must_use]
    pub fn with_odd_records(mut self) -> Self {
        if let Some(account) = self.accounts.first_mut() {
            account.written_records = WrittenRecords::Odd;
        }
        self
    }

    /// The same with one more account of `activities` generated activities, and a token of the default application
    /// that opens it.
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

/// One account: an owner of campaigns, whose data no other account's token sees.
#[derive(Clone, Debug)]
pub struct AccountConfig {
    /// The name that control requests and tokens refer to it by.
    pub name: String,
    /// What it holds besides generated activities.
    pub written_records: WrittenRecords,
    /// How many activities are generated besides.
    pub activities: u64,
    /// What its user may do; without `campaign:read` everything about campaigns is 403, and without `ui:campaign:metrics`
    /// the reports are.
    pub privileges: Vec<String>,
}

/// What an account holds besides generated activities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrittenRecords {
    /// The guide's example and the campaigns of a small bookshop, dated relative to the day the sandbox was started on.
    Shop,
    /// The guide's example and the odd records, which have fixed dates: one for each thing the upstream may answer,
    /// malformed and undocumented forms included.
    Odd,
    /// Nothing.
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

/// One application, which is one API key.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// The client id.
    pub id: String,
    /// The secret of a confidential application; a public one has none.
    pub secret: Option<String>,
    /// The redirect URIs it has registered. When empty, every loopback one is taken.
    pub redirect_uris: Vec<String>,
}

impl ClientConfig {
    /// An application that authenticates with HTTP Basic.
    pub fn confidential(id: &str, secret: &str) -> Self {
        Self {
            id: id.to_owned(),
            secret: Some(secret.to_owned()),
            redirect_uris: Vec::new(),
        }
    }

    /// An application that sends its id in the body and has no secret.
    pub fn public(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            secret: None,
            redirect_uris: Vec::new(),
        }
    }
}

/// An access token that exists from the start.
#[derive(Clone, Debug)]
pub struct AccessTokenConfig {
    /// The token itself.
    pub token: String,
    /// The account it opens.
    pub account: String,
    /// The application it was issued to, which its requests are counted against.
    pub client_id: String,
    /// What it may read.
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
