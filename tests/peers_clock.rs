//! The wall clock: a board that boots in 1970, and jumps while egret runs. libfaketime shows egret
//! another time than the upstream has; timeouts see none of it.
#![cfg(feature = "peers")]

mod peers;
mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ::egret::identity::x509;
use peers::clock::Clock;
use support::certs::{Leaf, Spec};
use support::client::{self, Client, Response};
use support::egret::{self, Egret};
use support::gate::Gate;
use support::upstream::{ClientAuth, Reply, Resumption, Seen, Step, Upstream, Versions};
use support::world::World;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

const UNSET: &str = "the clock is not set, it shows 1970-01-01T00:00:1";

/// The present of these tests lies some days ahead: one may go back from it without meeting the day
/// on which egret was built. No upstream asks for a certificate, since it would judge it by its own
/// clock, if the test does not say so.
fn present() -> SystemTime {
    SystemTime::now() + 10 * DAY
}

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
            let mut egret = egret(&world, &clock)
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
        for mode in 0..MODES.len() {
            for egret in [&self.pooling, &self.resuming] {
                let answer = client::get(egret.addr(mode), "/");
                let said = answer.text();
                assert_eq!(answer.status, status, "{:?}: {said}", MODES[mode]);
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

fn egret(world: &World, clock: &Clock) -> egret::Builder {
    clock.of(Egret::builder(env!("CARGO_BIN_EXE_egret")).ca(&world.ca))
}

fn ask(upstream: &Upstream, listener: SocketAddr) -> Seen {
    let answer = client::get(listener, "/");
    assert_eq!(answer.status, 200, "{}", answer.text());
    upstream.last().expect("the request that was answered")
}

fn lines_with(egret: &Egret, part: &str) -> usize {
    let log = egret.log();
    log.lines().filter(|line| line.contains(part)).count()
}

/// Has egret look at files and dates once more, twice, so that the first is over.
fn look_again(egret: &Egret, name: &str, epoch: u32) {
    let unchanged = format!("identity {name:?} unchanged, keeping epoch {epoch}");
    for _ in 0..2 {
        let known = lines_with(egret, &unchanged);
        egret.signal("HUP");
        let count = |lines: &[String]| lines.iter().filter(|l| l.contains(&unchanged)).count();
        egret.wait_log(|lines| count(lines) > known);
    }
}

/// As certificates and messages have it.
fn utc(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).expect("after 1970");
    x509::utc(i64::try_from(since.as_secs()).expect("a date"))
}

/// What stands in a text after `words`, up to a space or the end of the sentence.
fn after<'a>(text: &'a str, words: &str) -> &'a str {
    let (_, rest) = text
        .split_once(words)
        .unwrap_or_else(|| panic!("no {words:?} in {text:?}"));
    rest.split([' ', ';', '\n']).next().unwrap_or_default()
}

/// The clock that a message tells is that of egret, which was set to `time` lately.
fn assert_clock(told: &str, time: SystemTime) {
    let lately = utc(time)..=utc(time + 60 * SECOND);
    assert!(
        lately.contains(&told.to_owned()),
        "{told} is not in {lately:?}"
    );
}

/// When a certificate is valid, as messages have it.
fn dates(leaf: &Leaf) -> (String, String) {
    let leaf = x509::summarize(&leaf.chain()[0]).expect("a certificate");
    (x509::utc(leaf.not_before), x509::utc(leaf.not_after))
}

#[test]
fn a_board_in_1970_refuses_requests_until_its_clock_is_set_and_says_each_once() {
    let (world, clock) = (World::new(), Clock::new());
    clock.unset();
    let upstream = Upstream::builder(&world.servers.server(&["localhost"])).start();
    // It has something to say of its certificate, once there is a date to say it of.
    let spec = Spec::client("x").expires_in(15 * DAY + 12 * HOUR);
    let egret = egret(&world, &clock)
        .identity(&world.device_of("x", &spec))
        .route(&format!("to={},identity=x", upstream.url()))
        .start();
    egret.wait_line(UNSET);
    for _ in 0..3 {
        assert_not_set(&client::get(egret.addr(0), "/"));
    }
    look_again(&egret, "x", 1);
    assert_eq!(lines_with(&egret, "the clock is"), 1, "{}", egret.log());
    assert_eq!(lines_with(&egret, "its certificate"), 0, "{}", egret.log());
    assert_eq!(upstream.state(|state| state.accepted), 0);

    clock.set(present());
    ask(&upstream, egret.addr(0));
    let set = Instant::now();
    let line = egret.wait_line("the clock is set: ");
    assert!(set.elapsed() < 5 * SECOND, "its interval is a second");
    assert_clock(after(&line, "the clock is set: "), present() - 5 * SECOND);
    let warning = egret.wait_line("identity \"x\": its certificate expires on ");
    assert!(warning.contains(", in 5 days by our clock"), "{warning}");
    look_again(&egret, "x", 1);
    assert_eq!(lines_with(&egret, "the clock is"), 2, "{}", egret.log());
}

fn assert_not_set(answer: &Response) {
    assert_eq!(answer.status, 503);
    assert_eq!(
        answer.text(),
        "503 clock is not set; no certificate can be checked before it is (ntpd, chrony)\n"
    );
    assert_eq!(answer.header("retry-after"), Some("1"));
    let status = answer.header("proxy-status").unwrap_or_default();
    assert!(
        status.starts_with("egret; error=proxy_configuration_error"),
        "{status}"
    );
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

/// Answers to `/held` wait for the gate.
fn hold(upstream: &Upstream) -> Arc<Gate> {
    let gate = Gate::new();
    let held = Arc::clone(&gate);
    upstream.answer(move |seen| match seen.target.as_str() {
        "/held" => Reply::script(vec![
            Step::WaitFor(Arc::clone(&held)),
            Step::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec()),
        ]),
        _ => Reply::echo(seen),
    });
    gate
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

#[test]
fn a_request_that_waits_while_the_clock_is_lost_is_503_and_shakes_no_hands() {
    let (world, clock) = (World::new(), Clock::new());
    clock.set(present());
    let upstream = Upstream::builder(&world.servers.server(&["localhost"])).start();
    let gate = hold(&upstream);
    let egret = egret(&world, &clock)
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
    let egret = egret(&world, &clock)
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

#[test]
fn a_server_certificate_of_an_hour_ago_is_not_valid_yet_on_a_clock_a_day_behind() {
    let (world, clock) = (World::new(), Clock::new());
    let behind = present() - DAY;
    clock.set(behind);
    let spec = Spec::server(&["localhost"]).valid(present() - HOUR, present() + 90 * DAY);
    let leaf = world.servers.issue(&spec);
    let upstream = Upstream::builder(&leaf).start();
    let egret = egret(&world, &clock)
        .route(&format!("to={},identity=none", upstream.url()))
        .start();
    let answer = client::get(egret.addr(0), "/");
    let text = answer.text();
    assert_eq!(answer.status, 502, "{text}");
    assert_eq!(after(&text, "it is not valid before "), dates(&leaf).0);
    assert_clock(after(&text, "and our clock says "), behind);
    let status = answer.header("proxy-status").unwrap_or_default();
    assert!(status.contains("error=tls_certificate_error"), "{status}");
    clock.set(present());
    ask(&upstream, egret.addr(0));
}

#[test]
fn our_certificate_that_is_not_valid_yet_is_a_warning_and_for_the_server_to_judge() {
    let (world, clock) = (World::new(), Clock::new());
    clock.set(present());
    let server = world.servers.server(&["localhost"]);
    let young = Spec::client("young").valid(present() + HOUR, present() + 90 * DAY);
    let young = world.devices.issue(&young);
    // One judges it, by a clock that is still further behind; one does not ask for it.
    let strict = Upstream::builder(&server).requires(&world.devices).start();
    let careless = Upstream::builder(&server).client_auth(ClientAuth::NotAsked);
    let careless = careless.start();
    let egret = egret(&world, &clock)
        .identity(&world.dir.identity("young", &young))
        .identity(&world.device("grown"))
        .route(&format!("to={},identity=young", strict.url()))
        .route(&format!("to={},identity=grown", strict.url()))
        .route(&format!("to={},identity=young", careless.url()))
        .start();
    let warning = egret.wait_line("identity \"young\": its certificate is not valid before ");
    assert!(warning.contains("Z warn "), "{warning}");
    assert_eq!(
        after(&warning, "is not valid before ").trim_end_matches(','),
        dates(&young).0
    );
    let shown = after(&warning, "by our clock (").trim_end_matches(')');
    assert_clock(shown, present() - 10 * SECOND);
    assert!(
        warning.ends_with("wait, or set the clock right"),
        "{warning}"
    );

    let refused = client::get(egret.addr(0), "/");
    assert_eq!(refused.status, 502);
    let said = refused.text();
    let expected = "refused our certificate \"young\": TLS alert certificate_expired";
    assert!(said.contains(expected), "{said}");
    let seen = ask(&strict, egret.addr(1));
    assert_eq!(seen.client_subject.as_deref(), Some("CN=grown"));
    // It does not keep a connection from being used again either.
    for request in 1..=2 {
        assert_eq!(ask(&careless, egret.addr(2)).request, request);
    }

    look_again(&egret, "young", 1);
    assert_eq!(
        lines_with(&egret, "is not valid before"),
        1,
        "{}",
        egret.log()
    );
    clock.set(present() + 2 * HOUR);
    look_again(&egret, "young", 1);
    assert_eq!(lines_with(&egret, "its certificate"), 1, "{}", egret.log());
}

#[test]
fn notices_of_the_end_come_30_and_7_and_1_days_before_it_and_at_it_once_each() {
    const NEAR: &str = "identity \"x\": its certificate expires on ";
    const OVER: &str = "identity \"x\": its certificate expired on ";
    let (world, clock) = (World::new(), Clock::new());
    clock.set(present());
    let end = SystemTime::now() + 365 * DAY;
    let spec = Spec::client("x").valid(SystemTime::now(), end);
    let egret = egret(&world, &clock)
        .identity(&world.device_of("x", &spec))
        .route("to=https://localhost:1,identity=x")
        // The dates are looked at whenever the files are.
        .option("--reload-interval", "100ms")
        .start();
    look_again(&egret, "x", 1);
    assert_eq!(lines_with(&egret, NEAR), 0, "{}", egret.log());
    let stages = [
        (31 * DAY, 0, 0, ""),
        (30 * DAY - HOUR, 1, 0, "in 29 days"),
        (8 * DAY, 1, 0, ""),
        (7 * DAY - HOUR, 2, 0, "in 6 days"),
        (2 * DAY, 2, 0, ""),
        (DAY - HOUR / 2, 3, 0, "in 23 hours"),
        (HOUR / 2, 3, 0, ""),
    ];
    for (left, near, over, told) in stages {
        clock.set(end - left);
        egret.wait_log(|lines| lines.iter().filter(|line| line.contains(NEAR)).count() == near);
        look_again(&egret, "x", 1);
        let counts = (lines_with(&egret, NEAR), lines_with(&egret, OVER));
        assert_eq!(counts, (near, over), "{}", egret.log());
        assert!(egret.log().contains(told), "{}", egret.log());
    }
    clock.set(end + HOUR);
    let line = egret.wait_line(OVER);
    assert!(line.contains(", 60 minutes ago by our clock ("), "{line}");
    // A clock that is lost for a moment is no reason to say it again.
    clock.unset();
    egret.wait_line(UNSET);
    look_again(&egret, "x", 1);
    clock.set(end + HOUR);
    egret.wait_line("the clock is set: ");
    look_again(&egret, "x", 1);
    let counts = (lines_with(&egret, NEAR), lines_with(&egret, OVER));
    assert_eq!(counts, (3, 1), "{}", egret.log());
}
