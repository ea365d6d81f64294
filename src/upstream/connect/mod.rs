//! Opens a connection: resolve, TCP, TLS, HTTP. Says what happened in the handshake.

mod ending;
mod validity;

pub use ending::Ending;
pub use validity::Validity;

use std::cell::RefCell;
use std::io;
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use rustix::io::Errno;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, HandshakeKind, ProtocolVersion};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use ending::{ending, last_words};

use super::Upstream;
use super::body::RequestBody;
use super::dial::{DialError, dial};
use super::resolver::{Addresses, DnsError, Resolver};
use crate::config::Host;
use crate::error::{Cause, CertificateFault, Phase};
use crate::limits;
use crate::wire::{Asked, Outbound, OutboundIo};

/// The stream under an upstream connection.
pub type Stream = TlsStream<TcpStream>;

/// What happened in a handshake.
#[derive(Debug, Clone)]
pub struct Facts {
    /// What became of our certificate. A resumed handshake does not ask for it: its owner knows
    /// what became of it in the full one.
    pub certificate: OurCertificate,
    /// When the server's certificate is valid. A resumed handshake does not see it, as above.
    pub valid: Validity,
    /// The session was resumed.
    pub resumed: bool,
    /// TLS 1.3, where the server judges our certificate after the handshake.
    pub tls13: bool,
    /// ALPN protocol that the server chose.
    pub alpn: Option<Vec<u8>>,
    /// Why the server's certificate was not trusted.
    pub fault: Option<CertificateFault>,
}

impl Default for Facts {
    fn default() -> Self {
        Self {
            certificate: OurCertificate::NotAsked,
            valid: Validity::ALWAYS,
            resumed: false,
            tls13: false,
            alpn: None,
            fault: None,
        }
    }
}

/// What became of our certificate in a full handshake.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OurCertificate {
    /// The server sent no CertificateRequest.
    #[default]
    NotAsked,
    /// It did, and there was none, or none of a kind that it takes.
    NotSent,
    /// It did, and got it.
    Sent,
}

impl OurCertificate {
    /// What a connection that ended this way, once the server could judge, says of us; `None`:
    /// nothing.
    pub fn judged_by(self, ending: &Ending) -> Option<Cause> {
        match (self, ending) {
            (Self::Sent, Ending::Alert(alert)) => Some(Cause::CertificateRefused(*alert)),
            (Self::Sent, Ending::Closed) => Some(Cause::ClosedAfterCertificate),
            (Self::NotSent, Ending::Alert(alert)) => Some(Cause::CertificateMissing(*alert)),
            (Self::NotSent, Ending::Closed) => Some(Cause::ClosedWithoutCertificate),
            _ => None,
        }
    }
}

thread_local! {
    /// The handshake that is being polled. The resolver of client certificates and the verifier
    /// are shared by all handshakes of an identity and get no connection argument.
    static CURRENT: RefCell<Option<Rc<RefCell<Facts>>>> = const { RefCell::new(None) };
}

/// Writes down something about the handshake that is being polled now.
pub fn note(write: impl FnOnce(&mut Facts)) {
    CURRENT.with_borrow(|current| {
        if let Some(facts) = current {
            write(&mut facts.borrow_mut());
        }
    });
}

/// A handshake whose facts are gathered while it is polled.
struct Observed<F> {
    handshake: F,
    facts: Rc<RefCell<Facts>>,
}

impl<F: Future + Unpin> Future for Observed<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let former = CURRENT.replace(Some(Rc::clone(&self.facts)));
        let polled = Pin::new(&mut self.handshake).poll(cx);
        CURRENT.set(former);
        polled
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
/// `handshakes` are the identity's own places.
///
/// # Errors
/// The cause, with the handshake's facts as far as it came.
pub async fn open(
    upstream: &Upstream,
    config: Arc<ClientConfig>,
    dialer: &Dialer,
    handshakes: &Handshakes,
) -> Result<(Stream, Facts), Cause> {
    let deadline = Instant::now() + dialer.connect_timeout;
    let name = server_name(upstream)?;
    let addresses = resolve(&upstream.host, dialer, deadline).await?;
    let stream = tcp(&addresses, upstream.port, dialer, deadline).await?;
    timeout_at(deadline, async {
        let _place = handshakes.place(&dialer.handshakes).await;
        shake_hands(stream, name, config).await
    })
    .await
    .map_err(|_| Cause::ConnectTimeout(Phase::Tls))?
}

fn server_name(upstream: &Upstream) -> Result<ServerName<'static>, Cause> {
    match upstream.server_name() {
        Host::Ip(address) => Ok(ServerName::from(address)),
        Host::Name(name) => ServerName::try_from(name.clone())
            .map_err(|_| Cause::Tls(format!("{name} cannot be sent as a server name"))),
    }
}

async fn shake_hands(
    stream: TcpStream,
    name: ServerName<'static>,
    config: Arc<ClientConfig>,
) -> Result<(Stream, Facts), Cause> {
    let facts = Rc::new(RefCell::new(Facts::default()));
    let result = Observed {
        handshake: TlsConnector::from(config).connect(name, stream),
        facts: Rc::clone(&facts),
    }
    .await;
    let mut facts = facts.take();
    match result {
        Ok(stream) => {
            let (_, session) = stream.get_ref();
            if session.alpn_protocol() == Some(b"h2") {
                return Err(Cause::Tls(String::from(
                    "the server chose HTTP/2, which is not spoken here; use alpn=http/1.1",
                )));
            }
            facts.resumed = session.handshake_kind() == Some(HandshakeKind::Resumed);
            facts.tls13 = session.protocol_version() == Some(ProtocolVersion::TLSv1_3);
            facts.alpn = session.alpn_protocol().map(<[u8]>::to_vec);
            Ok((stream, facts))
        }
        Err(error) => Err(handshake_cause(&error, facts)),
    }
}

fn handshake_cause(error: &io::Error, facts: Facts) -> Cause {
    let ending = ending(error);
    if let Some(cause) = facts.certificate.judged_by(&ending) {
        return cause;
    }
    match ending {
        Ending::Alert(alert) => Cause::Alert(alert),
        Ending::Certificate(why) => {
            Cause::Certificate(facts.fault.unwrap_or(CertificateFault::Unusable(why)))
        }
        Ending::Tls(why) => Cause::Tls(why),
        Ending::NoTime => Cause::ClockNotSet,
        Ending::Closed => Cause::Tls(String::from(
            "the server closed the connection in the handshake; does the port speak TLS?",
        )),
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

/// An open connection that speaks HTTP/1.1.
#[derive(Debug)]
pub struct Connection {
    sender: SendRequest<RequestBody>,
    outbound: Rc<Outbound<Stream>>,
    facts: Facts,
    task: AbortHandle,
    /// Whether a request is under way: then dropping the connection cuts it off at once.
    busy: bool,
}

/// Whether a pooled connection may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Peek {
    Quiet,
    Data,
    Ended,
}

impl Connection {
    /// Puts HTTP on a TLS stream. hyper's side of it runs as a task of its own.
    pub async fn start(stream: Stream, facts: Facts) -> Result<Self, Cause> {
        let outbound = Outbound::new(stream, Instant::now());
        let io = TokioIo::new(OutboundIo(Rc::clone(&outbound)));
        let (sender, connection) = Builder::new()
            .max_buf_size(limits::BUFFER_MAX)
            .handshake(io)
            .await
            .map_err(|_| Cause::Terminated)?;
        let stream = Rc::clone(&outbound);
        let task = tokio::task::spawn_local(async move {
            // The request in hand learns of an error through its own future and `outbound`.
            let _ended = connection.await;
            // A pooled connection that ended lies in its table until somebody looks at it: the
            // upstream must not wait for that.
            if !stream.is_switched() {
                let _gone = stream.with_stream(|tls| {
                    socket2::SockRef::from(tls.get_ref().0).shutdown(std::net::Shutdown::Both)
                });
            }
        });
        Ok(Self {
            sender,
            outbound,
            facts,
            task: task.abort_handle(),
            busy: false,
        })
    }

    /// The handshake's facts.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// How far the current exchange has come.
    pub fn outbound(&self) -> &Rc<Outbound<Stream>> {
        &self.outbound
    }

    /// How the stream ended. A server that refuses says why in an alert and closes; our write may
    /// fail before that is read, and the event loop need not know yet that it lies in the socket.
    pub fn ending(&self) -> Ending {
        let error = self.outbound.take_error();
        let ending = error.map_or(Ending::Closed, |error| ending(&error));
        if ending != Ending::Closed {
            return ending;
        }
        let last = self.outbound.with_stream(last_words);
        if last.responded {
            self.outbound.note_response();
        }
        last.ending
    }

    /// hyper's handle.
    pub fn sender(&mut self) -> &mut SendRequest<RequestBody> {
        &mut self.sender
    }

    /// A request begins: from now on dropping the connection cuts it off.
    pub fn begin(&mut self, asked: Asked) {
        self.busy = true;
        self.outbound.begin(asked, Instant::now());
    }

    /// The exchange is over, and another may follow.
    pub fn rest(&mut self) {
        self.busy = false;
    }

    /// Whether a connection from the pool can take a request: nothing unread lies in its socket,
    /// it has not ended, and hyper is done with the former exchange.
    pub async fn is_usable(&mut self) -> bool {
        if self.peek() == Peek::Data {
            // A ticket or a key update is fine, a response nobody asked for is not: the
            // connection's task reads it and we look again.
            tokio::task::yield_now().await;
        }
        self.peek() == Peek::Quiet
            && self.outbound.reusable().is_ok()
            && self.sender.ready().await.is_ok()
    }

    fn peek(&self) -> Peek {
        let mut byte = [MaybeUninit::uninit()];
        let peeked = self
            .outbound
            .with_stream(|stream| socket2::SockRef::from(stream.get_ref().0).peek(&mut byte));
        match peeked {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Peek::Quiet,
            Ok(0) | Err(_) => Peek::Ended,
            Ok(_) => Peek::Data,
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // An idle connection ends with a close_notify once hyper sees its sender gone; one in
        // the middle of an exchange must not wait for its peer.
        if self.busy {
            self.task.abort();
        }
    }
}
