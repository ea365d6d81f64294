//! Connections to the cloud. Knows no identity: what is opened, pooled and sent here is given a
//! TLS client configuration and belongs to whoever holds it.

pub mod body;
pub mod connect;
pub mod dial;
pub mod pool;
pub mod resolver;
pub mod send;

use crate::config::Host;

/// Whom a connection is made to, and how it proves itself: what keys sessions and pooled
/// connections, compared field by field.
///
/// ALPN, TLS versions, roots and pins belong to this tuple too; they are the same for everything
/// that one epoch of an identity makes, and its tables are owned by that epoch, so they need no
/// field here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    /// Where DNS and TCP go.
    pub host: Host,
    /// TCP port.
    pub port: u16,
    /// Server Name Indication (RFC 6066 §3), where it is not the host.
    pub sni: Option<String>,
    /// The name or address that the server's certificate must hold.
    pub verify: Host,
}

impl Upstream {
    /// The name given to TLS: it is sent as SNI unless it is an address.
    pub fn server_name(&self) -> Host {
        match &self.sni {
            Some(name) => Host::Name(name.clone()),
            None => self.host.clone(),
        }
    }

    /// The server name that goes out: none for an address.
    pub fn sent_name(&self) -> Option<&str> {
        match (&self.sni, &self.host) {
            (Some(name), _) | (None, Host::Name(name)) => Some(name),
            (None, Host::Ip(_)) => None,
        }
    }

    /// Whether the certificate is to be verified for another name than the one given to TLS.
    pub fn verifies_another_name(&self) -> bool {
        self.verify != self.server_name()
    }
}
