//! A thousand certificates, one after the other, under load.

mod support;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;

use support::certs::Leaf;
use support::client::Client;
use support::egret::Egret;
use support::upstream::{Reply, Resumption, Seen, Upstream, Versions};
use support::wait_until;
use support::world::World;

const ROTATIONS: u32 = 1000;
/// Until then the process may still grow.
const WARM_UP: u32 = 100;
/// What it may take more after as many rotations again and again: what the allocator does not give
/// back. An epoch that stayed would be 36 KiB.
const GROWTH_KIB: u64 = 512;

/// One upstream of each kind of session.
const MODES: [(Versions, Resumption); 3] = [
    (Versions::Only12, Resumption::SessionIds),
    (Versions::Only12, Resumption::Tickets),
    (Versions::Only13, Resumption::Tickets),
];
/// With two clients at each upstream one connection rests while another is in use.
const CLIENTS_PER_UPSTREAM: usize = 2;

/// Of epoch 1, 2, ... a thousand and one.
fn certificates(world: &World) -> Vec<Leaf> {
    (0..=ROTATIONS)
        .map(|number| world.devices.client(&format!("r{number}")))
        .collect()
}

/// The epoch in which a subject of [`certificates`] was ours.
fn epoch_of(subject: Option<&str>) -> u32 {
    let number = subject.and_then(|subject| subject.strip_prefix("CN=r")?.parse::<u32>().ok());
    number.expect("one of our certificates") + 1
}

/// Every third connection is not kept, so that the next one resumes; every fifth answer is long.
fn answer(seen: &Seen) -> Reply {
    let subject = seen.client_subject.as_deref().unwrap_or_default();
    let reply = Reply::status(200).header("X-Subject", subject);
    let number = seen.header("x-number").and_then(|text| text.parse().ok());
    let number: u32 = number.expect("a number");
    let reply = match number % 5 {
        0 => reply.body([b'x'; 60_000]),
        _ => reply.body(&seen.body),
    };
    match number % 3 {
        0 => reply.close(),
        _ => reply,
    }
}

struct Load {
    /// The newest epoch whose line was in the log.
    epoch: AtomicU32,
    stop: AtomicBool,
}

impl Load {
    /// Requests one after the other on one connection, which must live as long; how many.
    fn run(&self, addr: SocketAddr) -> usize {
        let mut client = Client::connect(addr);
        let mut requests = 0;
        let body = [b'y'; 3000];
        while !self.stop.load(Ordering::Relaxed) {
            requests += 1;
            let (number, epoch) = (requests.to_string(), self.epoch.load(Ordering::SeqCst));
            let headers = [
                ("X-Number", number.as_str()),
                ("X-Epoch", &epoch.to_string()),
            ];
            let response = match requests % 2 {
                0 => client.request("GET", "/", &headers, b""),
                _ => client.request("POST", "/", &headers, &body),
            };
            let response = response.expect("an answer");
            assert_eq!(response.status, 200, "{}", response.text());
            assert!(epoch_of(response.header("x-subject")) >= epoch);
            let expected = match (requests % 5, requests % 2) {
                (0, _) => 60_000,
                (_, 0) => 0,
                _ => body.len(),
            };
            assert_eq!(response.body.len(), expected);
        }
        requests
    }
}

struct Setting {
    egret: Egret,
    upstreams: Vec<Upstream>,
    certificates: Vec<Leaf>,
    world: World,
    load: Load,
}

impl Setting {
    fn start() -> Self {
        let world = World::new();
        let certificates = certificates(&world);
        let upstream = |(versions, resumption)| {
            let upstream = world.upstream().requires(&world.devices);
            let upstream = upstream.versions(versions).resumption(resumption);
            upstream.handler(answer).start()
        };
        let upstreams: Vec<_> = MODES.into_iter().map(upstream).collect();
        write(&world, &certificates[0]);
        let mut builder = Egret::builder(env!("CARGO_BIN_EXE_egret"))
            .ca(&world.ca)
            .option("--reload-interval", "1ms")
            .identity(&format!("x,cert={}", world.dir.file("x.pem").display()));
        for upstream in &upstreams {
            builder = builder.route(&format!("to={},identity=x", upstream.url()));
        }
        Self {
            egret: builder.start(),
            upstreams,
            certificates,
            world,
            load: Load {
                epoch: AtomicU32::new(1),
                stop: AtomicBool::new(false),
            },
        }
    }

    /// Rotates to these epochs while clients ask; how many requests they made at each upstream.
    fn rotate(&self, epochs: std::ops::RangeInclusive<u32>) -> Vec<usize> {
        self.load.stop.store(false, Ordering::Relaxed);
        thread::scope(|scope| {
            let addrs = (0..MODES.len()).map(|n| self.egret.addr(n));
            let ask = |addr| scope.spawn(move || self.load.run(addr));
            let clients: Vec<Vec<_>> = addrs
                .map(|addr| (0..CLIENTS_PER_UPSTREAM).map(|_| ask(addr)).collect())
                .collect();
            // A panic here must not leave the clients asking.
            let stop = Stop(&self.load.stop);
            for epoch in epochs {
                write(&self.world, &self.certificates[epoch as usize - 1]);
                let line = format!("reloaded identity \"x\": epoch {epoch}, ");
                self.egret.wait_line(&line);
                self.load.epoch.store(epoch, Ordering::SeqCst);
            }
            drop(stop);
            let requests = |client: thread::ScopedJoinHandle<_>| client.join().expect("no panic");
            let of_upstream = |clients: Vec<_>| clients.into_iter().map(requests).sum();
            clients.into_iter().map(of_upstream).collect()
        })
    }

    /// Descriptors beside those of clients and upstream connections, all of which are at rest.
    fn descriptors(&self) -> usize {
        let open: u64 = self.upstreams.iter().map(Upstream::open_connections).sum();
        self.egret.descriptors() - open as usize
    }
}

struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Certificate and key in one file, renamed over the former: never half a pair.
fn write(world: &World, leaf: &Leaf) {
    let text = format!("{}{}", leaf.cert_pem, leaf.key_pem);
    world.dir.write("x.pem", &text);
}

#[test]
fn a_thousand_rotations_under_load_lose_nothing_mix_nothing_and_leave_nothing_behind() {
    let mut it = Setting::start();
    let before = it.descriptors();
    let first = it.rotate(2..=WARM_UP);
    wait_until("all that was opened is closed", || {
        it.descriptors() == before
    });
    let rss = it.egret.rss_kib();
    let rest = it.rotate(WARM_UP + 1..=ROTATIONS + 1);
    wait_until("all that was opened is closed", || {
        it.descriptors() == before
    });
    let (grown, limit) = (it.egret.rss_kib().saturating_sub(rss), GROWTH_KIB);
    assert!(grown <= limit, "{rss} KiB and {grown} KiB more");

    let mut total = 0;
    for (upstream, counted) in it.upstreams.iter().zip(first.iter().zip(&rest)) {
        let asked = counted.0 + counted.1;
        upstream.state(|state| {
            assert_eq!(state.seen.len(), asked, "both count");
            assert!(state.seen.iter().all(|seen| seen.complete));
            assert_eq!(state.failures, Vec::<String>::new());
            assert!(state.resumed > 0, "resumption is tried");
            assert!(
                state.seen.iter().any(|seen| seen.request > 1),
                "so is reuse"
            );
            for seen in &state.seen {
                let tagged: u32 = seen
                    .header("x-epoch")
                    .and_then(|t| t.parse().ok())
                    .expect("tag");
                assert!(
                    epoch_of(seen.client_subject.as_deref()) >= tagged,
                    "{seen:?}"
                );
            }
        });
        eprintln!(
            "{asked} requests, {} full, {} resumed",
            upstream.full_handshakes(),
            upstream.resumed_handshakes()
        );
        total += asked;
    }
    it.egret.signal("TERM");
    assert_eq!(it.egret.wait_exit().code(), Some(0));
    let counters = format!("identity \"x\": {total} requests, 0 failures, 0 retried; ");
    it.egret.wait_line(&counters);
    eprintln!(
        "rss {rss} + {grown} KiB; {}",
        it.egret.log().lines().last().unwrap_or_default()
    );
}
