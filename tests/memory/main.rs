//! The constants of the worst case, each beside what the object really takes: several of it are
//! made to hold as much as they can, and the heap is counted.

mod admin;
mod clients;
mod egret;
mod heap;
mod objects;
mod parked;
#[path = "../support/mod.rs"]
mod support;
mod upstreams;

use std::net::{SocketAddr, TcpStream};
use std::sync::{Mutex, MutexGuard, PoisonError};

use ::egret::check::{Line, worst_case};
use ::egret::config::{self, Config};
use ::egret::flags::{self, Parsed};
use ::egret::limits;
use clients::{HEAD, connect, head, send, send_two, send_until_stuck, send_upload};
use egret::Egret;
use support::upstream::{Reply, Resumption, Upstream, Versions};
use upstreams::World;

/// How many of a thing are measured together.
const N: usize = 4;

/// There is one heap: tests that look at it take turns.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The constant holds, and is not much more than what it stands for.
#[track_caller]
fn assert_honest(what: &str, measured: usize, constant: usize) {
    println!("{what}: {measured} bytes measured, {constant} granted");
    assert!(
        measured <= constant,
        "{what}: {measured} bytes, and the constant is {constant}"
    );
    assert!(
        constant <= measured * 3 / 2,
        "{what}: {measured} bytes, and the constant is {constant}: too cautious"
    );
}

/// A proxy whose identity has a connection for each of [`N`] clients, and what it holds at rest.
struct Proxy {
    egret: Egret,
    rest: usize,
}

impl Proxy {
    fn start(world: &World, upstream: SocketAddr, limits: &str) -> Self {
        let egret = Egret::start(
            &world.options(&format!("x,{limits}")),
            &[format!("to=https://{upstream},identity=x")],
        );
        let rest = heap::quiet();
        Self { egret, rest }
    }

    /// What each of [`N`] clients adds that does this and goes no further.
    fn each(&self, what: &str, act: impl Fn(&TcpStream)) -> usize {
        let clients: Vec<_> = (0..N)
            .map(|_| {
                let client = connect(self.egret.addr(0));
                act(&client);
                client
            })
            .collect();
        let each = (heap::quiet() - self.rest) / N;
        println!("{what}: {each} bytes");
        drop(clients);
        each
    }
}

/// With a larger ticket, a ClientHello that offers it, or what rustls gathers of the message that
/// brings it, would be more than rustls takes.
const TICKETS: Resumption = Resumption::LargeTickets(64_500);
const EACH_ITS_OWN: &str = "connections=4,waiting=4,sessions=1";

#[test]
fn a_client_takes_no_more_than_its_constant() {
    let _alone = alone();
    let world = World::new();
    let upstream = world.upstream().start();
    let proxy = Proxy::start(
        &world,
        upstream.addr(),
        "connections=1,waiting=4,sessions=1",
    );
    let idle = proxy.each("an idle client", |_| {});
    let half = proxy.each("half a head", |client| {
        send(client, &head("GET /", "", HEAD).as_bytes()[..HEAD - 1]);
    });
    let stalled = connect(proxy.egret.addr(0));
    send(&stalled, b"GET /stall HTTP/1.1\r\nHost: a\r\n\r\n");
    upstream.wait_until(|state| !state.seen.is_empty());
    let proxy = Proxy {
        rest: heap::quiet(),
        ..proxy
    };
    let waiting = proxy.each("a waiting request", send_two);
    let worst = idle.max(half).max(waiting);
    assert_honest("a client", worst, limits::CLIENT_BYTES);
}

#[test]
fn a_client_and_its_connection_take_no_more_than_their_constants() {
    let _alone = alone();
    let world = World::new();
    let upstream = world.upstream().start();
    let each =
        |addr, what, act: fn(&TcpStream)| Proxy::start(&world, addr, EACH_ITS_OWN).each(what, act);
    let addr = upstream.addr();
    let worst = [
        each(addr, "a stalled download", send_two),
        each(addr, "a stalled upload", |client| {
            send_upload(client, "/stall");
        }),
        each(addr, "both stalled", |client| send_upload(client, "/")),
        each(addr, "answers nobody takes", |client| {
            send_until_stuck(client, head("GET /large", "", HEAD).as_bytes());
        }),
        each(
            upstreams::endless_handshake(),
            "an endless handshake",
            send_two,
        ),
    ];
    let worst = worst.into_iter().max().unwrap_or_default();
    let granted = limits::CLIENT_BYTES + limits::CONNECTION_BYTES;
    assert_honest("a client and its connection", worst, granted);
}

#[test]
fn the_sessions_of_an_upstream_take_no_more_than_their_constant() {
    let _alone = alone();
    let world = World::new();
    let slot = world.slot(Versions::Both, Resumption::None);
    let session = world.slot(Versions::Only12, TICKETS) - slot;
    let ticket = world.slot(Versions::Only13, TICKETS) - slot;
    println!("a slot {slot}, a session {session}, a ticket {ticket} bytes");
    // A server may speak 1.2 today and 1.3 tomorrow: there is room for what it sent of both.
    let worst = slot + session + limits::TICKETS_PER_UPSTREAM * ticket;
    assert_honest("the sessions of an upstream", worst, limits::SESSION_BYTES);
}

#[test]
fn sessions_that_were_put_out_are_gone_though_their_connections_live() {
    let _alone = alone();
    let world = World::new();
    let all = world.sessions(Versions::Only13, TICKETS, "sessions=4", Reply::status(200));
    let one = world.sessions(Versions::Only13, TICKETS, "sessions=1", Reply::status(200));
    println!("with {N} slots {all} bytes, with one {one}");
    assert!(all - one > (N - 1) * 64 * 1024);
}

impl World {
    /// What is left of one closed connection to an upstream.
    fn slot(&self, versions: Versions, resumption: Resumption) -> usize {
        self.sessions(
            versions,
            resumption,
            "sessions=4",
            Reply::status(200).close(),
        ) / N
    }

    /// What is left of one connection to each of [`N`] upstreams.
    fn sessions(
        &self,
        versions: Versions,
        resumption: Resumption,
        limits: &str,
        reply: Reply,
    ) -> usize {
        let names: Vec<_> = (0..N).map(|n| format!("s{n}.example")).collect();
        let upstream = Upstream::builder(&self.large_certificate(&names))
            .versions(versions)
            .resumption(resumption)
            .tickets(1)
            .handler(move |_| reply.clone())
            .start();
        let route = |name| format!("to=https://{},identity=x,sni={name}", upstream.addr());
        let routes: Vec<_> = names.iter().map(route).collect();
        let egret = Egret::start(&self.options(&format!("x,{limits}")), &routes);
        let rest = heap::quiet();
        for n in 0..N {
            let response = support::client::get(egret.addr(n), "/");
            assert_eq!(response.status, 200, "{}", response.text());
        }
        // What a ticket took while it was read goes when its connection is found idle.
        heap::quiet_for(limits::WATCH_AFTER * 2) - rest
    }
}

fn config_of(options: &[String], route: &str) -> Config {
    let words = options.iter().cloned();
    match flags::parse(words.chain([format!("--route=127.0.0.1:1,{route}")])) {
        Parsed::Run(flags) => config::build(&flags).expect("options that are right"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn under_attack_the_heap_stays_below_what_check_prints() {
    let _alone = alone();
    let world = World::new();
    let upstream = world.upstream().resumption(TICKETS).tickets(1).start();
    let route = format!("to=https://{},identity=x,clients=8", upstream.addr());
    let options = world.options("x,connections=3,waiting=2,sessions=1");
    // What `check` would print.
    let lines = worst_case(&config_of(&options, &route), 1, 0);
    let granted = lines.iter().map(Line::bytes).sum::<usize>();
    heap::forget_peak();
    let before = heap::live();
    let egret = Egret::start(&options, std::slice::from_ref(&route));
    let attackers: Vec<_> = (0..4 * N)
        .map(|n| {
            let client = connect(egret.addr(0));
            match n % 3 {
                0 => send_upload(&client, "/"),
                1 => send_upload(&client, "/stall"),
                _ => send_two(&client),
            }
            client
        })
        .collect();
    heap::quiet();
    let peak = heap::peak() - before;
    println!("under attack: {peak} bytes at most, {granted} granted");
    assert!(peak <= granted);
    // The attack was one: most places were taken, and what they hold was held.
    assert!(peak > granted / 2);
    drop(attackers);
}
