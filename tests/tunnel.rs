//! CONNECT: a blind relay where a rule permits it, and a text that helps where none does.

mod support;

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use support::PATIENCE;
use support::certs::{Ca, Dir};
use support::client::{Client, Response, send};
use support::egret::{Builder, Egret};
use support::upstream::Upstream;

const EGRET: &str = env!("CARGO_BIN_EXE_egret");
const LISTEN: &str = "127.0.0.1:0";

/// An egret that permits tunnels to 127.0.0.1, as an identity of no more than these `limits`.
fn tunnels(limits: &str) -> Builder {
    Egret::builder(EGRET)
        .option("--log", "debug")
        .identity(&format!("none{limits}"))
        .forward_at(LISTEN, "to=127.0.0.1:*,identity=none,tunnel=on")
}

/// A destination that speaks no protocol at all.
struct Far(TcpListener);

impl Far {
    fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").expect("a listener"))
    }

    fn addr(&self) -> SocketAddr {
        self.0.local_addr().expect("an address")
    }

    fn accept(&self) -> TcpStream {
        let (stream, _) = self.0.accept().expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
        stream
    }
}

fn head(destination: impl std::fmt::Display) -> String {
    format!("CONNECT {destination} HTTP/1.1\r\nHost: {destination}\r\n\r\n")
}

/// Asks for a tunnel on a connection of its own.
fn asks(egret: &Egret, destination: impl std::fmt::Display) -> Client<TcpStream> {
    let mut client = Client::connect(egret.addr(0));
    let head = head(destination);
    client.write_raw(head.as_bytes()).expect("written");
    client
}

fn answered(client: &mut Client<TcpStream>) -> Response {
    client.read_response_to("CONNECT").expect("an answer")
}

/// Both ends of a tunnel.
fn open(egret: &Egret, far: &Far) -> (Client<TcpStream>, TcpStream) {
    let mut near = asks(egret, far.addr());
    let response = answered(&mut near);
    assert_eq!(response.status, 200, "{}", response.text());
    (near, far.accept())
}

fn read_exact(stream: &mut TcpStream, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    stream.read_exact(&mut bytes).expect("bytes");
    bytes
}

fn read_to_end(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("an orderly end");
    bytes
}

fn assert_refused(response: &Response, status: u16, part: &str) {
    let text = String::from_utf8_lossy(&response.body).into_owned();
    assert_eq!(response.status, status, "{text}");
    assert!(text.contains(part), "{part:?} is not in {text:?}");
}

#[test]
fn a_tunnel_that_was_to_make_room_does_not_say_that_it_ends() {
    let far = Far::new();
    let egret = Egret::builder(EGRET)
        .forward_at(LISTEN, "to=127.0.0.1:*,identity=none,tunnel=on,clients=1")
        .start();
    // Both are there before the first is accepted.
    egret.pause();
    let clients = [(); 2].map(|()| asks(&egret, far.addr()));
    egret.resume();
    for mut near in clients {
        let response = answered(&mut near);
        assert_eq!(
            (response.status, response.header("connection")),
            (200, None)
        );
        let mut far = far.accept();
        near.write_raw(b"through").expect("written");
        assert_eq!(read_exact(&mut far, 7), b"through");
    }
}

#[test]
fn connect_is_refused_unless_the_rule_permits_tunnels_and_the_refusal_says_why() {
    let far = Far::new();
    let egret = Egret::builder(EGRET)
        .forward_at(LISTEN, "to=localhost:*,identity=none")
        .forward_at(LISTEN, "to=off.example:*,identity=none,tunnel=off")
        .forward_at(LISTEN, "to=*.example:*,identity=none,tunnel=on")
        .start();
    let refused = |destination: &str, status, part| {
        let response = send(egret.addr(0), head(destination).as_bytes());
        assert_refused(&response, status, part);
        response
    };
    for destination in [
        format!("localhost:{}", far.addr().port()),
        String::from("LOCALHOST.:443"),
        String::from("off.example:443"),
    ] {
        let response = refused(
            &destination,
            403,
            "no identity can be added inside a tunnel",
        );
        assert_refused(&response, 403, "send the request as http://");
        let status = response.header("proxy-status").unwrap_or_default();
        assert!(status.contains("error=http_request_denied"), "{status}");
    }
    let address = far.addr().to_string();
    let no_rule = format!("no --forward rule takes {address} from this peer");
    refused(&address, 403, &no_rule);
    for malformed in ["a.example", "a.example:", "http://a.example/", "/", ":443"] {
        refused(malformed, 400, "HOST:PORT for CONNECT");
    }
    refused("a.example:0", 400, "port must be 1 to 65535");
    refused("b\u{fc}cher.example:443", 400, "A-label");
    // Nobody was connected to.
    far.0.set_nonblocking(true).expect("a socket");
    let nobody = far.0.accept().map_err(|error| error.kind());
    assert_eq!(nobody.err(), Some(ErrorKind::WouldBlock));
}

#[test]
fn a_tls_client_reaches_the_upstream_through_a_tunnel_as_itself() {
    let (servers, clients) = (Ca::new("servers"), Ca::new("clients"));
    let dir = Dir::new();
    let upstream = Upstream::builder(&servers.server(&["localhost"]))
        .requests(&clients)
        .start();
    let egret = Egret::builder(EGRET)
        .ca(&dir.ca("servers", &servers))
        .identity(&dir.identity("client", &clients.client("client")))
        .forward_at(LISTEN, "to=localhost:*,identity=client,tunnel=on")
        .start();
    let mut near = asks(&egret, format!("localhost:{}", upstream.port()));
    let response = answered(&mut near);
    assert_eq!(response.status, 200);
    // RFC 9110 §9.3.6.
    assert_eq!(response.header("content-length"), None);
    assert_eq!(response.header("transfer-encoding"), None);
    let (stream, unread) = near.into_parts();
    assert!(unread.is_empty());
    let mut roots = RootCertStore::empty();
    roots.add(servers.der()).expect("a root");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").expect("a name");
    let tls = ClientConnection::new(Arc::new(config), name).expect("a client");
    let mut client = Client::over(StreamOwned::new(tls, stream));
    for request in ["1", "2"] {
        let response = client.get("/x").expect("an answer");
        assert_eq!(response.echo("request").as_deref(), Some(request));
        assert_eq!(response.echo("client_subject"), None, "the rule's identity");
        assert_eq!(response.echoed_header("via"), None);
    }
    assert_eq!(upstream.connections(), 1);
}

#[test]
fn a_tunnel_goes_on_in_one_direction_when_the_other_has_ended() {
    let far = Far::new();
    let egret = tunnels("").start();

    let (mut near, mut other) = open(&egret, &far);
    near.write_raw(b"question").expect("written");
    near.finish_writing();
    assert_eq!(read_to_end(&mut other), b"question");
    other.write_all(b"answer").expect("written");
    drop(other);
    assert_eq!(near.read_to_end().expect("an end"), b"answer");

    let (mut near, mut other) = open(&egret, &far);
    other.write_all(b"greeting").expect("written");
    other.shutdown(Shutdown::Write).expect("an end");
    assert_eq!(near.read_to_end().expect("an end"), b"greeting");
    near.write_raw(b"farewell").expect("written");
    drop(near);
    assert_eq!(read_to_end(&mut other), b"farewell");
}

#[test]
fn bytes_sent_with_the_head_of_connect_are_relayed_first() {
    let far = Far::new();
    let egret = tunnels("").start();
    let mut near = Client::connect(egret.addr(0));
    let early = [head(far.addr()).as_bytes(), b"GET / early\r\n\r\n\0\xff"].concat();
    near.write_raw(&early).expect("written");
    let mut other = far.accept();
    assert_eq!(answered(&mut near).status, 200);
    near.write_raw(b"late").expect("written");
    near.finish_writing();
    assert_eq!(read_to_end(&mut other), b"GET / early\r\n\r\n\0\xfflate");
}

#[test]
fn a_tunnel_may_follow_other_requests_on_its_connection() {
    let far = Far::new();
    let egret = tunnels("").start();
    let mut near = Client::connect(egret.addr(0));
    let dead = Far::new().addr();
    let refused = near.get(&format!("http://{dead}/")).expect("an answer");
    assert_eq!(refused.status, 502);
    near.write_raw(head(dead).as_bytes()).expect("written");
    assert_eq!(answered(&mut near).status, 502);
    near.write_raw(head(far.addr()).as_bytes())
        .expect("written");
    assert_eq!(answered(&mut near).status, 200);
    far.accept().write_all(b"hello").expect("written");
    assert_eq!(near.read_exact(5).expect("bytes"), b"hello");
}

#[test]
fn much_goes_through_both_ways_at_once_and_the_log_says_how_much() {
    const UP: usize = 3_000_001;
    const DOWN: usize = 2_000_003;
    let pattern = |count: usize| -> Vec<u8> { (0..count).map(|n| ((n * n) >> 7) as u8).collect() };
    let far = Far::new();
    let egret = tunnels("").start();
    let (near, mut other) = open(&egret, &far);
    let (mut reading, unread) = near.into_parts();
    assert!(unread.is_empty());
    let mut writing = reading.try_clone().expect("a second handle");
    thread::scope(|scope| {
        scope.spawn(|| {
            writing.write_all(&pattern(UP)).expect("written");
            writing.shutdown(Shutdown::Write).expect("an end");
        });
        scope.spawn(|| {
            let mut sending = other.try_clone().expect("a second handle");
            let sent = thread::spawn(move || {
                sending.write_all(&pattern(DOWN)).expect("written");
                sending.shutdown(Shutdown::Write).expect("an end");
            });
            assert!(read_to_end(&mut other) == pattern(UP));
            sent.join().expect("sent");
        });
        assert!(read_to_end(&mut reading) == pattern(DOWN));
    });
    let line = egret.wait_line(&format!("{UP} bytes up, {DOWN} down, closed by both"));
    let what = format!("tunnel of 127.0.0.1 to {}", far.addr());
    assert!(line.contains(&what), "{line}");
}

#[test]
fn a_silent_tunnel_is_cut_off_on_both_sides() {
    let far = Far::new();
    let egret = tunnels("").option("--tunnel-idle", "200ms").start();
    let (mut near, mut other) = open(&egret, &far);
    near.write_raw(b"up").expect("written");
    assert_eq!(read_exact(&mut other, 2), b"up");
    // Nobody must take that for an orderly end.
    let end = near.read_to_end().map_err(|error| error.kind());
    assert_eq!(end, Err(ErrorKind::ConnectionReset));
    let end = other.read(&mut [0]).map_err(|error| error.kind());
    assert_eq!(end, Err(ErrorKind::ConnectionReset));
    egret.wait_line("2 bytes up, 0 down, idle for too long");
}

#[test]
fn a_reset_on_one_side_is_one_on_the_other() {
    let far = Far::new();
    let egret = tunnels("").start();
    let reset = |stream: &TcpStream| {
        let socket = socket2::SockRef::from(stream);
        let linger = Some(std::time::Duration::ZERO);
        socket.set_linger(linger).expect("a socket");
    };
    let (mut near, other) = open(&egret, &far);
    reset(&other);
    drop(other);
    let end = near.read_to_end().map_err(|error| error.kind());
    assert_eq!(end, Err(ErrorKind::ConnectionReset));

    let (near, mut other) = open(&egret, &far);
    let (near, _) = near.into_parts();
    reset(&near);
    drop(near);
    let end = other.read(&mut [0]).map_err(|error| error.kind());
    assert_eq!(end, Err(ErrorKind::ConnectionReset));
    egret.wait_line("0 bytes up, 0 down, cut off");
}

#[test]
fn tunnels_count_among_the_identitys_connections() {
    let far = Far::new();
    let egret = tunnels(",connections=2,waiting=1")
        .option("--wait-timeout", "300ms")
        .start();
    let first = open(&egret, &far);
    let _second = open(&egret, &far);
    // The third waits, and with it the line is full.
    let mut third = asks(&egret, far.addr());
    let refused = answered(&mut third);
    assert_refused(&refused, 503, "all 2 connections busy for 300ms");
    assert!(refused.header("retry-after").is_some());

    let mut waiting = asks(&egret, far.addr());
    drop(first);
    assert_eq!(
        answered(&mut waiting).status,
        200,
        "the place that came free"
    );
}

#[test]
fn a_full_line_of_waiting_tunnels_is_refused_at_once() {
    let far = Far::new();
    let egret = tunnels(",connections=1,waiting=1").start();
    let held = open(&egret, &far);
    let mut two = [asks(&egret, far.addr()), asks(&egret, far.addr())];
    // Whichever came second finds the line full.
    let (sender, refusals) = std::sync::mpsc::channel();
    thread::scope(|scope| {
        for client in &mut two {
            let sender = sender.clone();
            scope.spawn(move || sender.send(answered(client)).expect("a receiver"));
        }
        let refused = refusals.recv().expect("an answer");
        assert_refused(
            &refused,
            503,
            "all 1 connections busy and 1 requests waiting",
        );
        drop(held);
        assert_eq!(refusals.recv().expect("an answer").status, 200);
    });
}

#[test]
fn a_client_that_goes_away_frees_its_place_whether_it_waits_or_not() {
    let far = Far::new();
    let egret = tunnels(",connections=1,waiting=1").start();
    for _ in 0..3 {
        let (near, mut other) = open(&egret, &far);
        let waits = asks(&egret, far.addr());
        drop(waits);
        drop(near);
        assert!(read_to_end(&mut other).is_empty());
    }
    let mut client = asks(&egret, far.addr());
    assert_eq!(answered(&mut client).status, 200);
}

#[test]
fn a_pooled_connection_makes_room_for_a_tunnel() {
    let servers = Ca::new("servers");
    let dir = Dir::new();
    let upstream = Upstream::builder(&servers.server(&["127.0.0.1"])).start();
    let far = Far::new();
    let egret = tunnels(",connections=1")
        .ca(&dir.ca("servers", &servers))
        .start();
    let mut client = Client::connect(egret.addr(0));
    let target = format!("http://127.0.0.1:{}/", upstream.port());
    assert_eq!(client.get(&target).expect("an answer").status, 200);
    let (mut near, mut other) = open(&egret, &far);
    upstream.wait_until(|state| state.open == 0);
    near.write_raw(b"x").expect("written");
    assert_eq!(read_exact(&mut other, 1), b"x");
}

#[test]
fn a_dead_destination_is_502_with_its_cause() {
    let dead = Far::new().addr();
    let egret = tunnels("").start();
    let mut client = asks(&egret, dead);
    let refused = answered(&mut client);
    let text = format!("502 {dead}: {dead} refused the connection");
    assert_refused(&refused, 502, &text);
    let status = refused.header("proxy-status").unwrap_or_default();
    assert!(status.contains("error=connection_refused"), "{status}");
}
