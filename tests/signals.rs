//! What each signal does, beside those that stop (tests/lifecycle.rs).

mod support;

use std::net::TcpStream;
use std::sync::Arc;

use support::client::{Client, get};
use support::egret::Egret;
use support::gate::Gate;
use support::snapshot::Snapshot;
use support::upstream::{Reply, Step, Upstream};
use support::wait_until;
use support::world::World;

const EGRET: &str = env!("CARGO_BIN_EXE_egret");

/// An upstream whose answers to `/held` wait for the gate.
fn upstream(world: &World, gate: &Arc<Gate>) -> Upstream {
    let gate = Arc::clone(gate);
    let upstream = world.upstream().handler(move |seen| match &*seen.target {
        "/held" => Reply::script(vec![
            Step::WaitFor(Arc::clone(&gate)),
            Step::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec()),
        ]),
        _ => Reply::echo(seen),
    });
    upstream.start()
}

fn ask(egret: &Egret, target: &str) -> Client<TcpStream> {
    let mut client = Client::connect(egret.addr(0));
    let request = format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n");
    client.write_raw(request.as_bytes()).expect("written");
    client
}

#[test]
fn sigusr1_logs_how_full_every_table_is() {
    let world = World::new();
    let gate = Gate::new();
    let upstream = upstream(&world, &gate);
    let to = format!("to={},identity=meter,clients=5", upstream.url());
    let egret = Egret::builder(EGRET)
        .ca(&world.ca)
        .identity(&format!(
            "{},connections=2,waiting=3,sessions=4",
            world.device("meter")
        ))
        .identity("late,cert=/nowhere/late.crt")
        .route(&to)
        .route("to=https://localhost:1,identity=late")
        .start();
    let open = egret.descriptors();

    let mut told = Snapshot::of(&egret);
    let lines = &told.0;
    let meter = "identity \"meter\": ";
    assert_eq!(
        lines[..4],
        [
            "listener 127.0.0.1:0: clients=0 idle=0 capacity=5",
            "listener 127.0.0.2:0: clients=0 idle=0 capacity=251",
            "identity \"meter\": epoch=1 busy=0 idle=0 capacity=2 waiting=0 waiting_capacity=3 \
             sessions=0 sessions_capacity=4 handshakes=0 handshakes_capacity=8",
            "identity \"late\": epoch=none busy=0 idle=0 capacity=16 waiting=0 waiting_capacity=32 \
             sessions=0 sessions_capacity=16 handshakes=0 handshakes_capacity=8",
        ]
    );
    assert_eq!(lines.len(), 6, "{lines:#?}");
    assert_eq!(
        lines[4],
        "dns: names=0 capacity=64 running=0 running_capacity=2 queued=0 queued_capacity=16 \
         lookups=0 failures=0 stale=0 queue_full=0"
    );
    assert_eq!(told.value("process", "descriptors"), open.to_string());

    // Two at work, one that waits for them, one idle.
    let mut idle = Client::connect(egret.addr(0));
    idle.get("/").expect("an answer");
    let mut held: Vec<_> = (0..2).map(|_| ask(&egret, "/held")).collect();
    upstream.wait_until(|state| state.seen.len() == 3);
    held.push(ask(&egret, "/held"));
    wait_until("one waits", || {
        told = Snapshot::of(&egret);
        told.value(meter, "waiting") == "1"
    });
    let number = |start: &str, name: &str| told.value(start, name);
    let listener = "listener 127.0.0.1:0: ";
    assert_eq!(number(listener, "clients"), "4");
    assert_eq!(number(listener, "idle"), "1");
    assert_eq!(number(meter, "busy"), "2");
    assert_eq!(number(meter, "idle"), "0");
    assert_eq!(number(meter, "sessions"), "1");
    assert_eq!(number("dns", "names"), "1");
    assert_eq!(number("dns", "lookups"), "1");
    assert_eq!(
        number("process", "descriptors"),
        egret.descriptors().to_string()
    );

    gate.open();
    for client in &mut held {
        assert_eq!(client.read_response().expect("an answer").status, 200);
    }
    wait_until("both rest", || {
        Snapshot::of(&egret).value(meter, "idle") == "2"
    });
    world.device("meter");
    egret.signal("HUP");
    egret.wait_line("reloaded identity \"meter\": epoch 2");
    let told = Snapshot::of(&egret);
    assert_eq!(told.value(meter, "epoch"), "2");
    assert_eq!(told.value(meter, "sessions"), "0");
}

#[test]
fn a_handshake_under_way_is_in_the_snapshot() {
    let world = World::new();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = silent.local_addr().expect("bound").port();
    let egret = Egret::builder(EGRET)
        .ca(&world.ca)
        .route(&format!("to=https://127.0.0.1:{port},identity=none"))
        .start();
    let _client = ask(&egret, "/");
    let _accepted = silent.accept().expect("a connection");
    wait_until("a handshake", || {
        let told = Snapshot::of(&egret);
        let none = |name| told.value("identity \"none\": ", name);
        (none("handshakes"), none("busy")) == ("1".into(), "1".into())
    });
}

#[test]
fn while_requests_finish_sighup_is_ignored_and_sigusr1_is_not() {
    let world = World::new();
    let gate = Gate::new();
    let upstream = upstream(&world, &gate);
    let mut egret = Egret::builder(EGRET)
        .ca(&world.ca)
        .route(&format!("to={},identity=none", upstream.url()))
        .option("--drain-timeout", "5m")
        .start();
    let mut client = ask(&egret, "/held");
    upstream.wait_until(|state| state.seen.len() == 1);
    egret.signal("TERM");
    egret.wait_line("stopping: 1 client connections open");
    egret.signal("HUP");
    egret.wait_line("SIGHUP is ignored: egret is stopping");
    assert_eq!(Snapshot::of(&egret).value("listener", "clients"), "1");
    gate.open();
    assert_eq!(client.read_response().expect("an answer").status, 200);
    assert_eq!(egret.wait_exit().code(), Some(0));
    assert!(!egret.log().contains("reloaded"), "{}", egret.log());
}

#[test]
fn signals_without_a_meaning_do_not_end_it() {
    let world = World::new();
    let upstream = world.upstream().start();
    let mut egret = Egret::builder(EGRET)
        .ca(&world.ca)
        .route(&format!("to={},identity=none", upstream.url()))
        .start();
    egret.signal("USR2");
    egret.wait_line("SIGUSR2 has no meaning here");
    egret.signal("PIPE");
    assert_eq!(get(egret.addr(0), "/").status, 200);
    egret.signal("TERM");
    assert_eq!(egret.wait_exit().code(), Some(0));
}
