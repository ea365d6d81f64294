//! An address that takes no connection and refuses none.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use socket2::{Domain, Socket, Type};

/// A listener whose queue is full: the kernel drops every further SYN.
pub struct BlackHole {
    listener: Socket,
    queued: Vec<TcpStream>,
    port: u16,
}

impl BlackHole {
    /// One on a free port of 127.0.0.1.
    pub fn new() -> Self {
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        listener.bind(&any.into()).expect("a free port");
        listener.listen(0).expect("listens");
        let address = listener.local_addr().ok().and_then(|addr| addr.as_socket());
        let address = address.expect("bound");
        let silence = Duration::from_millis(250);
        let connect = || TcpStream::connect_timeout(&address, silence).ok();
        Self {
            queued: std::iter::from_fn(connect).collect(),
            listener,
            port: address.port(),
        }
    }

    /// Makes room in the queue: the next SYN is answered, and nothing else is.
    pub fn take_queued(&self) {
        for _ in &self.queued {
            self.listener.accept().expect("one that is queued");
        }
    }

    /// `https://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }
}
