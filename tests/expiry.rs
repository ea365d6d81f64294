//! Certificates that end while egret runs: what was made with them ends too, what is under way does
//! not, and the log says so in time. They live for a few seconds.

mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use support::certs::Spec;
use support::client::{self, Client};
use support::egret::{self, Egret};
use support::gate::Gate;
use support::upstream::{Reply, Resumption, Seen, Step, Upstream, Versions};
use support::wait_until;
use support::world::World;

/// How long a certificate lives from the start of its test on, and up to a second more.
const LIFE: Duration = Duration::from_secs(3);

/// Clocks that are told by a name server run a little slower or faster than others.
const SLEW: Duration = Duration::from_millis(100);

const MODES: [(Versions, Resumption); 3] = [
    (Versions::Only12, Resumption::SessionIds),
    (Versions::Only12, Resumption::Tickets),
    (Versions::Only13, Resumption::Tickets),
];

/// Whose certificate ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mortal {
    Ours,
    Servers,
}

/// An upstream for each of [`MODES`], and three listeners as `x` and three as `stays`: the first of
/// each three leads to the first upstream, and so on.
struct Site {
    world: World,
    egret: Egret,
    upstreams: Vec<Upstream>,
    /// When the certificate ends.
    end: SystemTime,
}

impl Site {
    fn start(mortal: Mortal, upstream_idle: &str) -> Self {
        Self::with(mortal, |egret| {
            egret.option("--upstream-idle", upstream_idle)
        })
    }

    fn with(mortal: Mortal, more: impl FnOnce(egret::Builder) -> egret::Builder) -> Self {
        let world = World::new();
        let end = whole_second(SystemTime::now() + LIFE + Duration::from_secs(1));
        let brief = |spec: Spec| spec.valid(end - 1000 * LIFE, end);
        let server = match mortal {
            Mortal::Ours => Spec::server(&["localhost"]),
            Mortal::Servers => brief(Spec::server(&["localhost"])),
        };
        let server = world.servers.issue(&server);
        let upstreams = MODES.map(|(versions, resumption)| {
            let upstream = world.upstream().certificate(&server);
            upstream.versions(versions).resumption(resumption).start()
        });
        let x = match mortal {
            Mortal::Ours => world.device_of("x", &brief(Spec::client("x"))),
            Mortal::Servers => world.device("x"),
        };
        let mut egret = Egret::builder(env!("CARGO_BIN_EXE_egret"))
            .ca(&world.ca)
            .identity(&x)
            .identity(&world.device("stays"));
        for name in ["x", "stays"] {
            for upstream in &upstreams {
                egret = egret.route(&format!("to={},identity={name}", upstream.url()));
            }
        }
        Self {
            egret: more(egret).start(),
            upstreams: upstreams.into(),
            world,
            end,
        }
    }

    /// Asks the upstream of that mode as `x`.
    fn ask(&self, mode: usize) -> Seen {
        ask(&self.upstreams[mode], self.egret.addr(mode))
    }

    /// Asks the upstream of that mode as `stays`.
    fn ask_as_the_other(&self, mode: usize) -> Seen {
        let listener = self.egret.addr(MODES.len() + mode);
        ask(&self.upstreams[mode], listener)
    }

    /// Fails when the certificate ended before the test came to this.
    fn assert_before_the_end(&self) {
        assert!(SystemTime::now() < self.end, "the machine was too slow");
    }

    /// Waits until whoever verifies the certificate finds it expired: its last second is good.
    fn wait_for_the_end(&self) {
        let over = self.end + Duration::from_secs(1);
        wait_until("the end", || SystemTime::now() >= over);
    }

    /// The refusal that `x` gets now, with what the test expects in it.
    fn assert_refused(&self, mode: usize, part: &str) {
        let answer = client::get(self.egret.addr(mode), "/");
        assert_eq!(answer.status, 502, "{:?}: {}", MODES[mode], answer.text());
        assert!(answer.text().contains(part), "{}", answer.text());
    }

    /// Stops egret in good order; what it counted of `x`.
    fn counted(mut self) -> String {
        self.egret.signal("TERM");
        assert_eq!(self.egret.wait_exit().code(), Some(0));
        let log = self.egret.log();
        let counts =
            |line: &&str| line.contains("identity \"x\": ") && line.contains(" requests, ");
        log.lines().find(counts).expect("counters").to_owned()
    }
}

fn whole_second(time: SystemTime) -> SystemTime {
    let since = time.duration_since(UNIX_EPOCH).expect("a time of today");
    UNIX_EPOCH + Duration::from_secs(since.as_secs())
}

fn ask(upstream: &Upstream, listener: SocketAddr) -> Seen {
    let answer = client::get(listener, "/");
    assert_eq!(answer.status, 200, "{}", answer.text());
    upstream.last().expect("the request that was answered")
}

/// Our certificate and the server's, at the same time: the test is mostly waiting.
fn for_each_mortal(test: fn(Mortal)) {
    thread::scope(|scope| {
        for mortal in [Mortal::Ours, Mortal::Servers] {
            scope.spawn(move || test(mortal));
        }
    });
}

/// What egret says when it is refused by a server that finds our certificate expired.
const REFUSED: &str = "refused our certificate \"x\": TLS alert certificate_expired";

/// What egret says of a server's certificate that has ended.
const EXPIRED: &str = "its certificate is not trusted: it expired at ";

fn told(mortal: Mortal) -> &'static str {
    match mortal {
        Mortal::Ours => REFUSED,
        Mortal::Servers => EXPIRED,
    }
}

/// Idle connections: used until the end, closed at the end although nobody asks.
fn connections_end(mortal: Mortal) {
    let site = Site::start(mortal, "60s");
    for (mode, upstream) in site.upstreams.iter().enumerate() {
        for request in 1..=2 {
            let seen = site.ask(mode);
            assert_eq!((seen.connection, seen.request), (1, request), "{seen:?}");
        }
        assert_eq!(upstream.open_connections(), 1);
    }
    site.assert_before_the_end();
    for upstream in &site.upstreams {
        upstream.wait_until(|state| state.open == 0);
        assert!(SystemTime::now() + SLEW >= site.end, "closed too early");
    }
    site.wait_for_the_end();
    for mode in 0..MODES.len() {
        site.assert_refused(mode, told(mortal));
    }
    let counted = site.counted();
    assert!(counted.contains("certificate_ended=3"), "{counted}");
}

#[test]
fn idle_connections_are_closed_when_a_certificate_ends() {
    for_each_mortal(connections_end);
}

/// Sessions: resumed until the end, and not once more, though the server would.
fn sessions_end(mortal: Mortal) {
    let site = Site::start(mortal, "0");
    for (mode, name) in MODES.iter().enumerate() {
        for resumed in [false, true, true] {
            assert_eq!(site.ask(mode).resumed, resumed, "{name:?}");
        }
        if mortal == Mortal::Ours {
            assert!(!site.ask_as_the_other(mode).resumed);
        }
    }
    site.assert_before_the_end();
    site.wait_for_the_end();
    for (mode, upstream) in site.upstreams.iter().enumerate() {
        let resumed = upstream.resumed_handshakes();
        site.assert_refused(mode, told(mortal));
        assert_eq!(upstream.resumed_handshakes(), resumed, "{:?}", MODES[mode]);
        if mortal == Mortal::Ours {
            // The server has not forgotten its sessions, and it is one identity's matter.
            assert!(site.ask_as_the_other(mode).resumed, "{:?}", MODES[mode]);
        }
    }
}

#[test]
fn sessions_are_not_resumed_after_a_certificate_ended() {
    for_each_mortal(sessions_end);
}

/// Answers to `/held` wait for the gate, `/chat` leaves HTTP and echoes.
fn hold(upstream: &Upstream) -> Arc<Gate> {
    let gate = Gate::new();
    let held = Arc::clone(&gate);
    let switching =
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n";
    upstream.answer(move |seen| match seen.target.as_str() {
        "/held" => Reply::script(vec![
            Step::WaitFor(Arc::clone(&held)),
            Step::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec()),
        ]),
        "/chat" => Reply::script(vec![Step::Bytes(switching.to_vec()), Step::Echo]),
        _ => Reply::echo(seen),
    });
    gate
}

/// An upgraded connection goes on, and so does a request; its connection is not used again.
fn what_is_under_way_goes_on(mortal: Mortal) {
    const OFFER: &[u8] =
        b"GET /chat HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n";
    let site = Site::start(mortal, "60s");
    let gates: Vec<_> = site.upstreams.iter().map(hold).collect();
    let mut chats = Vec::new();
    let mut held = Vec::new();
    for (mode, upstream) in site.upstreams.iter().enumerate() {
        let listener = site.egret.addr(mode);
        let mut chat = Client::connect(listener);
        chat.write_raw(OFFER).expect("written");
        assert_eq!(chat.read_head().expect("an answer").status, 101);
        chats.push(chat);
        held.push(thread::spawn(move || client::get(listener, "/held").status));
        upstream.wait_until(|state| state.seen.len() == 2);
    }
    site.assert_before_the_end();
    site.wait_for_the_end();
    for (mode, (mut chat, held)) in chats.into_iter().zip(held).enumerate() {
        site.assert_refused(mode, told(mortal));
        chat.write_raw(b"still there").expect("written");
        assert_eq!(chat.read_exact(11).expect("an echo"), b"still there");
        gates[mode].open();
        assert_eq!(held.join().expect("an answer"), 200);
        // Of these the chat is left.
        site.upstreams[mode].wait_until(|state| state.open == 1);
        chat.write_raw(b"still there").expect("written");
        assert_eq!(chat.read_exact(11).expect("an echo"), b"still there");
    }
    let counted = site.counted();
    assert!(counted.contains("certificate_ended=3"), "{counted}");
}

#[test]
fn what_is_under_way_goes_on_when_a_certificate_ends() {
    for_each_mortal(what_is_under_way_goes_on);
}

/// Lines of the log that have this in them.
fn count(lines: &[String], part: &str) -> usize {
    lines.iter().filter(|line| line.contains(part)).count()
}

#[test]
fn a_new_certificate_in_time_and_nothing_ends() {
    let site = Site::with(Mortal::Ours, |egret| {
        egret.option("--reload-interval", "100ms")
    });
    for mode in 0..MODES.len() {
        site.ask(mode);
    }
    site.world.device("x");
    site.egret.wait_line("reloaded identity \"x\": epoch 2");
    for mode in 0..MODES.len() {
        assert_eq!(site.ask(mode).connection, 2);
    }
    site.assert_before_the_end();
    site.wait_for_the_end();
    for mode in 0..MODES.len() {
        let seen = site.ask(mode);
        assert_eq!((seen.connection, seen.request), (2, 2), "{seen:?}");
    }
    let lines: Vec<_> = site.egret.log().lines().map(str::to_owned).collect();
    assert_eq!(count(&lines, "its certificate expired"), 0);
}

#[test]
fn the_log_says_once_that_the_end_is_near_and_once_that_it_came() {
    const NEAR: &str = "identity \"x\": its certificate expires on ";
    const OVER: &str = "identity \"x\": its certificate expired on ";
    let world = World::new();
    // Its last third begins two seconds from now.
    let now = whole_second(SystemTime::now());
    let seconds = |seconds| Duration::from_secs(seconds);
    let brief = Spec::client("x").valid(now - seconds(4), now + seconds(5));
    let egret = Egret::builder(env!("CARGO_BIN_EXE_egret"))
        .ca(&world.ca)
        .identity(&world.device_of("x", &brief))
        .route("to=https://localhost:1,identity=x")
        // The dates are looked at whenever the files are.
        .option("--reload-interval", "50ms")
        .start();
    egret.wait_line(NEAR);
    assert!(SystemTime::now() >= now + seconds(2), "{}", egret.log());
    egret.wait_line(OVER);
    assert!(SystemTime::now() >= now + seconds(5), "{}", egret.log());
    let lines = |egret: &Egret| -> Vec<_> { egret.log().lines().map(str::to_owned).collect() };
    assert_eq!(count(&lines(&egret), NEAR), 1, "{}", egret.log());

    // The next two are near their ends when they come.
    let now = SystemTime::now();
    let next = Spec::client("x").valid(now - seconds(300), now + seconds(60));
    for epoch in 2..=3 {
        world.device_of("x", &next);
        egret.wait_line(&format!("reloaded identity \"x\": epoch {epoch}"));
        egret.wait_log(|lines| count(lines, NEAR) == epoch);
    }

    // Another look at all files, for which somebody asked, has nothing to add.
    egret.signal("HUP");
    egret.wait_line("identity \"x\" unchanged, keeping epoch 3");
    world.device("x");
    egret.wait_line("reloaded identity \"x\": epoch 4");
    let lines = lines(&egret);
    assert_eq!((count(&lines, NEAR), count(&lines, OVER)), (3, 1));
}
