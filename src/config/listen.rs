//! Where a route listens.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{Fault, Listen};

/// Kinds of LISTEN that a later version brings.
const NOT_BUILT: [&str; 2] = ["unix:", "systemd:"];

impl Listen {
    /// Parses `PORT`, `IP:PORT` or `[V6]:PORT`. Port 0 lets the system choose.
    ///
    /// # Errors
    /// [`Fault::Listen`] and its kin.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        if let Some(kind) = NOT_BUILT.into_iter().find(|kind| text.starts_with(kind)) {
            return Err(Fault::ListenNotBuilt(kind));
        }
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return text.parse().map(Self::Loopback).map_err(|_| Fault::Listen);
        }
        let address: SocketAddr = text.parse().map_err(|_| fault_of(text))?;
        Ok(Self::Tcp(canonical(address)))
    }

    /// The addresses to bind. Two for a bare port; with port 0 both must get the same one.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        match *self {
            Self::Loopback(port) => vec![
                SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
                SocketAddr::from((Ipv6Addr::LOCALHOST, port)),
            ],
            Self::Tcp(address) => vec![address],
        }
    }

    /// The port; 0 lets the system choose.
    pub fn port(&self) -> u16 {
        match self {
            Self::Loopback(port) => *port,
            Self::Tcp(address) => address.port(),
        }
    }

    /// Whether only this machine reaches it.
    pub fn is_loopback(&self) -> bool {
        match self {
            Self::Loopback(_) => true,
            Self::Tcp(address) => address.ip().is_loopback(),
        }
    }

    /// Whether both would want the same socket, a wildcard taking every address of its family.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        self.port() != 0
            && self.port() == other.port()
            && self
                .addresses()
                .iter()
                .any(|a| other.addresses().iter().any(|b| meet(a.ip(), b.ip())))
    }
}

/// As it is written on the command line.
impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Loopback(port) => port.fmt(f),
            Self::Tcp(address) => address.fmt(f),
        }
    }
}

fn meet(a: IpAddr, b: IpAddr) -> bool {
    a == b || (a.is_ipv4() == b.is_ipv4() && (a.is_unspecified() || b.is_unspecified()))
}

/// An IPv4 address written as IPv6 listens as IPv4, so that it is seen for what it is.
fn canonical(address: SocketAddr) -> SocketAddr {
    match address.ip().to_canonical() {
        ip @ IpAddr::V4(_) => SocketAddr::new(ip, address.port()),
        IpAddr::V6(_) => address,
    }
}

fn fault_of(text: &str) -> Fault {
    if text.contains('=') {
        // A key where LISTEN should be.
        return Fault::Listen;
    }
    let host = text.rsplit_once(':').map_or(text, |(host, _)| host);
    if host.contains(':') && !host.starts_with('[') {
        return Fault::ListenBrackets;
    }
    if host.contains(|c: char| c.is_ascii_alphabetic()) && !host.starts_with('[') {
        return Fault::ListenName;
    }
    Fault::Listen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listen(text: &str) -> Listen {
        Listen::parse(text).unwrap()
    }

    #[test]
    fn a_listen_is_a_port_or_an_address_with_one() {
        for text in ["8080", "0", "127.0.0.1:8080", "[::1]:80", "0.0.0.0:1"] {
            assert_eq!(listen(text).to_string(), text);
        }
        assert_eq!(listen("[::ffff:127.0.0.1]:80"), listen("127.0.0.1:80"));
    }

    #[test]
    fn what_is_no_listen_is_refused_with_its_reason() {
        let bad = [
            ("", Fault::Listen),
            ("65536", Fault::Listen),
            ("127.0.0.1", Fault::Listen),
            ("127.0.0.1:99999", Fault::Listen),
            (":80", Fault::Listen),
            ("*:80", Fault::Listen),
            ("[::1]", Fault::Listen),
            ("+80", Fault::Listen),
            ("localhost:80", Fault::ListenName),
            ("localhost", Fault::ListenName),
            ("::1:80", Fault::ListenBrackets),
            ("unix:/run/x", Fault::ListenNotBuilt("unix:")),
            ("systemd:x", Fault::ListenNotBuilt("systemd:")),
        ];
        for (text, fault) in bad {
            assert_eq!(Listen::parse(text), Err(fault), "{text}");
        }
    }

    #[test]
    fn a_bare_port_and_a_wildcard_overlap_what_they_take() {
        for (a, b) in [
            ("80", "127.0.0.1:80"),
            ("80", "[::1]:80"),
            ("0.0.0.0:80", "10.0.0.1:80"),
            ("[::]:80", "80"),
        ] {
            assert!(
                listen(a).overlaps(&listen(b)) && listen(b).overlaps(&listen(a)),
                "{a} {b}"
            );
        }
        for (a, b) in [
            ("80", "81"),
            ("80", "127.0.0.2:80"),
            ("0", "127.0.0.1:0"),
            ("[::]:80", "10.0.0.1:80"),
        ] {
            assert!(!listen(a).overlaps(&listen(b)), "{a} {b}");
        }
    }
}
