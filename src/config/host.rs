//! Hosts, and hosts with a port: DNS names and addresses.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Fault, Host};

/// The longest DNS name, without a trailing dot (RFC 1035 §2.3.4).
const NAME_MAX: usize = 253;
/// The longest label of a DNS name (RFC 1035 §2.3.4).
const LABEL_MAX: usize = 63;

/// Why a text is no host, or none with a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostFault {
    /// Nothing.
    Empty,
    /// A name in another script.
    NotAscii,
    /// A name of more than 253 characters.
    TooLong,
    /// A label that is empty or longer than 63 characters.
    Label(String),
    /// A label that begins or ends with a hyphen.
    Hyphen(String),
    /// A character that no name has.
    Character(char),
    /// Ends in a number, yet is no IPv4 address.
    Ipv4,
    /// In brackets, yet no IPv6 address.
    Ipv6,
    /// An IPv6 address without brackets.
    Brackets,
    /// A user before the host.
    UserInfo,
    /// Not a port.
    Port,
    /// No port where there must be one.
    NoPort,
}

impl fmt::Display for HostFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("host is missing"),
            Self::NotAscii => {
                f.write_str("host must be ASCII; give its A-label, such as xn--bcher-kva.example")
            }
            Self::TooLong => write!(
                f,
                "host is longer than the maximum of {NAME_MAX} characters"
            ),
            Self::Label(label) => {
                write!(
                    f,
                    "host has the part {label:?}; parts between dots have 1 to {LABEL_MAX} characters"
                )
            }
            Self::Hyphen(label) => {
                write!(
                    f,
                    "host has the part {label:?}; no part begins or ends with a hyphen"
                )
            }
            Self::Character(c) => write!(f, "host must not contain {c:?}"),
            Self::Ipv4 => f.write_str("host ends in a number but is no IPv4 address"),
            Self::Ipv6 => f.write_str("host must be an IPv6 address in brackets, without a zone"),
            Self::Brackets => f.write_str("host must have brackets around an IPv6 address"),
            Self::UserInfo => f.write_str("user and password are not supported; take them away"),
            Self::Port => f.write_str("port must be 1 to 65535"),
            Self::NoPort => f.write_str("port is missing; write HOST:PORT"),
        }
    }
}

impl Host {
    /// Parses a host as a URL has it (RFC 3986 §3.2.2): a name, an IPv4 address, an IPv6 address
    /// in brackets. A name is put in lower case and loses one trailing dot; an IPv4 address written
    /// as IPv6 (`::ffff:…`) is an IPv4 address.
    ///
    /// # Errors
    /// [`Fault::Host`].
    pub fn parse(text: &str) -> Result<Self, Fault> {
        Ok(host(text)?)
    }

    /// Parses a name or an address; an IPv6 address may do without brackets.
    ///
    /// # Errors
    /// [`Fault::Host`].
    pub fn parse_alone(text: &str) -> Result<Self, Fault> {
        match text.parse::<Ipv6Addr>() {
            Ok(address) => Ok(Self::Ip(canonical(address))),
            Err(_) => Self::parse(text),
        }
    }

    /// The name, unless it is an address.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Name(name) => Some(name),
            Self::Ip(_) => None,
        }
    }
}

/// As in a URL: an IPv6 address is in brackets.
impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Ip(IpAddr::V4(address)) => address.fmt(f),
            Self::Ip(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

/// Parses the authority that a client names: of a target in absolute-form, where no port or an
/// empty one means `default_port` (RFC 9110 §4.2.3), or of CONNECT, which has none.
///
/// # Errors
/// A user, a bad host, a bad port, or none and no default.
pub fn destination(text: &str, default_port: Option<u16>) -> Result<(Host, u16), HostFault> {
    let (name, port) = split(text)?;
    let host = host(name)?;
    let port = match (port, default_port) {
        (None | Some(""), Some(default)) => default,
        (None, None) => return Err(HostFault::NoPort),
        (Some(port), _) => parse_port(port)?,
    };
    Ok((host, port))
}

/// Parses `HOST[:PORT]` (RFC 3986 §3.2 without the user).
pub(super) fn authority(text: &str) -> Result<(Host, Option<u16>), HostFault> {
    let (name, port) = split(text)?;
    Ok((host(name)?, port.map(parse_port).transpose()?))
}

/// Splits at the last colon outside brackets.
///
/// # Errors
/// [`HostFault::UserInfo`].
pub(super) fn split(text: &str) -> Result<(&str, Option<&str>), HostFault> {
    if text.contains('@') {
        return Err(HostFault::UserInfo);
    }
    Ok(match text.rsplit_once(':') {
        // More than one colon is an IPv6 address that lacks its brackets, and no port.
        Some((host, port))
            if !port.contains(']') && (host.ends_with(']') || !host.contains(':')) =>
        {
            (host, Some(port))
        }
        _ => (text, None),
    })
}

/// Parses 1 to 65535, in digits alone.
pub(super) fn parse_port(text: &str) -> Result<u16, HostFault> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse()
        .ok()
        .filter(|port| digits && *port > 0)
        .ok_or(HostFault::Port)
}

/// Parses what may go out as SNI (RFC 6066 §3): a DNS name, never an address.
pub(super) fn server_name(text: &str) -> Result<String, Fault> {
    match Host::parse_alone(text)? {
        Host::Name(name) => Ok(name),
        Host::Ip(_) => Err(Fault::AddressAsSni),
    }
}

fn host(text: &str) -> Result<Host, HostFault> {
    if let Some(rest) = text.strip_prefix('[') {
        let address = rest
            .strip_suffix(']')
            .and_then(|inner| inner.parse::<Ipv6Addr>().ok());
        return address
            .map(|address| Host::Ip(canonical(address)))
            .ok_or(HostFault::Ipv6);
    }
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return Ok(Host::Ip(address.into()));
    }
    if text.matches(':').count() > 1 {
        return Err(HostFault::Brackets);
    }
    dns_name(text).map(Host::Name)
}

/// One address has one form, so that rules and ranges see it for what it is.
fn canonical(address: Ipv6Addr) -> IpAddr {
    IpAddr::from(address).to_canonical()
}

/// Checks a name (RFC 1123 §2.1, and the underscore that people use), so that TLS takes it too.
fn dns_name(text: &str) -> Result<String, HostFault> {
    let name = text.strip_suffix('.').unwrap_or(text);
    if name.is_empty() {
        return Err(HostFault::Empty);
    }
    if !name.is_ascii() {
        return Err(HostFault::NotAscii);
    }
    if name.len() > NAME_MAX {
        return Err(HostFault::TooLong);
    }
    let allowed = |c: &char| c.is_ascii_alphanumeric() || ['-', '_', '.'].contains(c);
    if let Some(c) = name.chars().find(|c| !allowed(c)) {
        return Err(HostFault::Character(c));
    }
    for label in name.split('.') {
        check_label(label)?;
    }
    let last = name.rsplit('.').next().unwrap_or_default();
    if is_number(last) {
        return Err(HostFault::Ipv4);
    }
    Ok(name.to_ascii_lowercase())
}

/// Whether getaddrinfo may read a name with this last label as an IPv4 address of old: `1`, `0x1`.
fn is_number(label: &str) -> bool {
    let hex = label.strip_prefix("0x").or(label.strip_prefix("0X"));
    label.bytes().all(|byte| byte.is_ascii_digit())
        || hex.is_some_and(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn check_label(label: &str) -> Result<(), HostFault> {
    if label.is_empty() || label.len() > LABEL_MAX {
        return Err(HostFault::Label(label.to_owned()));
    }
    if label.starts_with('-') || label.ends_with('-') {
        return Err(HostFault::Hyphen(label.to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_lower_case_without_its_trailing_dot() {
        assert_eq!(
            Host::parse("IoT.Example."),
            Ok(Host::Name("iot.example".into()))
        );
        assert_eq!(Host::parse("_x.a-b"), Ok(Host::Name("_x.a-b".into())));
    }

    #[test]
    fn what_is_neither_name_nor_address_is_refused_with_its_reason() {
        let label = "a".repeat(64);
        let long = ["a".repeat(60).as_str(); 5].join(".");
        let bad = [
            ("", HostFault::Empty),
            (".", HostFault::Empty),
            ("a..b", HostFault::Label(String::new())),
            ("a.b..", HostFault::Label(String::new())),
            (&label, HostFault::Label(label.clone())),
            (&long, HostFault::TooLong),
            ("-a.b", HostFault::Hyphen("-a".into())),
            ("bücher.example", HostFault::NotAscii),
            ("a b", HostFault::Character(' ')),
            ("*.a", HostFault::Character('*')),
            ("300.1.1.1", HostFault::Ipv4),
            ("1", HostFault::Ipv4),
            ("a.1", HostFault::Ipv4),
            ("0x7f.1", HostFault::Ipv4),
            ("127.0X1", HostFault::Ipv4),
            ("[::1", HostFault::Ipv6),
            ("[fe80::1%eth0]", HostFault::Ipv6),
            ("[1.2.3.4]", HostFault::Ipv6),
            ("::1", HostFault::Brackets),
        ];
        for (text, fault) in bad {
            assert_eq!(Host::parse(text), Err(Fault::Host(fault)), "{text}");
        }
    }

    #[test]
    fn an_authority_has_a_host_and_maybe_a_port() {
        let ip = |text: &str| Host::Ip(text.parse().unwrap());
        assert_eq!(authority("a:80"), Ok((Host::Name("a".into()), Some(80))));
        assert_eq!(authority("[::1]:80"), Ok((ip("::1"), Some(80))));
        assert_eq!(authority("[::1]"), Ok((ip("::1"), None)));
        assert_eq!(authority("10.0.0.1"), Ok((ip("10.0.0.1"), None)));
        for text in ["a:", "a:0", "a:65536", "a:+80", "a:x"] {
            assert_eq!(authority(text), Err(HostFault::Port), "{text}");
        }
        assert_eq!(authority("u:p@a"), Err(HostFault::UserInfo));
    }

    #[test]
    fn a_destination_has_a_host_and_a_port() {
        let name = |text: &str| Host::Name(text.into());
        let ip = |text: &str| Host::Ip(text.parse().unwrap());
        let table = [
            ("a", Some(443), Ok((name("a"), 443))),
            ("a:", Some(443), Ok((name("a"), 443))),
            ("A.B.:80", Some(443), Ok((name("a.b"), 80))),
            ("a:443", None, Ok((name("a"), 443))),
            ("a:65535", None, Ok((name("a"), 65535))),
            ("10.0.0.1:1", None, Ok((ip("10.0.0.1"), 1))),
            ("[2001:DB8::1]:1", None, Ok((ip("2001:db8::1"), 1))),
            ("[::1]", Some(443), Ok((ip("::1"), 443))),
            ("[::ffff:10.0.0.1]", Some(443), Ok((ip("10.0.0.1"), 443))),
            ("a", None, Err(HostFault::NoPort)),
            ("[::1]", None, Err(HostFault::NoPort)),
            ("a:", None, Err(HostFault::Port)),
            ("a:0", Some(443), Err(HostFault::Port)),
            ("a:65536", Some(443), Err(HostFault::Port)),
            ("a:+1", Some(443), Err(HostFault::Port)),
            ("a: 1", Some(443), Err(HostFault::Port)),
            ("a:https", Some(443), Err(HostFault::Port)),
            ("", Some(443), Err(HostFault::Empty)),
            (":443", None, Err(HostFault::Empty)),
            ("u@a:1", None, Err(HostFault::UserInfo)),
            ("u:p@a", Some(443), Err(HostFault::UserInfo)),
            ("@a", Some(443), Err(HostFault::UserInfo)),
            ("a@", Some(443), Err(HostFault::UserInfo)),
            ("a..:1", None, Err(HostFault::Label(String::new()))),
            ("b\u{fc}cher:1", None, Err(HostFault::NotAscii)),
            ("a%2e:1", None, Err(HostFault::Character('%'))),
            ("*", Some(443), Err(HostFault::Character('*'))),
            ("::1", Some(443), Err(HostFault::Brackets)),
            ("::1:443", None, Err(HostFault::Brackets)),
            ("[::1%25lo]:1", None, Err(HostFault::Ipv6)),
            ("[::1]a:1", None, Err(HostFault::Ipv6)),
            ("127.1:1", None, Err(HostFault::Ipv4)),
            ("2130706433:1", None, Err(HostFault::Ipv4)),
            ("0x7f000001:1", None, Err(HostFault::Ipv4)),
        ];
        for (text, default, expected) in table {
            assert_eq!(destination(text, default), expected, "{text}");
        }
    }

    #[test]
    fn every_accepted_name_is_a_name_for_tls() {
        for text in [
            "a",
            "a_b.c",
            "1.a",
            "a-1.b",
            "xn--bcher-kva.example",
            "A.B.",
        ] {
            let name = server_name(text).unwrap();
            assert!(
                rustls::pki_types::DnsName::try_from(name.as_str()).is_ok(),
                "{name}"
            );
        }
    }
}
