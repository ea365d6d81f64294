//! One question to the system's resolver, on a thread of its own.
//!
//! getaddrinfo blocks and cannot be cancelled, so it never runs on the event loop. A thread lives
//! as long as its lookup: a lookup per connection is rare beside what a thread costs to start, and
//! between lookups there is nothing to keep, no idle thread and no channel to it.

use std::net::{IpAddr, ToSocketAddrs};
use std::sync::Arc;
use std::thread;

use tokio::sync::oneshot;

use super::{Addresses, DnsError};
use crate::limits;

/// What turns a name into addresses; may block for as long as it likes.
pub trait Lookup: Send + Sync {
    /// The addresses of `name` in the order of preference, or what the resolver said.
    fn lookup(&self, name: &str) -> Result<Vec<IpAddr>, String>;
}

/// The system's resolver (getaddrinfo: hosts file, DNS, what nsswitch.conf says).
#[derive(Debug)]
pub struct System;

impl Lookup for System {
    fn lookup(&self, name: &str) -> Result<Vec<IpAddr>, String> {
        match (name, 0).to_socket_addrs() {
            Ok(found) => Ok(found.map(|address| address.ip()).collect()),
            Err(error) => {
                let text = error.to_string();
                let reason = text.strip_prefix("failed to lookup address information: ");
                Err(reason.map(str::to_owned).unwrap_or(text))
            }
        }
    }
}

/// Asks `lookup` for `name` on a new thread. Dropping the future does not end the thread.
pub(super) async fn ask(lookup: Arc<dyn Lookup>, name: String) -> Result<Addresses, DnsError> {
    let (answer, answered) = oneshot::channel();
    let question = move || {
        // Nobody listens any more only when the event loop is gone.
        let _ = answer.send(lookup.lookup(&name));
    };
    thread::Builder::new()
        .name("egret-dns".to_owned())
        .stack_size(limits::DNS_STACK)
        .spawn(question)
        .map_err(|error| DnsError::Failed(format!("no thread for it: {error}")))?;
    match answered.await {
        Ok(Ok(found)) => Addresses::new(&found).ok_or(DnsError::NoAddresses),
        Ok(Err(reason)) => Err(DnsError::from_reason(reason)),
        Err(_) => Err(DnsError::Failed("the lookup broke off".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_knows_localhost() {
        let found = System.lookup("localhost").expect("localhost resolves");
        assert!(found.iter().all(IpAddr::is_loopback), "{found:?}");
    }

    #[test]
    fn a_name_that_cannot_be_is_refused_in_the_resolvers_own_words() {
        // A label of more than 63 bytes is refused before anything is sent.
        let name = format!("{}.example", "a".repeat(64));
        let reason = System.lookup(&name).expect_err("no such name");
        assert!(!reason.contains("failed to lookup"), "{reason}");
    }

    #[tokio::test(flavor = "local")]
    async fn getaddrinfo_fits_on_the_small_stack() {
        let found = ask(Arc::new(System), "localhost".to_owned()).await;
        assert!(found.is_ok(), "{found:?}");
    }
}
