//! What the options mean: strings become types here, once. No I/O.
//!
//! A new key is a row in the table of `identity`, `route`, `forward` or `admin`; a new option a line in
//! `build`. What a route, a forward rule and `--admin` have in common is in `draft`.

mod admin;
mod build;
mod cidr;
mod draft;
mod error;
mod forward;
mod host;
mod identity;
mod list;
mod listen;
mod listener;
mod path;
mod pattern;
mod peer;
mod pin;
mod probe;
mod route;
mod url;
mod values;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

pub use build::{Rejected, build, build_probe};
pub use error::{ConfigError, Fault, Given, Problem};
pub use host::{HostFault, destination};
pub use listen::UnixFault;
pub use path::PathFault;
pub use pin::Pin;
pub use probe::{Compared, ProbePlan, ProbeTarget};
pub use values::Bound;

/// Everything the options say, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// Identities in the order given; the built-in `none` is always first.
    pub identities: Vec<IdentityConfig>,
    /// Routes in the order given.
    pub routes: Vec<RouteConfig>,
    /// Rules of forward listeners in the order given.
    pub forwards: Vec<ForwardConfig>,
    /// One for each distinct LISTEN, in order of first mention, those of routes first.
    pub listeners: Vec<ListenerConfig>,
    /// `--admin`: where egret tells of itself.
    pub admin: Option<AdminConfig>,
    /// `--ca`: roots of identities without `ca=`; `None` is the system's bundle.
    pub ca: Option<PathBuf>,
    /// `--max-*`.
    pub limits: Limits,
    /// The timeouts.
    pub timeouts: Timeouts,
    /// `--reload-interval`: how often certificate files are looked at; `None`: only on SIGHUP.
    pub reload_interval: Option<Duration>,
    /// `--access-log`: one line a request.
    pub access_log: bool,
    /// `--syslog`: logs go to the system's logger.
    pub syslog: bool,
    /// `--log`.
    pub log: log::LevelFilter,
    /// `--keylog`: where TLS secrets are written.
    pub keylog: Option<PathBuf>,
    /// `--pidfile`.
    pub pidfile: Option<PathBuf>,
}

/// Which identity: an index into [`Config::identities`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IdentityId(pub u8);

/// Which route: an index into [`Config::routes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RouteId(pub u8);

/// Which forward rule: an index into [`Config::forwards`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ForwardId(pub u8);

/// `--max-clients`, `--max-header`, `--max-body`.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Client connections over all listeners.
    pub clients: usize,
    /// Bytes of a client's request head.
    pub header: usize,
    /// Bytes of a request body; `None` is no limit.
    pub body: Option<u64>,
}

/// The timeouts of the command line.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// DNS, TCP and TLS together.
    pub connect: Duration,
    /// A client's head, from its first byte to its last.
    pub header: Duration,
    /// For a free upstream connection.
    pub wait: Duration,
    /// From the last byte of the request to the head of the response, and between pieces of its body.
    pub response: Duration,
    /// A silent client.
    pub idle: Duration,
    /// A pooled connection; zero: a connection per request.
    pub upstream_idle: Duration,
    /// An upgraded or tunnelled connection.
    pub tunnel: Duration,
    /// Requests in flight at a stop.
    pub drain: Duration,
}

/// `--identity`: who we are to the cloud, and whom we trust there.
#[derive(Debug, Clone)]
pub struct IdentityConfig {
    /// The option's value as it was given, for messages; the name alone where none was given.
    pub text: String,
    /// Its name, for people and for `identity=`.
    pub name: String,
    /// Certificate chain; `None`: TLS without a client certificate.
    pub cert: Option<PathBuf>,
    /// Private key; `None`: in the file of `cert`.
    pub key: Option<PathBuf>,
    /// What a server's certificate is checked against.
    pub anchors: Anchors,
    /// Keys of which the server must have one; empty: any will do, which [`Anchors::Pins`] rules
    /// out.
    pub pins: Vec<Pin>,
    /// Revocation lists; with none, nothing is taken as revoked.
    pub crls: Vec<PathBuf>,
    /// TLS versions offered.
    pub versions: TlsVersions,
    /// ALPN protocol offered; `None` sends none.
    pub alpn: Option<String>,
    /// Most upstream connections.
    pub connections: usize,
    /// Most requests waiting for one.
    pub waiting: usize,
    /// Upstreams whose TLS sessions are kept; 0 turns resumption off.
    pub sessions: usize,
}

/// `ca=`: what a server's certificate is checked against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Anchors {
    /// The roots of [`Config::ca`].
    Default,
    /// The roots in this file.
    File(PathBuf),
    /// `pin`: no chain at all, the server's key must be one of [`IdentityConfig::pins`].
    Pins,
}

/// `tls=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsVersions {
    /// TLS 1.2 and 1.3.
    Both,
    /// Exactly 1.2.
    Only12,
    /// Exactly 1.3.
    Only13,
}

/// A host as TLS and DNS know it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Host {
    /// A DNS name in lower case, without a trailing dot.
    Name(String),
    /// An address.
    Ip(IpAddr),
}

/// `https://HOST[:PORT][/PREFIX]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamUrl {
    /// Host.
    pub host: Host,
    /// Port, 443 by default.
    pub port: u16,
    /// Put before the client's path; empty or `/a/b`, never with a trailing slash.
    pub prefix: String,
}

/// What goes out as `Host`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostHeader {
    /// The URL's authority.
    Url,
    /// The client's own.
    Keep,
    /// This one.
    Name(String),
}

/// `--route`: requests that arrive at a listener and where they go, as whom.
///
/// Routes of one LISTEN differ by `path` or by `uid`. The longest path decides first. Of several
/// routes with that path, the one whose `uid` names the peer is meant, else the one without `uid`:
/// no two of them name the same uid, and at most one has none.
#[derive(Debug, Clone)]
pub struct RouteConfig {
    /// The option's value as it was given, for messages.
    pub text: String,
    /// Where it listens.
    pub listen: Listen,
    /// Where it sends.
    pub to: UpstreamUrl,
    /// As whom.
    pub identity: IdentityId,
    /// Client paths it takes: `None` takes all; else `/a/b`, never with a trailing slash.
    pub path: Option<String>,
    /// Whether `path` is taken off before `to.prefix` is put on.
    pub strip: bool,
    /// SNI in place of the URL's host; sets the verified name too.
    pub sni: Option<String>,
    /// Verified name in place of the URL's host or `sni`.
    pub verify: Option<Host>,
    /// What goes out as `Host`.
    pub host: HostHeader,
    /// Whether `Location` is left as it is.
    pub keep_redirects: bool,
    /// Whether `Via` is added.
    pub via: bool,
    /// In place of [`Timeouts::response`].
    pub response_timeout: Option<Duration>,
    /// Peers admitted over TCP; see [`RouteConfig::admits`].
    pub from: Vec<Cidr>,
    /// Peers admitted over a unix socket; see [`RouteConfig::admits`].
    pub uid: Vec<u32>,
    /// Whether web pages may use the route, whatever their origin.
    pub any_origin: bool,
}

/// `--forward`: destinations that a forward proxy reaches, as whom.
///
/// The rules of one LISTEN are tried in the order given; the first one that matches the
/// destination and admits the peer decides.
#[derive(Debug, Clone)]
pub struct ForwardConfig {
    /// The option's value as it was given, for messages.
    pub text: String,
    /// Where it listens.
    pub listen: Listen,
    /// The destinations it takes.
    pub to: Pattern,
    /// As whom.
    pub identity: IdentityId,
    /// Whether CONNECT is permitted: a blind relay, without the identity.
    pub tunnel: bool,
    /// Whether `Location` is left as it is.
    pub keep_redirects: bool,
    /// Whether `Via` is added.
    pub via: bool,
    /// In place of [`Timeouts::response`].
    pub response_timeout: Option<Duration>,
    /// Peers admitted over TCP; see [`ForwardConfig::admits`].
    pub from: Vec<Cidr>,
    /// Peers admitted over a unix socket; see [`ForwardConfig::admits`].
    pub uid: Vec<u32>,
}

/// `--admin`: where egret tells of itself, and whom.
#[derive(Debug, Clone)]
pub struct AdminConfig {
    /// The option's value as it was given, for messages.
    pub text: String,
    /// Where it listens; nobody else does.
    pub listen: Listen,
    /// Peers admitted over TCP; see [`AdminConfig::admits`].
    pub from: Vec<Cidr>,
    /// Peers admitted over a unix socket; see [`AdminConfig::admits`].
    pub uid: Vec<u32>,
    /// Who may connect; of [`Listen::Unix`] only.
    pub access: SocketAccess,
}

/// `to=` of a forward rule: which destinations it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// Hosts.
    pub host: HostPattern,
    /// Ports.
    pub port: PortPattern,
}

/// Hosts of a [`Pattern`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostPattern {
    /// This one.
    Exact(Host),
    /// `*.SUFFIX`: names that end in this one and have at least one label before it. In lower
    /// case, without the leading and a trailing dot.
    Suffix(String),
    /// `*`: all.
    Any,
}

/// Ports of a [`Pattern`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortPattern {
    /// This one.
    Only(u16),
    /// `:*`: all.
    Any,
}

/// Who called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Peer {
    /// An address.
    Tcp(IpAddr),
    /// A user of this machine (SO_PEERCRED).
    Unix {
        /// Its number.
        uid: u32,
    },
}

/// LISTEN.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Listen {
    /// `PORT`: 127.0.0.1 and ::1.
    Loopback(u16),
    /// `IP:PORT`.
    Tcp(SocketAddr),
    /// `unix:PATH`.
    Unix(PathBuf),
    /// `systemd:NAME`: the sockets of this FileDescriptorName=, whatever they are.
    Systemd(String),
}

/// One distinct LISTEN.
#[derive(Debug, Clone)]
pub struct ListenerConfig {
    /// Where.
    pub listen: Listen,
    /// Who takes what arrives.
    pub serves: Serves,
    /// Most client connections.
    pub clients: usize,
    /// Who may connect; of [`Listen::Unix`] only.
    pub access: SocketAccess,
}

/// Who takes what arrives at a LISTEN; never nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Serves {
    /// Routes, in the order given.
    Routes(Vec<RouteId>),
    /// Forward rules, in the order given: the first one that matches decides.
    Forwards(Vec<ForwardId>),
}

/// Who may connect to a unix socket, as the file system has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocketAccess {
    /// Permission bits.
    pub mode: u32,
    /// Group in place of that of the process; a name, or a number.
    pub group: Option<String>,
}

/// A range of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cidr {
    /// An address of it.
    pub address: IpAddr,
    /// How many leading bits count.
    pub bits: u8,
}

impl Config {
    /// The identity that an id of this configuration means.
    pub fn identity(&self, id: IdentityId) -> &IdentityConfig {
        &self.identities[usize::from(id.0)]
    }

    /// The route that an id of this configuration means.
    pub fn route(&self, id: RouteId) -> &RouteConfig {
        &self.routes[usize::from(id.0)]
    }

    /// The forward rule that an id of this configuration means.
    pub fn forward(&self, id: ForwardId) -> &ForwardConfig {
        &self.forwards[usize::from(id.0)]
    }

    /// Every identity with its id.
    pub fn identities(&self) -> impl Iterator<Item = (IdentityId, &IdentityConfig)> {
        (0..).map(IdentityId).zip(&self.identities)
    }

    /// Host names that the options give as destinations.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let routes = self.routes.iter().map(|route| &route.to.host);
        let rules = self.forwards.iter().filter_map(|rule| match &rule.to.host {
            HostPattern::Exact(host) => Some(host),
            HostPattern::Suffix(_) | HostPattern::Any => None,
        });
        routes.chain(rules).filter_map(Host::name)
    }

    /// Whether any route or forward rule sends as this identity. One that none uses is worth a
    /// warning.
    pub fn is_used(&self, id: IdentityId) -> bool {
        let routes = self.routes.iter().map(|route| route.identity);
        let forwards = self.forwards.iter().map(|forward| forward.identity);
        routes.chain(forwards).any(|used| used == id)
    }
}

#[cfg(test)]
mod tests;
