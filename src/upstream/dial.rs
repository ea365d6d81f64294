//! TCP to the first address that answers (RFC 8305 §5).

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::task::{Context, Poll};

use rustix::io::Errno;
use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::resolver::Addresses;
use crate::limits;

/// Why no address could be connected to: the most telling failure, and whose it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DialError {
    /// The host is there, and nothing listens on the port.
    Refused(SocketAddr),
    /// There is no way to the host.
    Unreachable(SocketAddr),
    /// Anything else the system said.
    Other(SocketAddr, Errno),
}

/// Connects to the first of `addresses` that answers on `port`: the next one is tried when one
/// failed, or beside it after [`limits::DIAL_STAGGER`], with at most [`limits::DIAL_SOCKETS`] under
/// way. Waits for as long as the system does: the caller has the deadline, and dropping the future
/// closes every socket.
pub async fn dial(addresses: &Addresses, port: u16) -> Result<(TcpStream, SocketAddr), DialError> {
    let mut race = Race {
        ahead: addresses.iter().peekable(),
        port,
        under_way: Vec::with_capacity(limits::DIAL_SOCKETS),
    };
    let mut blame = None;
    loop {
        match race.step().await {
            Ok(Some(Attempt { stream, address })) => return Ok((stream, address)),
            Ok(None) => {}
            Err(failure) => {
                let told = failure.unless_more_telling(blame);
                if race.is_over() {
                    return Err(told);
                }
                blame = Some(told);
            }
        }
    }
}

struct Race<I: Iterator<Item = IpAddr>> {
    ahead: std::iter::Peekable<I>,
    port: u16,
    under_way: Vec<Attempt>,
}

struct Attempt {
    stream: TcpStream,
    address: SocketAddr,
}

impl<I: Iterator<Item = IpAddr>> Race<I> {
    /// Starts an attempt if there is room for one, and waits until an attempt ends or until it is
    /// time for the next one (`None`).
    async fn step(&mut self) -> Result<Option<Attempt>, DialError> {
        if self.has_room()
            && let Some(ip) = self.ahead.next()
        {
            let address = SocketAddr::new(ip, self.port);
            let attempt = Attempt::start(address).map_err(|e| DialError::new(address, &e))?;
            self.under_way.push(attempt);
        }
        if self.has_room() && self.ahead.peek().is_some() {
            let ended = timeout(limits::DIAL_STAGGER, self.first_to_end()).await;
            ended.map_or(Ok(None), |ended| ended.map(Some))
        } else {
            self.first_to_end().await.map(Some)
        }
    }

    fn has_room(&self) -> bool {
        self.under_way.len() < limits::DIAL_SOCKETS
    }

    fn is_over(&mut self) -> bool {
        self.under_way.is_empty() && self.ahead.peek().is_none()
    }

    async fn first_to_end(&mut self) -> Result<Attempt, DialError> {
        let ended = poll_fn(|cx| self.poll_ended(cx)).await;
        let attempt = self.under_way.swap_remove(ended);
        match attempt.stream.take_error() {
            Ok(None) => Ok(attempt),
            Ok(Some(error)) | Err(error) => Err(DialError::new(attempt.address, &error)),
        }
    }

    /// A socket is writable when it is connected, and when it failed.
    fn poll_ended(&self, cx: &mut Context<'_>) -> Poll<usize> {
        let ended = |attempt: &Attempt| attempt.stream.poll_write_ready(cx).is_ready();
        match self.under_way.iter().position(ended) {
            Some(index) => Poll::Ready(index),
            None => Poll::Pending,
        }
    }
}

impl Attempt {
    fn start(address: SocketAddr) -> io::Result<Self> {
        let kind = Type::STREAM.nonblocking();
        let socket = Socket::new(Domain::for_address(address), kind, Some(Protocol::TCP))?;
        let keepalive = TcpKeepalive::new()
            .with_time(limits::KEEPALIVE_TIME)
            .with_interval(limits::KEEPALIVE_INTERVAL);
        socket.set_tcp_keepalive(&keepalive)?;
        socket.set_tcp_user_timeout(Some(limits::USER_TIMEOUT))?;
        // Before the handshake, or TLS 1.2 resumption waits for a delayed acknowledgement.
        socket.set_tcp_nodelay(true)?;
        match socket.connect(&address.into()) {
            Err(error) if Errno::from_io_error(&error) != Some(Errno::INPROGRESS) => Err(error),
            _ => Ok(Self {
                stream: TcpStream::from_std(socket.into())?,
                address,
            }),
        }
    }
}

impl DialError {
    fn new(address: SocketAddr, error: &io::Error) -> Self {
        match Errno::from_io_error(error).unwrap_or(Errno::IO) {
            // A server that resets at once is as closed, whether we notice before or after.
            Errno::CONNREFUSED | Errno::CONNRESET => Self::Refused(address),
            Errno::HOSTUNREACH | Errno::NETUNREACH | Errno::NETDOWN | Errno::HOSTDOWN => {
                Self::Unreachable(address)
            }
            // What a system without any address of that family says.
            Errno::ADDRNOTAVAIL | Errno::AFNOSUPPORT => Self::Unreachable(address),
            errno => Self::Other(address, errno),
        }
    }

    /// The address that is to blame.
    pub fn address(&self) -> SocketAddr {
        match self {
            Self::Refused(address) | Self::Unreachable(address) | Self::Other(address, _) => {
                *address
            }
        }
    }

    /// Of two failures, the one that says more about the upstream; of two alike, the earlier.
    fn unless_more_telling(self, earlier: Option<Self>) -> Self {
        match earlier {
            Some(earlier) if earlier.rank() >= self.rank() => earlier,
            _ => self,
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Refused(_) => 2,
            Self::Unreachable(_) => 1,
            Self::Other(..) => 0,
        }
    }
}

impl fmt::Display for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(address) => write!(
                f,
                "{address} refused the connection; check the port and that the server runs"
            ),
            Self::Unreachable(address) => {
                write!(f, "no way to {address}; check the network and its routes")
            }
            Self::Other(address, errno) => write!(
                f,
                "cannot connect to {address}: {}",
                io::Error::from(*errno)
            ),
        }
    }
}

impl std::error::Error for DialError {}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use socket2::SockRef;
    use tokio::net::TcpListener;

    // The tests are on 127.0.7.x: a port that is free on one of these is so on the others, while on
    // 127.0.0.1 it may belong to any connection of this machine, also to one that is over.

    fn addresses(texts: &[&str]) -> Addresses {
        let parse = |text: &&str| text.parse().expect("an address");
        let found: Vec<IpAddr> = texts.iter().map(parse).collect();
        Addresses::new(&found).expect("at least one")
    }

    async fn listen(ip: &str) -> (TcpListener, u16) {
        let listener = TcpListener::bind((ip, 0)).await.expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        (listener, port)
    }

    /// A listener whose queue is full, so that the kernel drops every further SYN.
    struct BlackHole {
        _listener: Socket,
        _queued: Vec<Attempt>,
    }

    async fn black_hole(address: SocketAddr) -> Option<BlackHole> {
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        listener.bind(&address.into()).ok()?;
        listener.listen(0).expect("listens");
        let mut queued = Vec::new();
        loop {
            let attempt = Attempt::start(address).expect("starts");
            let connected = timeout(limits::DIAL_STAGGER, attempt.stream.writable()).await;
            queued.push(attempt);
            if connected.is_err() {
                return Some(BlackHole {
                    _listener: listener,
                    _queued: queued,
                });
            }
        }
    }

    #[tokio::test(flavor = "local")]
    async fn a_refused_address_falls_to_the_next_at_once() {
        let (_listener, port) = listen("127.0.7.2").await;
        let began = Instant::now();
        let (_, address) = dial(&addresses(&["127.0.7.1", "127.0.7.2"]), port)
            .await
            .expect("the second answers");
        assert_eq!(address, SocketAddr::from(([127, 0, 7, 2], port)));
        assert!(began.elapsed() < limits::DIAL_STAGGER);
    }

    #[tokio::test(flavor = "local")]
    async fn a_silent_address_is_overtaken_after_the_stagger() {
        let (_listener, port) = listen("127.0.7.2").await;
        let silent = SocketAddr::from(([127, 0, 7, 1], port));
        let _hole = black_hole(silent).await.expect("the port is free there");
        let began = Instant::now();
        let (_, address) = dial(&addresses(&["127.0.7.1", "127.0.7.2"]), port)
            .await
            .expect("the second answers");
        assert_eq!(address, SocketAddr::from(([127, 0, 7, 2], port)));
        assert!(began.elapsed() >= limits::DIAL_STAGGER);
    }

    #[tokio::test(flavor = "local")]
    async fn two_silent_addresses_hold_up_the_third() {
        let (_listener, port) = listen("127.0.7.3").await;
        let first = black_hole(SocketAddr::from(([127, 0, 7, 1], port))).await;
        let second = black_hole(SocketAddr::from(([127, 0, 7, 2], port))).await;
        assert!(
            first.is_some() && second.is_some(),
            "the port is free there"
        );
        let all = addresses(&["127.0.7.1", "127.0.7.2", "127.0.7.3"]);
        let dialled = timeout(limits::DIAL_STAGGER * 4, dial(&all, port)).await;
        assert!(dialled.is_err(), "a third socket was opened");
    }

    #[tokio::test(flavor = "local")]
    async fn a_failure_beside_a_silent_address_lets_the_third_try() {
        let (_listener, port) = listen("127.0.7.3").await;
        let _hole = black_hole(SocketAddr::from(([127, 0, 7, 1], port))).await;
        let all = addresses(&["127.0.7.1", "127.0.7.2", "127.0.7.3"]);
        let (_, address) = dial(&all, port).await.expect("the third answers");
        assert_eq!(address, SocketAddr::from(([127, 0, 7, 3], port)));
    }

    #[tokio::test(flavor = "local")]
    async fn when_all_refuse_the_first_is_blamed() {
        let (listener, port) = listen("127.0.7.1").await;
        drop(listener);
        let refused = dial(&addresses(&["127.0.7.1", "127.0.7.2"]), port).await;
        let first = SocketAddr::from(([127, 0, 7, 1], port));
        assert_eq!(refused.err(), Some(DialError::Refused(first)));
    }

    #[tokio::test(flavor = "local")]
    async fn a_refusal_tells_more_than_an_unreachable_address() {
        let (listener, port) = listen("127.0.7.1").await;
        drop(listener);
        // TCP cannot go to a broadcast address; it fails before a packet is sent.
        let nowhere = dial(&addresses(&["255.255.255.255"]), port).await;
        assert!(
            matches!(nowhere, Err(DialError::Unreachable(_))),
            "{nowhere:?}"
        );
        let failed = dial(&addresses(&["255.255.255.255", "127.0.7.1"]), port).await;
        let first = SocketAddr::from(([127, 0, 7, 1], port));
        assert_eq!(failed.err(), Some(DialError::Refused(first)));
    }

    #[tokio::test(flavor = "local")]
    async fn the_socket_has_every_option_set() {
        let (_listener, port) = listen("127.0.7.1").await;
        let (stream, _) = dial(&addresses(&["127.0.7.1"]), port)
            .await
            .expect("connects");
        let socket = SockRef::from(&stream);
        assert!(socket.tcp_nodelay().expect("nodelay"));
        assert!(socket.keepalive().expect("keepalive"));
        assert!(socket.nonblocking().expect("nonblocking"));
        assert_eq!(
            socket.tcp_keepalive_time().expect("time"),
            limits::KEEPALIVE_TIME
        );
        assert_eq!(
            socket.tcp_keepalive_interval().expect("interval"),
            limits::KEEPALIVE_INTERVAL
        );
        assert_eq!(
            socket.tcp_user_timeout().expect("user timeout"),
            Some(limits::USER_TIMEOUT)
        );
    }

    #[test]
    fn the_most_telling_failure_wins_in_any_order() {
        let at = |n| SocketAddr::from(([127, 0, 0, n], 443));
        let other = DialError::Other(at(1), Errno::TIMEDOUT);
        let unreachable = DialError::Unreachable(at(2));
        let refused = DialError::Refused(at(3));
        assert_eq!(unreachable.unless_more_telling(Some(other)), unreachable);
        assert_eq!(other.unless_more_telling(Some(unreachable)), unreachable);
        assert_eq!(refused.unless_more_telling(Some(unreachable)), refused);
        assert_eq!(unreachable.unless_more_telling(Some(refused)), refused);
    }

    #[test]
    fn a_failure_names_the_address_and_what_to_do() {
        let at = SocketAddr::from(([10, 0, 0, 1], 443));
        assert_eq!(
            DialError::Refused(at).to_string(),
            "10.0.0.1:443 refused the connection; check the port and that the server runs"
        );
        let text = DialError::Other(at, Errno::TIMEDOUT).to_string();
        assert!(
            text.starts_with("cannot connect to 10.0.0.1:443: "),
            "{text}"
        );
    }
}
