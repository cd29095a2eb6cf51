//! Listen address of the service.

use std::{fmt, net::IpAddr, str::FromStr};

/// `HOST:PORT`, where the host is a name or an IP address.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ListenAddress(String);

impl ListenAddress {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn is_loopback(&self) -> bool {
        let host = self.0.rsplit_once(':').map_or(&*self.0, |(host, _)| host);
        let host = host.trim_start_matches('[').trim_end_matches(']');
        host.eq_ignore_ascii_case("localhost")
            || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

impl FromStr for ListenAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => {
                Ok(Self(text.to_owned()))
            }
            _ => Err(crate::option_values::wrong(
                text,
                "HOST:PORT, such as 127.0.0.1:8080",
            )),
        }
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_addresses_are_recognised() {
        let is_loopback = |text: &str| text.parse::<ListenAddress>().unwrap().is_loopback();
        for text in ["127.0.0.1:0", "127.9.9.9:80", "[::1]:8080", "LOCALHOST:8080"] {
            assert!(is_loopback(text), "{text}");
        }
        for text in [
            "0.0.0.0:8080",
            "[::]:8080",
            "localhost.example.com:80",
            "192.0.2.1:80",
        ] {
            assert!(!is_loopback(text), "{text}");
        }
        for text in ["8080", ":8080", "nowhere", "host:port", "host:70000"] {
            assert!(text.parse::<ListenAddress>().is_err(), "{text}");
        }
    }
}
