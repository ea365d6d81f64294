//! Client connections: admit, serve, watch their deadlines, end them.

mod answer;
mod bind;
mod clients;
mod pulse;
mod serve;
mod service;

pub use bind::{Acceptor, At, BindError, Bound, Passed, bind};
pub use clients::Clients;
pub use pulse::Pulse;
pub use service::{Service, Site};

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::rc::Rc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use socket2::SockRef;
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};

use crate::config::Peer;
use crate::limits;
use crate::proxy::Client;
use crate::task;
use crate::wire::{Inbound, Socket};

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
        task::spawn(Rc::clone(self).serve(client, member));
    }
}

/// A client that was just accepted.
struct Arrival {
    socket: Socket,
    peer: Peer,
    /// Where it arrived, as it would call it.
    local: Rc<str>,
}

/// An address of ours, as a client would call it.
fn name_of(address: SocketAddr) -> Rc<str> {
    let address = SocketAddr::new(address.ip().to_canonical(), address.port());
    Rc::from(address.to_string())
}

impl Acceptor {
    /// Takes clients from `listener`.
    ///
    /// # Errors
    /// The socket is none that listens for TCP.
    pub fn tcp(listener: TcpListener) -> io::Result<Self> {
        // Accepted sockets inherit it.
        SockRef::from(&listener).set_tcp_nodelay(true)?;
        let address = listener.local_addr()?;
        let local = (!address.ip().is_unspecified()).then(|| name_of(address));
        Ok(Self::Tcp(listener, local))
    }

    async fn accept(&self) -> io::Result<Arrival> {
        match self {
            Self::Tcp(listener, local) => {
                let (stream, peer) = listener.accept().await?;
                let local = match local {
                    Some(local) => Rc::clone(local),
                    None => name_of(stream.local_addr()?),
                };
                Ok(Arrival {
                    // An IPv4 peer of an IPv6 socket is an IPv4 peer.
                    peer: Peer::Tcp(peer.ip().to_canonical()),
                    local,
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
            Self::Tcp(listener, _) => listener.as_fd(),
            Self::Unix(listener) => listener.as_fd(),
        };
        let mut sockets = [PollFd::from_borrowed_fd(socket, PollFlags::IN)];
        let now = Timespec::default();
        matches!(poll(&mut sockets, Some(&now)), Ok(0))
    }
}

fn is_shortage(error: &io::Error) -> bool {
    let shortage = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
    Errno::from_io_error(error).is_some_and(|errno| shortage.contains(&errno))
}
