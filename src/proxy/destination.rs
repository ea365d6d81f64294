//! Where a request goes, whichever kind of listener it came to.

use std::rc::Rc;
use std::time::Duration;

use http::HeaderValue;
use http::header::{self, HeaderMap};
use http::uri::Uri;

use super::Tally;
use super::forward::{Forwarded, Rules, Tunnelled};
use super::target::{Route, Routes};
use crate::config::Peer;
use crate::error::{Cause, Failure};
use crate::identity::Identity;
use crate::upstream::Upstream;
use crate::wire::{RequestHead, TargetForm};

/// What one LISTEN serves.
#[derive(Debug)]
pub enum Serves {
    /// Requests for paths.
    Routes(Routes),
    /// Requests for absolute URIs.
    Rules(Rules),
}

/// Where one request goes.
#[derive(Debug)]
pub enum Destination<'a> {
    /// By a route.
    Route(&'a Rc<Route>, Uri),
    /// By a rule of a forward listener.
    Forwarded(Box<Forwarded<'a>>),
    /// Through a tunnel.
    Tunnel(Tunnelled<'a>),
}

impl Serves {
    /// Whether the peer has any business here.
    fn admits(&self, peer: &Peer) -> bool {
        match self {
            Self::Routes(routes) => routes.admit(peer),
            Self::Rules(rules) => rules.admit(peer),
        }
    }

    /// Where the request goes whose target the client wrote as `target`.
    ///
    /// # Errors
    /// Why it goes nowhere.
    pub fn find(
        &self,
        head: &RequestHead,
        method: &str,
        target: &str,
        peer: &Peer,
    ) -> Result<Destination<'_>, Cause> {
        if !self.admits(peer) {
            return Err(Cause::PeerDenied(peer.to_string()));
        }
        match (self, head.form) {
            (Self::Routes(_), TargetForm::Absolute) => Err(Cause::NotOriginForm),
            (Self::Routes(_), TargetForm::Authority) => Err(Cause::ConnectOnRoute),
            (Self::Routes(routes), TargetForm::Asterisk) => {
                let route = routes.find("/", peer)?;
                Ok(Destination::Route(route, Uri::from_static("*")))
            }
            (Self::Routes(routes), TargetForm::Origin) => {
                let route = routes.find(target, peer)?;
                Ok(Destination::Route(
                    route,
                    Uri::from(route.outgoing(target)?),
                ))
            }
            (Self::Rules(rules), TargetForm::Absolute) => {
                let forwarded = rules.find(target, method == "OPTIONS", peer)?;
                Ok(Destination::Forwarded(Box::new(forwarded)))
            }
            (Self::Rules(rules), TargetForm::Authority) => {
                rules.find_tunnel(target, peer).map(Destination::Tunnel)
            }
            (Self::Rules(_), TargetForm::Origin | TargetForm::Asterisk) => {
                Err(Cause::NotAbsoluteForm)
            }
        }
    }
}

/// What a request to an upstream needs of its destination.
#[derive(Debug)]
pub struct Hop<'a> {
    /// What counts it.
    pub tally: &'a Rc<Tally>,
    /// As whom.
    pub identity: &'a Rc<Identity>,
    /// To whom.
    pub upstream: &'a Rc<Upstream>,
    /// The upstream's authority, for people.
    pub authority: &'a Rc<str>,
    /// The target.
    pub uri: Uri,
    /// Whether we add ourselves to Via.
    pub via: bool,
    /// Whether redirects are left as they are.
    pub keep_redirects: bool,
    /// In place of `--response-timeout`.
    pub response_timeout: Option<Duration>,
    host: Option<&'a HeaderValue>,
    back: Back<'a>,
}

/// Whom a failure concerns.
#[derive(Debug, Clone)]
pub struct Blame {
    authority: Rc<str>,
    identity: Rc<Identity>,
}

impl Blame {
    /// The failure that has this cause.
    pub fn failure(&self, cause: Cause) -> Failure {
        Failure {
            cause,
            upstream: Some(String::from(&*self.authority)),
            identity: Some(self.identity.config.name.clone()),
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Back<'a> {
    Route(&'a Route),
    Forwarded(&'a Forwarded<'a>),
}

impl<'a> Hop<'a> {
    /// The hop by a route.
    pub fn by_route(route: &'a Route, uri: Uri) -> Self {
        Self {
            tally: &route.tally,
            identity: &route.identity,
            upstream: &route.upstream,
            authority: &route.authority,
            uri,
            via: route.config.via,
            keep_redirects: route.config.keep_redirects,
            response_timeout: route.config.response_timeout,
            host: route.host.as_ref(),
            back: Back::Route(route),
        }
    }

    /// The hop of a forward listener.
    pub fn forwarded(forwarded: &'a Forwarded<'a>) -> Self {
        let rule = forwarded.rule;
        Self {
            tally: &rule.tally,
            identity: &rule.identity,
            upstream: &forwarded.upstream,
            authority: &forwarded.authority,
            uri: Uri::from(forwarded.target.clone()),
            via: rule.config.via,
            keep_redirects: rule.config.keep_redirects,
            response_timeout: rule.config.response_timeout,
            host: Some(&forwarded.host),
            back: Back::Forwarded(forwarded),
        }
    }

    /// Whom a failure on the way there concerns.
    pub fn blame(&self) -> Blame {
        Blame {
            authority: Rc::clone(self.authority),
            identity: Rc::clone(self.identity),
        }
    }

    /// Sets Host and tells what it is; `came` is what the client sent.
    ///
    /// # Errors
    /// The authority cannot be sent.
    pub fn set_host(
        &self,
        headers: &mut HeaderMap,
        came: Option<&HeaderValue>,
    ) -> Result<HeaderValue, Cause> {
        let host = match self.host.or(came) {
            Some(host) => host.clone(),
            // An HTTP/1.0 client need not send one; HTTP/1.1 goes out, and must have one.
            None => HeaderValue::from_str(self.authority).map_err(|_| Cause::TargetRefused)?,
        };
        headers.insert(header::HOST, host.clone());
        Ok(host)
    }

    /// What the client must follow in place of `location`, if it is to come through us again.
    pub fn way_back(&self, location: &str, sent_host: &str, called: &str) -> Option<String> {
        match self.back {
            Back::Route(route) => route.way_back(location, sent_host, called),
            Back::Forwarded(forwarded) => forwarded.way_back(location),
        }
    }
}
