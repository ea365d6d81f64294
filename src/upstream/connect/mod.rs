//! Opens a connection: resolve, TCP, TLS, HTTP. Says what happened in the handshake.

mod connection;
mod ending;
mod facts;
mod line;
mod validity;

pub use connection::{Connection, Known};
pub use ending::Ending;
pub use facts::{Details, Facts, Gathering, OurCertificate, TlsVersion, Took, note};
pub use validity::Validity;

use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use rustix::io::Errno;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use ending::ending;
use facts::Observed;

use super::Upstream;
use super::dial::{DialError, dial};
use super::resolver::{Addresses, DnsError, Resolver};
use crate::config::Host;
use crate::error::{Cause, CertificateFault, Phase, TlsFault};
use crate::limits;
use crate::wire::News;

/// The stream under an upstream connection.
pub type Stream = TlsStream<TcpStream>;

impl News for Stream {
    fn holds_any(&self) -> bool {
        !self.get_ref().1.wants_read()
    }

    fn poll_news(&self, cx: &mut Context<'_>) -> Poll<()> {
        // An error is news too: the read that follows tells of it.
        self.get_ref().0.poll_read_ready(cx).map(drop)
    }
}

/// What opening a connection needs from outside.
pub struct Dialer {
    /// DNS.
    pub resolver: Resolver,
    /// Handshakes that may be under way in the process, beside the first of each identity.
    pub handshakes: Semaphore,
    /// Where this egret listens: nothing is sent there.
    pub listeners: RefCell<Vec<SocketAddr>>,
    /// `--connect-timeout`.
    pub connect_timeout: Duration,
    /// `--wait-timeout`.
    pub wait_timeout: Duration,
    /// `--upstream-idle`.
    pub upstream_idle: Duration,
}

/// The handshakes that one identity may have under way: one place is its own whatever others do,
/// for the rest it needs one of the process's too.
#[derive(Debug)]
pub struct Handshakes {
    own: Semaphore,
    more: Semaphore,
}

impl Default for Handshakes {
    fn default() -> Self {
        Self {
            own: Semaphore::new(1),
            more: Semaphore::new(limits::HANDSHAKES_PER_IDENTITY - 1),
        }
    }
}

impl Handshakes {
    /// Places taken: by handshakes under way, and by those that wait for one of the process's.
    pub fn taken(&self) -> usize {
        limits::HANDSHAKES_PER_IDENTITY
            - self.own.available_permits()
            - self.more.available_permits()
    }

    /// Waits for a place. No semaphore is ever closed: an error would only mean that nobody is
    /// counted.
    async fn place<'a>(&'a self, shared: &'a Semaphore) -> [Option<SemaphorePermit<'a>>; 2] {
        tokio::select! {
            biased;
            own = self.own.acquire() => [own.ok(), None],
            more = async { [self.more.acquire().await.ok(), shared.acquire().await.ok()] } => more,
        }
    }
}

/// Resolves and connects without TLS, for a tunnel.
///
/// # Errors
/// The cause.
pub async fn open_plain(host: &Host, port: u16, dialer: &Dialer) -> Result<TcpStream, Cause> {
    let deadline = Instant::now() + dialer.connect_timeout;
    let addresses = resolve(host, dialer, deadline).await?;
    tcp(&addresses, port, dialer, deadline).await
}

async fn resolve(host: &Host, dialer: &Dialer, deadline: Instant) -> Result<Addresses, Cause> {
    match host {
        Host::Ip(address) => Ok(Addresses::from(*address)),
        Host::Name(name) => Ok(timeout_at(deadline, dialer.resolver.resolve(name))
            .await
            .map_err(|_| Cause::DnsTimeout)??),
    }
}

async fn tcp(
    addresses: &Addresses,
    port: u16,
    dialer: &Dialer,
    deadline: Instant,
) -> Result<TcpStream, Cause> {
    let (stream, dialled) = timeout_at(deadline, dial(addresses, port))
        .await
        .map_err(|_| Cause::ConnectTimeout(Phase::Tcp))??;
    // 0.0.0.0 and :: lead to the loopback address.
    let peer = stream.peer_addr().unwrap_or(dialled);
    // All of 127.0.0.0/8 is here, and connections to it come from 127.0.0.1.
    let here = peer.ip().is_loopback()
        || stream
            .local_addr()
            .is_ok_and(|local| local.ip() == peer.ip());
    let is_ours = |own: &SocketAddr| {
        own.port() == peer.port() && (own.ip() == peer.ip() || own.ip().is_unspecified() && here)
    };
    match dialer.listeners.borrow().iter().any(is_ours) {
        true => Err(Cause::Loop),
        false => Ok(stream),
    }
}

/// Resolves, connects and shakes hands, in the dialer's connect timeout altogether.
/// `handshakes` are the identity's own places. What is learnt on the way is in `facts`, however
/// far it came.
///
/// # Errors
/// The cause.
pub async fn open(
    upstream: &Upstream,
    config: Arc<ClientConfig>,
    dialer: &Dialer,
    handshakes: &Handshakes,
    facts: &Gathering,
) -> Result<Stream, Cause> {
    let began = Instant::now();
    let deadline = began + dialer.connect_timeout;
    let name = server_name(upstream)?;
    let addresses = resolve(&upstream.host, dialer, deadline).await?;
    let resolved = Instant::now();
    note_resolved(facts, &addresses, resolved - began);
    let stream = tcp(&addresses, upstream.port, dialer, deadline).await?;
    let connected = Instant::now();
    note_dialled(facts, &stream, connected - resolved);
    let _place = timeout_at(deadline, handshakes.place(&dialer.handshakes))
        .await
        .map_err(|_| Cause::HandshakeWait)?;
    // Too little may be left for an upstream that is none the slower for it.
    let left = deadline.saturating_duration_since(Instant::now());
    let late = match connected.elapsed() > left {
        true => Cause::HandshakeWait,
        false => Cause::ConnectTimeout(Phase::Tls),
    };
    let stream = timeout_at(deadline, shake_hands(stream, name, config, facts))
        .await
        .map_err(|_| late)??;
    facts.borrow_mut().took.handshake = Some(connected.elapsed());
    Ok(stream)
}

fn note_resolved(facts: &Gathering, addresses: &Addresses, took: Duration) {
    let mut facts = facts.borrow_mut();
    facts.took.resolve = Some(took);
    if let Some(details) = &mut facts.details {
        details.addresses = addresses.iter().collect();
    }
}

fn note_dialled(facts: &Gathering, stream: &TcpStream, took: Duration) {
    let mut facts = facts.borrow_mut();
    facts.took.dial = Some(took);
    facts.dialled = stream.peer_addr().ok();
}

fn server_name(upstream: &Upstream) -> Result<ServerName<'static>, Cause> {
    match upstream.server_name() {
        Host::Ip(address) => Ok(ServerName::from(address)),
        Host::Name(name) => ServerName::try_from(name.clone()).map_err(|_| {
            Cause::Tls(TlsFault::Other(format!(
                "{name} cannot be sent as a server name"
            )))
        }),
    }
}

async fn shake_hands(
    stream: TcpStream,
    name: ServerName<'static>,
    config: Arc<ClientConfig>,
    facts: &Gathering,
) -> Result<Stream, Cause> {
    let result = Observed {
        handshake: TlsConnector::from(config).connect(name, stream),
        facts: Rc::clone(facts),
    }
    .await;
    match result {
        Ok(stream) => {
            let (_, session) = stream.get_ref();
            facts.borrow_mut().settle(session);
            match session.alpn_protocol() {
                Some(b"h2") => Err(Cause::Tls(TlsFault::Http2)),
                _ => Ok(stream),
            }
        }
        Err(error) => Err(handshake_cause(&error, &facts.borrow())),
    }
}

fn handshake_cause(error: &io::Error, facts: &Facts) -> Cause {
    let ending = ending(error);
    if let Some(cause) = facts.certificate.judged_by(&ending) {
        return cause;
    }
    match ending {
        Ending::Alert(alert) => Cause::Alert(alert),
        Ending::Certificate(why) => {
            let fault = facts.fault.clone();
            Cause::Certificate(Box::new(fault.unwrap_or(CertificateFault::Unusable(why))))
        }
        Ending::Tls(fault) => Cause::Tls(fault),
        Ending::NoTime => Cause::ClockNotSet,
        Ending::Closed => Cause::Tls(TlsFault::ClosedInHandshake),
    }
}

impl From<DnsError> for Cause {
    fn from(error: DnsError) -> Self {
        match error {
            DnsError::QueueFull => Self::DnsQueueFull,
            other => Self::Dns(other.to_string()),
        }
    }
}

impl From<DialError> for Cause {
    fn from(error: DialError) -> Self {
        match error {
            DialError::Refused(_) => Self::ConnectRefused(error.address().to_string()),
            DialError::Unreachable(_) => Self::Unroutable(error.to_string()),
            DialError::Other(_, Errno::MFILE | Errno::NFILE) => Self::NoDescriptors,
            DialError::Other(..) => Self::ConnectFailed(error.to_string()),
        }
    }
}
