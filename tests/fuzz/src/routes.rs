//! Where requests go, worked out the plain way: on strings, with no care for speed.

use std::net::IpAddr;

/// A route, as far as targets matter.
#[derive(Debug)]
pub struct Leads {
    /// `path=`; empty: all.
    pub path: &'static str,
    /// `strip=yes`.
    pub strip: bool,
    /// What `to=` puts before a path.
    pub prefix: &'static str,
}

impl Leads {
    /// Whether `path` is the route's own or lies below it.
    pub fn takes(&self, path: &str) -> bool {
        self.path.is_empty() || path == self.path || path.starts_with(&format!("{}/", self.path))
    }

    /// The target that goes out.
    pub fn outgoing(&self, target: &str) -> String {
        let rest = match self.strip {
            true => &target[self.path.len()..],
            false => target,
        };
        match format!("{}{rest}", self.prefix) {
            out if out.starts_with('/') => out,
            out => format!("/{out}"),
        }
    }
}

/// Whether servers may read a path as another one.
pub fn is_ambiguous(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    let encoded = ["\\", "%2f", "%5c"].iter().any(|part| path.contains(part));
    let segments = path.replace("%2e", ".");
    let mut segments = segments
        .split('/')
        .map(|one| one.split(';').next().unwrap());
    encoded || segments.any(|segment| segment == "." || segment == "..")
}

/// Whether `pattern` takes `authority`; both are sound.
pub fn matches(pattern: &str, authority: &str) -> bool {
    let (pattern, wanted) = split(pattern);
    let (host, port) = split(authority);
    let number = |text: &str| text.parse::<u16>().unwrap();
    let port = if port.is_empty() { 443 } else { number(port) };
    let is_port = match wanted {
        "*" => true,
        "" => port == 443,
        wanted => port == number(wanted),
    };
    is_port && matches_host(pattern, host)
}

fn matches_host(pattern: &str, host: &str) -> bool {
    let host = canonical(host);
    match pattern.strip_prefix("*.") {
        _ if pattern == "*" => true,
        Some(suffix) => {
            let suffix = format!(".{}", canonical(suffix));
            host.parse::<IpAddr>().is_err() && host.ends_with(&suffix) && host.len() > suffix.len()
        }
        None => host == canonical(pattern),
    }
}

/// Host and port, which may be missing.
fn split(authority: &str) -> (&str, &str) {
    let after = authority.rfind(']').map_or(0, |at| at + 1);
    match authority[after..].rfind(':') {
        Some(at) => (&authority[..after + at], &authority[after + at + 1..]),
        None => (authority, ""),
    }
}

fn canonical(host: &str) -> String {
    let inner = host.trim_start_matches('[').trim_end_matches(']');
    match inner.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().to_string(),
        Err(_) => {
            let name = host.to_ascii_lowercase();
            name.strip_suffix('.').unwrap_or(&name).to_owned()
        }
    }
}
