//! State of the simulated upstream.

use std::sync::{Arc, RwLock};

use crate::clock::Clock;
use crate::config::settings::Settings;
use crate::config::{ClientConfig, Config};
use crate::data::account::Account;
use crate::faults::Faults;
use crate::limits::Limits;
use crate::lock::{read, write};
use crate::oauth::grants::Grants;
use crate::request_log::RequestLog;
use crate::wild::Attempts;

#[derive(Debug)]
pub(crate) struct Upstream {
    pub(crate) config: Config,
    pub(crate) clock: Arc<Clock>,
    settings: RwLock<Arc<Settings>>,
    pub(crate) accounts: Vec<Arc<Account>>,
    pub(crate) grants: Grants,
    pub(crate) limits: Limits,
    /// Separate rate limit of the token endpoint.
    pub(crate) token_limits: Limits,
    pub(crate) faults: Faults,
    pub(crate) attempts: Attempts,
    pub(crate) log: Arc<RequestLog>,
}

impl Upstream {
    pub(crate) fn new(config: Config) -> Self {
        let clock = Arc::new(Clock::start());
        let accounts = config
            .accounts
            .iter()
            .map(|account| Arc::new(Account::new(account.clone(), config.seed, clock.now())))
            .collect();
        Self {
            settings: RwLock::new(Arc::new(config.settings.clone())),
            accounts,
            grants: Grants::new(&config.access_tokens),
            limits: Limits::default(),
            token_limits: Limits::default(),
            faults: Faults::new(&config.faults, config.seed),
            attempts: Attempts::default(),
            log: Arc::new(RequestLog::new(config.log_capacity, Arc::clone(&clock))),
            clock,
            config,
        }
    }

    pub(crate) fn settings(&self) -> Arc<Settings> {
        Arc::clone(&read(&self.settings))
    }

    pub(crate) fn set_settings(&self, settings: Settings) {
        *write(&self.settings) = Arc::new(settings);
    }

    pub(crate) fn account(&self, name: &str) -> Option<&Arc<Account>> {
        self.accounts.iter().find(|account| account.config.name == name)
    }

    pub(crate) fn client(&self, id: &str) -> Option<&ClientConfig> {
        self.config.clients.iter().find(|client| client.id == id)
    }

    /// Restores the initial state, but keeps issued tokens.
    pub(crate) fn reset(&self) {
        self.set_settings(self.config.settings.clone());
        self.clock.return_to_real_time();
        self.faults.replace(&self.config.faults);
        self.attempts.clear();
        self.limits.clear();
        self.token_limits.clear();
        self.log.clear();
        self.grants.restore(&self.config.access_tokens);
        for account in &self.accounts {
            account.restore();
        }
    }
}
