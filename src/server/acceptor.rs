//! A listening socket, and the clients that arrive there.

use std::future::poll_fn;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::rc::Rc;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{SocketAddrAny, SocketFlags, acceptfrom_with};
use socket2::SockRef;
use tokio::io::Interest;
use tokio::net::{TcpStream, UnixStream};

use crate::config::Peer;
use crate::wire::Socket;

/// A listening socket of either kind.
#[derive(Debug)]
pub enum Acceptor {
    /// TCP, and the address that clients call where there is but one.
    Tcp(Door, Option<Rc<str>>),
    /// A unix socket.
    Unix(Door),
}

/// A client that was just accepted.
pub(super) struct Arrival {
    pub(super) socket: Socket,
    pub(super) peer: Peer,
    /// Where it arrived, as it would call it.
    pub(super) local: Rc<str>,
}

impl Acceptor {
    /// Takes clients from `listener`, which does not block.
    ///
    /// # Errors
    /// The socket is none that listens for TCP.
    pub fn tcp(listener: TcpListener) -> io::Result<Self> {
        // Accepted sockets inherit it.
        SockRef::from(&listener).set_tcp_nodelay(true)?;
        let address = listener.local_addr()?;
        let local = (!address.ip().is_unspecified()).then(|| name_of(address));
        Ok(Self::Tcp(Door::new(listener)?, local))
    }

    /// Takes clients from `listener`, which does not block.
    ///
    /// # Errors
    /// The event loop does not take it.
    pub fn unix(listener: UnixListener) -> io::Result<Self> {
        Door::new(listener).map(Self::Unix)
    }

    pub(super) async fn accept(&self) -> io::Result<Arrival> {
        match self {
            Self::Tcp(listener, local) => {
                let (socket, peer) = listener.next().await?;
                let stream = TcpStream::from_std(socket.into())?;
                let peer = peer.map(SocketAddr::try_from).transpose()?;
                let local = match local {
                    Some(local) => Rc::clone(local),
                    None => name_of(stream.local_addr()?),
                };
                Ok(Arrival {
                    // An IPv4 peer of an IPv6 socket is an IPv4 peer.
                    peer: Peer::Tcp(peer.ok_or(io::ErrorKind::NotConnected)?.ip().to_canonical()),
                    local,
                    socket: Socket::Tcp(stream),
                })
            }
            Self::Unix(listener) => {
                let (socket, _) = listener.next().await?;
                let stream = UnixStream::from_std(socket.into())?;
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
    pub(super) fn is_deserted(&self) -> bool {
        match self {
            Self::Tcp(listener, _) | Self::Unix(listener) => listener.is_deserted(),
        }
    }
}

/// A listening socket that is watched by the event loop: as a stream, for tokio's own listeners
/// cannot be told that nobody waits (`try_io`). They find out by accepting nobody, once for each
/// client on a quiet day, which costs the kernel ten times as much as poll(2).
#[derive(Debug)]
pub struct Door(TcpStream);

impl Door {
    fn new(listener: impl Into<OwnedFd>) -> io::Result<Self> {
        TcpStream::from_std(listener.into().into()).map(Self)
    }

    async fn next(&self) -> io::Result<(OwnedFd, Option<SocketAddrAny>)> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let accept = || Ok(acceptfrom_with(&self.0, flags)?);
        loop {
            poll_fn(|cx| self.0.poll_read_ready(cx)).await?;
            match self.0.try_io(Interest::READABLE, accept) {
                Ok(client) => {
                    if self.is_deserted() {
                        self.rest();
                    }
                    return Ok(client);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn is_deserted(&self) -> bool {
        let mut sockets = [PollFd::from_borrowed_fd(self.0.as_fd(), PollFlags::IN)];
        let now = Timespec::default();
        matches!(poll(&mut sockets, Some(&now)), Ok(0))
    }

    /// Until the event loop announces somebody, the kernel need not be asked.
    fn rest(&self) {
        let nobody = || Err::<(), _>(io::ErrorKind::WouldBlock.into());
        let _noted = self.0.try_io(Interest::READABLE, nobody);
    }
}

/// An address of ours, as a client would call it.
fn name_of(address: SocketAddr) -> Rc<str> {
    let address = SocketAddr::new(address.ip().to_canonical(), address.port());
    Rc::from(address.to_string())
}
