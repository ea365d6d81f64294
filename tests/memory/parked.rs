//! Clients and upstream connections that nothing is asked of: what they still take, and that nobody
//! notices when they are used again. That they are parked is seen by the heap.

use std::net::TcpStream;
use std::sync::Arc;

use ::egret::limits;

use crate::clients::{connect, read_some, send};
use crate::egret::Egret;
use crate::support::client::Client;
use crate::support::gate::Gate;
use crate::support::upstream::{ReadBody, Reply, Seen, Step, Upstream};
use crate::upstreams::World;
use crate::{EACH_ITS_OWN, N, Proxy, alone, heap};

/// What a client may take that asks for nothing, whether or not it ever did.
const CLIENT: usize = 2 * 1024;
/// What a connection may take that lies in the pool.
const CONNECTION: usize = 12 * 1024;
/// What an upstream's sessions may take here: its chain is short, and its tickets are small.
const SESSIONS: usize = 4 * 1024;

const GET: &str = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

// ---- what they take ----

#[test]
fn a_client_that_asks_for_nothing_takes_two_kib() {
    let _alone = alone();
    let world = World::new();
    let upstream = world.upstream().start();
    let to = format!("to=https://{},identity=x", upstream.addr());
    let mut options = world.options("x,connections=4,waiting=4,sessions=1");
    options.push("--upstream-idle=0".to_owned());
    let egret = Egret::start(&options, &[to]);
    let answered = || {
        let mut client = Client::connect(egret.addr(0));
        assert_eq!(client.get("/large").expect("an answer").body.len(), 50_000);
        client
    };
    // What a first request leaves behind for good is not the client's.
    drop(answered());
    upstream.wait_until(|state| state.open == 0);
    let rest = heap::quiet();
    let clients: Vec<_> = (0..N).map(|_| answered()).collect();
    heap::wait_until("clients that were answered", rest + N * CLIENT);
    let silent: Vec<_> = (0..N).map(|_| connect(egret.addr(0))).collect();
    let each = (heap::quiet() - rest) / (2 * N);
    println!("a parked client: {each} bytes");
    assert!(each <= CLIENT);
    drop((clients, silent));
}

#[test]
fn a_connection_in_the_pool_takes_twelve_kib() {
    let _alone = alone();
    let world = World::new();
    let upstream = world.upstream().start();
    let proxy = Proxy::start(&world, upstream.addr(), EACH_ITS_OWN);
    let clients: Vec<_> = (0..N).map(|_| connect(proxy.egret.addr(0))).collect();
    for client in &clients {
        send(client, b"GET /together HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    upstream.wait_until(|state| state.seen.len() == N);
    world.gate.open();
    clients.iter().for_each(read_some);
    drop(clients);
    heap::wait_until("connections in the pool", proxy.rest + N * CONNECTION);
    let each = (heap::quiet() - proxy.rest) / N;
    println!("a parked connection: {each} bytes");
    assert_eq!(upstream.open_connections(), N as u64);
}

// ---- and when they are used again ----

/// A proxy with a client that was answered, and both its sides parked.
struct Parked {
    egret: Egret,
    upstream: Upstream,
    client: Client<TcpStream>,
    rest: usize,
    _world: World,
}

impl Parked {
    fn new(options: &[&str]) -> Self {
        Self::over(options, Reply::echo)
    }

    /// Over an upstream that answers on its first connection once, and then takes these steps.
    fn until(options: &[&str], then: Vec<Step>) -> Self {
        Self::over(options, move |seen| match seen.connection {
            1 => then.iter().cloned().fold(Reply::status(200), Reply::then),
            _ => Reply::echo(seen),
        })
    }

    fn over(options: &[&str], handler: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        let world = World::new();
        let upstream = world
            .upstream()
            .read_body(ReadBody::First)
            .handler(handler)
            .start();
        let mut words = world.options("x,connections=4,waiting=4,sessions=1");
        words.extend(options.iter().map(|option| (*option).to_owned()));
        let to = format!("to=https://{},identity=x,clients=2", upstream.addr());
        let egret = Egret::start(&words, &[to]);
        let rest = heap::quiet();
        let client = Client::connect(egret.addr(0));
        let mut parked = Self {
            egret,
            upstream,
            client,
            rest,
            _world: world,
        };
        parked.ask();
        parked.wait();
        parked
    }

    fn ask(&mut self) {
        let response = self.client.get("/").expect("an answer");
        assert_eq!(response.status, 200, "{}", response.text());
    }

    /// The upstream's connection ends, although nobody asks for anything, and is made anew for
    /// whoever asks.
    fn begins_anew(&mut self) {
        self.upstream.wait_until(|state| state.open == 0);
        self.ask();
        assert_eq!(self.upstream.connections(), 2);
    }

    /// Waits until both sides are parked.
    fn wait(&self) {
        let both = CLIENT + CONNECTION + SESSIONS;
        heap::wait_until("a client and a connection", self.rest + both);
    }
}

#[test]
fn a_parked_client_is_answered_over_the_parked_connection() {
    let _alone = alone();
    let mut parked = Parked::new(&[]);
    for _ in 0..2 {
        parked.ask();
        parked.ask();
        parked.wait();
    }
    assert_eq!(parked.upstream.connections(), 1);
    assert_eq!(parked.upstream.seen().len(), 5);
}

#[test]
fn a_parked_client_may_upload() {
    let _alone = alone();
    let mut parked = Parked::new(&[]);
    let body = vec![b'u'; 100_000];
    let response = parked.client.request("POST", "/", &[], &body);
    assert_eq!(response.expect("an answer").status, 200);
    let seen = parked.upstream.last().expect("a request");
    assert!(seen.complete);
    assert_eq!((seen.body, parked.upstream.connections()), (body, 1));
}

#[test]
fn a_parked_client_may_send_its_head_in_pieces() {
    let _alone = alone();
    let mut parked = Parked::new(&[]);
    for byte in GET.as_bytes() {
        parked.client.write_raw(&[*byte]).expect("written");
    }
    let response = parked.client.read_response().expect("an answer");
    assert_eq!(response.status, 200);
}

#[test]
fn a_parked_client_that_sends_half_a_head_is_told_so_in_time() {
    let _alone = alone();
    let mut parked = Parked::new(&["--header-timeout=200ms"]);
    let half = &GET.as_bytes()[..GET.len() - 2];
    parked.client.write_raw(half).expect("written");
    let response = parked.client.read_response().expect("an answer");
    assert_eq!(response.status, 408);
    assert_eq!(parked.client.read_to_end().expect("an end in order"), b"");
}

#[test]
fn what_a_parked_client_sends_is_held_to_the_rules() {
    let _alone = alone();
    let mut parked = Parked::new(&[]);
    let two = b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n";
    parked.client.write_raw(two).expect("written");
    let response = parked.client.read_response().expect("an answer");
    assert_eq!(response.status, 400);
    assert_eq!(parked.client.read_to_end().expect("an end in order"), b"");
    assert_eq!(parked.upstream.seen().len(), 1);
}

#[test]
fn a_parked_client_may_pipeline() {
    let _alone = alone();
    let mut parked = Parked::new(&[]);
    let three: String = ["/1", "/2", "/3"]
        .map(|target| GET.replace("/ ", &format!("{target} ")))
        .concat();
    parked.client.write_raw(three.as_bytes()).expect("written");
    for target in ["/1", "/2", "/3"] {
        let response = parked.client.read_response().expect("an answer");
        assert_eq!(response.echo("target").as_deref(), Some(target));
    }
}

#[test]
fn a_parked_client_that_goes_away_leaves_nothing_behind() {
    let _alone = alone();
    let Parked {
        egret: _egret,
        client,
        upstream: _upstream,
        rest,
        _world,
    } = Parked::new(&["--upstream-idle=700ms"]);
    drop(client);
    heap::wait_until("nobody", rest + SESSIONS);
}

#[test]
fn a_parked_client_is_closed_when_its_idle_time_is_over() {
    let _alone = alone();
    let mut parked = Parked::new(&["--idle-timeout=1s"]);
    assert_eq!(parked.client.read_to_end().expect("an end in order"), b"");
}

#[test]
fn a_parked_client_is_closed_at_a_stop() {
    let _alone = alone();
    let parked = Parked::new(&[]);
    let mut client = parked.client;
    drop(parked.egret);
    assert_eq!(client.read_to_end().expect("an end in order"), b"");
}

#[test]
fn the_parked_client_that_is_idle_longest_makes_room() {
    let _alone = alone();
    let mut parked = Parked::new(&[]);
    let mut second = Client::connect(parked.egret.addr(0));
    assert_eq!(second.get("/").expect("an answer").status, 200);
    let mut third = Client::connect(parked.egret.addr(0));
    assert_eq!(third.get("/").expect("an answer").status, 200);
    assert_eq!(parked.client.read_to_end().expect("an end in order"), b"");
    assert_eq!(second.get("/").expect("an answer").status, 200);
}

#[test]
fn a_parked_connection_that_the_upstream_ends_is_ended_at_once_and_made_anew() {
    let _alone = alone();
    let gate = Gate::new();
    let ends = vec![Step::WaitFor(Arc::clone(&gate)), Step::FinishWriting];
    let mut parked = Parked::until(&[], ends);
    gate.open();
    parked.begins_anew();
}

#[test]
fn a_parked_connection_on_which_the_upstream_speaks_unasked_is_used_no_more() {
    let _alone = alone();
    let gate = Gate::new();
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec();
    let speaks = vec![
        Step::WaitFor(Arc::clone(&gate)),
        Step::Bytes(answer),
        Step::Flush,
    ];
    let mut parked = Parked::until(&[], speaks);
    gate.open();
    parked.begins_anew();
}

#[test]
fn a_parked_connection_whose_time_is_over_ends_in_good_order() {
    let _alone = alone();
    // Complete is only what ended with close_notify.
    let mut parked = Parked::until(&["--upstream-idle=1s"], vec![Step::Record]);
    assert!(limits::WATCH_AFTER.as_secs() < 1);
    parked.begins_anew();
    assert!(parked.upstream.seen()[0].complete, "no close_notify");
}
