//! A connection or a TLS session made as one identity is never used as another. Every case asserts
//! on what the upstream saw, and on reuse within one identity in the same run: a proxy that never
//! reuses anything would prove nothing.

mod support;

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;

use support::certs::Ca;
use support::client;
use support::egret::{self, Egret};
use support::gate::Gate;
use support::upstream::{Reply, Resumption, Seen, Step, Upstream, Versions};
use support::world::World;

/// How the upstream remembers sessions.
#[derive(Debug, Clone, Copy)]
struct Mode {
    versions: Versions,
    resumption: Resumption,
}

const TLS12_IDS: Mode = Mode {
    versions: Versions::Only12,
    resumption: Resumption::SessionIds,
};
const TLS12_TICKETS: Mode = Mode {
    versions: Versions::Only12,
    resumption: Resumption::Tickets,
};
const TLS13_TICKETS: Mode = Mode {
    versions: Versions::Only13,
    resumption: Resumption::Tickets,
};
const TLS12_NONE: Mode = Mode {
    versions: Versions::Only12,
    resumption: Resumption::None,
};
const TLS13_NONE: Mode = Mode {
    versions: Versions::Only13,
    resumption: Resumption::None,
};
const MODES: [Mode; 5] = [
    TLS12_IDS,
    TLS12_TICKETS,
    TLS13_TICKETS,
    TLS12_NONE,
    TLS13_NONE,
];

impl Mode {
    fn upstream(self, world: &World) -> Upstream {
        world
            .upstream()
            .versions(self.versions)
            .resumption(self.resumption)
            .start()
    }

    fn resumes(self) -> bool {
        self.resumption != Resumption::None
    }
}

/// Whether connections are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pool {
    On,
    Off,
}

const POOLS: [Pool; 2] = [Pool::On, Pool::Off];

fn egret(world: &World, pool: Pool) -> egret::Builder {
    let builder = Egret::builder(env!("CARGO_BIN_EXE_egret")).ca(&world.ca);
    match pool {
        Pool::On => builder,
        Pool::Off => builder.option("--upstream-idle", "0"),
    }
}

/// One request; what the upstream saw of it.
fn ask(upstream: &Upstream, listener: SocketAddr) -> Seen {
    let answer = client::get(listener, "/");
    assert_eq!(answer.status, 200, "{}", answer.text());
    upstream.last().expect("the request that was answered")
}

/// One request that egret answers itself: the upstream's certificate is not trusted.
fn refused(upstream: &Upstream, listener: SocketAddr) -> String {
    let before = upstream.seen().len();
    let answer = client::get(listener, "/");
    let status = answer.header("proxy-status").unwrap_or_default().to_owned();
    assert_eq!(answer.status, 502, "{}", answer.text());
    assert!(status.contains("error=tls_certificate_error"), "{status}");
    assert_eq!(upstream.seen().len(), before, "a request went out");
    answer.text()
}

/// What must be true of the n-th use, from 0, of one way to the upstream; `known` are the
/// connections seen before, of any way.
fn check(seen: &Seen, nth: usize, first: u64, known: &HashSet<u64>, mode: Mode, pool: Pool) {
    let again = nth > 0;
    match pool {
        Pool::On => {
            assert!(!seen.resumed, "a second handshake: {seen:?}");
            assert_eq!(seen.connection, first, "not its own connection: {seen:?}");
            assert_eq!(seen.request, nth as u64 + 1, "{seen:?}");
        }
        Pool::Off => {
            assert_eq!(seen.resumed, again && mode.resumes(), "{seen:?}");
            assert_eq!(seen.request, 1, "{seen:?}");
        }
    }
    if !again || pool == Pool::Off {
        assert!(!known.contains(&seen.connection), "reused: {seen:?}");
    }
}

/// Goes through the listeners in this order and checks that each keeps to its own.
struct Walk<'a> {
    upstream: &'a Upstream,
    mode: Mode,
    pool: Pool,
    /// Of each way: its uses and its first connection.
    ways: HashMap<usize, (usize, u64)>,
    known: HashSet<u64>,
}

impl<'a> Walk<'a> {
    fn new(upstream: &'a Upstream, mode: Mode, pool: Pool) -> Self {
        Self {
            upstream,
            mode,
            pool,
            ways: HashMap::new(),
            known: HashSet::new(),
        }
    }

    fn step(&mut self, way: usize, listener: SocketAddr) -> Seen {
        let seen = ask(self.upstream, listener);
        let (uses, first) = self.ways.entry(way).or_insert((0, seen.connection));
        check(&seen, *uses, *first, &self.known, self.mode, self.pool);
        *uses += 1;
        self.known.insert(seen.connection);
        seen
    }
}

const NAMES: [&str; 3] = ["a", "b", "none"];
const SUBJECTS: [Option<&str>; 3] = [Some("CN=a"), Some("CN=b"), None];
const ORDERS: [[usize; 3]; 6] = [
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
];

/// Listeners for certificate A, B and none, and a cold egret for each order of asking them.
fn every_order(mode: Mode, pool: Pool) {
    let world = World::new();
    let (a, b) = (world.device("a"), world.device("b"));
    for order in ORDERS {
        let upstream = mode.upstream(&world);
        let mut options = egret(&world, pool).identity(&a).identity(&b);
        for name in order.map(|index| NAMES[index]) {
            options = options.route(&format!("to={},identity={name}", upstream.url()));
        }
        let egret = options.start();
        let mut walk = Walk::new(&upstream, mode, pool);
        // There, there again, back, and each twice in a row.
        for place in [0, 1, 2, 0, 1, 2, 2, 1, 0, 0, 1, 1, 2, 2] {
            let seen = walk.step(place, egret.addr(place));
            let expected = SUBJECTS[order[place]];
            assert_eq!(
                seen.client_subject.as_deref(),
                expected,
                "{mode:?} {pool:?} {order:?}: {seen:?}"
            );
        }
    }
}

#[test]
fn tls12_session_ids_stay_with_their_identity() {
    every_order(TLS12_IDS, Pool::Off);
}

#[test]
fn tls12_tickets_stay_with_their_identity() {
    every_order(TLS12_TICKETS, Pool::Off);
}

#[test]
fn tls13_tickets_stay_with_their_identity() {
    every_order(TLS13_TICKETS, Pool::Off);
}

#[test]
fn without_resumption_each_request_shakes_hands_as_its_identity() {
    every_order(TLS12_NONE, Pool::Off);
    every_order(TLS13_NONE, Pool::Off);
}

#[test]
fn tls12_connections_stay_with_their_identity() {
    every_order(TLS12_IDS, Pool::On);
    every_order(TLS12_TICKETS, Pool::On);
}

#[test]
fn tls13_connections_stay_with_their_identity() {
    every_order(TLS13_TICKETS, Pool::On);
}

#[test]
fn connections_stay_with_their_identity_where_nothing_can_be_resumed() {
    every_order(TLS12_NONE, Pool::On);
    every_order(TLS13_NONE, Pool::On);
}

/// Two identities with one certificate: the stricter one does not trust the upstream.
fn stricter_roots(mode: Mode, pool: Pool) {
    let world = World::new();
    let others = world.dir.ca("others", &Ca::new("others"));
    let certificate = world.device("a");
    let (_, files) = certificate.split_once(',').expect("a name and files");
    let upstream = mode.upstream(&world);
    let to = upstream.url();
    let egret = egret(&world, pool)
        .identity(&certificate)
        .identity(&format!("strict,{files},ca={others}"))
        .identity(&format!("strict-none,ca={others}"))
        .route(&format!("to={to},identity=a"))
        .route(&format!("to={to},identity=strict"))
        .route(&format!("to={to},identity=strict-none"))
        .route(&format!("to={to},identity=none"))
        .start();
    let mut walk = Walk::new(&upstream, mode, pool);
    for way in [0, 0, 3, 3, 0] {
        for strict in [1, 2] {
            let text = refused(&upstream, egret.addr(strict));
            assert!(text.contains("no root leads to its issuer"), "{text}");
        }
        walk.step(way, egret.addr(way));
    }
}

#[test]
fn a_stricter_ca_is_asked_although_its_neighbour_has_sessions_and_connections() {
    for mode in MODES {
        for pool in POOLS {
            stricter_roots(mode, pool);
        }
    }
}

/// Listeners of one identity that differ in what is sent as SNI and what is verified.
fn other_names(mode: Mode, pool: Pool) {
    let world = World::new();
    let upstream = mode.upstream(&world);
    let to = upstream.url();
    let egret = egret(&world, pool)
        .identity(&world.device("a"))
        .route(&format!("to={to},identity=a"))
        .route(&format!("to={to},identity=a,sni=other.example"))
        .route(&format!("to={to},identity=a,verify=other.example"))
        .route(&format!("to={to},identity=a,verify=wrong.example"))
        .route(&format!("to={to},identity=a,sni=wrong.example"))
        .start();
    let mut walk = Walk::new(&upstream, mode, pool);
    for way in [0, 1, 2, 0, 2, 1, 1, 0, 2] {
        for wrong in [3, 4] {
            let text = refused(&upstream, egret.addr(wrong));
            assert!(text.contains("is not for \"wrong.example\""), "{text}");
        }
        let seen = walk.step(way, egret.addr(way));
        let sni = ["localhost", "other.example", "localhost"][way];
        assert_eq!(seen.sni.as_deref(), Some(sni), "{seen:?}");
        assert_eq!(seen.client_subject.as_deref(), Some("CN=a"), "{seen:?}");
    }
}

#[test]
fn another_sni_or_verified_name_shares_neither_sessions_nor_connections() {
    for mode in MODES {
        for pool in POOLS {
            other_names(mode, pool);
        }
    }
}

/// 32 requests at once over three listeners, held until all have arrived, and 32 more.
fn concurrently(mode: Mode, pool: Pool) {
    const AT_ONCE: usize = 32;
    let world = World::new();
    let upstream = mode.upstream(&world);
    let mut options = egret(&world, pool)
        .identity(&world.device("a"))
        .identity(&world.device("b"));
    for name in NAMES {
        options = options.route(&format!("to={},identity={name}", upstream.url()));
    }
    let egret = options.start();
    for wave in 1..=2 {
        let gate = Gate::new();
        let held = Arc::clone(&gate);
        upstream.answer(move |seen| {
            let body = seen.client_subject.clone().unwrap_or_default();
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            Reply::script(vec![
                Step::WaitFor(Arc::clone(&held)),
                Step::Bytes(answer.into_bytes()),
            ])
        });
        let clients: Vec<_> = (0..AT_ONCE)
            .map(|number| {
                let listener = egret.addr(number % 3);
                let target = format!("/{}", NAMES[number % 3]);
                thread::spawn(move || (number % 3, client::get(listener, &target).text()))
            })
            .collect();
        upstream.wait_until(|state| state.seen.len() == wave * AT_ONCE);
        gate.open();
        for client in clients {
            let (index, text) = client.join().expect("an answer");
            assert_eq!(text, SUBJECTS[index].unwrap_or_default());
        }
    }
    let mut owners: HashMap<u64, Option<String>> = HashMap::new();
    let mut reused = 0;
    for seen in upstream.seen() {
        let index = NAMES.iter().position(|name| seen.target[1..] == **name);
        let expected = index.and_then(|index| SUBJECTS[index]);
        assert_eq!(seen.client_subject.as_deref(), expected, "{seen:?}");
        reused += usize::from(seen.request > 1);
        let owner = owners
            .entry(seen.connection)
            .or_insert_with(|| seen.client_subject.clone());
        assert_eq!(*owner, seen.client_subject, "{seen:?}");
    }
    match pool {
        Pool::On => assert_eq!(reused, AT_ONCE, "of the second wave"),
        Pool::Off => {
            assert_eq!(reused, 0);
            let resumed = upstream.resumed_handshakes();
            assert_eq!(resumed > 0, mode.resumes(), "{mode:?}");
        }
    }
}

#[test]
fn requests_under_way_at_once_stay_with_their_identity() {
    for mode in [TLS12_IDS, TLS12_TICKETS, TLS13_TICKETS] {
        for pool in POOLS {
            concurrently(mode, pool);
        }
    }
}
