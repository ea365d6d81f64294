//! egret in a thread of this process whose heap is counted: the program itself, options to signals.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Instant;

use ::egret::app::FAILED;
use rustix::process::{Signal, getpid, kill_process};

use crate::heap;
use crate::support::PATIENCE;

/// A signal is for the whole process: with two of them, one might end before it was sent what is
/// meant for it, and the next to start would find that.
static RUNS: AtomicBool = AtomicBool::new(false);

/// The right to run one.
struct Only;

impl Only {
    fn one() -> Self {
        assert!(!RUNS.swap(true, Ordering::SeqCst), "another one runs");
        Self
    }
}

impl Drop for Only {
    fn drop(&mut self) {
        RUNS.store(false, Ordering::SeqCst);
    }
}

/// The running egret, of which there is one at a time; stops when dropped.
pub struct Egret {
    thread: Option<JoinHandle<u8>>,
    addrs: Vec<SocketAddr>,
    _only: Only,
}

impl Egret {
    /// Starts it with these options and a route for each of `routes`, without its LISTEN.
    pub fn start(options: &[String], routes: &[String]) -> Self {
        Self::with(options, routes, false)
    }

    /// The same, with `--admin` at the last address.
    pub fn start_with_admin(options: &[String], routes: &[String]) -> Self {
        Self::with(options, routes, true)
    }

    fn with(options: &[String], routes: &[String], admin: bool) -> Self {
        // A port that was free may be taken when egret comes to it.
        let tries = std::iter::repeat_with(|| Self::try_start(options, routes, admin));
        let mut started = tries.take(3).flatten();
        started.next().expect("an egret that listens")
    }

    /// `None`, when it ended with a failure at run time.
    fn try_start(options: &[String], routes: &[String], admin: bool) -> Option<Self> {
        let only = Only::one();
        // All are held until all are chosen: no port is given twice.
        let listeners: Vec<_> = (0..routes.len() + usize::from(admin))
            .map(|_| free_listener())
            .collect();
        let addrs: Vec<_> = listeners.iter().map(address).collect();
        drop(listeners);
        let mut words = options.to_vec();
        words.extend(["--log=error", "--drain-timeout=0"].map(String::from));
        for (addr, route) in addrs.iter().zip(routes) {
            words.push(format!("--route={addr},{route}"));
        }
        if let (true, Some(addr)) = (admin, addrs.last()) {
            words.push(format!("--admin={addr}"));
        }
        let thread = std::thread::spawn(move || {
            heap::counted(|| egret::app::main(words.iter().map(Into::into)))
        });
        let deadline = Instant::now() + PATIENCE;
        while addrs.iter().any(|addr| TcpStream::connect(addr).is_err()) {
            if thread.is_finished() {
                assert_eq!(thread.join().ok(), Some(FAILED), "how egret ended");
                return None;
            }
            assert!(Instant::now() < deadline, "egret does not listen");
            std::thread::yield_now();
        }
        Some(Self {
            thread: Some(thread),
            addrs,
            _only: only,
        })
    }

    /// Where the n-th route listens, from 0.
    pub fn addr(&self, n: usize) -> SocketAddr {
        self.addrs[n]
    }
}

impl Drop for Egret {
    fn drop(&mut self) {
        let _ = kill_process(getpid(), Signal::TERM);
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(std::thread::panicking() || matches!(ended, Some(Ok(0))));
    }
}

/// A port of a loopback address that nobody else in the machine uses.
fn free_listener() -> TcpListener {
    let id = std::process::id().to_be_bytes();
    let listener = TcpListener::bind(SocketAddr::from(([127, id[2] | 64, id[3], 9], 0)));
    listener.expect("a free port")
}

fn address(listener: &TcpListener) -> SocketAddr {
    listener.local_addr().expect("its address")
}
