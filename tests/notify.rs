//! What a service manager is told, over a socket such as systemd's.

mod support;

use std::io::ErrorKind;
use std::net::TcpStream;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use support::PATIENCE;
use support::client::{Client, get};
use support::egret::{Builder, Egret};
use support::gate::Gate;
use support::upstream::{Reply, Seen, Step};
use support::world::World;

const EGRET: &str = env!("CARGO_BIN_EXE_egret");
const READY: &str = "READY=1\nSTATUS=serving; 1 of 1 identities available";
const STOPPING: &str = "STOPPING=1\nSTATUS=waiting for requests in flight";
const ALIVE: &str = "WATCHDOG=1";

/// The socket of a service manager.
struct Manager {
    socket: UnixDatagram,
    path: PathBuf,
}

impl Manager {
    fn new(world: &World) -> Self {
        let path = world.dir.file("notify");
        let socket = UnixDatagram::bind(&path).expect("a socket");
        Self { socket, path }
    }

    fn watches(&self, egret: Builder) -> Builder {
        egret.env("NOTIFY_SOCKET", &self.path.display().to_string())
    }

    /// The next message, if one comes in that time.
    fn next_within(&self, patience: Duration) -> Option<String> {
        let mut message = [0; 4096];
        self.socket
            .set_read_timeout(Some(patience))
            .expect("patience");
        match self.socket.recv(&mut message) {
            Ok(length) => Some(String::from_utf8_lossy(&message[..length]).into_owned()),
            // A read that has a deadline is not begun again by the system after a signal.
            Err(error) if error.kind() == ErrorKind::Interrupted => self.next_within(patience),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                None
            }
        }
    }

    /// The next message that does not feed the watchdog.
    fn next(&self) -> String {
        loop {
            let message = self.next_within(PATIENCE).expect("a message");
            if message != ALIVE {
                return message;
            }
        }
    }

    /// Waits until the watchdog is fed, and was not lately.
    fn is_fed(&self) {
        while self.next_within(Duration::from_millis(1)).is_some() {}
        assert_eq!(self.next_within(PATIENCE).as_deref(), Some(ALIVE));
    }
}

fn egret(world: &World, to: &str) -> Builder {
    Egret::builder(EGRET)
        .ca(&world.ca)
        .route(&format!("to={to},identity=none"))
}

/// Answers when the gate is open.
fn held(gate: &Arc<Gate>) -> impl Fn(&Seen) -> Reply + Send + Sync + 'static {
    let gate = Arc::clone(gate);
    move |_| {
        Reply::script(vec![
            Step::WaitFor(Arc::clone(&gate)),
            Step::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec()),
        ])
    }
}

fn ask(egret: &Egret) -> Client<TcpStream> {
    let mut client = Client::connect(egret.addr(0));
    client
        .write_raw(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        .expect("written");
    client
}

fn stop(egret: &mut Egret) {
    egret.signal("TERM");
    assert_eq!(egret.wait_exit().code(), Some(0));
}

// ---- start, reload, stop ----

#[test]
fn it_is_ready_when_it_listens_and_its_pidfile_is_there() {
    let world = World::new();
    let manager = Manager::new(&world);
    let (socket, pidfile) = (world.dir.file("egret.sock"), world.dir.file("egret.pid"));
    let listen = format!("unix:{}", socket.display());
    let mut egret = manager
        .watches(Egret::builder(EGRET).ca(&world.ca))
        .route_at(&listen, "to=https://localhost:1,identity=none")
        .option("--pidfile", &pidfile.display().to_string())
        .spawn();
    assert_eq!(manager.next(), READY);
    assert!(pidfile.exists());
    let answer = Client::connect_unix(&socket).get("/");
    assert_eq!(answer.expect("an answer").status, 502);
    stop(&mut egret);
    assert_eq!(manager.next(), STOPPING);
    assert_eq!(manager.next_within(Duration::from_millis(1)), None);
}

#[test]
fn a_manager_in_the_abstract_namespace_is_told_too() {
    let world = World::new();
    let name = format!("egret-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).expect("a name");
    let manager = Manager {
        socket: UnixDatagram::bind_addr(&address).expect("free"),
        path: PathBuf::from(format!("@{name}")),
    };
    let _egret = manager
        .watches(egret(&world, "https://localhost:1"))
        .start();
    assert_eq!(manager.next(), READY);
}

#[test]
fn a_start_that_fails_is_not_ready() {
    let world = World::new();
    let manager = Manager::new(&world);
    let ended = manager
        .watches(egret(&world, "https://localhost:1"))
        .option("--pidfile", "/nowhere/egret.pid")
        .run();
    assert_eq!(ended.code(), Some(1));
    assert_eq!(manager.next_within(Duration::from_millis(1)), None);
}

fn monotonic_micros() -> u128 {
    let now = Duration::try_from(clock_gettime(ClockId::Monotonic));
    now.expect("after the start of the system").as_micros()
}

#[test]
fn a_reload_begins_with_its_time_and_ends_with_what_works() {
    let world = World::new();
    let manager = Manager::new(&world);
    let upstream = world.upstream().start();
    let device = world.device("device");
    let egret = manager
        .watches(egret(&world, &upstream.url()))
        .identity(&device)
        .route(&format!("to={},identity=device", upstream.url()))
        .start();
    let ready = "READY=1\nSTATUS=serving; 2 of 2 identities available";
    assert_eq!(manager.next(), ready);
    for broken in [false, true] {
        if broken {
            world.dir.write("device.crt", "broken");
        }
        let before = monotonic_micros();
        egret.signal("HUP");
        let reloading = manager.next();
        let rest = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=");
        let rest = rest.unwrap_or_else(|| panic!("{reloading}"));
        let (micros, status) = rest.split_once('\n').expect("more lines");
        let micros: u128 = micros.parse().expect("a number");
        assert!(before <= micros && micros <= monotonic_micros(), "{micros}");
        assert_eq!(status, "STATUS=reading the files again");
        // Files that are bad are given some time; meanwhile what was goes on, and so it does then.
        assert_eq!(get(egret.addr(1), "/").status, 200);
        assert_eq!(manager.next(), ready);
        assert_eq!(get(egret.addr(1), "/").status, 200);
    }
    egret.wait_line("reload of identity \"device\" failed, keeping epoch 1");
}

#[test]
fn an_identity_without_files_shows_in_the_status_until_it_has_them() {
    let world = World::new();
    let manager = Manager::new(&world);
    let option = world.device("late");
    let (there, away) = (world.dir.file("late.crt"), world.dir.file("away"));
    std::fs::rename(&there, &away).expect("renamed");
    let egret = manager
        .watches(egret(&world, "https://localhost:1"))
        .identity(&option)
        .option("--reload-interval", "100ms")
        .route("to=https://localhost:1,identity=late")
        .start();
    let ready = |working| format!("READY=1\nSTATUS=serving; {working} of 2 identities available");
    assert_eq!(manager.next(), ready(1));
    std::fs::rename(&away, &there).expect("renamed");
    // Nobody asked for that.
    assert_eq!(
        manager.next(),
        "STATUS=serving; 2 of 2 identities available"
    );
    egret.signal("HUP");
    assert!(manager.next().starts_with("RELOADING=1\n"));
    assert_eq!(manager.next(), ready(2));
}

#[test]
fn a_stop_is_told_before_requests_finish_and_a_long_one_asks_for_its_time() {
    let world = World::new();
    for (drain, more) in [("1m", ""), ("5m", "\nEXTEND_TIMEOUT_USEC=305000000")] {
        let manager = Manager::new(&world);
        let gate = Gate::new();
        let upstream = world.upstream().handler(held(&gate)).start();
        let mut egret = manager
            .watches(egret(&world, &upstream.url()))
            .option("--drain-timeout", drain)
            .start();
        assert_eq!(manager.next(), READY);
        let mut client = ask(&egret);
        upstream.wait_until(|state| state.seen.len() == 1);
        egret.signal("TERM");
        assert_eq!(manager.next(), format!("{STOPPING}{more}"));
        gate.open();
        assert_eq!(client.read_response().expect("an answer").status, 200);
        drop(client);
        assert_eq!(egret.wait_exit().code(), Some(0));
        std::fs::remove_file(&manager.path).expect("the socket");
    }
}

// ---- the watchdog ----

/// An egret that is watched, and its manager, which got READY.
fn watched(manager: &Manager, egret: Builder) -> Egret {
    let egret = manager
        .watches(egret)
        .env("WATCHDOG_USEC", "200000")
        .start();
    assert_eq!(manager.next(), READY);
    egret
}

#[test]
fn the_watchdog_is_fed_every_half_of_its_interval() {
    let world = World::new();
    let manager = Manager::new(&world);
    let _egret = watched(&manager, egret(&world, "https://localhost:1"));
    manager.is_fed();
    let began = Instant::now();
    for _ in 0..20 {
        assert_eq!(manager.next_within(PATIENCE).as_deref(), Some(ALIVE));
    }
    let took = began.elapsed();
    // Twenty intervals, less what this thread was late by at first.
    assert!(took > Duration::from_millis(1200), "{took:?}");
}

#[test]
fn a_watchdog_that_watches_nobody_or_another_is_not_fed() {
    let world = World::new();
    for (usec, pid) in [("20000", "1"), ("0", ""), ("soon", "")] {
        let manager = Manager::new(&world);
        let mut builder = manager.watches(egret(&world, "https://localhost:1"));
        builder = builder.env("WATCHDOG_USEC", usec);
        if !pid.is_empty() {
            builder = builder.env("WATCHDOG_PID", pid);
        }
        let _egret = builder.start();
        assert_eq!(manager.next_within(PATIENCE).as_deref(), Some(READY));
        let more = manager.next_within(Duration::from_millis(200));
        assert_eq!(more, None, "{usec} {pid}");
        std::fs::remove_file(&manager.path).expect("the socket");
    }
}

#[test]
fn the_watchdog_of_this_very_process_is_fed() {
    let world = World::new();
    let manager = Manager::new(&world);
    let _egret = manager
        .watches(egret(&world, "https://localhost:1"))
        .env("WATCHDOG_USEC", "200000")
        .through_shell(r#"export WATCHDOG_PID=$$; exec "$0" "$@""#)
        .start();
    manager.is_fed();
}

#[test]
fn a_full_listener_is_no_reason_to_starve_the_watchdog() {
    let world = World::new();
    let manager = Manager::new(&world);
    let gate = Gate::new();
    let upstream = world.upstream().handler(held(&gate)).start();
    let to = format!("to={},identity=none,clients=1", upstream.url());
    let egret = watched(&manager, Egret::builder(EGRET).ca(&world.ca).route(&to));
    let _busy = ask(&egret);
    upstream.wait_until(|state| state.seen.len() == 1);
    let _waiting = [ask(&egret), ask(&egret)];
    egret.wait_line("clients busy; no more are accepted");
    for _ in 0..3 {
        manager.is_fed();
    }
    gate.open();
}

#[test]
fn the_watchdog_is_fed_while_requests_finish() {
    let world = World::new();
    let manager = Manager::new(&world);
    let gate = Gate::new();
    let upstream = world.upstream().handler(held(&gate)).start();
    let mut egret = watched(&manager, egret(&world, &upstream.url()));
    let mut client = ask(&egret);
    upstream.wait_until(|state| state.seen.len() == 1);
    egret.signal("TERM");
    assert_eq!(manager.next(), STOPPING);
    for _ in 0..3 {
        manager.is_fed();
    }
    gate.open();
    assert_eq!(client.read_response().expect("an answer").status, 200);
    drop(client);
    assert_eq!(egret.wait_exit().code(), Some(0));
}

/// Nothing that egret does is known to block its loop, so the whole process stands still here; loops
/// that are dead, stuck or left without events are unit tests of the room that asks them.
#[test]
fn a_loop_that_stands_still_does_not_feed_the_watchdog_until_it_goes_on() {
    let world = World::new();
    let manager = Manager::new(&world);
    let mut egret = manager
        .watches(egret(&world, "https://localhost:1"))
        .env("WATCHDOG_USEC", "200000")
        .spawn();
    assert_eq!(manager.next(), READY);
    manager.is_fed();
    egret.pause();
    // What was sent before it stood still.
    while manager.next_within(Duration::from_millis(1)).is_some() {}
    assert_eq!(manager.next_within(Duration::from_millis(600)), None);
    egret.resume();
    manager.is_fed();
    stop(&mut egret);
}

// ---- a manager that cannot be told ----

#[test]
fn a_manager_that_cannot_be_told_is_said_once_and_lived_with() {
    let world = World::new();
    let upstream = world.upstream().start();
    for (socket, expected) in [
        ("vsock:2:1", "NOTIFY_SOCKET=\"vsock:2:1\" cannot be used: "),
        ("/nowhere/notify", "the service manager could not be told"),
    ] {
        let mut egret = egret(&world, &upstream.url())
            .env("NOTIFY_SOCKET", socket)
            .env("WATCHDOG_USEC", "2000")
            .start();
        egret.wait_line(expected);
        egret.signal("HUP");
        egret.wait_line("identity \"none\" unchanged, keeping epoch 1");
        assert_eq!(get(egret.addr(0), "/").status, 200);
        stop(&mut egret);
        assert_eq!(egret.log().matches(expected).count(), 1, "{}", egret.log());
    }
}
