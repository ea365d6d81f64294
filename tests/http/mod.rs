//! What the tests of HTTP share: an upstream, an egret that leads to it as `none`, and ways to say
//! what a client should get.

// Each test program uses a part of it.
#![allow(dead_code)]

pub mod bytes;

use std::net::SocketAddr;

use crate::support::certs::{Ca, Dir};
use crate::support::client::{Client, Failure, Response};
use crate::support::egret::{self, Egret};
use crate::support::upstream::{self, Seen, Upstream};

/// The routes that one listener has in a test.
const ONE_LISTEN: &str = "127.0.0.1:0";

/// What is to be started.
pub struct Setup {
    dir: Dir,
    upstream: upstream::Builder,
    routes: Vec<String>,
    options: Vec<(String, String)>,
}

/// An upstream that echoes, and one route to it.
pub fn setup() -> Setup {
    let ca = Ca::new("servers");
    let dir = Dir::new();
    let roots = dir.ca("servers", &ca);
    Setup {
        dir,
        upstream: Upstream::builder(&ca.server(&["localhost", "127.0.0.1"])),
        routes: Vec::new(),
        options: vec![("--ca".to_owned(), roots)],
    }
}

impl Setup {
    /// Another upstream.
    pub fn upstream(self, change: impl FnOnce(upstream::Builder) -> upstream::Builder) -> Self {
        Self {
            upstream: change(self.upstream),
            ..self
        }
    }

    /// An option of egret.
    pub fn option(mut self, name: &str, value: &str) -> Self {
        self.options.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A route: what follows `to=https://localhost:PORT`, as `/prefix,via=off`. All routes share
    /// one listener. Without any there is a plain one.
    pub fn route(mut self, rest: &str) -> Self {
        self.routes.push(rest.to_owned());
        self
    }

    /// Starts both.
    pub fn start(self) -> World {
        let upstream = self.upstream.start();
        let mut routes = self.routes;
        if routes.is_empty() {
            routes.push(String::new());
        }
        let mut builder = routes.iter().fold(binary(), |builder, rest| {
            let rest = format!("identity=none,to={}{rest}", upstream.url());
            builder.route_at(ONE_LISTEN, &rest)
        });
        for (name, value) in &self.options {
            builder = builder.option(name, value);
        }
        World {
            egret: builder.start(),
            upstream,
            dir: self.dir,
        }
    }
}

/// The program under test.
pub fn binary() -> egret::Builder {
    Egret::builder(env!("CARGO_BIN_EXE_egret"))
}

/// An upstream and an egret that leads to it.
pub struct World {
    pub upstream: Upstream,
    pub egret: Egret,
    pub dir: Dir,
}

impl World {
    /// Where egret listens.
    pub fn addr(&self) -> SocketAddr {
        self.egret.addr(0)
    }

    /// A new connection to egret.
    pub fn client(&self) -> Client<std::net::TcpStream> {
        Client::connect(self.addr())
    }

    /// `localhost:PORT` of the upstream.
    pub fn authority(&self) -> String {
        format!("localhost:{}", self.upstream.port())
    }

    /// How many requests the upstream has seen; [`World::seen_since`] tells those after it.
    pub fn mark(&self) -> usize {
        self.upstream.state(|state| state.seen.len())
    }

    /// What the upstream saw since then.
    pub fn seen_since(&self, mark: usize) -> Vec<Seen> {
        self.upstream.state(|state| state.seen[mark..].to_vec())
    }

    /// The upstream's last request.
    pub fn last(&self) -> Seen {
        self.upstream.last().expect("a request")
    }
}

/// Panics unless `response` is egret's own refusal with that status and RFC 9209 error type.
pub fn assert_ours(response: &Response, status: u16, error: &str, row: &str) {
    let text = response.text();
    assert_eq!(response.status, status, "{row}: {text}");
    let kind = response.header("content-type");
    assert_eq!(kind, Some("text/plain; charset=utf-8"), "{row}");
    let proxy = response.header("proxy-status").unwrap_or_default();
    let start = format!("egret; error={error}; details=\"");
    assert!(proxy.starts_with(&start), "{row}: {proxy}");
    assert!(proxy.ends_with('"'), "{row}: {proxy}");
    assert!(text.starts_with(&format!("{status} ")), "{row}: {text}");
    assert!(text.ends_with('\n'), "{row}: {text}");
    assert_eq!(text.lines().count(), 1, "{row}: {text}");
    assert!(
        response.header("via").is_none(),
        "{row}: Via on an answer of ours"
    );
}

/// Whether what came is an answer that the client can see is not whole.
pub fn is_cut(outcome: &Result<Response, Failure>) -> bool {
    matches!(
        outcome,
        Err(Failure::Truncated(_) | Failure::Reset | Failure::Closed)
    )
}

/// Another seed for each run; a test that uses it prints it.
pub fn seed() -> usize {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(1, |since| since.subsec_nanos() as usize | 1)
}

/// The next number of a xorshift generator; its state is never 0.
pub fn step(state: &mut usize) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// `count` bytes that look random and are the same for the same `seed`.
pub fn noise(seed: usize, count: usize) -> Vec<u8> {
    let mut state = seed | 1;
    let mut bytes = Vec::with_capacity(count + 8);
    while bytes.len() < count {
        bytes.extend_from_slice(&step(&mut state).to_le_bytes());
    }
    bytes.truncate(count);
    bytes
}
