//! Signals, and what they ask for.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// SIGTERM, SIGINT.
    Stop,
    /// SIGHUP.
    Reload,
    /// SIGUSR1.
    Snapshot,
}

/// The signals that are heeded. None of them ends the process by itself any more; SIGPIPE does not
/// since Rust's start-up.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
    user1: Signal,
    user2: Signal,
}

impl Signals {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            user1: signal(SignalKind::user_defined1())?,
            user2: signal(SignalKind::user_defined2())?,
        })
    }

    /// Waits for the next one that asks for something.
    pub(super) async fn next(&mut self) -> Asked {
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => return Asked::Stop,
                _ = self.terminate.recv() => return Asked::Stop,
                _ = self.hangup.recv() => return Asked::Reload,
                _ = self.user1.recv() => return Asked::Snapshot,
                _ = self.user2.recv() => ::log::info!("SIGUSR2 has no meaning here and is ignored"),
            }
        }
    }
}
