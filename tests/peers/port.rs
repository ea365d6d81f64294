//! Ports for programs that cannot say which one they were given.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};

use socket2::{Domain, Socket, Type};

/// A port of 127.0.0.1 that nobody else is given while this lives.
///
/// It stays bound and never listens: a program that sets SO_REUSEADDR, as nginx does, can listen
/// on it, also after a restart, while the system gives it to nobody who asks for any free port.
pub struct Port {
    _socket: Socket,
    address: SocketAddr,
}

impl Port {
    /// A free one; panics when there is none.
    pub fn reserve() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        socket.set_reuse_address(true).expect("SO_REUSEADDR");
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        socket.bind(&any.into()).expect("a free port");
        let address = socket.local_addr().expect("an address").as_socket();
        Self {
            _socket: socket,
            address: address.expect("an IP address"),
        }
    }

    /// 127.0.0.1 with this port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `https://localhost:PORT`.
    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}
