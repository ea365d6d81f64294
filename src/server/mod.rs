//! Client connections: admit, serve, watch their deadlines, end them.

mod bind;
mod clients;
mod pulse;
mod service;

pub use bind::{Acceptor, At, BindError, Bound, Passed, bind};
pub use clients::Clients;
pub use pulse::Pulse;
pub use service::{Service, Site};

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use tokio::task::spawn_local;
use tokio::time::{Instant, Sleep, sleep, timeout};

use crate::config::Peer;
use crate::error::Cause;
use crate::limits;
use crate::proxy::{Client, raw_answer};
use crate::wire::{Inbound, InboundIo, Socket, Waiting};
use clients::Member;

/// How long clients are waited for, and how large their heads may be.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// `--header-timeout`.
    pub header: Duration,
    /// `--idle-timeout`.
    pub idle: Duration,
    /// `--max-header`, bytes.
    pub head_max: usize,
}

/// One LISTEN: its clients, and who answers them.
pub struct Listener {
    /// Its LISTEN.
    pub name: Rc<str>,
    /// Who answers.
    pub service: Service,
    /// Its client connections.
    pub clients: Rc<Clients>,
    /// Deadlines and sizes.
    pub patience: Patience,
}

impl Listener {
    /// Accepts clients on `acceptor`, for ever, and tells `pulse` that it does.
    pub async fn accept(self: Rc<Self>, acceptor: Acceptor, pulse: Rc<Pulse>) {
        let mut said: Option<Instant> = None;
        loop {
            match pulse.next(&acceptor).await {
                Ok(arrival) => {
                    // One client is held at the door: only for it must another make room.
                    pulse.beside(self.clients.make_room()).await;
                    self.admit(arrival);
                }
                Err(error) if is_shortage(&error) => {
                    // Each client that leaves lets one in: that is not the end of the shortage.
                    if said.is_none_or(|at| at.elapsed() >= limits::REFUSAL_LOG) {
                        ::log::error!("cannot accept clients: {error}; waiting until some leave");
                        said = Some(Instant::now());
                    }
                    pulse.beside(sleep(limits::ACCEPT_BACKOFF)).await;
                }
                // One client's connection failed before it was accepted.
                Err(error) => ::log::debug!("a client could not be accepted: {error}"),
            }
        }
    }

    fn admit(self: &Rc<Self>, arrival: Arrival) {
        let inbound = Inbound::new(arrival.socket, self.patience.head_max, Instant::now());
        let member = self.clients.enter(Rc::clone(&inbound));
        let client = Client {
            peer: arrival.peer,
            listener: Rc::clone(&self.name),
            local: arrival.local,
            inbound,
            tunnel: Rc::default(),
        };
        spawn_local(Rc::clone(self).serve(client, member));
    }

    async fn serve(self: Rc<Self>, client: Client, member: Member) {
        let inbound = Rc::clone(&client.inbound);
        let tunnel = Rc::clone(&client.tunnel);
        let end = self.converse(client.clone(), &member).await;
        let tunnel = tunnel.take();
        match end {
            End::Refused(cause) => {
                ::log::debug!("a request was refused: {}", cause.label());
                self.service.refused(&client, &cause);
                let bytes = raw_answer(cause, inbound.begins_with_head());
                let written = inbound.socket().write_all(&bytes);
                if let Ok(Ok(())) = timeout(limits::LINGER, written).await {
                    inbound.done(Instant::now());
                    part(inbound.socket(), &member).await;
                }
            }
            End::Done => match tunnel {
                Some(tunnel) => tunnel.run(&inbound).await,
                None => part(inbound.socket(), &member).await,
            },
            // A client that reads until the end must not take the cut for one. Any other sees it, and
            // a reset would take with it what it has not read yet of the answers before.
            End::Cut if !inbound.is_until_close() => {
                inbound.done(Instant::now());
                part(inbound.socket(), &member).await;
            }
            End::Cut | End::Stalled => inbound.socket().reset_on_close(),
            End::Gone => {}
        }
    }

    /// Serves requests until the connection ends, one way or another.
    async fn converse(&self, client: Client, member: &Member) -> End {
        let inbound = Rc::clone(&client.inbound);
        let service = service_fn(|request| self.service.answer(client.clone(), request));
        let io = TokioIo::new(InboundIo(Rc::clone(&inbound)));
        let mut connection = pin!(
            http1::Builder::new()
                .half_close(false)
                .auto_date_header(false)
                .max_buf_size(limits::BUFFER_MAX)
                .serve_connection(io, service)
        );
        let mut timer = pin!(sleep(self.patience.header));
        let mut draining = false;
        poll_fn(|cx| {
            loop {
                if let Poll::Ready(result) = connection.as_mut().poll(cx) {
                    return Poll::Ready(ended(&inbound, &result));
                }
                member.polled(cx);
                if inbound.poll_vanished(cx).is_ready() {
                    return Poll::Ready(End::Gone);
                }
                if member.must_leave() && inbound.idle_since().is_some() {
                    return Poll::Ready(End::Done);
                }
                if member.is_draining() && !draining {
                    draining = true;
                    connection.as_mut().graceful_shutdown();
                    continue;
                }
                match self
                    .patience
                    .poll_expired(inbound.waiting(), timer.as_mut(), cx)
                {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Expired::Idle) => return Poll::Ready(End::Done),
                    Poll::Ready(Expired::Writing) => return Poll::Ready(End::Stalled),
                    Poll::Ready(Expired::Head(after)) => {
                        return Poll::Ready(End::Refused(Cause::HeaderTimeout(after)));
                    }
                    // hyper's next read fails, and the request in hand answers.
                    Poll::Ready(Expired::Body(after)) => inbound.fail(Cause::BodyTimeout(after)),
                }
            }
        })
        .await
    }
}

/// A client that was just accepted.
struct Arrival {
    socket: Socket,
    peer: Peer,
    /// Where it arrived, as it would call it.
    local: Rc<str>,
}

impl Acceptor {
    async fn accept(&self) -> io::Result<Arrival> {
        match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                stream.set_nodelay(true)?;
                let local = stream.local_addr()?;
                // An IPv4 peer of an IPv6 socket is an IPv4 peer.
                let local = SocketAddr::new(local.ip().to_canonical(), local.port());
                Ok(Arrival {
                    peer: Peer::Tcp(peer.ip().to_canonical()),
                    local: Rc::from(local.to_string()),
                    socket: Socket::Tcp(stream),
                })
            }
            Self::Unix(listener) => {
                let (stream, _) = listener.accept().await?;
                let uid = stream.peer_cred()?.uid();
                Ok(Arrival {
                    peer: Peer::Unix { uid },
                    local: Rc::from("localhost"),
                    socket: Socket::Unix(stream),
                })
            }
        }
    }

    /// Whether the kernel says that nobody waits to be accepted.
    fn is_deserted(&self) -> bool {
        let socket = match self {
            Self::Tcp(listener) => listener.as_fd(),
            Self::Unix(listener) => listener.as_fd(),
        };
        let mut sockets = [PollFd::from_borrowed_fd(socket, PollFlags::IN)];
        let now = Timespec::default();
        matches!(poll(&mut sockets, Some(&now)), Ok(0))
    }
}

/// How a client connection ended.
enum End {
    /// In good order.
    Done,
    /// With a head that nobody was asked about: we answer and close.
    Refused(Cause),
    /// In the middle of an answer.
    Cut,
    /// The client does not take its answer.
    Stalled,
    /// By the client.
    Gone,
}

fn ended(inbound: &Inbound, result: &hyper::Result<()>) -> End {
    if let Some(cause) = inbound.take_refusal() {
        return End::Refused(cause);
    }
    match result {
        Ok(()) => End::Done,
        // The body of an answer failed, or the service had nobody to answer.
        Err(error) if error.is_user() => End::Cut,
        Err(_) => End::Gone,
    }
}

/// Whose time is over.
enum Expired {
    Idle,
    Head(Duration),
    Body(Duration),
    Writing,
}

impl Patience {
    /// Ready when a silent client's time is over. The timer is set again only when it fires:
    /// most deadlines move on before they are reached.
    fn poll_expired(
        &self,
        waiting: Option<Waiting>,
        mut timer: Pin<&mut Sleep>,
        cx: &mut Context<'_>,
    ) -> Poll<Expired> {
        let Some(waiting) = waiting else {
            return Poll::Pending;
        };
        let (deadline, expired) = match waiting {
            Waiting::Idle(since) => (since + self.idle, Expired::Idle),
            Waiting::Head(since) => (since + self.header, Expired::Head(self.header)),
            Waiting::Body(since) => (since + self.idle, Expired::Body(self.idle)),
            Waiting::Write(since) => (since + self.idle, Expired::Writing),
        };
        if deadline < timer.deadline() {
            timer.as_mut().reset(deadline);
        }
        while timer.as_mut().poll(cx).is_ready() {
            if deadline <= Instant::now() {
                return Poll::Ready(expired);
            }
            timer.as_mut().reset(deadline);
        }
        Poll::Pending
    }
}

/// Closes our side, then reads on for a while: closing with unread bytes would reset the
/// connection, and our last answer could be lost with it (RFC 9112 §9.6).
async fn part(socket: &Socket, member: &Member) {
    if socket.shutdown_write().is_ok() {
        tokio::select! {
            // A client that goes on sending is not waited for longer than this.
            _ = timeout(limits::LINGER, socket.discard()) => {}
            () = member.place_needed() => {}
        }
    }
}

fn is_shortage(error: &io::Error) -> bool {
    let shortage = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
    Errno::from_io_error(error).is_some_and(|errno| shortage.contains(&errno))
}
