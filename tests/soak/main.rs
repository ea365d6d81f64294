//! Everything at once, at random: upstreams that restart, reset, stall, cut off, refuse, rotate and
//! answer nonsense; clients that pipeline, abort, stall and send garbage; reloads, bad files and names
//! that are lost. Every answer is looked at, and halfway what is held at rest.
//!
//! `make soak SECONDS=60`; `EGRET_SEED=…` makes the same choices again.

mod chaos;
mod clients;
mod counted;
#[allow(dead_code)]
#[path = "../memory/heap.rs"]
mod heap;
mod ledger;
mod plan;
#[allow(dead_code)]
#[path = "../peers/port.rs"]
mod port;
mod random;
#[path = "../support/mod.rs"]
mod support;
mod watch;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use chaos::{Cloud, write_identity};
use clients::Entry;
use ledger::Ledger;
use port::Port;
use random::Random;
use support::dns::{Dns, Mode};
use support::egret::Egret;
use support::upstream::{OnAccept, Resumption, Upstream, Versions};
use support::wait_until;
use support::world::World;
use watch::Sample;

/// What egret is told, and longer than a busy machine stands still; the ledger knows it too.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);

/// In `cargo test`.
const SECONDS: u64 = 6;
const CLIENTS: usize = 24;
/// Of the last tables that were full: what the allocator keeps and does not give back.
const GROWTH_KIB: u64 = 2048;
/// Of the heap at rest: tables that have yet to become full, with what happens to be in them.
const GROWTH: usize = 64 * 1024;
/// How many times egret tells that it holds no less before that is its rest.
const CALM: u32 = 20;
/// For so long, everything happens that can.
const LONG: Duration = Duration::from_secs(30);

/// One upstream of each kind of session.
const KINDS: [(Versions, Resumption); 3] = [
    (Versions::Only12, Resumption::SessionIds),
    (Versions::Both, Resumption::Tickets),
    (Versions::Only13, Resumption::Tickets),
];
/// Where names are lost: the same upstream as the second, through a forward listener.
const BY_NAME: usize = KINDS.len();
const ROTATED: [&str; 3] = ["a", "b", "narrow"];
const IDENTITIES: [&str; 4] = ["a", "b", "narrow", "none"];

/// What the ledger must have counted by then.
const EVENTS: [&str; 16] = [
    "fault Down",
    "fault Refuses",
    "fault Accepts",
    "rotation",
    "server's rotation",
    "bad file",
    "stalled",
    "aborted",
    "garbage",
    "408",
    "cut",
    "answer 200",
    "http_response_timeout",
    "tls_alert_received",
    "connection_limit_reached",
    "snapshot line",
];

fn seconds() -> Duration {
    let told = std::env::var("EGRET_SOAK_SECONDS")
        .ok()
        .filter(|text| !text.is_empty());
    let told = told.map(|text| text.parse().expect("a number of seconds"));
    Duration::from_secs(told.unwrap_or(SECONDS))
}

fn cloud(world: &World, number: usize, (versions, resumption): (Versions, Resumption)) -> Cloud {
    let astray = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&astray);
    let port = Port::reserve();
    let upstream = Upstream::builder(&world.servers.server(&chaos::NAMES))
        .port(port.address().port())
        .requests(&world.devices)
        .versions(versions)
        .resumption(resumption)
        .handler(plan::answer)
        .on_accept(move |connection| match told.load(Ordering::SeqCst) {
            true => chaos::astray(connection),
            false => OnAccept::Serve,
        })
        .start();
    Cloud {
        number,
        upstream,
        astray,
        _port: port,
    }
}

/// What half of the time came to.
struct Half {
    samples: Vec<Sample>,
    /// At rest after it.
    heap: usize,
}

struct Soak {
    egret: Egret,
    clouds: Vec<Cloud>,
    entries: Vec<Entry>,
    dns: Option<Dns>,
    world: World,
}

impl Soak {
    fn start() -> Self {
        let world = World::new();
        let kinds = KINDS.into_iter().enumerate();
        let mut clouds: Vec<_> = kinds.map(|(n, kind)| cloud(&world, n, kind)).collect();
        let mut builder = counted::builder().ca(&world.ca);
        for name in ROTATED {
            let limits = match name {
                "narrow" => "connections=2,waiting=2,sessions=1",
                _ => "connections=48,waiting=64,sessions=8",
            };
            let file = write_identity(&world.dir, &world, name, 1);
            builder = builder.identity(&format!("{name},cert={file},{limits}"));
        }
        builder = builder.identity("none,connections=48,waiting=64,sessions=2");
        for (option, time) in [
            ("--connect-timeout", CONNECT_TIMEOUT),
            ("--response-timeout", RESPONSE_TIMEOUT),
        ] {
            builder = builder.option(option, &time.as_secs().to_string());
        }
        let timeouts = [
            ("--wait-timeout", "2s"),
            ("--header-timeout", "1s"),
            ("--upstream-idle", "1s"),
            ("--reload-interval", "200ms"),
            ("--max-clients", "1024"),
        ];
        for (option, value) in timeouts {
            builder = builder.option(option, value);
        }
        let mut routes = Vec::new();
        for (number, cloud) in clouds.iter().enumerate() {
            for identity in IDENTITIES {
                builder =
                    builder.route(&format!("to={},identity={identity}", cloud.upstream.url()));
                routes.push((identity, number, None));
            }
        }
        let dns = Dns::start(Mode::Found);
        if dns.is_some() {
            // An upstream of its own: what ails it is told from what ails the others.
            let named = cloud(&world, BY_NAME, KINDS[1]);
            let port = named.upstream.port();
            clouds.push(named);
            builder = builder.forward_at("127.0.0.99:0", "to=*.cloud.test:*,identity=a");
            routes.push(("a", BY_NAME, Some(port)));
        }
        let mut builder = counted::as_egret(builder.arg("--access-log"));
        if let Some(dns) = &dns {
            builder = dns.asked_by(builder);
        }
        let egret = builder.start();
        let entry = |(n, (identity, cloud, forward))| Entry {
            addr: egret.addr(n),
            identity,
            cloud,
            forward,
            narrow: identity == "narrow",
        };
        let entries = routes.into_iter().enumerate().map(entry).collect();
        Self {
            entries,
            egret,
            clouds,
            dns,
            world,
        }
    }

    /// Lets everybody loose, until all is at rest again; what was sampled meanwhile.
    fn run(&mut self, ledger: &Ledger, time: Duration, random: &mut Random) -> Vec<Sample> {
        ledger.begin();
        for cloud in &mut self.clouds {
            cloud.restart(ledger);
        }
        let clouds = std::mem::take(&mut self.clouds);
        let this = &*self;
        let (samples, clouds) = thread::scope(|scope| {
            let misbehave = |cloud: Cloud| {
                let random = random.fork();
                scope.spawn(move || cloud.misbehave(ledger, &this.world, random))
            };
            let clouds: Vec<_> = clouds.into_iter().map(misbehave).collect();
            let ask = |_| {
                let random = random.fork();
                scope.spawn(move || clients::run(ledger, &this.entries, random))
            };
            let clients: Vec<_> = (0..CLIENTS).map(ask).collect();
            let (mut files, names) = (random.fork(), random.fork());
            let rotated = files.fork();
            scope.spawn(move || chaos::rotate(ledger, &this.world, &this.egret, &ROTATED, rotated));
            if let Some(dns) = &this.dns {
                scope.spawn(move || chaos::lose_names(ledger, dns, BY_NAME, names));
            }
            scope.spawn(move || {
                ledger.pause(time);
                ledger.end();
            });
            let watch = scope.spawn(|| watch::run(ledger, &this.egret));
            // Upstreams answer until the last client has what it asked for.
            clients
                .into_iter()
                .for_each(|client| client.join().expect("a client"));
            let stopped = clouds.into_iter().map(|cloud| {
                let mut cloud = cloud.join().expect("an upstream");
                cloud.stop(ledger);
                cloud
            });
            let clouds: Vec<_> = stopped.collect();
            (watch.join().expect("a watch"), clouds)
        });
        self.clouds = clouds;
        watch::read_log(ledger, &self.egret);
        samples
    }

    /// Waits until nothing is left of what was; the heap that is held then.
    fn rest(&self, ledger: &Ledger, descriptors: usize) -> usize {
        let since = Instant::now();
        wait_until("the descriptors of before", || {
            self.egret.descriptors() <= descriptors
        });
        let after = since.elapsed();
        let heap = ledger.heap_at_rest(CALM, || watch::read_log(ledger, &self.egret));
        println!("soak: {descriptors} descriptors again after {after:?}, and {heap} bytes of heap");
        heap
    }
}

/// The most of the second half is not much more than the most of the first.
fn assert_flat(halves: &[Half]) {
    let [first, second] = halves else {
        panic!("another number of halves");
    };
    let of = |half: &Half| half.samples.iter().map(|one| one.rss_kib).max();
    let (before, after) = (
        of(first).unwrap_or_default(),
        of(second).unwrap_or_default(),
    );
    println!("soak: {before} KiB resident at most in the first half, {after} in the second");
    let samples = halves.iter().flat_map(|half| &half.samples);
    let most = samples.map(|one| one.descriptors).max();
    println!("soak: {most:?} descriptors at most");
    assert!(after <= before + GROWTH_KIB, "memory grows");
    assert!(second.heap <= first.heap + GROWTH, "the heap grows");
}

/// What was to happen did.
fn assert_eventful(ledger: &Ledger, has_names: bool) {
    let counts = ledger.counts();
    let names = has_names.then_some("fault Dns");
    for what in EVENTS.iter().chain(&names) {
        assert!(counts.contains_key(*what), "no {what:?}: {counts:?}");
    }
}

#[track_caller]
fn assert_right(ledger: &Ledger, seed: u64) {
    let wrong = ledger.all_wrong().join("\n");
    assert!(
        wrong.is_empty(),
        "EGRET_SEED={seed}:\n{wrong}\n---- the end of the logs of egret ----\n{}",
        ledger.log()
    );
}

#[test]
fn every_answer_is_right_whatever_happens() {
    let (time, seed) = (seconds(), random::seed());
    println!("soak: {time:?}, EGRET_SEED={seed}");
    let (ledger, mut random) = (Ledger::default(), Random::new(seed));
    let mut soak = Soak::start();
    let descriptors = soak.egret.descriptors();
    let mut halves = Vec::new();
    for _ in 0..2 {
        let samples = soak.run(&ledger, time / 2, &mut random);
        assert_right(&ledger, seed);
        let heap = soak.rest(&ledger, descriptors);
        halves.push(Half { samples, heap });
    }
    println!("soak: {:?}", ledger.counts());
    let seen = ledger.seen.load(Ordering::SeqCst);
    println!(
        "soak: {} requests, {seen} seen by upstreams",
        ledger.requests()
    );
    if time >= LONG {
        assert_eventful(&ledger, soak.dns.is_some());
    }
    assert_flat(&halves);
    soak.egret.signal("TERM");
    assert!(soak.egret.wait_exit().success());
}
