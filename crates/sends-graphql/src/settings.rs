//! The settings of the service once checked: every value is of the type the program works with.

use std::time::Duration;

use secrecy::ExposeSecret;
use sends_client::{AccessToken, BaseUrl, InvalidBaseUrl, InvalidToken};

use crate::command::{ACCESS_TOKEN_VARIABLE, ServeOptions};

/// Settings the service can run with.
#[derive(Debug)]
pub struct Settings {
    /// The address to listen on, as `host:port`.
    pub listen: String,
    /// Which upstream is asked, and as whom.
    pub upstream: Upstream,
    /// How long one upstream call may take.
    pub upstream_timeout: Duration,
}

/// Where the answers come from.
#[derive(Debug)]
pub enum Upstream {
    /// The embedded sandbox, with invented data.
    Sandbox,
    /// Constant Contact, or something that speaks its API.
    Api {
        /// Where the API lives, including the version.
        base_url: BaseUrl,
        /// The token of the account that is asked.
        token: AccessToken,
    },
}

/// One thing that is wrong with the settings, as a sentence that names the option.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
pub enum Problem {
    /// The address to listen on is not `host:port`.
    #[error("--listen (SENDS_LISTEN): \"{0}\" is not HOST:PORT, such as 127.0.0.1:8080")]
    Listen(String),
    /// The upstream's URL cannot be read.
    #[error("--upstream-url (SENDS_UPSTREAM_URL): {0}")]
    UpstreamUrl(InvalidBaseUrl),
    /// The time for one call is not a number of seconds that makes sense.
    #[error(
        "--upstream-timeout (SENDS_UPSTREAM_TIMEOUT): \"{0}\" is not a number of seconds from 0.1 to 600"
    )]
    UpstreamTimeout(String),
    /// The switch for the sandbox is neither on nor off.
    #[error("--sandbox (SENDS_SANDBOX): \"{0}\" is neither true nor false")]
    Sandbox(String),
    /// Two upstreams at once.
    #[error("--sandbox and --upstream-url name two different upstreams; give one of them")]
    TwoUpstreams,
    /// The token cannot be one.
    #[error("{ACCESS_TOKEN_VARIABLE}: {0}")]
    Token(InvalidToken),
    /// Nothing to ask.
    #[error(
        "no account to ask: set {ACCESS_TOKEN_VARIABLE} to an access token for Constant Contact, \
         or try it on invented data with --sandbox"
    )]
    NoAccount,
}

impl Settings {
    /// Checks what was written on the command line and in the environment.
    ///
    /// # Errors
    ///
    /// Every [`Problem`] there is, in the order of the options.
    pub fn check(options: &ServeOptions) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut keep = |problem| problems.push(problem);

        let listen = check_listen(&options.listen).map_err(&mut keep);
        let upstream = check_upstream(options, &mut keep);
        let upstream_timeout = check_timeout(&options.upstream_timeout).map_err(&mut keep);

        match (listen, upstream, upstream_timeout) {
            (Ok(listen), Some(upstream), Ok(upstream_timeout)) => Ok(Self {
                listen,
                upstream,
                upstream_timeout,
            }),
            _ => Err(problems),
        }
    }
}

fn check_listen(listen: &str) -> Result<String, Problem> {
    match listen.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => Ok(listen.to_owned()),
        _ => Err(Problem::Listen(listen.to_owned())),
    }
}

fn check_upstream(options: &ServeOptions, keep: &mut impl FnMut(Problem)) -> Option<Upstream> {
    let sandbox = check_switch(&options.sandbox).map_err(&mut *keep);
    let given_url = options.upstream_url.as_deref().filter(|url| !url.is_empty());
    let base_url = given_url.unwrap_or(BaseUrl::REAL_UPSTREAM).parse();
    let base_url = base_url.map_err(|error| keep(Problem::UpstreamUrl(error)));
    match sandbox {
        Err(()) => None,
        Ok(true) if given_url.is_some() => {
            keep(Problem::TwoUpstreams);
            None
        }
        Ok(true) => Some(Upstream::Sandbox),
        Ok(false) => {
            let token = match &options.access_token {
                None => Err(Problem::NoAccount),
                Some(token) => AccessToken::new(token.expose_secret()).map_err(Problem::Token),
            };
            match (token.map_err(keep), base_url) {
                (Ok(token), Ok(base_url)) => Some(Upstream::Api { base_url, token }),
                _ => None,
            }
        }
    }
}

fn check_timeout(seconds: &str) -> Result<Duration, Problem> {
    match seconds.parse::<f64>() {
        Ok(number) if (0.1..=600.0).contains(&number) => Ok(Duration::from_secs_f64(number)),
        _ => Err(Problem::UpstreamTimeout(seconds.to_owned())),
    }
}

fn check_switch(value: &str) -> Result<bool, Problem> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" | "" => Ok(false),
        _ => Err(Problem::Sandbox(value.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;

    fn options() -> ServeOptions {
        ServeOptions {
            listen: "127.0.0.1:8080".into(),
            upstream_url: None,
            upstream_timeout: "20".into(),
            sandbox: "false".into(),
            access_token: Some(SecretString::from("token")),
        }
    }

    #[test]
    fn every_wrong_setting_is_reported_at_once() {
        let options = ServeOptions {
            listen: "8080".into(),
            upstream_url: Some("api.cc.email/v3".into()),
            upstream_timeout: "soon".into(),
            access_token: Some(SecretString::from("two words")),
            ..options()
        };
        let problems = Settings::check(&options).unwrap_err();
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(problems.join("\n"), @r#"
        --listen (SENDS_LISTEN): "8080" is not HOST:PORT, such as 127.0.0.1:8080
        --upstream-url (SENDS_UPSTREAM_URL): not a URL such as https://api.cc.email/v3: relative URL without a base
        SENDS_ACCESS_TOKEN: the access token is empty or holds a space or a character that cannot stand in an HTTP header
        --upstream-timeout (SENDS_UPSTREAM_TIMEOUT): "soon" is not a number of seconds from 0.1 to 600
        "#);
    }

    #[test]
    fn without_a_token_and_without_the_sandbox_both_ways_are_named() {
        let problems = Settings::check(&ServeOptions {
            access_token: None,
            ..options()
        })
        .unwrap_err();
        assert_eq!(problems, [Problem::NoAccount]);
        let sentence = problems[0].to_string();
        assert!(
            sentence.contains("SENDS_ACCESS_TOKEN") && sentence.contains("--sandbox"),
            "{sentence}"
        );
    }

    #[test]
    fn the_sandbox_needs_no_token_and_tolerates_no_second_upstream() {
        let sandbox = ServeOptions {
            access_token: None,
            sandbox: "true".into(),
            ..options()
        };
        assert!(matches!(
            Settings::check(&sandbox).unwrap().upstream,
            Upstream::Sandbox
        ));
        let both = ServeOptions {
            upstream_url: Some("http://127.0.0.1:1/v3".into()),
            ..sandbox
        };
        assert_eq!(Settings::check(&both).unwrap_err(), [Problem::TwoUpstreams]);
    }

    #[test]
    fn no_setting_prints_the_token() {
        let options = ServeOptions {
            access_token: Some(SecretString::from("hush-hush")),
            ..options()
        };
        let printed = format!("{options:?} {:?}", Settings::check(&options));
        assert!(!printed.contains("hush"), "{printed}");
    }
}
