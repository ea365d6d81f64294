//! Hostile clients and hostile upstreams, all at once. What egret holds stays below what `check`
//! prints, and who has another identity and another listener is answered as ever (`make abuse`).

mod attacks;
#[allow(dead_code)]
#[path = "../memory/clients.rs"]
mod clients;
#[allow(dead_code)]
#[path = "../memory/egret.rs"]
mod egret;
mod full;
#[allow(dead_code)]
#[path = "../memory/heap.rs"]
mod heap;
#[path = "../support/mod.rs"]
mod support;
#[allow(dead_code)]
#[path = "../memory/upstreams.rs"]
mod upstreams;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use ::egret::check::{Line, worst_case};
use ::egret::config;
use ::egret::flags::{self, Parsed};
use attacks::{ATTACKS, Doors, crowd};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use support::client::Client;
use support::upstream::{Reply, Resumption, Seen, Step, Upstream};
use upstreams::World;

/// How long hostile clients come and go.
const TIME: Duration = Duration::from_secs(8);
/// What is held has come to its most when it did not rise for so long.
const CALM: Duration = Duration::from_secs(1);
const CROWD: usize = 10_000;
/// At each listener that is attacked.
const CLIENTS: usize = 48;
/// Of the identity that is attacked.
const CONNECTIONS: usize = 40;
const GOOD_CLIENTS: usize = 4;
/// What a good client may wait at the very most, on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_secs(2);
/// What `check` cannot know of: pages that the allocator holds and does not use.
const RSS_MARGIN: usize = 1024 * 1024;

/// There is one heap, and one machine: attacks take turns.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is attacked, and with what.
struct Scene {
    options: Vec<String>,
    /// What follows LISTEN, for [`Doors`] in their order and, last, the good one.
    routes: Vec<String>,
    upstreams: Vec<Upstream>,
    _world: World,
}

/// Interim responses or fields without end, by path.
fn endless_heads(seen: &Seen) -> Reply {
    let (start, again) = match seen.target.as_str() {
        "/interim" => ("", "HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n"),
        _ => ("HTTP/1.1 200 OK\r\n", "X-Again: and again\r\n"),
    };
    let piece = again.repeat(4000).into_bytes();
    let pieces = std::iter::repeat_n(Step::Bytes(piece), 50);
    let start = Step::Bytes(start.as_bytes().to_vec());
    Reply::script(std::iter::once(start).chain(pieces).collect())
}

impl Scene {
    fn new() -> Self {
        let world = World::new();
        let leaf = world.ca.server(&["127.0.0.1"]);
        let upstreams = vec![
            world.upstream().start(),
            Upstream::builder(&leaf)
                .resumption(Resumption::LargeTickets(64_500))
                .tickets(8)
                .handler(|_| Reply::status(200).close())
                .start(),
            Upstream::builder(&leaf).handler(endless_heads).start(),
            Upstream::builder(&leaf).start(),
        ];
        upstreams[0].answer(|seen| match seen.target.as_str() {
            "/stall" => Reply::script(vec![Step::Stall]),
            "/ten" => Reply::status(200).body(vec![b'x'; 10_000_000]),
            _ => Reply::script(vec![
                Step::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 9000000000\r\n\r\n".to_vec()),
                Step::Fill(9_000_000_000),
            ]),
        });
        let mut options = world.options(&format!(
            "bad,connections={CONNECTIONS},waiting=256,sessions=2"
        ));
        options.push("--identity=good,connections=2,waiting=8,sessions=1".into());
        options.push("--connect-timeout=2s".into());
        options.push("--wait-timeout=1m".into());
        let route = |addr: SocketAddr, identity: &str| {
            let clients = match identity {
                // One that comes anew may be seen before the connection it left is.
                "good" => GOOD_CLIENTS * 2,
                _ => CLIENTS,
            };
            format!("to=https://{addr},identity={identity},clients={clients}")
        };
        let routes = vec![
            route(upstreams[0].addr(), "bad"),
            route(upstreams[1].addr(), "bad"),
            route(upstreams::endless_handshake(), "bad"),
            route(upstreams[2].addr(), "bad"),
            route(upstreams[3].addr(), "good"),
        ];
        Self {
            options,
            routes,
            upstreams,
            _world: world,
        }
    }

    /// What `check` would print.
    fn granted(&self) -> usize {
        let routes = self.routes.iter().zip(1..);
        let routes = routes.map(|(route, n)| format!("--route=127.0.0.{n}:1,{route}"));
        let config = match flags::parse(self.options.iter().cloned().chain(routes)) {
            Parsed::Run(flags) => config::build(&flags).expect("options that are right"),
            other => panic!("{other:?}"),
        };
        worst_case(&config, 1, 0).iter().map(Line::bytes).sum()
    }
}

/// All places taken, then everything at once; the most that `held` told meanwhile.
fn attack(scene: &Scene, addrs: &[SocketAddr], held: impl Fn() -> usize + Sync) -> usize {
    let [answers, tickets, certificates, heads, good] = addrs else {
        panic!("another number of listeners");
    };
    let doors = Doors {
        answers: *answers,
        tickets: *tickets,
        certificates: *certificates,
        heads: *heads,
    };
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let good: Vec<_> = (0..GOOD_CLIENTS)
            .map(|_| scope.spawn(|| ask_well(*good, &is_over)))
            .collect();
        let bad = scope.spawn(|| {
            stay(&doors, &scene.upstreams[0], &held);
            come_and_go(&doors);
        });
        let mut most_held = held();
        while !bad.is_finished() {
            most_held = most_held.max(held());
            thread::park_timeout(Duration::from_millis(10));
        }
        is_over.store(true, Ordering::SeqCst);
        let answers = good
            .into_iter()
            .flat_map(|one| one.join().expect("good answers"));
        let mut took: Vec<_> = answers.collect();
        took.sort();
        let (p99, most) = (took[took.len() * 99 / 100], took[took.len() - 1]);
        println!(
            "abuse: {} good answers, p99 {p99:?}, at most {most:?}",
            took.len()
        );
        assert!(most < PATIENCE, "a good client waited for {most:?}");
        most_held
    })
}

/// Every place taken until that is all that can be held, and a crowd before the doors.
fn stay(doors: &Doors, answers: &Upstream, held: &impl Fn() -> usize) {
    let _held = full::fill(doors, answers);
    let _crowd = crowd(doors, descriptors_for(CROWD));
    let (mut most, mut since) = (held(), Instant::now());
    while since.elapsed() < CALM {
        thread::park_timeout(Duration::from_millis(10));
        let now = held();
        if now > most {
            (most, since) = (now, Instant::now());
        }
    }
}

/// Every attack again and again, and the crowd.
fn come_and_go(doors: &Doors) {
    let _crowd = crowd(doors, descriptors_for(CROWD));
    println!("abuse: {} connections that say nothing", _crowd.len());
    let until = Instant::now() + TIME;
    thread::scope(|scope| {
        for (what, act) in ATTACKS {
            let named = thread::Builder::new().name((*what).into());
            named
                .spawn_scoped(scope, move || act(doors, until))
                .expect("a thread");
        }
    });
}

/// How long each answer took.
fn ask_well(addr: SocketAddr, is_over: &AtomicBool) -> Vec<Duration> {
    let mut client = Client::connect(addr);
    let mut took = Vec::new();
    while !is_over.load(Ordering::SeqCst) {
        let (began, number) = (Instant::now(), took.len().to_string());
        let response = client.get(&format!("/{number}")).expect("an answer");
        assert_eq!(response.status, 200, "{}", response.text());
        assert_eq!(response.echo("target"), Some(format!("/{number}")));
        took.push(began.elapsed());
        if took.len() % 50 == 0 {
            drop(client);
            client = Client::connect(addr);
        }
        thread::park_timeout(Duration::from_millis(2));
    }
    took
}

/// So many descriptors, if the system lets us have them; in CI it must.
fn descriptors_for(wanted: usize) -> usize {
    const OTHERS: u64 = 2000;
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Nofile, raised).expect("the hard limit");
    let most = limit.maximum.unwrap_or(u64::MAX).saturating_sub(OTHERS);
    if most < wanted as u64 {
        support::leave_out("too few descriptors for ten thousand connections");
    }
    wanted.min(usize::try_from(most).unwrap_or(usize::MAX))
}

#[test]
fn the_heap_stays_below_what_check_prints() {
    let _alone = alone();
    let scene = Scene::new();
    let granted = scene.granted();
    heap::forget_peak();
    let before = heap::live();
    let egret = egret::Egret::start(&scene.options, &scene.routes);
    let addrs: Vec<_> = (0..scene.routes.len()).map(|n| egret.addr(n)).collect();
    let peak = attack(&scene, &addrs, heap::peak) - before;
    println!("abuse: {peak} bytes of heap at most, {granted} granted");
    assert!(peak <= granted);
    // The attack was one: nearly all places were taken, and what they hold was held.
    assert!(peak > granted / 4 * 3, "the attack reached too little");
}

#[test]
fn resident_memory_stays_near_what_check_prints() {
    let _alone = alone();
    let scene = Scene::new();
    let granted = scene.granted();
    let mut builder = support::egret::Egret::builder(env!("CARGO_BIN_EXE_egret"));
    for option in &scene.options {
        builder = builder.arg(option);
    }
    for route in &scene.routes {
        builder = builder.route(route);
    }
    let egret = builder.start();
    let addrs: Vec<_> = (0..scene.routes.len()).map(|n| egret.addr(n)).collect();
    let resident = || egret.rss_kib() as usize * 1024;
    let before = resident();
    let most = attack(&scene, &addrs, || {
        egret.take_log();
        resident()
    });
    let grown = most - before;
    let allowed = granted + granted / 4 + RSS_MARGIN;
    println!("abuse: {grown} bytes more resident at most, {allowed} allowed");
    assert!(grown <= allowed);
}
