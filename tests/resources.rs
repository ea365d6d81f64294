//! What a client took comes back: when it vanishes, when descriptors run out, and after very many
//! requests.

mod support;

use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Instant;

use support::client::{Client, get};
use support::egret::{Builder, Egret};
use support::gate::Gate;
use support::snapshot::Snapshot;
use support::upstream::{Reply, Seen, Step, Upstream};
use support::wait_until;
use support::world::World;

const EGRET: &str = env!("CARGO_BIN_EXE_egret");

fn egret(world: &World) -> Builder {
    Egret::builder(EGRET).ca(&world.ca)
}

// ---- clients that vanish ----

/// A client, a connection and a place in the line: whatever is not given back is missed at once.
fn narrow(world: &World, upstream: &Upstream) -> Egret {
    let identity = world.device("a") + ",connections=1,waiting=1";
    let to = format!("to={},identity=a,clients=2", upstream.url());
    let builder = egret(world).identity(&identity).route(&to);
    builder.option("--wait-timeout", "5m").start()
}

/// Fills every place there is, and is answered in each.
fn all_places_are_free(egret: &Egret) {
    let mut clients = [egret.addr(0); 2].map(Client::connect);
    for client in &mut clients {
        client
            .write_raw(b"GET /free HTTP/1.1\r\nHost: x\r\n\r\n")
            .expect("written");
    }
    for client in &mut clients {
        assert_eq!(client.read_response().expect("an answer").status, 200);
    }
}

/// Sends `bytes` of which the upstream stalls in the middle, and is gone when `then` is done.
fn vanish(answer: Vec<Step>, bytes: &[u8], then: impl FnOnce(&mut Client<TcpStream>, &Upstream)) {
    let world = World::new();
    let upstream = world.upstream().start();
    upstream.answer(move |seen: &Seen| match seen.target.as_str() {
        "/stall" => Reply::script(answer.clone()),
        _ => Reply::echo(seen),
    });
    let egret = narrow(&world, &upstream);
    let mut client = Client::connect(egret.addr(0));
    client.write_raw(bytes).expect("written");
    upstream.wait_until(|state| state.seen.len() == 1);
    then(&mut client, &upstream);
    drop(client);
    // Two more than there is room for would put each other out until the end is noticed.
    wait_until("the client's end is noticed", || {
        Snapshot::of(&egret).value("listener", "clients") == "0"
    });
    all_places_are_free(&egret);
    assert_eq!(
        upstream.connections(),
        2,
        "the stalled connection was given up"
    );
}

const STALL: &[u8] = b"GET /stall HTTP/1.1\r\nHost: x\r\n\r\n";

#[test]
fn a_client_that_vanishes_before_the_answer_frees_its_connection_and_its_place() {
    vanish(vec![Step::Stall], STALL, |_, _| {});
}

#[test]
fn a_client_that_vanishes_within_the_answer_frees_its_connection_and_its_place() {
    let part = b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\npart".to_vec();
    vanish(vec![Step::Bytes(part), Step::Stall], STALL, |client, _| {
        client.read_head().expect("a head");
        client.read_exact(4).expect("a part");
    });
}

#[test]
fn a_client_that_vanishes_within_its_own_request_frees_its_connection_and_its_place() {
    let upload = b"PUT /stall HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\npart";
    vanish(vec![], upload, |_, upstream| {
        upstream.wait_until(|state| state.seen[0].body_length == 4);
    });
}

#[test]
fn a_client_that_vanishes_while_its_whole_request_lies_upstream_frees_its_connection() {
    let upload = b"PUT /stall HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\npart";
    vanish(vec![Step::Stall], upload, |_, upstream| {
        upstream.wait_until(|state| state.seen[0].complete);
    });
}

#[test]
fn a_client_that_vanishes_in_the_line_is_never_sent_upstream() {
    let world = World::new();
    let gate = Gate::new();
    let upstream = world.upstream().start();
    let opened = gate.clone();
    upstream.answer(move |seen: &Seen| match seen.target.as_str() {
        "/first" => Reply::script(vec![
            Step::WaitFor(opened.clone()),
            Step::Bytes(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()),
        ]),
        _ => Reply::echo(seen),
    });
    let egret = narrow(&world, &upstream);
    let mut first = Client::connect(egret.addr(0));
    first
        .write_raw(b"GET /first HTTP/1.1\r\nHost: x\r\n\r\n")
        .expect("written");
    upstream.wait_until(|state| state.seen.len() == 1);
    let requests: [&[u8]; 2] = [
        b"GET /gone HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /gone HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody",
    ];
    for request in requests {
        let before = egret.descriptors();
        let mut second = Client::connect(egret.addr(0));
        second.write_raw(request).expect("written");
        wait_until("it is accepted", || egret.descriptors() == before + 1);
        drop(second);
        wait_until("it is gone", || egret.descriptors() == before);
    }
    let mut third = Client::connect(egret.addr(0));
    third
        .write_raw(b"GET /third HTTP/1.1\r\nHost: x\r\n\r\n")
        .expect("written");
    gate.open();
    assert_eq!(first.read_response().expect("an answer").status, 204);
    assert_eq!(third.read_response().expect("an answer").status, 200);
    let targets: Vec<_> = upstream
        .seen()
        .into_iter()
        .map(|seen| seen.target)
        .collect();
    assert_eq!(targets, ["/first", "/third"]);
}

// ---- descriptors ----

#[test]
fn without_descriptors_egret_says_so_once_waits_and_recovers() {
    let world = World::new();
    let upstream = world.upstream().start();
    let egret = egret(&world)
        .through_shell("ulimit -n 40; exec \"$0\" \"$@\"")
        .route(&format!("to={},identity=none", upstream.url()))
        .option("--header-timeout", "1s")
        .start();
    assert!(egret.log().contains("only 40 descriptors are allowed"));
    let mut slow = Client::connect(egret.addr(0));
    slow.write_raw(b"GET / HT").expect("written");
    let idle: Vec<_> = (0..80).map(|_| Client::connect(egret.addr(0))).collect();
    egret.wait_line("cannot accept clients");
    let (before, began) = (egret.cpu_ticks(), Instant::now());
    // Time passes while nothing can be accepted: until the slow client is told off.
    assert_eq!(slow.read_response().expect("an answer").status, 408);
    let (ticks, wall) = (egret.cpu_ticks() - before, began.elapsed());
    assert!(ticks <= 10, "{ticks} hundredths of a second in {wall:?}");
    drop(idle);
    assert_eq!(get(egret.addr(0), "/").status, 200);
    let said = egret.log();
    let said: Vec<_> = said
        .lines()
        .filter(|line| line.contains("cannot accept"))
        .collect();
    assert_eq!(said.len(), 1, "{said:?}");
}

#[test]
fn ten_thousand_connections_leave_no_descriptor_behind() {
    let world = World::new();
    let upstream = world.upstream().handler(|_| Reply::status(204)).start();
    let egret = egret(&world)
        .route(&format!("to={},identity=none", upstream.url()))
        .start();
    let before = egret.descriptors() as u64;
    in_two_threads(egret.addr(0), |addr| {
        for _ in 0..5_000 {
            let mut client = Client::connect(addr);
            assert_eq!(client.get("/").expect("an answer").status, 204);
        }
    });
    // What is open upstream lies in the pool.
    wait_until("as many are open as before", || {
        egret.descriptors() as u64 - upstream.open_connections() == before
    });
}

fn in_two_threads(addr: SocketAddr, work: impl Fn(SocketAddr) + Send + Sync) {
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| work(addr));
        }
    });
}

#[test]
fn memory_does_not_grow_with_the_number_of_requests() {
    let world = World::new();
    let upstream = world.upstream().handler(|_| Reply::status(204)).start();
    let egret = egret(&world)
        .identity(&world.device("a"))
        .route(&format!("to={},identity=a", upstream.url()))
        .start();
    let request = |count: usize| {
        in_two_threads(egret.addr(0), move |addr| pipeline(addr, count / 2));
    };
    request(10_000);
    let before = egret.rss_kib();
    request(90_000);
    let after = egret.rss_kib();
    assert!(after < before + 256, "{before} KiB, then {after} KiB");
}

/// Requests in batches on one connection.
fn pipeline(addr: SocketAddr, count: usize) {
    const BATCH: usize = 50;
    let requests = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".repeat(BATCH);
    let mut client = Client::connect(addr);
    for _ in 0..count / BATCH {
        client.write_raw(&requests).expect("written");
        for _ in 0..BATCH {
            assert_eq!(client.read_response().expect("an answer").status, 204);
        }
    }
}
