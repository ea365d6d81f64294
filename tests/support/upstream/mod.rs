//! A TLS upstream in this process that echoes what it saw, and misbehaves when told to.
//!
//! It runs in a thread of its own and reads HTTP/1.1 by hand, so that a test sees the bytes that
//! were sent and not what a library made of them.

mod http;
mod offers;
mod reply;
mod serve;
mod state;
mod tls;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use rustls::pki_types::CertificateDer;

use super::certs::{Ca, Leaf};
use super::gate::Gate;
pub use reply::{Reply, Step};
use state::Shared;
pub use state::{Seen, Sha256, State, checksum};
use tls::Tls;
pub use tls::{ClientAuth, Resumption, Versions};

/// What an upstream does with a connection that it accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OnAccept {
    /// TLS, then HTTP.
    Serve,
    /// Reads nothing and says nothing until the upstream stops.
    Stall,
    /// FIN at once.
    Close,
    /// RST at once.
    Reset,
    /// These bytes in the clear, then FIN.
    Bytes(Vec<u8>),
    /// TLS, then silence until the upstream stops.
    StallAfterHandshake,
    /// TLS, then close_notify and FIN.
    CloseAfterHandshake,
    /// TLS, then FIN without close_notify.
    CutAfterHandshake,
    /// TLS, then RST.
    ResetAfterHandshake,
}

/// When a request's body is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadBody {
    /// Before the handler is asked.
    First,
    /// Where the script says [`Step::ReadBody`], and what is left after it.
    AfterReply,
}

type Handler = Arc<dyn Fn(&Seen) -> Reply + Send + Sync>;
type AcceptHook = Arc<dyn Fn(u64) -> OnAccept + Send + Sync>;

/// What an upstream is to be. It starts as: TLS 1.2 and 1.3, tickets, no client certificate asked
/// for, no ALPN, echoes.
#[derive(Clone)]
pub struct Builder {
    tls: Tls,
    address: SocketAddr,
    on_accept: AcceptHook,
    read_body: ReadBody,
    sends_continue: bool,
    idle: Option<Duration>,
    handler: Handler,
}

impl Builder {
    /// TLS versions spoken.
    pub fn versions(mut self, versions: Versions) -> Self {
        self.tls.versions = versions;
        self
    }

    /// How sessions are remembered.
    pub fn resumption(mut self, resumption: Resumption) -> Self {
        self.tls.resumption = resumption;
        self
    }

    /// TLS 1.3 tickets sent after a full handshake (rustls sends 2).
    pub fn tickets(mut self, count: usize) -> Self {
        self.tls.tickets = count;
        self
    }

    /// Asks for a client certificate of this authority, and lets clients without one in.
    pub fn requests(mut self, ca: &Ca) -> Self {
        self.tls.client_auth = ClientAuth::Requested(vec![ca.der()]);
        self
    }

    /// Insists on a client certificate of this authority.
    pub fn requires(mut self, ca: &Ca) -> Self {
        self.tls.client_auth = ClientAuth::Required(vec![ca.der()]);
        self
    }

    /// Whether and how clients are asked for a certificate, where the above do not say it.
    pub fn client_auth(mut self, client_auth: ClientAuth) -> Self {
        self.tls.client_auth = client_auth;
        self
    }

    /// ALPN protocols taken; a client that offers none of them is refused.
    pub fn alpn(mut self, protocols: &[&str]) -> Self {
        self.tls.alpn = protocols.iter().map(|p| p.as_bytes().to_vec()).collect();
        self
    }

    /// Writes TLS records of at most so many bytes (at least 32).
    pub fn record_size(mut self, bytes: usize) -> Self {
        self.tls.record_size = Some(bytes);
        self
    }

    /// Another server certificate (a restart keeps it).
    pub fn certificate(mut self, leaf: &Leaf) -> Self {
        self.tls.leaf = leaf.clone();
        self
    }

    /// A port in place of a free one.
    pub fn port(mut self, port: u16) -> Self {
        self.address.set_port(port);
        self
    }

    /// An address in place of 127.0.0.1.
    pub fn bind(mut self, address: IpAddr) -> Self {
        self.address.set_ip(address);
        self
    }

    /// What to do with the n-th TCP connection; the first is 1.
    pub fn on_accept(mut self, hook: impl Fn(u64) -> OnAccept + Send + Sync + 'static) -> Self {
        self.on_accept = Arc::new(hook);
        self
    }

    /// When bodies are read (at first: before the handler is asked).
    pub fn read_body(mut self, when: ReadBody) -> Self {
        self.read_body = when;
        self
    }

    /// Whether `100 Continue` is sent to those who expect it, before the body is read (it is).
    pub fn sends_continue(mut self, sends: bool) -> Self {
        self.sends_continue = sends;
        self
    }

    /// Closes a connection that is silent between requests for so long.
    pub fn idle(mut self, idle: Duration) -> Self {
        self.idle = Some(idle);
        self
    }

    /// What to answer (at first: [`Reply::echo`]).
    pub fn handler(mut self, handler: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        self.handler = Arc::new(handler);
        self
    }

    /// Binds and serves; panics when that fails.
    pub fn start(self) -> Upstream {
        self.try_start().expect("an upstream that listens")
    }

    /// Binds and serves.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub fn try_start(self) -> io::Result<Upstream> {
        let shared = Shared::new(self.handler.clone());
        let mut upstream = Upstream {
            builder: self,
            shared,
            running: None,
        };
        upstream.restart()?;
        Ok(upstream)
    }
}

struct Running {
    stop: Arc<Gate>,
    thread: JoinHandle<()>,
}

/// An upstream; stops when dropped.
pub struct Upstream {
    builder: Builder,
    shared: Arc<Shared>,
    running: Option<Running>,
}

impl Upstream {
    /// One with this server certificate.
    pub fn builder(leaf: &Leaf) -> Builder {
        Builder {
            tls: Tls::new(leaf),
            address: SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0),
            on_accept: Arc::new(|_| OnAccept::Serve),
            read_body: ReadBody::First,
            sends_continue: true,
            idle: None,
            handler: Arc::new(Reply::echo),
        }
    }

    /// The port, the same over restarts.
    pub fn port(&self) -> u16 {
        self.builder.address.port()
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.builder.address
    }

    /// `https://localhost:PORT`.
    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.port())
    }

    /// Every request so far, in the order in which their heads arrived.
    pub fn seen(&self) -> Vec<Seen> {
        self.state(|state| state.seen.clone())
    }

    /// The last request so far.
    pub fn last(&self) -> Option<Seen> {
        self.state(|state| state.seen.last().cloned())
    }

    /// TLS handshakes completed so far.
    pub fn connections(&self) -> u64 {
        self.state(State::connections)
    }

    /// Full TLS handshakes so far.
    pub fn full_handshakes(&self) -> u64 {
        self.state(|state| state.full)
    }

    /// Resumed TLS handshakes so far.
    pub fn resumed_handshakes(&self) -> u64 {
        self.state(|state| state.resumed)
    }

    /// TCP connections open now.
    pub fn open_connections(&self) -> u64 {
        self.state(|state| state.open)
    }

    /// Looks at everything it knows.
    pub fn state<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        self.shared.look(look)
    }

    /// Waits until the state is so; panics after [`super::PATIENCE`].
    pub fn wait_until(&self, so: impl FnMut(&State) -> bool) {
        self.shared.wait_until(so);
    }

    /// What to answer from now on.
    pub fn answer(&self, handler: impl Fn(&Seen) -> Reply + Send + Sync + 'static) {
        self.shared.set_handler(Arc::new(handler));
    }

    /// Another configuration, which counts from the next restart; the handler and the address stay.
    pub fn change(&mut self, change: impl FnOnce(Builder) -> Builder) {
        let address = self.builder.address;
        self.builder = change(self.builder.clone());
        self.builder.address = address;
    }

    /// Closes the listener and every connection (without close_notify); the sessions are forgotten.
    pub fn stop(&mut self) {
        let Some(running) = self.running.take() else {
            return;
        };
        running.stop.open();
        let ended = running.thread.join();
        assert!(
            ended.is_ok() || std::thread::panicking(),
            "the upstream's thread panicked"
        );
    }

    /// Stops, and forgets what it has seen, so that one that runs for long does not grow.
    pub fn forget(&mut self) {
        self.stop();
        self.shared.change(|state| *state = State::default());
    }

    /// Stops if need be, and starts on the same port; what it has seen stays.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub fn restart(&mut self) -> io::Result<()> {
        self.stop();
        let listener = bind(self.builder.address)?;
        listener.set_nonblocking(true)?;
        self.builder.address = listener.local_addr()?;
        let stop = Gate::new();
        let thread = {
            let stop = Arc::clone(&stop);
            let server = serve::Server::new(self.builder.clone(), Arc::clone(&self.shared));
            std::thread::spawn(move || server.run(listener, &stop))
        };
        self.running = Some(Running { stop, thread });
        Ok(())
    }
}

/// A program that another test is just starting has what this one had open, until it begins: the
/// port may be in use for a moment.
fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let mut bound = TcpListener::bind(address);
    super::wait_until("the port is free", || {
        let in_use = |error: &io::Error| error.kind() == io::ErrorKind::AddrInUse;
        let is_taken = bound.as_ref().is_err_and(in_use);
        if is_taken {
            bound = TcpListener::bind(address);
        }
        !is_taken
    });
    bound
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The certificates of several authorities, for [`ClientAuth`].
pub fn roots(cas: &[&Ca]) -> Vec<CertificateDer<'static>> {
    cas.iter().map(|ca| ca.der()).collect()
}
