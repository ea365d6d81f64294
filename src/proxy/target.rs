//! Which route takes a request, where its target leads, and the way back for redirects.

use std::fmt;
use std::rc::Rc;

use http::HeaderValue;
use http::uri::PathAndQuery;

use super::Tally;
use crate::config::{HostHeader, Peer, RouteConfig};
use crate::error::Cause;
use crate::identity::Identity;
use crate::upstream::Upstream;

/// One `--route`, ready to use.
#[derive(Debug)]
pub struct Route {
    /// Its options.
    pub config: RouteConfig,
    /// As whom it sends.
    pub identity: Rc<Identity>,
    /// What it did.
    pub tally: Rc<Tally>,
    /// To whom.
    pub upstream: Rc<Upstream>,
    /// The upstream's authority, as it goes out in Host.
    pub authority: Rc<str>,
    /// What goes out as Host; `None`: the client's own.
    pub host: Option<HeaderValue>,
}

/// An authority that no header field can hold; config lets none through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadAuthority;

impl fmt::Display for BadAuthority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the upstream's authority cannot be sent as Host; correct to= or host=")
    }
}

impl Route {
    /// The route that `config` describes, for `identity`.
    ///
    /// # Errors
    /// [`BadAuthority`] when Host cannot be sent.
    pub fn new(config: RouteConfig, identity: Rc<Identity>) -> Result<Self, BadAuthority> {
        let authority = config.to.authority();
        let host = match &config.host {
            HostHeader::Url => Some(authority.as_str()),
            HostHeader::Name(name) => Some(name.as_str()),
            HostHeader::Keep => None,
        };
        let host = host
            .map(HeaderValue::from_str)
            .transpose()
            .map_err(|_| BadAuthority)?;
        Ok(Self {
            upstream: Rc::new(upstream(&config)),
            authority: Rc::from(authority),
            host,
            identity,
            tally: Rc::default(),
            config,
        })
    }

    /// Whether the route takes `path`: its own path or what lies below it.
    fn takes(&self, path: &str) -> bool {
        match &self.config.path {
            None => true,
            Some(own) => below(path, own).is_some(),
        }
    }

    /// The target that goes out for the client's, byte for byte but for prefixes.
    ///
    /// # Errors
    /// [`Cause::TargetRefused`] when it holds a byte that cannot be sent on.
    pub fn outgoing(&self, target: &str) -> Result<PathAndQuery, Cause> {
        let rest = match &self.config.path {
            Some(own) if self.config.strip => target.get(own.len()..).unwrap_or_default(),
            _ => target,
        };
        let prefix = &self.config.to.prefix;
        let slash = match (prefix.is_empty(), rest.as_bytes().first()) {
            (true, None | Some(b'?')) => "/",
            _ => "",
        };
        PathAndQuery::try_from([prefix, slash, rest].concat()).map_err(|_| Cause::TargetRefused)
    }

    /// What the client must follow in place of `location`, where that names this route's own
    /// upstream: the listener as the client called it. `sent_host` is the Host that went out.
    pub fn way_back(&self, location: &str, sent_host: &str, called: &str) -> Option<String> {
        if let Some(rest) = location.strip_prefix('/')
            && !rest.starts_with('/')
        {
            let mapped = self.mapped_back(location)?;
            // Without its prefix it may look like `//host`, which leads elsewhere.
            return match mapped.starts_with("//") || mapped.starts_with("/\\") {
                true => Some(format!("http://{called}{mapped}")),
                false => (mapped != location).then_some(mapped),
            };
        }
        let rest = strip_prefix_ignoring_case(location, "https:").unwrap_or(location);
        let rest = rest.strip_prefix("//")?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        if !same_authority(authority, &self.authority) && !same_authority(authority, sent_host) {
            return None;
        }
        let path = match path.starts_with('/') {
            true => self.mapped_back(path)?,
            false => self.mapped_back(&format!("/{path}"))?,
        };
        Some(format!("http://{called}{path}"))
    }

    /// The client's path for a path of the upstream; `None` when this route leads nowhere there.
    fn mapped_back(&self, path: &str) -> Option<String> {
        let rest = below(path, &self.config.to.prefix)?;
        let mapped = match &self.config.path {
            Some(own) if self.config.strip => format!("{own}{rest}"),
            _ if rest.starts_with('/') => String::from(rest),
            _ => format!("/{rest}"),
        };
        self.takes(path_of(&mapped)).then_some(mapped)
    }
}

fn upstream(config: &RouteConfig) -> Upstream {
    Upstream {
        verify: config.verified_name(),
        host: config.to.host.clone(),
        port: config.to.port,
        sni: config.sni.clone(),
    }
}

/// The routes of one LISTEN.
#[derive(Debug)]
pub struct Routes {
    /// Longest path first, and of one path those with `uid=` first.
    routes: Vec<Rc<Route>>,
    /// A path may choose an identity: it must mean one thing only.
    by_path: bool,
}

impl Routes {
    /// The routes of one LISTEN, in any order.
    pub fn new(mut routes: Vec<Rc<Route>>) -> Self {
        let length = |route: &Rc<Route>| route.config.path.as_ref().map_or(0, String::len);
        // A route for some users goes before the one for all others.
        let first = |route: &Rc<Route>| (length(route), !route.config.uid.is_empty());
        routes.sort_by_key(|route| std::cmp::Reverse(first(route)));
        Self {
            by_path: routes.iter().any(|route| route.config.path.is_some()),
            routes,
        }
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Route> {
        self.routes.iter().map(|route| &**route)
    }

    /// Whether any route admits the peer.
    pub fn admit(&self, peer: &Peer) -> bool {
        self.routes.iter().any(|route| route.config.admits(peer))
    }

    /// The route of `target` in origin-form, for `peer`.
    ///
    /// # Errors
    /// No route takes it, none that does admits the peer, or its path can be read in more than
    /// one way.
    pub fn find(&self, target: &str, peer: &Peer) -> Result<&Rc<Route>, Cause> {
        let path = path_of(target);
        if self.by_path && is_ambiguous(path) {
            return Err(Cause::AmbiguousPath);
        }
        let mut takers = self.routes.iter().filter(|route| route.takes(path));
        let longest = takers.clone().next().ok_or(Cause::NoRoute)?;
        takers
            .find(|route| route.config.path == longest.config.path && route.config.admits(peer))
            .ok_or_else(|| Cause::PeerDenied(peer.to_string()))
    }
}

fn path_of(target: &str) -> &str {
    target.split('?').next().unwrap_or(target)
}

/// What follows `prefix` in `path`, where `prefix` ends at the boundary of a segment.
fn below<'a>(path: &'a str, prefix: &str) -> Option<&'a str> {
    let rest = path.strip_prefix(prefix)?;
    let boundary = prefix.is_empty() || rest.is_empty() || rest.starts_with(['/', '?', '#']);
    boundary.then_some(rest)
}

/// Whether a server might read the path as another: dot segments, plain or encoded, and encoded
/// slashes and backslashes.
fn is_ambiguous(path: &str) -> bool {
    let mut plain = Vec::with_capacity(path.len());
    let bytes = path.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let decoded = match (byte, bytes.get(at + 1), bytes.get(at + 2)) {
            (b'\\', _, _) => return true,
            (b'%', Some(b'2'), Some(b'f' | b'F')) | (b'%', Some(b'5'), Some(b'c' | b'C')) => {
                return true;
            }
            (b'%', Some(b'2'), Some(b'e' | b'E')) => {
                at += 2;
                b'.'
            }
            _ => *byte,
        };
        plain.push(decoded);
        at += 1;
    }
    plain
        .split(|byte| *byte == b'/')
        // A parameter does not hide a dot segment from servers that cut it off.
        .map(|segment| {
            segment
                .split(|byte| *byte == b';')
                .next()
                .unwrap_or(segment)
        })
        .any(|segment| matches!(segment, b"." | b".."))
}

fn same_authority(one: &str, other: &str) -> bool {
    fn without_default_port(authority: &str) -> &str {
        authority.strip_suffix(":443").unwrap_or(authority)
    }
    without_default_port(one).eq_ignore_ascii_case(without_default_port(other))
}

fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}
