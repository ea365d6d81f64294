//! The rules of a forward listener: which identity a request goes out as, by its destination.

use std::rc::Rc;

use http::HeaderValue;
use http::uri::PathAndQuery;

use super::Tally;
use crate::config::{self, ForwardConfig, Host, Peer};
use crate::error::Cause;
use crate::identity::Identity;
use crate::upstream::Upstream;

const HTTPS: u16 = 443;
const HTTP: u16 = 80;

/// One `--forward`, ready to use.
#[derive(Debug)]
pub struct Rule {
    /// Its options.
    pub config: ForwardConfig,
    /// As whom it sends.
    pub identity: Rc<Identity>,
    /// What it did.
    pub tally: Rc<Tally>,
}

/// The rules of one LISTEN, in the order given.
#[derive(Debug)]
pub struct Rules(pub Vec<Rule>);

/// Where a request on a forward listener goes.
#[derive(Debug)]
pub struct Forwarded<'a> {
    rules: &'a Rules,
    peer: Peer,
    /// The rule that takes it.
    pub rule: &'a Rule,
    /// To whom.
    pub upstream: Rc<Upstream>,
    /// The upstream's authority, as it goes out in Host.
    pub authority: Rc<str>,
    /// What goes out as Host.
    pub host: HeaderValue,
    /// The target that goes out.
    pub target: PathAndQuery,
}

/// Where a tunnel goes.
#[derive(Debug)]
pub struct Tunnelled<'a> {
    /// The rule that permits it.
    pub rule: &'a Rule,
    /// Host.
    pub host: Host,
    /// Port.
    pub port: u16,
    /// Both, for people.
    pub authority: String,
}

impl Rules {
    /// Whether any rule admits the peer.
    pub fn admit(&self, peer: &Peer) -> bool {
        self.0.iter().any(|rule| rule.config.admits(peer))
    }

    /// Where a request for `target` in absolute-form goes.
    ///
    /// # Errors
    /// No rule takes it, or its target names nothing that can be reached.
    pub fn find<'a>(
        &'a self,
        target: &str,
        options: bool,
        peer: &Peer,
    ) -> Result<Forwarded<'a>, Cause> {
        let (authority, rest) = split_absolute(target).ok_or(Cause::TargetScheme)?;
        let (host, port) = config::destination(authority, Some(HTTPS))
            .map_err(|fault| Cause::TargetAuthority(fault.to_string()))?;
        // Plain HTTP's own port means that nobody chose one.
        let port = if port == HTTP { HTTPS } else { port };
        let rule = self
            .rule(&host, port, peer)
            .ok_or_else(|| self.refusal(&host, port, peer))?;
        let authority = authority_of(&host, port);
        Ok(Forwarded {
            rules: self,
            peer: *peer,
            rule,
            host: HeaderValue::from_str(&authority).map_err(|_| Cause::TargetRefused)?,
            authority: Rc::from(authority),
            target: path_and_query(rest, options)?,
            upstream: Rc::new(Upstream {
                verify: host.clone(),
                host,
                port,
                sni: None,
            }),
        })
    }

    /// Where a CONNECT to `target` goes.
    ///
    /// # Errors
    /// No rule takes it, or the one that does permits no tunnel.
    pub fn find_tunnel<'a>(&'a self, target: &str, peer: &Peer) -> Result<Tunnelled<'a>, Cause> {
        let (host, port) = config::destination(target, None)
            .map_err(|fault| Cause::TargetAuthority(fault.to_string()))?;
        let rule = self
            .rule(&host, port, peer)
            .ok_or_else(|| self.refusal(&host, port, peer))?;
        if !rule.config.tunnel {
            return Err(Cause::TunnelDenied);
        }
        Ok(Tunnelled {
            rule,
            authority: format!("{}:{port}", bracketed(&host)),
            host,
            port,
        })
    }

    /// The first rule that takes the destination and admits the peer.
    fn rule(&self, host: &Host, port: u16, peer: &Peer) -> Option<&Rule> {
        self.0
            .iter()
            .filter(|rule| rule.config.to.matches(host, port))
            .find(|rule| rule.config.admits(peer))
    }

    /// Why nothing is sent to a destination that no rule takes; the rules are in the log.
    fn refusal(&self, host: &Host, port: u16, peer: &Peer) -> Cause {
        let destination = format!("{}:{port}", bracketed(host));
        ::log::debug!("no rule takes {destination} from {peer}; the rules are:");
        for rule in &self.0 {
            ::log::debug!("  --forward {}", rule.config.text);
        }
        Cause::NoRule(destination)
    }
}

impl Forwarded<'_> {
    /// What the client must follow in place of `location`: plain HTTP to the same place, where a
    /// rule would take that.
    pub fn way_back(&self, location: &str) -> Option<String> {
        let (scheme, rest) = location.split_at_checked("https://".len())?;
        if !scheme.eq_ignore_ascii_case("https://") {
            return None;
        }
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let (host, port) = config::destination(authority, Some(HTTPS)).ok()?;
        if port == HTTP {
            // As http:// it would mean another port.
            return None;
        }
        self.rules.rule(&host, port, &self.peer)?;
        Some(format!("http://{}{path}", authority_of(&host, port)))
    }
}

/// Authority and the rest of `http://authority/path?query`, or of the same with https.
fn split_absolute(target: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = target.split_once("://")?;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return None;
    }
    Some(rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len())))
}

/// RFC 9112 §3.2.4: an empty path is `*` for OPTIONS and `/` for all others.
fn path_and_query(rest: &str, options: bool) -> Result<PathAndQuery, Cause> {
    let target = match rest.as_bytes().first() {
        None if options => PathAndQuery::try_from("*"),
        None => Ok(PathAndQuery::from_static("/")),
        Some(b'?') => PathAndQuery::try_from(format!("/{rest}")),
        Some(_) => PathAndQuery::try_from(rest),
    };
    target.map_err(|_| Cause::TargetRefused)
}

fn authority_of(host: &Host, port: u16) -> String {
    match port {
        HTTPS => bracketed(host),
        port => format!("{}:{port}", bracketed(host)),
    }
}

fn bracketed(host: &Host) -> String {
    match host {
        Host::Ip(std::net::IpAddr::V6(address)) => format!("[{address}]"),
        other => other.to_string(),
    }
}
