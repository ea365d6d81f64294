//! The cloud of the bench, which insists on a client certificate: nginx, or where that is not
//! installed the tests' stand-in.

mod nginx;
mod sink;
mod standin;

use std::io;
use std::net::SocketAddr;

use crate::peers::cloud::Cloud;
use crate::peers::version::installed;
use nginx::NginxCloud;
use standin::StandIn;

/// The body of a small answer.
const SMALL: &str = r#"{"device":"meter-7","accepted":true}"#;
/// Bytes of `/download`, and of what is sent to `/upload`.
pub const BULK: u64 = 128 << 20;
/// Bytes of `/stalled`.
const STALLED: u64 = 10 << 20;

/// A server of the cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upstream {
    /// Keeps connections.
    Kept,
    /// Closes after each answer, and lets nobody resume a session.
    Full,
    /// Closes after each answer, and lets everybody.
    Resumed,
}

/// What the cloud saw of handshakes.
#[derive(Debug, Default, Clone, Copy)]
pub struct Handshakes {
    pub full: usize,
    pub resumed: usize,
}

/// What both clouds can do.
pub trait Server {
    /// Which of them it is.
    fn name(&self) -> String;

    /// Where that server is.
    fn address(&self, upstream: Upstream) -> SocketAddr;

    /// Connections to all of them so far, also those that carried no request.
    fn connections(&self) -> u64;

    /// Answers that are under way.
    fn sending(&self) -> usize;

    /// Forgets the handshakes so far.
    fn count_anew(&self);

    /// Those since then, once there were so many requests to `/counted` or to the servers that close.
    fn handshakes(&self, requests: usize) -> Handshakes;
}

/// The cloud, and what its clients are told of it.
pub struct Site {
    pub server: Box<dyn Server>,
    files: Cloud,
}

impl Site {
    pub fn start() -> io::Result<Self> {
        let files = Cloud::new();
        files.identity("client");
        let server: Box<dyn Server> = match installed("nginx", "-v") {
            Some(_) => Box::new(NginxCloud::start(&files)?),
            None => Box::new(StandIn::start(&files)?),
        };
        Ok(Self { server, files })
    }

    /// The file of the roots that clients trust.
    pub fn roots(&self) -> String {
        self.files.ca()
    }

    /// The file of the client certificate.
    pub fn certificate(&self) -> String {
        self.files.path("client.crt")
    }

    /// The file of its key.
    pub fn key(&self) -> String {
        self.files.path("client.key")
    }
}
