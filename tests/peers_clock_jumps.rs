//! The wall clock jumps while egret runs, and what is under way or kept goes on, as far as the server's
//! certificate is valid on either side of the jump. Timeouts see none of it.
#![cfg(feature = "peers")]

mod peers;
mod support;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, UNIX_EPOCH};

use peers::clock::{
    Clock, DAY, HOUR, SECOND, UNSET, after, ask, assert_clock, assert_not_set, dates, egret_on,
    hold, present,
};
use support::PATIENCE;
use support::certs::Spec;
use support::client::{self, Client};
use support::egret::Egret;
use support::upstream::{Reply, Resumption, Seen, Step, Upstream, Versions};
use support::world::World;

const EGRET: &str = env!("CARGO_BIN_EXE_egret");

const MODES: [(Versions, Resumption); 3] = [
    (Versions::Only12, Resumption::SessionIds),
    (Versions::Only12, Resumption::Tickets),
    (Versions::Only13, Resumption::Tickets),
];

/// An upstream for each of [`MODES`]; for each a listener of an egret that keeps connections, and
/// one of an egret that keeps sessions alone. Both are in the present.
struct Site {
    clock: Clock,
    upstreams: Vec<Upstream>,
    pooling: Egret,
    resuming: Egret,
    /// When the server's certificate begins and when it ends, as messages have it.
    dates: (String, String),
    _world: World,
}

impl Site {
    /// The server's certificate is valid from `before` the present until `after` it.
    fn start(before: Duration, after: Duration) -> Self {
        let (world, clock) = (World::new(), Clock::new());
        clock.set(present());
        let spec = Spec::server(&["localhost"]).valid(present() - before, present() + after);
        let leaf = world.servers.issue(&spec);
        let upstreams = MODES.map(|(versions, resumption)| {
            let upstream = Upstream::builder(&leaf).resumption(resumption);
            upstream.versions(versions).start()
        });
        let device = world.device("x");
        let egret = |upstream_idle| {
            let mut egret = egret_on(&clock, EGRET, &world)
                .option("--upstream-idle", upstream_idle)
                .identity(&device);
            for upstream in &upstreams {
                egret = egret.route(&format!("to={},identity=x", upstream.url()));
            }
            egret.start()
        };
        Self {
            pooling: egret("60s"),
            resuming: egret("0"),
            upstreams: upstreams.into(),
            dates: dates(&leaf),
            clock,
            _world: world,
        }
    }

    /// Makes a connection and a session of each mode.
    fn begin(&self) {
        for mode in 0..MODES.len() {
            assert_eq!(self.pool(mode).request, 1);
            assert!(!self.resume(mode).resumed);
        }
        self.assert_goes_on();
    }

    /// What was made at the beginning is still used.
    fn assert_goes_on(&self) {
        for (mode, name) in MODES.iter().enumerate() {
            assert_eq!(self.pool(mode).connection, 1, "{name:?}");
            assert!(self.resume(mode).resumed, "{name:?}");
        }
    }

    /// Every request is refused with this text, whatever lies in the pool or can be resumed.
    fn assert_refused(&self, status: u16, text: &str) {
        for (mode, name) in MODES.iter().enumerate() {
            for egret in [&self.pooling, &self.resuming] {
                let answer = client::get(egret.addr(mode), "/");
                let said = answer.text();
                assert_eq!(answer.status, status, "{name:?}: {said}");
                assert!(said.contains(text), "{text:?} is not in {said:?}");
            }
        }
    }

    fn pool(&self, mode: usize) -> Seen {
        ask(&self.upstreams[mode], self.pooling.addr(mode))
    }

    fn resume(&self, mode: usize) -> Seen {
        ask(&self.upstreams[mode], self.resuming.addr(mode))
    }
}

#[test]
fn connections_and_sessions_go_on_over_jumps_within_their_certificates_lives() {
    let site = Site::start(3 * DAY, 3 * DAY);
    site.begin();
    // Sessions too, though more than their hour has passed on the wall.
    for time in [present() + 2 * HOUR, present() - 6 * HOUR, present()] {
        site.clock.set(time);
        site.assert_goes_on();
    }
    // The server gave its tickets 12 hours, and its session ids no time.
    site.clock.set(present() + DAY);
    for (mode, (_, resumption)) in MODES.iter().enumerate() {
        assert_eq!(site.pool(mode).connection, 1);
        let lasts = *resumption == Resumption::SessionIds;
        assert_eq!(site.resume(mode).resumed, lasts, "{:?}", MODES[mode]);
    }
}

#[test]
fn a_jump_past_the_end_of_the_servers_certificate_is_502_with_both_times_and_heals() {
    let site = Site::start(3 * DAY, 3 * DAY);
    site.begin();
    let then = present() + 365 * DAY;
    site.clock.set(then);
    site.assert_refused(502, "its certificate is not trusted: it expired at ");
    let text = client::get(site.pooling.addr(0), "/").text();
    assert_eq!(after(&text, "it expired at "), site.dates.1);
    assert_clock(after(&text, "and our clock says "), then);
    site.clock.set(present());
    for mode in 0..MODES.len() {
        assert!(!site.resume(mode).resumed, "it ended");
        assert!(site.resume(mode).resumed);
        assert!(site.pool(mode).connection > 1, "it ended");
    }
}

#[test]
fn a_jump_past_the_end_of_a_certificate_closes_what_lies_idle() {
    let mut site = Site::start(3 * DAY, 3 * DAY);
    site.begin();
    site.clock.set(present() + 365 * DAY);
    // Dates are looked at each minute, and after the files.
    site.pooling.signal("HUP");
    site.pooling.wait_line("unchanged, keeping epoch 1");
    site.pooling.signal("TERM");
    site.pooling.wait_exit();
    site.pooling.wait_line("not kept certificate_ended=3");
}

#[test]
fn a_jump_back_before_the_servers_certificate_is_502_with_both_times_and_heals() {
    let site = Site::start(HOUR, 3 * DAY);
    site.begin();
    let yesterday = present() - DAY;
    site.clock.set(yesterday);
    site.assert_refused(
        502,
        "its certificate is not trusted: it is not valid before ",
    );
    let text = client::get(site.pooling.addr(0), "/").text();
    assert_eq!(after(&text, "it is not valid before "), site.dates.0);
    assert_clock(after(&text, "and our clock says "), yesterday);
    assert!(text.contains("check the device's clock"), "{text}");
    site.clock.set(present());
    for mode in 0..MODES.len() {
        site.pool(mode);
        site.resume(mode);
        assert!(site.resume(mode).resumed);
    }
}

#[test]
fn a_jump_back_to_1970_is_503_and_what_was_there_goes_on_afterwards() {
    let site = Site::start(3 * DAY, 3 * DAY);
    site.begin();
    let connections: Vec<_> = site.upstreams.iter().map(Upstream::connections).collect();
    site.clock.unset();
    site.assert_refused(503, "clock is not set");
    for egret in [&site.pooling, &site.resuming] {
        egret.signal("HUP");
        egret.wait_line(UNSET);
        assert_not_set(&client::get(egret.addr(0), "/"));
    }
    let now: Vec<_> = site.upstreams.iter().map(Upstream::connections).collect();
    assert_eq!(now, connections);
    site.clock.set(present());
    site.assert_goes_on();
    for egret in [&site.pooling, &site.resuming] {
        egret.wait_line("the clock is set: ");
    }
}

#[test]
fn no_jump_cuts_a_request_or_a_client_off() {
    let site = Site::start(3 * DAY, 3 * DAY);
    let upstream = &site.upstreams[2];
    let gate = hold(upstream);
    let listener = site.pooling.addr(2);
    let mut kept = Client::connect(listener);
    assert_eq!(kept.get("/").expect("an answer").status, 200);
    let held = thread::spawn(move || client::get(listener, "/held").status);
    upstream.wait_until(|state| state.seen.len() == 2);
    // Each is longer than any timeout, and the last two end what may be begun.
    let jumps = [present() + DAY, present() - DAY, present() + 365 * DAY];
    for time in jumps.into_iter().chain([UNIX_EPOCH + 10 * SECOND]) {
        site.clock.set(time);
        let answer = kept.get("/").expect("an answer");
        assert!(
            [200, 502, 503].contains(&answer.status),
            "{}",
            answer.text()
        );
    }
    gate.open();
    assert_eq!(held.join().expect("an answer"), 200);
    site.clock.set(present());
    assert_eq!(kept.get("/").expect("an answer").status, 200);
}

/// What a client says goes out at the far end, and the other way round.
fn assert_open(near: &mut Client<TcpStream>, far: &mut TcpStream) {
    near.write_raw(b"there").expect("written");
    let mut there = [0; 5];
    far.read_exact(&mut there).expect("bytes");
    far.write_all(b"back!").expect("written");
    assert_eq!(
        (&there, &*near.read_exact(5).expect("bytes")),
        (b"there", &b"back!"[..])
    );
}

#[test]
fn no_jump_cuts_an_upgrade_or_a_tunnel_off() {
    const SWITCHING: &[u8] =
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n";
    let (world, clock) = (World::new(), Clock::new());
    clock.set(present());
    let switch = |_: &Seen| Reply::script(vec![Step::Bytes(SWITCHING.to_vec()), Step::Echo]);
    let server = world.servers.server(&["localhost"]);
    let upstream = Upstream::builder(&server).handler(switch).start();
    let far = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let to = far.local_addr().expect("an address");
    let egret = egret_on(&clock, EGRET, &world)
        .identity(&world.device("x"))
        .route(&format!("to={},identity=x", upstream.url()))
        .forward_at("127.0.0.2:0", "to=127.0.0.1:*,identity=x,tunnel=on")
        .start();

    let mut chat = Client::connect(egret.addr(0));
    let offer = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n";
    chat.write_raw(offer).expect("written");
    assert_eq!(chat.read_head().expect("an answer").status, 101);
    let mut near = Client::connect(egret.addr(1));
    let connect = format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n\r\n");
    near.write_raw(connect.as_bytes()).expect("written");
    assert_eq!(near.read_head().expect("an answer").status, 200);
    let (mut far, _) = far.accept().expect("a connection");
    far.set_read_timeout(Some(PATIENCE)).expect("a timeout");

    for time in [
        present() + 365 * DAY,
        present() - DAY,
        UNIX_EPOCH,
        present(),
    ] {
        clock.set(time);
        chat.write_raw(b"hello").expect("written");
        assert_eq!(chat.read_exact(5).expect("an echo"), b"hello");
        assert_open(&mut near, &mut far);
    }
}

#[test]
fn a_request_that_waits_while_the_clock_is_lost_is_503_and_shakes_no_hands() {
    let (world, clock) = (World::new(), Clock::new());
    clock.set(present());
    let upstream = Upstream::builder(&world.servers.server(&["localhost"])).start();
    let gate = hold(&upstream);
    let egret = egret_on(&clock, EGRET, &world)
        .identity("one,connections=1")
        .route(&format!("to={},identity=one", upstream.url()))
        .start();
    let listener = egret.addr(0);
    let held = thread::spawn(move || client::get(listener, "/held").status);
    upstream.wait_until(|state| state.seen.len() == 1);
    let mut waiting = Client::connect(listener);
    let head = b"GET /waiting HTTP/1.1\r\nHost: x\r\n\r\n";
    waiting.write_raw(head).expect("written");
    // What follows on a second client is answered only after the one that waits was read.
    let denied = client::send(listener, b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n");
    assert_eq!(denied.status, 405);
    clock.unset();
    gate.open();
    assert_eq!(held.join().expect("an answer"), 200);
    assert_not_set(&waiting.read_response().expect("an answer"));
    assert_eq!(upstream.state(|state| state.accepted), 1);
}

#[test]
fn timeouts_come_in_time_though_the_clock_goes_back() {
    let (world, clock) = (World::new(), Clock::new());
    clock.set(present());
    let upstream = Upstream::builder(&world.servers.server(&["localhost"])).start();
    let gate = hold(&upstream);
    let egret = egret_on(&clock, EGRET, &world)
        .option("--idle-timeout", "1s")
        .option("--upstream-idle", "1s")
        .route(&format!(
            "to={},identity=none,response-timeout=1s",
            upstream.url()
        ))
        .start();
    let listener = egret.addr(0);
    let mut idle = Client::connect(listener);
    assert_eq!(idle.get("/").expect("an answer").status, 200);
    let held = thread::spawn(move || client::get(listener, "/held").status);
    upstream.wait_until(|state| state.seen.len() == 2);
    clock.set(present() - 5 * DAY);
    assert_eq!(held.join().expect("an answer"), 504);
    idle.read_to_end().expect("an orderly end");
    gate.open();
    assert_eq!(client::get(listener, "/").status, 200);
    upstream.wait_until(|state| state.open == 0);
}
