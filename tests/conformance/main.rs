//! Conformance: bytes that nobody should send, to both kinds of listeners and from upstreams. Each
//! row of the tables names the rule and its one outcome; what the upstream got is judged by its raw
//! bytes, and after each row the next good client is served.

mod answers;
mod bodies;
mod chunks;
mod framing;
mod gone;
mod heads;
#[path = "../http/mod.rs"]
mod http;
mod passing;
mod pipelines;
mod recorded;
mod requests;
#[path = "../support/mod.rs"]
mod support;
mod targets;
mod upstreams;

use std::net::SocketAddr;

use http::{binary, seed, step};
use recorded::Message;
use support::certs::{Ca, Dir};
use support::egret::Egret;
use support::upstream::Upstream;

/// Which kind of listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Route,
    Forward,
}

/// An upstream, and an egret that leads to it by a route and by a forward listener.
pub struct World {
    upstream: Upstream,
    egret: Egret,
    _dir: Dir,
}

impl World {
    fn start(upstream_idle: &str) -> Self {
        let ca = Ca::new("servers");
        let dir = Dir::new();
        let upstream = Upstream::builder(&ca.server(&["localhost"])).start();
        let route = format!("to={},identity=none,via=off", upstream.url());
        let egret = binary()
            .ca(&dir.ca("servers", &ca))
            .option("--upstream-idle", upstream_idle)
            .route(&route)
            .forward_at("127.0.0.2:0", "to=localhost:*,identity=none,via=off")
            .start();
        Self {
            upstream,
            egret,
            _dir: dir,
        }
    }

    /// Where the listener of that kind is.
    pub fn addr(&self, side: Side) -> SocketAddr {
        self.egret.addr(side as usize)
    }

    /// The bytes of a request on that listener.
    pub fn bytes(&self, side: Side, text: &str) -> Vec<u8> {
        let start = match side {
            Side::Route => "",
            Side::Forward => "http://¤",
        };
        http::bytes::bytes(&self.named(&text.replace('§', start)))
    }

    /// The requests that the upstream is to get.
    pub fn messages(&self, text: &str) -> Vec<Message> {
        recorded::messages(&http::bytes::bytes(&self.named(text)))
    }

    fn named(&self, text: &str) -> String {
        let port = self.upstream.port().to_string();
        text.replace('¤', "localhost:‡").replace('‡', &port)
    }

    /// How many connections the upstream has had.
    pub fn mark(&self) -> usize {
        self.upstream.state(|state| state.raw.len())
    }

    /// What came on the connections since then, all of which have ended: nothing more can come.
    pub fn settled_since(&self, mark: usize) -> Vec<Message> {
        self.upstream.wait_until(|state| state.open == 0);
        let raw = self.upstream.state(|state| state.raw[mark..].to_vec());
        raw.iter()
            .flat_map(|bytes| recorded::messages(bytes))
            .collect()
    }
}

#[test]
fn every_request_has_one_outcome_and_none_reaches_the_upstream_as_another() {
    let seed = seed();
    let mut random = seed;
    println!("seed {seed}");
    let world = World::start("0");
    let cases = requests::cases(&world);
    for side in [Side::Route, Side::Forward] {
        let count = cases.iter().filter(|case| case.is_on(side)).count();
        assert!(count >= 150, "only {count} rows for {side:?}");
    }
    for case in &cases {
        case.run(&world, 0);
        case.run(&world, step(&mut random) % case.length());
        case.next(&world);
    }
}

#[test]
fn every_answer_has_one_outcome_and_none_is_taken_for_that_of_another_request() {
    let world = World::start("30s");
    let cases = upstreams::cases();
    assert!(cases.len() >= 100);
    for case in &cases {
        case.run(&world);
    }
}
