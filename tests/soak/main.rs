//! Everything at once, at random: upstreams that restart, reset, stall, cut off, refuse and answer
//! nonsense; clients that pipeline, abort, stall and send garbage; reloads, bad files and names that
//! are lost. Every answer is looked at.
//!
//! `make soak SECONDS=60`; `EGRET_SEED=…` makes the same choices again.

mod chaos;
mod clients;
mod ledger;
mod plan;
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
use random::Random;
use support::dns::{Dns, Mode};
use support::egret::Egret;
use support::upstream::{OnAccept, Resumption, Upstream, Versions};
use support::wait_until;
use support::world::World;
use watch::Sample;

/// What egret is told; the ledger knows it too.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(2);

/// In `cargo test`.
const SECONDS: u64 = 6;
const CLIENTS: usize = 24;
/// Of the last tables that were full: what the allocator keeps and does not give back.
const GROWTH_KIB: u64 = 2048;

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
    let names = ["localhost", "127.0.0.1", "*.cloud.test"];
    let upstream = Upstream::builder(&world.servers.server(&names))
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
    }
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
        let mut builder = Egret::builder(env!("CARGO_BIN_EXE_egret")).ca(&world.ca);
        for name in ROTATED {
            let limits = match name {
                "narrow" => "connections=2,waiting=2,sessions=1",
                _ => "connections=48,waiting=64,sessions=8",
            };
            let file = write_identity(&world.dir, &world, name, 1);
            builder = builder.identity(&format!("{name},cert={file},{limits}"));
        }
        builder = builder.identity("none,connections=48,waiting=64,sessions=2");
        let timeouts = [
            ("--connect-timeout", "2s"),
            ("--response-timeout", "2s"),
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
        if let Some(dns) = &dns {
            // An upstream of its own: what ails it is told from what ails the others.
            let named = cloud(&world, BY_NAME, KINDS[1]);
            let port = named.upstream.port();
            clouds.push(named);
            builder = builder.forward_at("127.0.0.99:0", "to=*.cloud.test:*,identity=a");
            routes.push(("a", BY_NAME, Some(port)));
            builder = dns.asked_by(builder);
        }
        let egret = builder.arg("--access-log").start();
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

    /// Lets everybody loose; what was sampled meanwhile.
    fn run(&mut self, ledger: &Ledger, time: Duration, random: &mut Random) -> Vec<Sample> {
        let clouds = std::mem::take(&mut self.clouds);
        let this = &*self;
        thread::scope(|scope| {
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
            for cloud in clouds {
                cloud.join().expect("an upstream").stop(ledger);
            }
            watch.join().expect("a watch")
        })
    }
}

/// The most of the second half is not much more than the most of the first.
fn assert_flat(samples: &[Sample]) {
    let (first, second) = samples.split_at(samples.len() / 2);
    let most = |half: &[Sample]| half.iter().map(|one| one.rss_kib).max().unwrap_or_default();
    let (before, after) = (most(first), most(second));
    println!("soak: {before} KiB at most in the first half, {after} in the second");
    assert!(after <= before + GROWTH_KIB, "memory grows: {samples:?}");
}

#[test]
fn every_answer_is_right_whatever_happens() {
    let (time, seed) = (seconds(), random::seed());
    println!("soak: {time:?}, EGRET_SEED={seed}");
    let (ledger, mut random) = (Ledger::default(), Random::new(seed));
    let mut soak = Soak::start();
    let descriptors = soak.egret.descriptors();
    let samples = soak.run(&ledger, time, &mut random);
    watch::read_log(&ledger, &soak.egret);
    let seen = ledger.seen.load(Ordering::SeqCst);
    println!(
        "soak: {} requests, {seen} seen by upstreams",
        ledger.requests()
    );
    println!("soak: {:?}", ledger.counts());
    let wrong = ledger.all_wrong();
    assert!(
        wrong.is_empty(),
        "EGRET_SEED={seed}:
{}
---- the end of the logs of egret ----
{}",
        wrong.join(
            "
"
        ),
        ledger.log()
    );
    // Nothing is left of it.
    let since = Instant::now();
    wait_until("the descriptors of before", || {
        soak.egret.descriptors() <= descriptors
    });
    let most = samples.iter().map(|one| one.descriptors).max();
    println!(
        "soak: {descriptors} descriptors at rest, {most:?} at most, at rest again after {:?}",
        since.elapsed()
    );
    assert_flat(&samples);
    soak.egret.signal("TERM");
    assert!(soak.egret.wait_exit().success());
}
