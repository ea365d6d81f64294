//! `--access-log`: one line a request, whatever became of it.

mod support;

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

use support::client::{self, Client};
use support::egret::{Builder, Egret};
use support::gate::Gate;
use support::upstream::{ReadBody, Reply, Step};
use support::world::World;

const FIELDS: [&str; 21] = [
    "time",
    "listener",
    "client",
    "method",
    "target",
    "status",
    "in",
    "out",
    "wait",
    "resolve",
    "connect",
    "tls",
    "first_byte",
    "total",
    "identity",
    "epoch",
    "sni",
    "tls_version",
    "resumed",
    "reused",
    "cause",
];

/// The fields of a line, in its order; panics when it is not logfmt.
fn fields(line: &str) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    let mut rest = line;
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=').expect("a key");
        let end = match after.strip_prefix('"') {
            None => after.find(' ').unwrap_or(after.len()),
            Some(quoted) => {
                let bytes = quoted.as_bytes();
                let mut at = 0;
                while bytes[at] != b'"' {
                    at += 1 + usize::from(bytes[at] == b'\\');
                }
                at + 2
            }
        };
        fields.push((key.to_owned(), after[..end].to_owned()));
        rest = after[end..].trim_start_matches(' ');
    }
    fields
}

/// The lines, once there are so many.
fn lines(egret: &Egret, count: usize) -> Vec<HashMap<String, String>> {
    egret.wait_access_log(|lines| lines.len() >= count);
    let lines = egret.access_log();
    assert_eq!(lines.len(), count, "{lines:#?}");
    let read = |line: &String| {
        let fields = fields(line);
        let keys: Vec<&str> = fields.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, FIELDS, "{line}");
        fields.into_iter().collect()
    };
    lines.iter().map(read).collect()
}

fn logging(world: &World) -> Builder {
    Egret::builder(env!("CARGO_BIN_EXE_egret"))
        .ca(&world.ca)
        .arg("--access-log")
}

fn seconds(line: &HashMap<String, String>, key: &str) -> f64 {
    line[key]
        .parse()
        .unwrap_or_else(|_| panic!("{key} of {line:?}"))
}

#[test]
fn a_request_is_told_with_its_route_its_identity_and_what_it_took() {
    let world = World::new();
    let upstream = world.upstream().start();
    let egret = logging(&world)
        .identity(&world.device("meter"))
        .route(&format!("to={},identity=meter", upstream.url()))
        .start();
    let mut client = Client::connect(egret.addr(0));
    client.get("/a?b=c").expect("an answer");
    let post = b"POST /d HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello";
    client.write_raw(post).expect("written");
    let answer = client.read_response().expect("an answer");
    let [first, second] = &lines(&egret, 2)[..] else {
        panic!()
    };
    let expected = [
        ("listener", "127.0.0.1:0"),
        ("client", "127.0.0.1"),
        ("method", "GET"),
        ("target", "\"/a?b=c\""),
        ("status", "200"),
        ("in", "0"),
        ("wait", "0.000000"),
        ("identity", "meter"),
        ("epoch", "1"),
        ("sni", "localhost"),
        ("tls_version", "1.3"),
        ("resumed", "no"),
        ("reused", "no"),
        ("cause", "-"),
    ];
    for (key, value) in expected {
        assert_eq!(first[key], value, "{key}");
    }
    assert!(first["time"].ends_with('Z'));
    assert!(seconds(first, "tls") > 0.0);
    assert!(seconds(first, "total") >= seconds(first, "tls") + seconds(first, "first_byte"));
    assert_eq!(
        (second["in"].as_str(), second["reused"].as_str()),
        ("5", "yes")
    );
    assert_eq!(second["out"], answer.body.len().to_string());
    assert_eq!(
        (second["connect"].as_str(), second["tls"].as_str()),
        ("-", "-")
    );
}

#[test]
fn a_failure_is_told_with_its_cause() {
    let world = World::new();
    let upstream = world.upstream().start();
    let nobody = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let port = nobody.local_addr().expect("an address").port();
    drop(nobody);
    let egret = logging(&world)
        .route(&format!("to=https://127.0.0.1:{port},identity=none"))
        .route(&format!("to={},identity=none,path=/a", upstream.url()))
        .start();
    client::get(egret.addr(0), "/");
    client::get(egret.addr(1), "/b");
    client::send(egret.addr(1), b"GET /a HTTP/1.1\r\n bad\r\n\r\n");
    let lines = lines(&egret, 3);
    let told: Vec<_> = lines
        .iter()
        .map(|line| ["status", "cause", "identity", "sni"].map(|key| line[key].as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ["502", "connect_refused", "none", "-"],
            ["404", "no_route", "-", "-"],
            ["400", "malformed_request", "-", "-"],
        ]
    );
    assert_eq!(lines[2]["method"], "-");
}

#[test]
fn a_client_that_goes_away_is_told_without_a_status() {
    let world = World::new();
    let upstream = world.upstream().start();
    let egret = logging(&world)
        .route(&format!("to={},identity=none", upstream.url()))
        .start();
    upstream.answer(|_| Reply::script(vec![Step::Stall]));
    let mut client = Client::connect(egret.addr(0));
    client
        .write_raw(b"GET /silent HTTP/1.1\r\nHost: x\r\n\r\n")
        .expect("written");
    upstream.wait_until(|state| !state.seen.is_empty());
    drop(client);
    let lines = lines(&egret, 1);
    assert_eq!(lines[0]["status"], "-");
    assert_eq!(lines[0]["cause"], "client_gone");
}

#[test]
fn a_client_that_breaks_off_its_upload_in_an_answer_is_no_failure_of_the_upstream() {
    let world = World::new();
    let upstream = world.upstream().read_body(ReadBody::AfterReply).start();
    let gate = Gate::new();
    let last = Arc::clone(&gate);
    upstream.answer(move |_| {
        Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfirst")
            .then(Step::Flush)
            .then(Step::WaitFor(Arc::clone(&last)))
    });
    let to = format!("to={},identity=none", upstream.url());
    let egret = logging(&world).route(&to).start();
    let mut client = Client::connect(egret.addr(0));
    let half = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf";
    client.write_raw(half).expect("written");
    assert_eq!(client.read_head().expect("a head").status, 200);
    assert_eq!(client.read_exact(5).expect("a part"), b"first");
    client.finish_writing();
    let line = &lines(&egret, 1)[0];
    assert_eq!((&*line["status"], &*line["cause"]), ("200", "-"));
    gate.open();
}

#[test]
fn no_request_can_forge_a_line_and_no_header_or_body_is_in_one() {
    let world = World::new();
    let upstream = world.upstream().start();
    let egret = logging(&world)
        .route(&format!("to={},identity=none", upstream.url()))
        .start();
    let request = "POST /a\"%0d%0atime=x HTTP/1.1\r\nHost: secret-host\r\nAuthorization: secret-word\r\nContent-Length: 11\r\n\r\nsecret-body";
    client::send(egret.addr(0), request.as_bytes());
    let long = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(6000));
    client::send(egret.addr(0), long.as_bytes());
    let lines = lines(&egret, 2);
    assert!(
        egret
            .access_log()
            .iter()
            .all(|line| !line.contains("secret"))
    );
    assert!(egret.access_log().iter().all(|line| line.len() < 4096));
    assert_eq!(lines[1]["status"], "200");
}

#[test]
fn a_reader_that_stalls_is_not_waited_for() {
    let world = World::new();
    let upstream = world.upstream().start();
    // Its standard output is a pipe that nobody reads.
    let egret = logging(&world)
        .route(&format!("to={},identity=none", upstream.url()))
        .through_shell(r#"mkfifo "$PIPE"; exec 3<>"$PIPE"; exec "$0" "$@" >"$PIPE""#)
        .env("PIPE", &world.dir.path().join("pipe").to_string_lossy())
        .start();
    let mut client = Client::connect(egret.addr(0));
    // A pipe holds 64 KiB, and a line has more than 300 bytes.
    for _ in 0..400 {
        assert_eq!(client.get("/").expect("an answer").status, 200);
    }
}

/// Both ends of a tunnel through which five bytes went up, and three down.
fn tunnel(egret: &Egret) -> (Client<TcpStream>, TcpStream) {
    let far = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let to = far.local_addr().expect("an address");
    let mut near = Client::connect(egret.addr(0));
    let head = format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n\r\n");
    near.write_raw(head.as_bytes()).expect("written");
    let (mut far, _) = far.accept().expect("a connection");
    let answer = near.read_response_to("CONNECT").expect("an answer");
    assert_eq!(answer.status, 200);
    near.write_raw(b"hello").expect("written");
    far.read_exact(&mut [0; 5]).expect("bytes");
    far.write_all(b"bye").expect("written");
    near.read_exact(3).expect("bytes");
    (near, far)
}

fn tunnels(world: &World) -> Builder {
    logging(world).forward_at("127.0.0.1:0", "to=127.0.0.1:*,identity=none,tunnel=on")
}

fn assert_told_of_tunnel(egret: &Egret, to: SocketAddr) {
    let lines = lines(egret, 1);
    let told = ["method", "status", "in", "out"].map(|key| lines[0][key].as_str());
    assert_eq!(told, ["CONNECT", "200", "5", "3"]);
    assert_eq!(lines[0]["target"], to.to_string());
}

#[test]
fn a_tunnel_is_told_when_it_ends() {
    let world = World::new();
    let egret = tunnels(&world).start();
    let (near, far) = tunnel(&egret);
    let to = far.local_addr().expect("an address");
    drop(far);
    drop(near);
    assert_told_of_tunnel(&egret, to);
}

#[test]
fn a_tunnel_that_is_cut_at_the_end_of_the_drain_is_told_with_its_bytes() {
    let world = World::new();
    let mut egret = tunnels(&world).option("--drain-timeout", "0").start();
    let (_near, far) = tunnel(&egret);
    egret.signal("TERM");
    egret.wait_exit();
    assert_told_of_tunnel(&egret, far.local_addr().expect("an address"));
}
