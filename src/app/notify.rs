//! What the service manager is told (sd_notify(3)), and the watchdog that it may want fed.

use std::cell::Cell;
use std::env;
use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process;
use std::rc::Rc;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tokio::task::AbortHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::limits;
use crate::server::Pulse;
use crate::task;

/// The service manager, where there is one.
pub(super) struct Manager {
    mailbox: Rc<Mailbox>,
    /// How often the watchdog is fed, if it wants to be.
    feed: Option<Duration>,
    feeding: Cell<Option<AbortHandle>>,
}

impl Manager {
    /// The one that the environment names.
    pub(super) fn from_environment() -> Self {
        let socket = env::var_os("NOTIFY_SOCKET").filter(|text| !text.is_empty());
        let address = socket.and_then(|text| {
            let parsed = address(&text);
            parsed
                .inspect_err(|error| {
                    ::log::warn!("NOTIFY_SOCKET={text:?} cannot be used: {error}; the service manager is told nothing");
                })
                .ok()
        });
        let variable = |name| env::var(name).ok();
        let feed = feed_interval(
            variable("WATCHDOG_USEC").as_deref(),
            variable("WATCHDOG_PID").as_deref(),
            process::id(),
        );
        Self::at(address, feed)
    }

    fn at(address: Option<SocketAddr>, feed: Option<Duration>) -> Self {
        Self {
            feed: feed.filter(|_| address.is_some()),
            mailbox: Rc::new(Mailbox {
                address,
                unheard: Cell::new(false),
            }),
            feeding: Cell::default(),
        }
    }

    /// Clients are served; after a reload, with what it brought.
    pub(super) fn ready(&self, status: impl fmt::Display) {
        self.mailbox.tell(format_args!("READY=1\nSTATUS={status}"));
    }

    /// What people see of a service that goes on as before.
    pub(super) fn status(&self, status: impl fmt::Display) {
        self.mailbox.tell(format_args!("STATUS={status}"));
    }

    /// The files are read again. The time tells the manager that this belongs to its own request,
    /// and not to one before (`Type=notify-reload`).
    pub(super) fn reloading(&self) {
        // Since the system's start: never before it.
        let now = Duration::try_from(clock_gettime(ClockId::Monotonic)).unwrap_or_default();
        self.mailbox.tell(format_args!(
            "RELOADING=1\nMONOTONIC_USEC={}\nSTATUS=reading the files again",
            now.as_micros()
        ));
    }

    /// No more clients are accepted, and those at work have `patience`. A manager that was told
    /// nothing else would kill us before a long one is over.
    pub(super) fn stopping(&self, patience: Duration) {
        self.feed_watchdog(Vec::new());
        let stopping = "STOPPING=1\nSTATUS=waiting for requests in flight";
        let wanted = (patience + limits::STOP_MARGIN).as_micros();
        match patience < limits::STOP_ALLOWED {
            true => self.mailbox.tell(format_args!("{stopping}")),
            false => self
                .mailbox
                .tell(format_args!("{stopping}\nEXTEND_TIMEOUT_USEC={wanted}")),
        }
    }

    /// From now on the watchdog is fed as long as all of `pulses` beat.
    pub(super) fn feed_watchdog(&self, pulses: Vec<Rc<Pulse>>) {
        if let Some(former) = self.feeding.take() {
            former.abort();
        }
        if let Some(every) = self.feed {
            let feeding = task::spawn(feed(Rc::clone(&self.mailbox), every, pulses));
            self.feeding.set(Some(feeding.abort_handle()));
        }
    }
}

/// Tells that all is well, each time that all of `pulses` were felt.
async fn feed(mailbox: Rc<Mailbox>, every: Duration, pulses: Vec<Rc<Pulse>>) {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let all = async {
            for pulse in &pulses {
                pulse.feel().await;
            }
        };
        match timeout(every, all).await {
            Ok(()) => mailbox.tell(format_args!("WATCHDOG=1")),
            Err(_) => ::log::error!(
                "a listener accepts nobody although clients wait: the watchdog is not fed"
            ),
        }
    }
}

/// Where messages to the manager go.
struct Mailbox {
    address: Option<SocketAddr>,
    /// It was logged that a message could not be sent.
    unheard: Cell<bool>,
}

impl Mailbox {
    fn tell(&self, message: fmt::Arguments<'_>) {
        let Some(address) = &self.address else { return };
        match send(address, &message.to_string()) {
            Ok(()) => self.unheard.set(false),
            Err(error) if !self.unheard.replace(true) => {
                ::log::warn!("the service manager could not be told {message:?}: {error}");
            }
            Err(_) => {}
        }
    }
}

/// A socket for each message: the manager may have been started again since the last one. A
/// manager that does not read must not hold up the event loop.
fn send(address: &SocketAddr, message: &str) -> io::Result<()> {
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    socket.send_to_addr(message.as_bytes(), address).map(drop)
}

/// A path, or `@NAME` of the abstract namespace.
fn address(text: &OsStr) -> io::Result<SocketAddr> {
    match text.as_bytes() {
        [b'/', ..] => SocketAddr::from_pathname(text),
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name),
        _ => Err(io::Error::other("it is neither a path nor @NAME")),
    }
}

/// Half of what the watchdog allows (sd_watchdog_enabled(3)), if it watches this process.
fn feed_interval(allowed: Option<&str>, watched: Option<&str>, own: u32) -> Option<Duration> {
    if watched.is_some_and(|pid| pid.parse() != Ok(own)) {
        return None;
    }
    let allowed = Duration::from_micros(allowed?.parse().ok()?);
    Some(allowed / 2).filter(|half| !half.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_what_the_watchdog_allows_is_the_interval() {
        let half = |usec, pid| feed_interval(usec, pid, 7);
        let second = Some(Duration::from_secs(1));
        assert_eq!(half(Some("2000000"), Some("7")), second);
        assert_eq!(half(Some("2000000"), None), second);
        for (usec, pid) in [
            (Some("2000000"), Some("8")),
            (Some("2000000"), Some("")),
            (Some("0"), None),
            (Some("1s"), None),
            (None, Some("7")),
        ] {
            assert_eq!(half(usec, pid), None, "{usec:?} {pid:?}");
        }
    }

    #[test]
    fn a_socket_is_a_path_or_an_abstract_name() {
        let parsed = |text: &str| address(OsStr::new(text)).ok();
        let path = parsed("/run/x").expect("a path");
        assert_eq!(path.as_pathname(), Some("/run/x".as_ref()));
        let name = parsed("@a/b").expect("a name");
        assert_eq!(name.as_abstract_name(), Some(&b"a/b"[..]));
        for text in ["run/x", "vsock:2:1234", &"/".repeat(200)] {
            assert!(parsed(text).is_none(), "{text}");
        }
    }

    /// A manager's socket, and the messages that came.
    fn manager(every: Duration) -> (Manager, tokio::net::UnixDatagram) {
        let name = format!("egret-test-{}-{:p}", process::id(), &every);
        let address = SocketAddr::from_abstract_name(name).expect("a name");
        let socket = UnixDatagram::bind_addr(&address).expect("free");
        socket.set_nonblocking(true).expect("not blocking");
        let socket = tokio::net::UnixDatagram::from_std(socket).expect("a runtime");
        (Manager::at(Some(address), Some(every)), socket)
    }

    async fn next(socket: &tokio::net::UnixDatagram, patience: Duration) -> Option<String> {
        let mut message = [0; 256];
        let read = timeout(patience, socket.recv(&mut message)).await.ok()?;
        let length = read.expect("a message");
        Some(String::from_utf8_lossy(&message[..length]).into_owned())
    }

    #[tokio::test(flavor = "local")]
    async fn a_pulse_that_is_not_felt_stops_the_feeding() {
        let every = Duration::from_millis(20);
        let (manager, socket) = manager(every);
        manager.feed_watchdog(Vec::new());
        let long = Duration::from_secs(20);
        assert_eq!(next(&socket, long).await.as_deref(), Some("WATCHDOG=1"));
        // Nobody answers for it.
        manager.feed_watchdog(vec![Rc::default()]);
        while next(&socket, Duration::ZERO).await.is_some() {}
        assert_eq!(next(&socket, every * 10).await, None);
        // Who stops accepts nobody, and is well all the same.
        manager.stopping(Duration::ZERO);
        let stopping = "STOPPING=1\nSTATUS=waiting for requests in flight";
        assert_eq!(next(&socket, long).await.as_deref(), Some(stopping));
        assert_eq!(next(&socket, long).await.as_deref(), Some("WATCHDOG=1"));
    }

    #[tokio::test(flavor = "local")]
    async fn a_long_drain_asks_for_the_time() {
        let (manager, socket) = manager(Duration::from_secs(3600));
        manager.stopping(limits::STOP_ALLOWED);
        let long = Duration::from_secs(20);
        let message = next(&socket, long).await.unwrap_or_default();
        let wanted = (limits::STOP_ALLOWED + limits::STOP_MARGIN).as_micros();
        assert!(
            message.ends_with(&format!("\nEXTEND_TIMEOUT_USEC={wanted}")),
            "{message}"
        );
    }
}
