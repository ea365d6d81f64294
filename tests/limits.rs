//! How many: clients, upstream connections, waiting requests, handshakes, descriptors. One that is
//! full, stuck or gone is nobody else's concern.

mod support;

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use ::egret::limits::LINGER;
use support::black_hole::BlackHole;
use support::client::{Client, get};
use support::egret::{Builder, Egret};
use support::gate::Gate;
use support::snapshot::Snapshot;
use support::upstream::{OnAccept, ReadBody, Reply, Seen, Step};
use support::wait_until;
use support::world::World;

const EGRET: &str = env!("CARGO_BIN_EXE_egret");

/// Far less than any timeout of egret's that could end a wait by itself.
const AT_ONCE: Duration = Duration::from_secs(3);

fn egret(world: &World) -> Builder {
    Egret::builder(EGRET).ca(&world.ca)
}

/// Answers `/wait…` when the gate opens, and all else at once.
fn gated(gate: &Arc<Gate>) -> impl Fn(&Seen) -> Reply + Send + Sync + 'static {
    let gate = Arc::clone(gate);
    move |seen| match seen.target.starts_with("/wait") {
        true => Reply::script(vec![
            Step::WaitFor(Arc::clone(&gate)),
            Step::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate".to_vec()),
        ]),
        false => Reply::echo(seen),
    }
}

/// Sends a request for `target` and does not wait for the answer.
fn ask(addr: SocketAddr, target: &str) -> Client<TcpStream> {
    let mut client = Client::connect(addr);
    ask_again(&mut client, target);
    client
}

fn ask_again(client: &mut Client<TcpStream>, target: &str) {
    let request = format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n");
    client.write_raw(request.as_bytes()).expect("written");
}

fn status(client: &mut Client<TcpStream>) -> u16 {
    client.read_response().expect("an answer").status
}

fn count(log: &str, part: &str) -> usize {
    log.lines().filter(|line| line.contains(part)).count()
}

/// A request that is answered although something else is stuck.
fn answers_at_once(addr: SocketAddr) {
    let began = Instant::now();
    assert_eq!(get(addr, "/now").status, 200);
    assert!(began.elapsed() < AT_ONCE, "{:?}", began.elapsed());
}

// ---- clients ----

#[test]
fn the_client_that_is_idle_longest_makes_room_for_a_newcomer() {
    let world = World::new();
    let upstream = world.upstream().start();
    let to = format!("to={},identity=none,clients=3", upstream.url());
    let egret = egret(&world).route(&to).start();
    let mut clients: Vec<_> = (0..3).map(|_| Client::connect(egret.addr(0))).collect();
    // The first to connect is the last to be used.
    for index in [1, 2, 0] {
        assert_eq!(clients[index].get("/").expect("an answer").status, 200);
    }
    answers_at_once(egret.addr(0));
    assert_eq!(clients[1].read_to_end().expect("an end in order"), b"");
    for index in [2, 0] {
        assert_eq!(clients[index].get("/").expect("an answer").status, 200);
    }
    assert_eq!(count(&egret.log(), "clients busy"), 0);
}

#[test]
fn a_client_whose_body_was_not_wanted_makes_room_for_a_newcomer_at_once() {
    let world = World::new();
    let upstream = world.upstream().read_body(ReadBody::AfterReply).start();
    upstream.answer(|seen| match seen.target.as_str() {
        "/now" => Reply::status(200),
        _ => Reply::script(vec![
            Step::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec()),
            Step::Flush,
            Step::ReadBody,
        ]),
    });
    let to = format!("to={},identity=none,clients=1", upstream.url());
    let egret = egret(&world).route(&to).start();
    let mut client = Client::connect(egret.addr(0));
    let half = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf";
    client.write_raw(half).expect("written");
    assert_eq!(client.read_response().expect("an answer").status, 200);
    // What else the client may send is waited for, unless somebody needs its place.
    let began = Instant::now();
    assert_eq!(get(egret.addr(0), "/now").status, 200);
    assert!(began.elapsed() < LINGER, "{:?}", began.elapsed());
}

#[test]
fn idle_clients_that_hold_on_to_their_connections_do_not_delay_newcomers() {
    let world = World::new();
    let upstream = world.upstream().start();
    let to = format!("to={},identity=none,clients=2", upstream.url());
    let egret = egret(&world).route(&to).start();
    let mut held = Vec::new();
    let began = Instant::now();
    for _ in 0..10 {
        let mut client = Client::connect(egret.addr(0));
        assert_eq!(client.get("/").expect("an answer").status, 200);
        held.push(client);
    }
    assert!(began.elapsed() < AT_ONCE, "{:?}", began.elapsed());
}

#[test]
fn who_arrives_with_a_request_is_answered_though_the_next_needs_a_place() {
    let world = World::new();
    let upstream = world.upstream().start();
    let to = format!("to={},identity=none,clients=1", upstream.url());
    let egret = egret(&world).route(&to).start();
    // All of them are there before the first is accepted.
    egret.pause();
    let mut clients: Vec<_> = (0..6).map(|_| ask(egret.addr(0), "/")).collect();
    egret.resume();
    let first = clients[0].read_response().expect("an answer");
    assert_eq!(first.status, 200);
    // There was nobody else to make room.
    assert_eq!(first.header("connection"), Some("close"));
    for client in &mut clients[1..] {
        assert_eq!(status(client), 200);
    }
}

#[test]
fn a_client_that_asks_while_it_is_to_make_room_stays_and_the_next_idle_one_goes() {
    const REQUEST: &[u8] = b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n";
    let world = World::new();
    let upstream = world.upstream().start();
    let to = format!("to={},identity=none,clients=2", upstream.url());
    let egret = egret(&world).route(&to).start();
    for sent in [REQUEST.len(), REQUEST.len() / 2] {
        let (now, later) = REQUEST.split_at(sent);
        let gate = Gate::new();
        upstream.answer(gated(&gate));
        let mut clients = [(); 2].map(|()| Client::connect(egret.addr(0)));
        for client in &mut clients {
            assert_eq!(client.get("/").expect("an answer").status, 200);
        }
        let [mut oldest, mut other] = clients;
        egret.pause();
        let mut newcomer = ask(egret.addr(0), "/");
        oldest.write_raw(now).expect("written");
        egret.resume();
        assert_eq!(status(&mut newcomer), 200);
        assert_eq!(other.read_to_end().expect("an end in order"), b"");
        oldest.write_raw(later).expect("written");
        gate.open();
        assert_eq!(status(&mut oldest), 200);
        assert_eq!(oldest.get("/").expect("an answer").status, 200);
    }
}

#[test]
fn where_no_client_is_idle_nobody_is_accepted_until_one_leaves() {
    let world = World::new();
    let gate = Gate::new();
    let upstream = world.upstream().handler(gated(&gate)).start();
    let to = format!("to={},identity=none", upstream.url());
    let egret = egret(&world)
        .route(&to)
        .route(&to)
        .option("--max-clients", "4")
        .start();
    let mut first = ask(egret.addr(0), "/wait");
    let mut second = ask(egret.addr(0), "/wait");
    upstream.wait_until(|state| state.seen.len() == 2);
    let mut third = ask(egret.addr(0), "/third");
    let mut fourth = ask(egret.addr(0), "/fourth");
    let line = egret.wait_line("clients busy");
    assert!(line.contains("all 2 clients busy"), "{line}");
    answers_at_once(egret.addr(1));
    assert_eq!(count(&egret.log(), "clients busy"), 1);
    assert_eq!(upstream.seen().len(), 3);
    // One leaves, one is let in; the next has to wait for its turn.
    drop(first);
    assert_eq!(status(&mut third), 200);
    egret.wait_line("accepting clients again");
    assert_eq!(status(&mut fourth), 200);
    gate.open();
    assert_eq!(status(&mut second), 200);
    first = ask(egret.addr(0), "/first");
    assert_eq!(status(&mut first), 200);
}

#[test]
fn a_listen_full_of_idle_and_slow_clients_does_not_stop_another() {
    let world = World::new();
    let upstream = world.upstream().start();
    let to = format!("to={},identity=none,clients=4", upstream.url());
    let egret = egret(&world).route(&to).route(&to).start();
    let beginnings: [&[u8]; 4] = [
        b"",
        b"GET /slow-head HTTP/1.1\r\nHos",
        b"POST /slow-body HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc",
        b"PUT /slow-chunk HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
    ];
    let mut slow: Vec<_> = beginnings
        .iter()
        .map(|bytes| {
            let mut client = Client::connect(egret.addr(0));
            client.write_raw(bytes).expect("written");
            client
        })
        .collect();
    upstream.wait_until(|state| state.seen.len() == 2);
    answers_at_once(egret.addr(1));
    // The idle one made room; the slow ones keep their places, and are served.
    answers_at_once(egret.addr(0));
    assert_eq!(slow[0].read_to_end().expect("an end"), b"");
    let rests: [&[u8]; 3] = [b"t: x\r\n\r\n", b"defghi", b"cde\r\n0\r\n\r\n"];
    for (client, rest) in slow[1..].iter_mut().zip(rests) {
        client.write_raw(rest).expect("written");
        assert_eq!(status(client), 200);
    }
}

// ---- upstream connections and the line ----

#[test]
fn an_upstream_never_sees_more_connections_than_the_identity_may_have() {
    let world = World::new();
    let gate = Gate::new();
    let upstream = world.upstream().handler(gated(&gate)).start();
    let to = format!("to={},identity=a", upstream.url());
    let identity = world.device("a") + ",connections=2";
    let egret = egret(&world).identity(&identity).route(&to).start();
    let mut clients: Vec<_> = (0..6).map(|_| ask(egret.addr(0), "/wait")).collect();
    upstream.wait_until(|state| state.seen.len() == 2);
    assert_eq!(upstream.state(|state| (state.open, state.accepted)), (2, 2));
    gate.open();
    for client in &mut clients {
        assert_eq!(status(client), 200);
    }
    // Those who waited took over the connections of those before them.
    assert_eq!(upstream.state(|state| (state.open, state.accepted)), (2, 2));
}

/// A way to `to`: for the first connection at once, for the second when the test says so. It tells
/// when the second has come.
fn second_is_late(to: SocketAddr) -> (u16, Receiver<()>, Sender<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let (arrives, arrived) = mpsc::channel();
    let (release, released) = mpsc::channel();
    thread::spawn(move || {
        join(listener.accept().expect("the first").0, to);
        let second = listener.accept().expect("the second").0;
        arrives.send(()).expect("the test waits");
        released.recv().expect("the test goes on");
        join(second, to);
    });
    (port, arrived, release)
}

fn join(near: TcpStream, to: SocketAddr) {
    let far = TcpStream::connect(to).expect("connects");
    let copies = |tcp: &TcpStream| tcp.try_clone().expect("another handle");
    for (mut from, mut into) in [(copies(&near), copies(&far)), (far, near)] {
        thread::spawn(move || {
            // Either side may end first, and in any way.
            let _ended = io::copy(&mut from, &mut into);
            let _gone = into.shutdown(Shutdown::Write);
        });
    }
}

#[test]
fn a_request_takes_a_connection_that_comes_free_and_the_one_being_made_is_kept() {
    let world = World::new();
    let gate = Gate::new();
    let upstream = world.upstream().handler(gated(&gate)).start();
    let (port, arrived, release) = second_is_late(upstream.addr());
    let to = format!("to=https://localhost:{port},identity=a");
    let egret = egret(&world)
        .identity(&world.device("a"))
        .route(&to)
        .start();
    let mut first = ask(egret.addr(0), "/wait");
    upstream.wait_until(|state| state.seen.len() == 1);
    let mut second = ask(egret.addr(0), "/now");
    arrived.recv().expect("a second connection");
    gate.open();
    assert_eq!(status(&mut first), 200);
    assert_eq!(status(&mut second), 200);
    assert_eq!(upstream.connections(), 1);
    release.send(()).expect("it waits for that");
    upstream.wait_until(|state| state.connections() == 2);
    // Now both are there for the next two.
    let gate = Gate::new();
    upstream.answer(gated(&gate));
    let mut both = [first, second];
    for client in &mut both {
        ask_again(client, "/wait");
    }
    upstream.wait_until(|state| state.seen.len() == 4);
    gate.open();
    for client in &mut both {
        assert_eq!(status(client), 200);
    }
    assert_eq!(
        upstream.state(|state| (state.connections(), state.accepted)),
        (2, 2)
    );
}

#[test]
fn requests_are_served_in_the_order_in_which_they_began_to_wait() {
    let world = World::new();
    let gate = Gate::new();
    let upstream = world.upstream().handler(gated(&gate)).start();
    let to = format!("to={},identity=a", upstream.url());
    let identity = world.device("a") + ",connections=1";
    let egret = egret(&world).identity(&identity).route(&to).start();
    let mut clients: Vec<_> = (0..8).map(|_| Client::connect(egret.addr(0))).collect();
    for client in &mut clients {
        assert_eq!(client.get("/ready").expect("an answer").status, 200);
    }
    for (number, client) in clients.iter_mut().enumerate() {
        ask_again(client, &format!("/wait/{number}"));
    }
    upstream.wait_until(|state| state.seen.len() == 9);
    gate.open();
    for client in &mut clients {
        assert_eq!(status(client), 200);
    }
    let order: Vec<_> = upstream
        .seen()
        .into_iter()
        .skip(8)
        .map(|s| s.target)
        .collect();
    let expected: Vec<_> = (0..8).map(|number| format!("/wait/{number}")).collect();
    assert_eq!(order, expected);
    assert_eq!(upstream.connections(), 1);
}

#[test]
fn a_full_line_is_answered_at_once_with_the_numbers() {
    let world = World::new();
    let gate = Gate::new();
    let upstream = world.upstream().handler(gated(&gate)).start();
    let to = format!("to={},identity=a", upstream.url());
    let identity = world.device("a") + ",connections=1,waiting=2";
    let egret = egret(&world).identity(&identity).route(&to).start();
    let mut clients: Vec<_> = (0..4).map(|_| Client::connect(egret.addr(0))).collect();
    for client in &mut clients {
        ask_again(client, "/wait");
    }
    let refused = clients[3].read_response().expect("an answer");
    assert_eq!(refused.status, 503);
    assert_eq!(
        refused.text(),
        "503 identity \"a\": all 1 connections busy and 2 requests waiting\n"
    );
    assert_eq!(refused.header("retry-after"), Some("1"));
    let proxy_status = refused.header("proxy-status").unwrap_or_default();
    assert!(proxy_status.starts_with("egret; error=connection_limit_reached; "));
    // The connection is still good, and so are those who wait.
    gate.open();
    for client in &mut clients[..3] {
        assert_eq!(status(client), 200);
    }
    let began = Instant::now();
    assert_eq!(clients[3].get("/").expect("an answer").status, 200);
    assert!(began.elapsed() < AT_ONCE, "{:?}", began.elapsed());
    assert!(egret.log().contains("(busy)"), "the log says it too");
}

#[test]
fn a_request_that_waited_too_long_is_told_so() {
    let world = World::new();
    let gate = Gate::new();
    let upstream = world.upstream().handler(gated(&gate)).start();
    let to = format!("to={},identity=a", upstream.url());
    let identity = world.device("a") + ",connections=1";
    let egret = egret(&world)
        .identity(&identity)
        .route(&to)
        .option("--wait-timeout", "200ms")
        .start();
    let mut first = ask(egret.addr(0), "/wait");
    upstream.wait_until(|state| state.seen.len() == 1);
    let began = Instant::now();
    let refused = get(egret.addr(0), "/");
    assert!(began.elapsed() >= Duration::from_millis(200));
    assert_eq!(
        (refused.status, refused.header("retry-after")),
        (503, Some("1"))
    );
    assert_eq!(
        refused.text(),
        "503 identity \"a\": all 1 connections busy for 200ms; raise connections= or --wait-timeout\n"
    );
    gate.open();
    assert_eq!(status(&mut first), 200);
    answers_at_once(egret.addr(0));
    assert_eq!(upstream.connections(), 1);
}

#[test]
fn an_idle_connection_to_another_upstream_of_the_same_identity_makes_room() {
    let world = World::new();
    let [one, two] = [world.upstream().start(), world.upstream().start()];
    let egret = egret(&world)
        .identity(&(world.device("a") + ",connections=1"))
        .identity(&(world.device("b") + ",connections=1"))
        .route(&format!("to={},identity=a", one.url()))
        .route(&format!("to={},identity=a", two.url()))
        .route(&format!("to={},identity=b", one.url()))
        .start();
    assert_eq!(get(egret.addr(2), "/").status, 200);
    assert_eq!(get(egret.addr(0), "/").status, 200);
    assert_eq!(one.open_connections(), 2);
    assert_eq!(get(egret.addr(1), "/").status, 200);
    one.wait_until(|state| state.open == 1);
    // It was a's connection that went: that of b is as good as new.
    let again = get(egret.addr(2), "/");
    assert_eq!(again.echo("client_subject").as_deref(), Some("CN=b"));
    assert_eq!(
        (again.echo("request").as_deref(), one.connections()),
        (Some("2"), 2)
    );
}

// ---- one is stuck, the others are not ----

/// Two identities; the first sends four requests to a stuck upstream, with room for two and two in
/// the line, and then the other one is asked.
fn one_is_stuck_and_the_other_answers(world: &World, stuck: &str, arrived: impl FnOnce()) {
    let good = world.upstream().start();
    let egret = egret(world)
        .identity(&(world.device("a") + ",connections=2,waiting=2"))
        .identity(&world.device("b"))
        .route(&format!("to={stuck},identity=a"))
        .route(&format!("to={},identity=b", good.url()))
        .start();
    let mut clients: Vec<_> = (0..5).map(|_| ask(egret.addr(0), "/wait")).collect();
    arrived();
    // The fifth finds everything full; from then on the identity is stuck for good.
    assert_eq!(status(&mut clients[4]), 503);
    answers_at_once(egret.addr(1));
}

#[test]
fn an_identity_stuck_in_tcp_does_not_delay_another() {
    let hole = BlackHole::new();
    one_is_stuck_and_the_other_answers(&World::new(), &hole.url(), || {});
}

#[test]
fn an_identity_stuck_in_tls_does_not_delay_another() {
    let world = World::new();
    let upstream = world.upstream().on_accept(|_| OnAccept::Stall).start();
    one_is_stuck_and_the_other_answers(&world, &upstream.url(), || {
        upstream.wait_until(|state| state.open == 2);
    });
}

#[test]
fn an_identity_stuck_in_the_answer_does_not_delay_another() {
    let world = World::new();
    let upstream = world.upstream().start();
    upstream.answer(|_| Reply::script(vec![Step::Stall]));
    one_is_stuck_and_the_other_answers(&world, &upstream.url(), || {
        upstream.wait_until(|state| state.seen.len() == 2);
    });
}

#[test]
fn eight_handshakes_of_one_identity_may_stall_and_another_goes_on() {
    let world = World::new();
    let good = world.upstream().start();
    let stalled = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = stalled.local_addr().expect("bound").port();
    let egret = egret(&world)
        .identity(&world.device("a"))
        .identity(&world.device("b"))
        .route(&format!("to=https://127.0.0.1:{port},identity=a"))
        .route(&format!("to={},identity=b", good.url()))
        .start();
    let clients: Vec<_> = (0..10).map(|_| ask(egret.addr(0), "/")).collect();
    let mut accepted: Vec<_> = (0..10)
        .map(|_| stalled.accept().expect("a connection").0)
        .collect();
    let began = |accepted: &[TcpStream]| accepted.iter().filter(|tcp| has_data(tcp)).count();
    wait_until("eight handshakes began", || began(&accepted) == 8);
    answers_at_once(egret.addr(1));
    assert_eq!(began(&accepted), 8);
    // The one that ends makes room for one that waits.
    let first = accepted
        .iter()
        .position(has_data)
        .expect("one of the eight");
    drop(accepted.remove(first));
    wait_until("the next began", || began(&accepted) == 8);
    drop(clients);
}

#[test]
fn who_waited_for_handshakes_elsewhere_does_not_blame_its_own_upstream() {
    let world = World::new();
    let stalled = world.upstream().on_accept(|_| OnAccept::Stall).start();
    let hole = BlackHole::new();
    let egret = egret(&world)
        .identity(&world.device("a"))
        .route(&format!("to={},identity=a", hole.url()))
        .route(&format!("to={},identity=a", stalled.url()))
        .option("--connect-timeout", "6s")
        .start();
    let wait_for = |name, number| {
        wait_until(name, || {
            Snapshot::of(&egret).value("identity \"a\"", name) == number
        });
    };
    // Its time is up before a place is free.
    let first = ask(egret.addr(0), "/");
    wait_for("busy", "1");
    let stuck: Vec<_> = (0..8).map(|_| ask(egret.addr(1), "/")).collect();
    wait_for("handshakes", "8");
    hole.take_queued();
    // A place is free when next to nothing of its time is left.
    let last = ask(egret.addr(1), "/");
    for mut late in [first, last] {
        let response = late.read_response().expect("an answer");
        assert_eq!(response.status, 503, "{}", response.text());
        assert_eq!(response.header("retry-after"), Some("1"));
        assert_eq!(
            response.text(),
            "503 identity \"a\": no room for a TLS handshake in time (--connect-timeout): \
             those under way do not end; find the upstream that hangs with egret probe\n"
        );
    }
    for mut client in stuck {
        let blames = format!(
            "504 {}: the TLS handshake",
            &stalled.url()["https://".len()..]
        );
        let text = client.read_response().expect("an answer").text();
        assert!(text.starts_with(&blames), "{text}");
    }
}

#[test]
fn two_identities_with_stalled_handshakes_do_not_delay_a_third() {
    let world = World::new();
    let good = world.upstream().start();
    let stalled = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = stalled.local_addr().expect("bound").port();
    let egret = egret(&world)
        .identity(&world.device("a"))
        .identity(&world.device("b"))
        .identity(&world.device("c"))
        .route(&format!("to=https://127.0.0.1:{port},identity=a"))
        .route(&format!("to=https://127.0.0.1:{port},identity=b"))
        .route(&format!("to={},identity=c", good.url()))
        .start();
    let clients: Vec<_> = (0..20).map(|n| ask(egret.addr(n % 2), "/")).collect();
    let accepted: Vec<_> = (0..20)
        .map(|_| stalled.accept().expect("a connection").0)
        .collect();
    // All places but the third identity's own.
    let began = || accepted.iter().filter(|tcp| has_data(tcp)).count();
    wait_until("fifteen handshakes began", || began() == 15);
    answers_at_once(egret.addr(2));
    assert_eq!(began(), 15);
    drop(clients);
}

fn has_data(tcp: &TcpStream) -> bool {
    tcp.set_nonblocking(true).expect("non-blocking");
    matches!(tcp.peek(&mut [0]), Ok(1))
}
