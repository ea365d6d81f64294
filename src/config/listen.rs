//! Where a route or a forward rule listens.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use super::{Fault, Listen};

const UNIX: &str = "unix:";
const SYSTEMD: &str = "systemd:";

/// Bytes of a unix socket's path: what the kernel has room for, without the NUL (unix(7)).
const UNIX_PATH_MAX: usize = 107;
/// Characters of a socket's name (sd_listen_fds_with_names(3)).
const SYSTEMD_NAME_MAX: usize = 255;

/// Why a text is no path of a unix socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnixFault {
    /// Nothing.
    Empty,
    /// More bytes than a socket's address holds.
    TooLong,
    /// No file: a name in the abstract namespace, which has no permissions.
    Abstract,
    /// A NUL, which ends a path.
    Nul,
}

impl fmt::Display for UnixFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("unix: must be followed by a path, such as /run/egret.sock"),
            Self::TooLong => write!(
                f,
                "unix: path is longer than the maximum of {UNIX_PATH_MAX} bytes"
            ),
            Self::Abstract => {
                f.write_str("unix: abstract sockets (@) are open to every local user; name a path")
            }
            Self::Nul => f.write_str("unix: path must hold no NUL"),
        }
    }
}

impl Listen {
    /// Parses `PORT`, `IP:PORT`, `[V6]:PORT`, `unix:PATH` or `systemd:NAME`. Port 0 lets the
    /// system choose.
    ///
    /// # Errors
    /// [`Fault::Listen`] and its kin.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        if let Some(path) = text.strip_prefix(UNIX) {
            return unix_path(path).map(Self::Unix).map_err(Fault::Unix);
        }
        if let Some(name) = text.strip_prefix(SYSTEMD) {
            return systemd_name(name).map(Self::Systemd);
        }
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return text.parse().map(Self::Loopback).map_err(|_| Fault::Listen);
        }
        let address: SocketAddr = text.parse().map_err(|_| fault_of(text))?;
        Ok(Self::Tcp(canonical(address)))
    }

    /// The addresses to bind. Two for a bare port; with port 0 both must get the same one. None
    /// where it is no TCP that egret binds.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        match *self {
            Self::Unix(_) | Self::Systemd(_) => Vec::new(),
            Self::Loopback(port) => vec![
                SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
                SocketAddr::from((Ipv6Addr::LOCALHOST, port)),
            ],
            Self::Tcp(address) => vec![address],
        }
    }

    /// The port; 0 lets the system choose. `None` where there is none, or none is known yet.
    pub fn port(&self) -> Option<u16> {
        match self {
            Self::Loopback(port) => Some(*port),
            Self::Tcp(address) => Some(address.port()),
            Self::Unix(_) | Self::Systemd(_) => None,
        }
    }

    /// Whether other machines reach it, so that its routes and rules need `from=`. `None`: only
    /// the sockets that systemd hands over tell, so that it is to be judged when they are there.
    pub fn is_open(&self) -> Option<bool> {
        match self {
            Self::Loopback(_) | Self::Unix(_) => Some(false),
            Self::Tcp(address) => Some(!address.ip().is_loopback()),
            Self::Systemd(_) => None,
        }
    }

    /// Whether both would want the same socket, a wildcard taking every address of its family.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        self.port() != Some(0)
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
            Self::Unix(path) => write!(f, "{UNIX}{}", path.display()),
            Self::Systemd(name) => write!(f, "{SYSTEMD}{name}"),
        }
    }
}

fn unix_path(text: &str) -> Result<PathBuf, UnixFault> {
    match text.bytes().next() {
        None => return Err(UnixFault::Empty),
        Some(b'@') => return Err(UnixFault::Abstract),
        Some(_) => {}
    }
    if text.len() > UNIX_PATH_MAX {
        return Err(UnixFault::TooLong);
    }
    if text.contains('\0') {
        return Err(UnixFault::Nul);
    }
    Ok(PathBuf::from(text))
}

fn systemd_name(text: &str) -> Result<String, Fault> {
    let allowed = |byte: u8| matches!(byte, b' '..=b'~') && byte != b':';
    if (1..=SYSTEMD_NAME_MAX).contains(&text.len()) && text.bytes().all(allowed) {
        Ok(text.to_owned())
    } else {
        Err(Fault::SystemdName)
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
    fn a_listen_may_be_a_unix_socket_or_one_of_systemd() {
        for text in [
            "unix:/run/egret.sock",
            "unix:x",
            "unix:./a b:c=d",
            "unix:/run/\u{fc}",
            "systemd:http",
            "systemd:my socket.1",
        ] {
            assert_eq!(listen(text).to_string(), text);
            assert_eq!(listen(text).addresses(), []);
            assert_eq!(listen(text).port(), None);
        }
        assert_eq!(listen("unix:/a"), Listen::Unix("/a".into()));
        assert_eq!(listen("systemd:a"), Listen::Systemd("a".into()));
        assert_eq!(listen("unix:/run//a"), listen("unix:/run/a"));
        let longest = "a".repeat(UNIX_PATH_MAX);
        assert_eq!(
            listen(&format!("unix:{longest}")),
            Listen::Unix(longest.into())
        );
    }

    #[test]
    fn other_machines_reach_what_is_tcp_and_not_loopback() {
        for text in ["80", "127.0.0.2:80", "[::1]:80", "unix:/a"] {
            assert_eq!(listen(text).is_open(), Some(false), "{text}");
        }
        for text in ["10.0.0.1:80", "0.0.0.0:80", "[::]:80"] {
            assert_eq!(listen(text).is_open(), Some(true), "{text}");
        }
        assert_eq!(listen("systemd:a").is_open(), None);
    }

    #[test]
    fn what_is_no_listen_is_refused_with_its_reason() {
        // 54 characters of two bytes each.
        let long_path = format!("unix:{}", "\u{fc}".repeat(54));
        let long_name = format!("systemd:{}", "a".repeat(256));
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
            ("unix:", Fault::Unix(UnixFault::Empty)),
            ("unix:@x", Fault::Unix(UnixFault::Abstract)),
            ("unix:a\0b", Fault::Unix(UnixFault::Nul)),
            (&long_path, Fault::Unix(UnixFault::TooLong)),
            ("UNIX:/x", Fault::ListenName),
            ("systemd:", Fault::SystemdName),
            ("systemd:a:b", Fault::SystemdName),
            ("systemd:\n", Fault::SystemdName),
            ("systemd:\u{fc}", Fault::SystemdName),
            (&long_name, Fault::SystemdName),
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
            ("unix:/a", "unix:/b"),
            ("unix:/a", "systemd:a"),
            ("systemd:a", "80"),
        ] {
            assert!(!listen(a).overlaps(&listen(b)), "{a} {b}");
        }
    }
}
