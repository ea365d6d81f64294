//! TLS sessions and kept connections: how many there are, when they are used, which one goes, and
//! that the counters tell the same as the upstream.

mod support;

use std::net::SocketAddr;

use support::client::{self, Client};
use support::egret::{self, Egret};
use support::upstream::{Resumption, Seen, Upstream, Versions};
use support::world::World;

/// Upstreams whose sessions an identity keeps by default.
const CAPACITY: usize = 16;

const MODES: [(Versions, Resumption); 3] = [
    (Versions::Only12, Resumption::SessionIds),
    (Versions::Only12, Resumption::Tickets),
    (Versions::Only13, Resumption::Tickets),
];

fn egret(world: &World) -> egret::Builder {
    Egret::builder(env!("CARGO_BIN_EXE_egret")).ca(&world.ca)
}

fn unpooled(world: &World) -> egret::Builder {
    egret(world).option("--upstream-idle", "0")
}

fn upstream(world: &World, (versions, resumption): (Versions, Resumption)) -> Upstream {
    world
        .upstream()
        .versions(versions)
        .resumption(resumption)
        .start()
}

fn ask(upstream: &Upstream, listener: SocketAddr) -> Seen {
    let answer = client::get(listener, "/");
    assert_eq!(answer.status, 200, "{}", answer.text());
    upstream.last().expect("the request that was answered")
}

/// Full and resumed ones.
fn handshakes(upstream: &Upstream) -> (u64, u64) {
    (upstream.full_handshakes(), upstream.resumed_handshakes())
}

/// Stops egret in good order; its log.
fn stop(mut egret: Egret) -> String {
    egret.signal("TERM");
    assert_eq!(egret.wait_exit().code(), Some(0));
    egret.log()
}

/// What the log counts for an identity at the end.
fn counted<'a>(log: &'a str, name: &str) -> &'a str {
    let start = format!("identity {name:?}: ");
    let lines = log.lines().filter_map(|line| line.split_once(&start));
    let counts = lines
        .map(|(_, rest)| rest)
        .find(|rest| rest.contains(" requests, "));
    counts.expect("a line of counters")
}

#[test]
fn of_a_hundred_requests_without_a_pool_one_handshake_is_full() {
    for mode in MODES {
        let world = World::new();
        let upstream = upstream(&world, mode);
        let egret = unpooled(&world)
            .identity(&world.device("x"))
            .route(&format!("to={},identity=x", upstream.url()))
            .start();
        for _ in 0..100 {
            ask(&upstream, egret.addr(0));
        }
        assert_eq!(handshakes(&upstream), (1, 99), "{mode:?}");
        assert_eq!(
            counted(&stop(egret), "x"),
            "100 requests, 0 failures, 0 retried; connections 100 new, 0 reused; \
             handshakes 1 full, 99 resumed; not kept pool_off=100"
        );
    }
}

/// Upstreams of one identity without a pool, each with a listener of its own.
struct Many {
    upstreams: Vec<Upstream>,
    egret: Egret,
}

impl Many {
    fn start(world: &World, mode: (Versions, Resumption), count: usize, options: &str) -> Self {
        let upstreams: Vec<_> = (0..count).map(|_| upstream(world, mode)).collect();
        let mut builder = unpooled(world).identity(&format!("{}{options}", world.device("x")));
        for upstream in &upstreams {
            builder = builder.route(&format!("to={},identity=x", upstream.url()));
        }
        Self {
            upstreams,
            egret: builder.start(),
        }
    }

    /// Asks one and tells whether its handshake was a resumption.
    fn resumes(&self, index: usize) -> bool {
        ask(&self.upstreams[index], self.egret.addr(index)).resumed
    }
}

/// A full table: one upstream is asked a hundred times, and between every five all others.
fn a_hundred_rounds(mode: (Versions, Resumption)) {
    let world = World::new();
    let many = Many::start(&world, mode, CAPACITY, "");
    for round in 0..100 {
        many.resumes(0);
        if round % 5 == 0 {
            for other in 1..CAPACITY {
                many.resumes(other);
            }
        }
    }
    assert_eq!(handshakes(&many.upstreams[0]), (1, 99), "{mode:?}");
    for other in &many.upstreams[1..] {
        assert_eq!(handshakes(other), (1, 19), "{mode:?}");
    }
}

#[test]
fn a_hundred_tls12_requests_resume_with_fifteen_other_upstreams_in_between() {
    a_hundred_rounds(MODES[1]);
}

#[test]
fn a_hundred_tls13_requests_resume_with_fifteen_other_upstreams_in_between() {
    a_hundred_rounds(MODES[2]);
}

#[test]
fn a_seventeenth_upstream_takes_the_place_of_the_least_recently_used() {
    for mode in MODES {
        let world = World::new();
        let many = Many::start(&world, mode, CAPACITY + 1, "");
        for index in 0..CAPACITY {
            assert!(!many.resumes(index), "{mode:?} {index}");
        }
        assert!(many.resumes(0), "{mode:?}");
        assert!(!many.resumes(CAPACITY), "{mode:?}");
        for index in (2..CAPACITY).chain([0, CAPACITY]) {
            assert!(many.resumes(index), "{mode:?} {index}");
        }
        assert!(!many.resumes(1), "{mode:?}: it was the least recently used");
        assert!(!many.resumes(2), "{mode:?}: and then this one was");
    }
}

#[test]
fn sessions_says_for_how_many_upstreams_they_are_kept() {
    for mode in MODES {
        let world = World::new();
        let many = Many::start(&world, mode, 3, ",sessions=2");
        let resumed: Vec<_> = [0, 1, 0, 1, 2, 1, 0]
            .map(|index| many.resumes(index))
            .into();
        let expected = [false, false, true, true, false, true, false];
        assert_eq!(resumed, expected, "{mode:?}");
    }
}

#[test]
fn without_places_for_sessions_nothing_is_ever_resumed() {
    for mode in MODES {
        let world = World::new();
        let many = Many::start(&world, mode, 1, ",sessions=0");
        for _ in 0..5 {
            assert!(!many.resumes(0), "{mode:?}");
        }
        let log = stop(many.egret);
        assert!(counted(&log, "x").contains("handshakes 5 full, 0 resumed"));
    }
}

#[test]
fn one_ticket_at_a_time_is_enough_and_a_dozen_do_no_harm() {
    for tickets in [1, 12] {
        let world = World::new();
        let upstream = world.upstream().tickets(tickets).start();
        let egret = unpooled(&world)
            .route(&format!("to={},identity=none", upstream.url()))
            .start();
        for nth in 0..20 {
            let seen = ask(&upstream, egret.addr(0));
            assert_eq!(seen.resumed, nth > 0, "{tickets} tickets: {seen:?}");
        }
    }
}

#[test]
fn sessions_that_the_server_forgot_cost_a_full_handshake_and_nothing_else() {
    for mode in MODES {
        let world = World::new();
        let mut upstream = upstream(&world, mode);
        let egret = unpooled(&world)
            .identity(&world.device("x"))
            .route(&format!("to={},identity=x", upstream.url()))
            .start();
        for resumed in [false, true] {
            assert_eq!(ask(&upstream, egret.addr(0)).resumed, resumed, "{mode:?}");
        }
        upstream.restart().expect("the same port");
        for resumed in [false, true] {
            let seen = ask(&upstream, egret.addr(0));
            assert_eq!(seen.resumed, resumed, "{mode:?}");
            assert_eq!(seen.client_subject.as_deref(), Some("CN=x"));
        }
    }
}

#[test]
fn a_hundred_requests_one_after_the_other_use_one_connection() {
    for mode in MODES {
        let world = World::new();
        let upstream = upstream(&world, mode);
        let egret = egret(&world)
            .identity(&world.device("x"))
            .route(&format!("to={},identity=x", upstream.url()))
            .start();
        let mut kept = Client::connect(egret.addr(0));
        for request in 0..50 {
            assert_eq!(kept.get("/").expect("an answer").status, 200);
            let seen = ask(&upstream, egret.addr(0));
            assert_eq!((seen.connection, seen.request), (1, 2 * request + 2));
        }
        assert_eq!(upstream.connections(), 1, "{mode:?}");
        drop(kept);
        assert_eq!(
            counted(&stop(egret), "x"),
            "100 requests, 0 failures, 0 retried; connections 1 new, 99 reused; \
             handshakes 1 full, 0 resumed; not kept none"
        );
    }
}

#[test]
fn counters_are_of_one_identity_each() {
    let world = World::new();
    let upstream = world.upstream().start();
    let strange = format!("to={},identity=b,verify=wrong.example", upstream.url());
    let egret = egret(&world)
        .identity(&world.device("a"))
        .identity(&world.device("b"))
        .route(&format!("to={},identity=a", upstream.url()))
        .route(&strange)
        .start();
    for _ in 0..3 {
        ask(&upstream, egret.addr(0));
        assert_eq!(client::get(egret.addr(1), "/").status, 502);
    }
    let ask_to_close = client::send(
        egret.addr(0),
        b"GET /close HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    );
    assert_eq!(ask_to_close.status, 200);
    let log = stop(egret);
    assert_eq!(
        counted(&log, "a"),
        "4 requests, 0 failures, 0 retried; connections 1 new, 3 reused; handshakes 1 full, 0 \
         resumed; not kept none"
    );
    assert_eq!(
        counted(&log, "b"),
        "3 requests, 3 failures, 0 retried; connections 0 new, 0 reused; handshakes 0 full, 0 \
         resumed; not kept none"
    );
}
