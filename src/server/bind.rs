//! Listening sockets.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};

use rustix::io::Errno;
use socket2::{Domain, Protocol, Socket, Type};

use crate::config::Listen;
use crate::limits;

/// A socket that listens.
#[derive(Debug)]
pub struct Bound {
    /// The socket, non-blocking.
    pub socket: Socket,
    /// Its address, the port as the system chose it.
    pub address: SocketAddr,
}

/// A LISTEN that cannot be had.
#[derive(Debug)]
pub struct BindError {
    address: SocketAddr,
    error: io::Error,
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot listen on {}: ", self.address)?;
        match self.error.kind() {
            io::ErrorKind::AddrInUse => f.write_str(
                "another program has it; stop that one (ss -ltnp shows it) or choose another port",
            ),
            io::ErrorKind::PermissionDenied => f.write_str(
                "not permitted; choose a port from 1024 on, or start with CAP_NET_BIND_SERVICE",
            ),
            _ => write!(f, "{}", self.error),
        }
    }
}

/// Binds all addresses of one LISTEN.
///
/// # Errors
/// The address that cannot be had. `::1` of a bare port may be missing where IPv6 is off.
pub fn bind(listen: &Listen) -> Result<Vec<Bound>, BindError> {
    let mut bound: Vec<Bound> = Vec::new();
    for mut address in listen.addresses() {
        // A bare port 0 is the same port on both loopback addresses.
        if let Some(first) = bound.first() {
            address.set_port(first.address.port());
        }
        match bind_one(address) {
            Ok(one) => bound.push(one),
            Err(error) if !bound.is_empty() && is_without_ipv6(&error) => {
                ::log::info!(
                    "no IPv6 here: listening on {} only",
                    IpAddr::from([127, 0, 0, 1])
                );
            }
            Err(error) => return Err(BindError { address, error }),
        }
    }
    Ok(bound)
}

fn bind_one(address: SocketAddr) -> io::Result<Bound> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM.cloexec().nonblocking(),
        Some(Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    match socket.bind(&address.into()) {
        Err(error)
            if error.kind() == io::ErrorKind::AddrNotAvailable && !address.ip().is_loopback() =>
        {
            ::log::warn!(
                "{address} is not an address of this device yet; listening for it all the same"
            );
            match address {
                SocketAddr::V4(_) => socket.set_freebind_v4(true)?,
                SocketAddr::V6(_) => socket.set_freebind_v6(true)?,
            }
            socket.bind(&address.into())?;
        }
        result => result?,
    }
    socket.listen(limits::BACKLOG)?;
    let address = socket.local_addr()?.as_socket().unwrap_or(address);
    Ok(Bound { socket, address })
}

fn is_without_ipv6(error: &io::Error) -> bool {
    let missing = [Errno::ADDRNOTAVAIL, Errno::AFNOSUPPORT];
    Errno::from_io_error(error).is_some_and(|errno| missing.contains(&errno))
}
