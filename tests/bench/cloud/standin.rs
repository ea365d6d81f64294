//! The tests' own upstream as the cloud. It costs more than nginx, on the core of the clients, and
//! keeps what it saw.

use std::cell::Cell;
use std::io;
use std::net::SocketAddr;

use super::{BULK, Handshakes, SMALL, STALLED, Server, Upstream};
use crate::peers::cloud::Cloud;
use crate::support::upstream::{self, Reply, Resumption, Seen, Step, Versions};

pub struct StandIn {
    /// In the order of [`Upstream`].
    servers: [upstream::Upstream; 3],
    forgotten: Cell<Handshakes>,
}

impl StandIn {
    pub fn start(cloud: &Cloud) -> io::Result<Self> {
        let leaf = cloud.servers.server(&["localhost", "127.0.0.1"]);
        let start = |resumption: Resumption, handler: fn(&Seen) -> Reply| {
            upstream::Upstream::builder(&leaf)
                .versions(Versions::Only13)
                .requires(&cloud.clients)
                .resumption(resumption)
                .handler(handler)
                .try_start()
        };
        let servers = [
            start(Resumption::Tickets, kept)?,
            start(Resumption::None, |_| small().close())?,
            start(Resumption::Tickets, |_| small().close())?,
        ];
        Ok(Self {
            servers,
            forgotten: Cell::default(),
        })
    }

    fn all(&self) -> Handshakes {
        let sum = |of: fn(&upstream::Upstream) -> u64| self.servers.iter().map(of).sum::<u64>();
        Handshakes {
            full: sum(upstream::Upstream::full_handshakes) as usize,
            resumed: sum(upstream::Upstream::resumed_handshakes) as usize,
        }
    }
}

impl Server for StandIn {
    fn name(&self) -> String {
        "the tests' stand-in".to_owned()
    }

    fn address(&self, upstream: Upstream) -> SocketAddr {
        self.servers[upstream as usize].addr()
    }

    fn connections(&self) -> u64 {
        let accepted = |server: &upstream::Upstream| server.state(|state| state.accepted);
        self.servers.iter().map(accepted).sum()
    }

    /// Or connections that wait for a request: it does not tell them apart.
    fn sending(&self) -> usize {
        let open = upstream::Upstream::open_connections;
        self.servers.iter().map(open).sum::<u64>() as usize
    }

    fn count_anew(&self) {
        self.forgotten.set(self.all());
    }

    fn handshakes(&self, _requests: usize) -> Handshakes {
        let (all, before) = (self.all(), self.forgotten.replace(self.all()));
        Handshakes {
            full: all.full - before.full,
            resumed: all.resumed - before.resumed,
        }
    }
}

fn small() -> Reply {
    Reply::status(200)
        .header("Content-Type", "application/json")
        .body(SMALL)
}

fn kept(seen: &Seen) -> Reply {
    match seen.target.as_str() {
        "/download" => large(BULK),
        "/stalled" => large(STALLED),
        _ => small(),
    }
}

fn large(bytes: u64) -> Reply {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {bytes}\r\n\r\n");
    Reply::script(vec![Step::Bytes(head.into_bytes()), Step::Fill(bytes)])
}
