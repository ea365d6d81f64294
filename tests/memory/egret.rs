//! egret in a thread of this process whose heap is counted: the program itself, options to signals.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::Instant;

use rustix::process::{Signal, getpid, kill_process};

use crate::heap;
use crate::support::PATIENCE;

/// A running egret; stops when dropped.
pub struct Egret {
    thread: Option<JoinHandle<u8>>,
    addrs: Vec<SocketAddr>,
}

impl Egret {
    /// Starts it with these options and a route for each of `routes`, without its LISTEN.
    pub fn start(options: &[String], routes: &[String]) -> Self {
        Self::start_at(
            options,
            routes,
            routes.iter().map(|_| free_address()).collect(),
        )
    }

    /// The same, with `--admin` at the last address.
    pub fn start_with_admin(options: &[String], routes: &[String]) -> Self {
        let mut addrs: Vec<_> = routes.iter().map(|_| free_address()).collect();
        let admin = free_address();
        addrs.push(admin);
        let options = [options, &[format!("--admin={admin}")]].concat();
        Self::start_at(&options, routes, addrs)
    }

    fn start_at(options: &[String], routes: &[String], addrs: Vec<SocketAddr>) -> Self {
        let mut words = options.to_vec();
        words.extend(["--log=error", "--drain-timeout=0"].map(String::from));
        for (addr, route) in addrs.iter().zip(routes) {
            words.push(format!("--route={addr},{route}"));
        }
        let thread = std::thread::spawn(move || {
            heap::counted(|| egret::app::main(words.iter().map(Into::into)))
        });
        let egret = Self {
            thread: Some(thread),
            addrs,
        };
        egret.addrs.iter().for_each(|addr| egret.wait_for(*addr));
        egret
    }

    /// Where the n-th route listens, from 0.
    pub fn addr(&self, n: usize) -> SocketAddr {
        self.addrs[n]
    }

    fn wait_for(&self, addr: SocketAddr) {
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(addr).is_err() {
            let ended = self.thread.as_ref().is_none_or(JoinHandle::is_finished);
            assert!(!ended && Instant::now() < deadline, "egret does not listen");
            std::thread::yield_now();
        }
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
fn free_address() -> SocketAddr {
    let id = std::process::id().to_be_bytes();
    let listener = TcpListener::bind(SocketAddr::from(([127, id[2] | 64, id[3], 9], 0)));
    let listener = listener.expect("a free port");
    listener.local_addr().expect("its address")
}
