//! Command line and environment variables.

use std::net::SocketAddr;

use clap::Parser;
use sends_sandbox::config::{
    AccessTokenConfig, AccountConfig, ClientConfig, DEFAULT_ACCESS_TOKEN, DEFAULT_ACCOUNT, WrittenRecords,
};
use sends_sandbox::{Config, Fault, Settings};

/// A simulation of Constant Contact's V3 API with invented data
#[derive(Debug, Parser)]
#[command(version, long_about = ABOUT, after_long_help = CONTROL)]
pub(crate) struct Options {
    /// Address to listen on
    #[arg(
        long,
        env = "SENDS_SANDBOX_LISTEN",
        value_name = "ADDRESS",
        default_value = "127.0.0.1:8081"
    )]
    listen: SocketAddr,
    /// Access token that never expires, as TOKEN or ACCOUNT:TOKEN; a new ACCOUNT is created with generated activities. Repeatable
    #[arg(long = "access-token", env = "SENDS_SANDBOX_ACCESS_TOKEN", value_name = "[ACCOUNT:]TOKEN", value_delimiter = ',',
        default_value = DEFAULT_ACCESS_TOKEN, hide_default_value = false)]
    access_tokens: Vec<String>,
    /// Application, as ID (public) or ID:SECRET (confidential), in addition to the two default ones. Repeatable
    #[arg(
        long = "client",
        env = "SENDS_SANDBOX_CLIENT",
        value_name = "ID[:SECRET]",
        value_delimiter = ','
    )]
    clients: Vec<String>,
    /// Number of generated activities in every account, in addition to the bookshop's campaigns in the first
    #[arg(long, env = "SENDS_SANDBOX_ACTIVITIES", value_name = "N", default_value_t = 0)]
    activities: u64,
    /// Fill the first account with one record for each form of response, malformed and undocumented ones included, instead of the
    /// bookshop's campaigns
    #[arg(long, env = "SENDS_SANDBOX_ODD_RECORDS")]
    odd_records: bool,
    /// Seed of the generated data
    #[arg(long, env = "SENDS_SANDBOX_SEED", value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Capacity of the request log
    #[arg(
        long,
        env = "SENDS_SANDBOX_LOG_CAPACITY",
        value_name = "N",
        default_value_t = 100_000
    )]
    log_capacity: usize,
    /// Fault, as the JSON of POST /_sandbox/faults. Repeatable
    #[arg(long = "fault", env = "SENDS_SANDBOX_FAULT", value_name = "JSON")]
    faults: Vec<String>,
    #[command(flatten)]
    settings: Settings,
}

const ABOUT: &str = "\
A simulation of Constant Contact's V3 API with invented data. The account is that of a small bookshop, with weekly \
newsletters, a sale, events, and failures for every documented reason code, dated relative to today.

Serves the API under /v3, OAuth under /oauth2/default/v1 and control requests under /_sandbox on one port. \
An example with the default access token:

  curl -H 'Authorization: Bearer sandbox-access-token' \\
    http://127.0.0.1:8081/v3/emails/activities/1ead98be-dfa0-4e04-81f7-5f1534d42e9c/send_history";

const CONTROL: &str = include_str!("options/control.txt");

/// Minimum number of activities in an account that is created for a token, which has no other data.
const MIN_ACTIVITIES: u64 = 24;

#[derive(Debug, thiserror::Error)]
pub(crate) enum InvalidOptions {
    #[error("--access-token {0:?} is invalid: use TOKEN or ACCOUNT:TOKEN")]
    AccessToken(String),
    #[error("--client {0:?} is invalid: use ID or ID:SECRET")]
    Client(String),
    #[error("--fault {json:?} is not a fault: {source}")]
    Fault { json: String, source: serde_json::Error },
    #[error("--login-account {0:?} is not an account: name it in an --access-token")]
    LoginAccount(String),
}

impl Options {
    pub(crate) fn into_config(self) -> Result<(SocketAddr, Config), InvalidOptions> {
        let mut config = Config {
            accounts: vec![AccountConfig {
                activities: self.activities,
                ..AccountConfig::default()
            }],
            access_tokens: Vec::new(),
            seed: self.seed,
            log_capacity: self.log_capacity,
            settings: self.settings,
            ..Config::default()
        };
        if self.odd_records {
            config = config.with_odd_records();
        }
        for text in self.access_tokens {
            let (account, token) = text.split_once(':').unwrap_or((DEFAULT_ACCOUNT, &text));
            if account.is_empty() || token.is_empty() {
                return Err(InvalidOptions::AccessToken(text));
            }
            if config.accounts.iter().all(|known| known.name != account) {
                let activities = self.activities.max(MIN_ACTIVITIES);
                let account = AccountConfig {
                    name: account.to_owned(),
                    written_records: WrittenRecords::None,
                    activities,
                    ..AccountConfig::default()
                };
                config.accounts.push(account);
            }
            config.access_tokens.push(AccessTokenConfig::new(token, account));
        }
        for text in self.clients {
            let client = match text.split_once(':') {
                Some((id, secret)) if !id.is_empty() && !secret.is_empty() => {
                    ClientConfig::confidential(id, secret)
                }
                None if !text.is_empty() => ClientConfig::public(&text),
                _ => return Err(InvalidOptions::Client(text)),
            };
            config.clients.push(client);
        }
        for json in self.faults {
            let fault: Fault =
                serde_json::from_str(&json).map_err(|source| InvalidOptions::Fault { json, source })?;
            config.faults.push(fault);
        }
        if let Some(name) = &config.settings.login_account
            && config.accounts.iter().all(|account| account.name != *name)
        {
            return Err(InvalidOptions::LoginAccount(name.clone()));
        }
        Ok((self.listen, config))
    }
}

/// Returns the first paragraph of a parser's error. Usage notes and colours are omitted.
pub(crate) fn first_paragraph(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let first = text.split("\n\n").next().unwrap_or_default();
    first
        .trim_start_matches("error: ")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Config, InvalidOptions> {
        let arguments = std::iter::once(&"sends-sandbox").chain(arguments);
        Options::parse_from(arguments)
            .into_config()
            .map(|(_, config)| config)
    }

    #[test]
    fn token_with_an_account_creates_the_account() {
        let config = parse(&[
            "--access-token",
            "one",
            "--access-token",
            "branch:two",
            "--activities",
            "5",
        ])
        .unwrap();
        let accounts: Vec<_> = config
            .accounts
            .iter()
            .map(|account| (&*account.name, account.activities))
            .collect();
        assert_eq!(accounts, [("main", 5), ("branch", 24)]);
        assert_eq!(config.access_tokens[1].token, "two");
    }

    #[test]
    fn invalid_option_is_reported_in_one_sentence() {
        let wrong = parse(&["--fault", r#"{"kind":"explode"}"#])
            .unwrap_err()
            .to_string();
        assert!(wrong.contains("unknown variant `explode`"), "{wrong}");
        let error = Options::try_parse_from(["sends-sandbox", "--listen", "nowhere"]).unwrap_err();
        insta::assert_snapshot!(
            first_paragraph(&error),
            @"invalid value 'nowhere' for '--listen <ADDRESS>': invalid socket address syntax"
        );
    }
}
