//! Which destinations a forward rule takes.

use std::fmt;

use super::host::{parse_port, split};
use super::{Fault, Host, HostFault, HostPattern, Pattern, PortPattern};

/// What a port left out stands for: destinations are reached over https (RFC 9110 §4.2.2).
const HTTPS_PORT: u16 = 443;

impl Pattern {
    /// Parses a host, `*.SUFFIX` or `*`, each with `:PORT`, `:*` or nothing, which is 443.
    ///
    /// # Errors
    /// [`Fault::Pattern`] and its kin; a bad host.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        if text.contains('/') {
            return Err(Fault::PatternUrl);
        }
        let (host, port) = split(text)?;
        Ok(Self {
            host: HostPattern::parse(host)?,
            port: port.map_or(Ok(PortPattern::Only(HTTPS_PORT)), PortPattern::parse)?,
        })
    }

    /// Whether it takes a destination, as [`super::destination`] reads one.
    pub fn matches(&self, host: &Host, port: u16) -> bool {
        self.host.matches(host) && self.port.matches(port)
    }
}

impl HostPattern {
    fn parse(text: &str) -> Result<Self, Fault> {
        if text == "*" {
            return Ok(Self::Any);
        }
        let Some(suffix) = text.strip_prefix("*.") else {
            return exact(text).map(Self::Exact);
        };
        match exact(suffix)? {
            Host::Name(name) => Ok(Self::Suffix(name)),
            Host::Ip(_) => Err(Fault::Pattern),
        }
    }

    fn matches(&self, host: &Host) -> bool {
        match (self, host) {
            (Self::Any, _) => true,
            (Self::Exact(own), host) => own == host,
            (Self::Suffix(suffix), Host::Name(name)) => is_below(name, suffix),
            (Self::Suffix(_), Host::Ip(_)) => false,
        }
    }
}

impl PortPattern {
    fn parse(text: &str) -> Result<Self, Fault> {
        if text == "*" {
            return Ok(Self::Any);
        }
        parse_port(text)
            .map(Self::Only)
            .map_err(|_| Fault::PatternPort)
    }

    fn matches(self, port: u16) -> bool {
        match self {
            Self::Only(own) => own == port,
            Self::Any => true,
        }
    }
}

/// A host without any `*`.
fn exact(text: &str) -> Result<Host, Fault> {
    Host::parse(text).map_err(|fault| match fault {
        Fault::Host(HostFault::Empty | HostFault::Character('*')) => Fault::Pattern,
        other => other,
    })
}

/// Whether a name has at least one label before `.suffix`.
fn is_below(name: &str, suffix: &str) -> bool {
    name.strip_suffix(suffix)
        .and_then(|rest| rest.strip_suffix('.'))
        .is_some_and(|labels| !labels.is_empty())
}

/// In its shortest form; reads as the same pattern.
impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            HostPattern::Exact(host) => host.fmt(f)?,
            HostPattern::Suffix(suffix) => write!(f, "*.{suffix}")?,
            HostPattern::Any => f.write_str("*")?,
        }
        match self.port {
            PortPattern::Only(HTTPS_PORT) => Ok(()),
            PortPattern::Only(port) => write!(f, ":{port}"),
            PortPattern::Any => f.write_str(":*"),
        }
    }
}

#[cfg(test)]
mod tests;
