//! Upstream URLs.

use std::fmt;

use super::host::authority;
use super::{Fault, UpstreamUrl, path};

const SCHEME: &str = "https://";

impl UpstreamUrl {
    /// The port of https (RFC 9110 §4.2.2).
    pub const DEFAULT_PORT: u16 = 443;

    /// Parses `https://HOST[:PORT][/PREFIX]`.
    ///
    /// # Errors
    /// Another scheme; a user, a query or a fragment; a bad host, port or path.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let rest = after_scheme(text).ok_or(Fault::NotHttps)?;
        if rest.contains('#') {
            return Err(Fault::Fragment);
        }
        if rest.contains('?') {
            return Err(Fault::Query);
        }
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (host, port) = authority(host)?;
        let prefix = if path.is_empty() {
            String::new()
        } else {
            path::clean(path)?
        };
        Ok(Self {
            host,
            port: port.unwrap_or(Self::DEFAULT_PORT),
            prefix,
        })
    }

    /// Host and port as a `Host` field has them: no port where it is 443 (RFC 9110 §7.2).
    pub fn authority(&self) -> String {
        if self.port == Self::DEFAULT_PORT {
            self.host.to_string()
        } else {
            self.host_port()
        }
    }

    /// Host and port, 443 included: `iot.example:443`.
    pub fn host_port(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

impl fmt::Display for UpstreamUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}{}", self.authority(), self.prefix)
    }
}

/// A scheme's letter case does not count (RFC 3986 §3.1).
fn after_scheme(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_at_checked(SCHEME.len())?;
    scheme.eq_ignore_ascii_case(SCHEME).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::super::HostFault;
    use super::*;

    #[test]
    fn a_url_is_shown_in_its_shortest_form() {
        let good = [
            ("https://a", "https://a", "a"),
            ("HTTPS://A.:443/", "https://a", "a"),
            ("https://a:8443/b/", "https://a:8443/b", "a:8443"),
            (
                "https://[2001:DB8::1]/b",
                "https://[2001:db8::1]/b",
                "[2001:db8::1]",
            ),
            ("https://[::1]:444", "https://[::1]:444", "[::1]:444"),
            (
                "https://10.0.0.1:80/a@b",
                "https://10.0.0.1:80/a@b",
                "10.0.0.1:80",
            ),
        ];
        for (text, shown, authority) in good {
            let url = UpstreamUrl::parse(text).unwrap();
            assert_eq!(url.to_string(), shown);
            assert_eq!(url.authority(), authority);
            assert_eq!(UpstreamUrl::parse(shown), Ok(url));
        }
    }

    #[test]
    fn a_url_that_says_more_or_less_is_refused() {
        let bad = [
            ("", Fault::NotHttps),
            ("http://a", Fault::NotHttps),
            ("a", Fault::NotHttps),
            ("https:/ü", Fault::NotHttps),
            ("https://u:p@a", Fault::Host(HostFault::UserInfo)),
            ("https://a?b", Fault::Query),
            ("https://a/b?c", Fault::Query),
            ("https://a/#", Fault::Fragment),
            ("https://a:0", Fault::Host(HostFault::Port)),
            ("https://a:", Fault::Host(HostFault::Port)),
        ];
        for (text, fault) in bad {
            assert_eq!(UpstreamUrl::parse(text), Err(fault), "{text}");
        }
    }
}
