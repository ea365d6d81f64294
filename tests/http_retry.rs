//! When a request is sent once more: a pooled connection that turns out dead is replaced in
//! silence, and no request that might have been acted on goes out twice.

mod http;
mod support;

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use http::{World, assert_ours, binary, seed, setup, step};
use support::PATIENCE;
use support::certs::{Ca, Dir};
use support::client::Client;
use support::gate::Gate;
use support::upstream::{ReadBody, Reply, Seen, Step, Upstream, Versions};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// Fills the pool with one connection, on which the upstream does `then` to the second request.
fn with_pooled(then: Vec<Step>) -> World {
    // A request that is sent again must be whole.
    with_pooled_and(then, vec![Step::ReadBody, Step::Bytes(OK.to_vec())])
}

/// The same, and `others` to all others.
fn with_pooled_and(then: Vec<Step>, others: Vec<Step>) -> World {
    let world = setup()
        .upstream(|up| up.read_body(ReadBody::AfterReply))
        .start();
    world
        .upstream
        .answer(move |seen| match (seen.connection, seen.request) {
            (1, 2) => Reply::script(then.clone()),
            _ => Reply::script(others.clone()),
        });
    assert_eq!(
        world.client().get("/first").expect("a response").status,
        200
    );
    world
}

/// Requests, and whether RFC 9110 §9.2.2 lets them be repeated when no byte of their body left
/// the client.
const REQUESTS: [(&str, &str, bool); 11] = [
    ("GET", "", true),
    ("HEAD", "", true),
    ("OPTIONS", "", true),
    ("DELETE", "", true),
    ("PUT", "Content-Length: 0\r\n", true),
    ("POST", "", false),
    ("POST", "Content-Length: 0\r\n", false),
    ("PATCH", "", false),
    ("PURGE", "", false),
    ("POST", "Content-Length: 4\r\n\r\nbody", false),
    ("PUT", "Content-Length: 4\r\n\r\nbody", false),
];

fn request(method: &str, rest: &str) -> Vec<u8> {
    let end = if rest.contains("\r\n\r\n") {
        ""
    } else {
        "\r\n"
    };
    format!("{method} /second HTTP/1.1\r\nHost: x\r\n{rest}{end}").into_bytes()
}

#[test]
fn a_request_that_may_have_been_acted_on_is_repeated_only_if_that_does_no_harm() {
    for (method, rest, repeated) in REQUESTS {
        for end in [Step::Close, Step::Cut, Step::Reset] {
            let name = format!("{method} {rest:?}, {end:?}");
            let world = with_pooled(vec![end]);
            let mut client = world.client();
            client.write_raw(&request(method, rest)).expect("written");
            let response = client.read_response_to(method).expect(&name);
            let arrivals = world.mark() - 1;
            if repeated {
                assert_eq!((response.status, arrivals), (200, 2), "{name}");
                assert_eq!(
                    (world.last().connection, world.last().request),
                    (2, 1),
                    "{name}"
                );
            } else {
                assert_ours(&response, 502, "connection_terminated", &name);
                assert_eq!(arrivals, 1, "{name}");
            }
        }
    }
}

#[test]
fn an_empty_chunked_body_that_is_sent_again_has_its_end() {
    let early = vec![Step::Bytes(OK.to_vec()), Step::Flush, Step::ReadBody];
    let world = with_pooled_and(vec![Step::ReadBody, Step::Reset], early);
    let mut client = world.client();
    let empty = request("PUT", "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    client.write_raw(&empty).expect("written");
    assert_eq!(client.read_response().expect("a response").status, 200);
    // Whatever follows on its connection is not taken for its body.
    assert_eq!(world.client().get("/3").expect("a response").status, 200);
    let targets: Vec<_> = world
        .seen_since(0)
        .into_iter()
        .map(|seen| seen.target)
        .collect();
    assert_eq!(targets, ["/first", "/second", "/second", "/3"]);
    assert_eq!(world.last().connection, 2);
}

#[test]
fn a_request_is_repeated_at_most_once() {
    for end in [Step::Close, Step::Reset] {
        let world = setup().start();
        world
            .upstream
            .answer(move |seen| match seen.target.as_str() {
                "/first" => Reply::echo(seen),
                _ => Reply::script(vec![end.clone()]),
            });
        let mut client = world.client();
        client.get("/first").expect("a response");
        let response = client.get("/second").expect("a response");
        assert_ours(&response, 502, "connection_terminated", "GET");
        assert_eq!(world.mark() - 1, 2);
        assert_eq!(world.upstream.connections(), 2);
    }
}

#[test]
fn a_request_on_a_fresh_connection_is_not_repeated() {
    for end in [Step::Close, Step::Reset] {
        let world = setup().start();
        world
            .upstream
            .answer(move |_| Reply::script(vec![end.clone()]));
        let response = world.client().get("/").expect("a response");
        assert_ours(&response, 502, "connection_terminated", "GET");
        assert_eq!(world.mark(), 1);
    }
}

#[test]
fn a_request_whose_answer_began_is_not_repeated() {
    for part in [
        "H",
        "HTTP/1.1 200 OK\r\nContent-",
        "HTTP/1.1 103 Hints\r\n\r\n",
    ] {
        let world = with_pooled(vec![Step::Bytes(part.into()), Step::Flush, Step::Close]);
        let response = world.client().get("/second").expect(part);
        assert_ours(&response, 502, "http_response_incomplete", part);
        assert_eq!(world.mark() - 1, 1, "{part}");
    }
}

#[test]
fn a_body_that_waits_for_a_100_is_not_touched_and_may_be_sent_again() {
    let world = with_pooled(vec![Step::Reset]);
    let mut client = world.client();
    client
        .write_raw(
            b"PUT /second HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n",
        )
        .expect("written");
    assert_eq!(client.read_head().expect("an interim response").status, 100);
    client.write_raw(b"body").expect("written");
    assert_eq!(client.read_response().expect("a response").status, 200);
    assert_eq!(
        (world.mark() - 1, world.last().body.as_slice()),
        (2, b"body".as_slice())
    );
}

#[test]
fn a_connection_that_died_in_the_pool_is_replaced_for_any_method() {
    for (method, rest, _) in REQUESTS {
        for end in [Step::Close, Step::Cut, Step::Reset] {
            let name = format!("{method} {rest:?}, {end:?}");
            let world = setup().start();
            let gate = Gate::new();
            let held = Arc::clone(&gate);
            world
                .upstream
                .answer(move |seen: &Seen| match seen.connection {
                    1 => Reply::echo(seen)
                        .then(Step::WaitFor(Arc::clone(&held)))
                        .then(end.clone()),
                    _ => Reply::echo(seen),
                });
            world.client().get("/first").expect("a response");
            gate.open();
            // The news is on its way once the upstream is done, and there once the kernel says so.
            world.upstream.wait_until(|state| state.open == 0);
            wait_until(|| !is_connected_to(world.upstream.port()));
            let mut client = world.client();
            client.write_raw(&request(method, rest)).expect("written");
            let response = client.read_response_to(method).expect(&name);
            assert_eq!(response.status, 200, "{name}: {}", response.text());
            assert_eq!(world.mark(), 2, "{name}");
        }
    }
}

/// Whether any socket of this machine has an established connection to that port of 127.0.0.1.
fn is_connected_to(port: u16) -> bool {
    let table = std::fs::read_to_string("/proc/net/tcp").expect("the kernel's table");
    let remote = format!("0100007F:{port:04X}");
    let mut sockets = table.lines().map(|line| line.split_whitespace());
    // After its number: local address, remote address, state.
    sockets.any(|mut words| words.nth(2) == Some(&remote) && words.next() == Some("01"))
}

fn wait_until(so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !so() {
        assert!(Instant::now() < deadline, "it did not come to that");
        thread::yield_now();
    }
}

const CLIENTS: usize = 25;
const ROUNDS: usize = 40;
const IDLE: Duration = Duration::from_millis(50);

#[test]
fn a_thousand_posts_at_the_end_of_an_idle_time_arrive_once_or_fail_with_their_bytes_written() {
    let seed = seed();
    println!("seed {seed}");
    let (ca, dir) = (Ca::new("servers"), Dir::new());
    let upstream = Upstream::builder(&ca.server(&["localhost"]))
        .versions(Versions::Only12)
        .idle(IDLE)
        .start();
    let relay = Relay::start(upstream.addr());
    let egret = binary()
        .ca(&dir.ca("servers", &ca))
        .identity(&format!("none,connections={CLIENTS}"))
        .route(&format!(
            "identity=none,to=https://localhost:{}",
            relay.port
        ))
        .start();
    let addr = egret.addr(0);
    let together = Arc::new(Barrier::new(CLIENTS));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| {
            let together = Arc::clone(&together);
            thread::spawn(move || posts(addr, number, seed, &together))
        })
        .collect();
    let mut failed = 0;
    let mut answered = HashMap::new();
    for client in clients {
        for (id, status) in client.join().expect("a client") {
            failed += usize::from(status == 502);
            answered.insert(id, status);
        }
    }
    assert_eq!(answered.len(), CLIENTS * ROUNDS);
    let mut arrived: HashMap<String, usize> = HashMap::new();
    for seen in upstream.seen() {
        *arrived.entry(seen.target).or_default() += 1;
    }
    for (id, status) in &answered {
        let arrivals = arrived.get(id).copied().unwrap_or(0);
        assert!(arrivals <= 1, "{id} arrived {arrivals} times");
        assert!(arrivals == 1 || *status == 502, "{id} never arrived");
    }
    let connections = upstream.connections() as usize;
    println!("{failed} failed, {connections} connections");
    assert!(connections > 2 * CLIENTS && connections < CLIENTS * ROUNDS);
    drop(egret);
    // One record for each request, answered or failed: none failed unsent, none was sent again.
    assert_eq!(relay.records(), CLIENTS * ROUNDS);
}

/// One client's requests: their ids, and the status of the answer. All clients send together, so
/// that each needs a connection, from 3/5 to 6/5 of the upstream's patience after the last time.
fn posts(addr: SocketAddr, number: usize, seed: usize, together: &Barrier) -> Vec<(String, u16)> {
    let mut random = seed;
    let mut client = Client::connect(addr);
    let mut post = |round: usize| {
        together.wait();
        thread::sleep(IDLE * (600 + (step(&mut random) % 600) as u32) / 1000);
        let id = format!("/{number}/{round}");
        let response = client.request("POST", &id, &[], b"").expect("a response");
        if response.status != 200 {
            assert_ours(&response, 502, "connection_terminated", &id);
        }
        (id, response.status)
    };
    (0..ROUNDS).map(&mut post).collect()
}

/// Stands before an upstream and counts the TLS records with application data sent there: in TLS
/// 1.2 they are told from all others.
struct Relay {
    port: u16,
    records: Arc<AtomicUsize>,
    open: Arc<AtomicUsize>,
}

impl Relay {
    fn start(upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
        let relay = Self {
            port: listener.local_addr().expect("an address").port(),
            records: Arc::default(),
            open: Arc::default(),
        };
        let (records, open) = (Arc::clone(&relay.records), Arc::clone(&relay.open));
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(upstream) else {
                    continue;
                };
                let (records, open) = (Arc::clone(&records), Arc::clone(&open));
                open.fetch_add(1, Ordering::SeqCst);
                relay_one(client, server, records, open);
            }
        });
        relay
    }

    /// How many records went by, once all connections have ended.
    fn records(&self) -> usize {
        wait_until(|| self.open.load(Ordering::SeqCst) == 0);
        self.records.load(Ordering::SeqCst)
    }
}

fn relay_one(
    client: TcpStream,
    server: TcpStream,
    records: Arc<AtomicUsize>,
    open: Arc<AtomicUsize>,
) {
    let (mut up, mut down) = (
        (
            client.try_clone().expect("a handle"),
            server.try_clone().expect("a handle"),
        ),
        (server, client),
    );
    thread::spawn(move || {
        let count = std::iter::from_fn(|| {
            let mut head = [0; 5];
            up.0.read_exact(&mut head).ok()?;
            let mut body = vec![0; usize::from(u16::from_be_bytes([head[3], head[4]]))];
            up.0.read_exact(&mut body).ok()?;
            // What the upstream no longer takes was sent all the same.
            let _ = up.1.write_all(&[&head[..], &body].concat());
            Some(usize::from(head[0] == 23))
        });
        records.fetch_add(count.sum(), Ordering::SeqCst);
        let _ = up.1.shutdown(Shutdown::Write);
        open.fetch_sub(1, Ordering::SeqCst);
    });
    thread::spawn(move || {
        let _ = std::io::copy(&mut down.0, &mut down.1);
        let _ = down.1.shutdown(Shutdown::Write);
    });
}
