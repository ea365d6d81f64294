//! How full the tables of an identity are.

use super::Identity;

/// What the tables of an identity hold now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// The epoch, while the identity is available.
    pub epoch: Option<u32>,
    /// Connections being made, or with a request under way.
    pub busy: usize,
    /// Connections of the epoch that lie idle.
    pub idle: usize,
    /// Requests that wait for a connection.
    pub waiting: usize,
    /// Upstreams with TLS sessions.
    pub sessions: usize,
    /// Handshakes under way.
    pub handshakes: usize,
}

impl Identity {
    /// What its tables hold now.
    pub fn usage(&self) -> Usage {
        let epoch = self.current().ok();
        let idle = epoch.as_ref().map_or(0, |epoch| epoch.idle());
        Usage {
            epoch: epoch.as_ref().map(|epoch| epoch.number),
            busy: self.slots.used() - idle,
            idle,
            waiting: self.slots.waiting(),
            sessions: epoch.as_ref().map_or(0, |epoch| epoch.sessions.len()),
            handshakes: self.handshakes.taken(),
        }
    }
}
