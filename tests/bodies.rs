//! Bodies of any size and framing, methods and fields: what is sent is what arrives.

mod support;

use std::io::Write;
use std::net::TcpStream;
use std::thread;

use support::certs::{Ca, Dir};
use support::client::{Client, Response};
use support::egret::Egret;
use support::upstream::{ReadBody, Reply, Seen, Step, Upstream, checksum};

const EGRET: &str = env!("CARGO_BIN_EXE_egret");
const MIB: usize = 1024 * 1024;

/// The edges of buffers, of TLS records and of the numbers that chunks are long.
const SIZES: &[usize] = &[
    0,
    1,
    15,
    16,
    4 * 1024 - 1,
    4 * 1024,
    4 * 1024 + 1,
    8 * 1024,
    16 * 1024 - 1,
    16 * 1024,
    16 * 1024 + 1,
    32 * 1024,
    65_535,
    65_537,
    MIB + 1,
];

/// A route and a forward listener before one upstream.
struct World {
    upstream: Upstream,
    egret: Egret,
    _dir: Dir,
}

/// Where a request may enter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Entry {
    Route,
    Forward,
}

const ENTRIES: [Entry; 2] = [Entry::Route, Entry::Forward];

impl World {
    fn new(read_body: ReadBody, handler: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        let servers = Ca::new("servers");
        let dir = Dir::new();
        let upstream = Upstream::builder(&servers.server(&["localhost"]))
            .read_body(read_body)
            .handler(handler)
            .start();
        let egret = Egret::builder(EGRET)
            .ca(&dir.ca("servers", &servers))
            .route(&format!("to={},identity=none", upstream.url()))
            .forward_at("127.0.0.9:0", "to=localhost:*,identity=none")
            .start();
        Self {
            upstream,
            egret,
            _dir: dir,
        }
    }

    fn client(&self, entry: Entry) -> Client<TcpStream> {
        Client::connect(self.egret.addr(match entry {
            Entry::Route => 0,
            Entry::Forward => 1,
        }))
    }

    fn target(&self, entry: Entry, path: &str) -> String {
        match entry {
            Entry::Route => path.to_owned(),
            Entry::Forward => format!("http://localhost:{}{path}", self.upstream.port()),
        }
    }
}

/// How a body is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    Length,
    /// In chunks of so many bytes.
    Chunks(usize),
}

impl Framing {
    fn field(self, length: usize) -> String {
        match self {
            Self::Length => format!("Content-Length: {length}"),
            Self::Chunks(_) => String::from("Transfer-Encoding: chunked"),
        }
    }

    fn encode(self, body: &[u8]) -> Vec<u8> {
        let Self::Chunks(size) = self else {
            return body.to_vec();
        };
        let mut encoded = Vec::with_capacity(body.len() + 64);
        for chunk in body.chunks(size) {
            encoded.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            encoded.extend_from_slice(chunk);
            encoded.extend_from_slice(b"\r\n");
        }
        encoded.extend_from_slice(b"0\r\n\r\n");
        encoded
    }
}

/// Bytes in which nothing repeats: a piece lost, doubled or moved is seen.
fn body(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ length as u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// Sends a POST with this body while the answer is read.
fn post(mut client: Client<TcpStream>, target: &str, framing: Framing, body: &[u8]) -> Response {
    let head = format!(
        "POST {target} HTTP/1.1\r\nHost: localhost\r\n{}\r\n\r\n",
        framing.field(body.len())
    );
    let mut sending = client.stream().try_clone().expect("a second handle");
    thread::scope(|scope| {
        scope.spawn(move || {
            sending.write_all(head.as_bytes()).expect("written");
            sending.write_all(&framing.encode(body)).expect("written");
        });
        match client.read_response() {
            Ok(response) => response,
            Err(failure) => panic!("{failure}, to {} bytes, {framing:?}", body.len()),
        }
    })
}

/// Sends the request's body back while it comes, with the framing that it has.
fn mirror(seen: &Seen) -> Reply {
    let framing = match seen.header("content-length") {
        Some(length) => format!("Content-Length: {length}"),
        None => String::from("Transfer-Encoding: chunked"),
    };
    let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\n{framing}\r\n\r\n");
    Reply::raw(head).then(Step::Flush).then(Step::Echo)
}

#[test]
fn a_body_arrives_as_it_was_sent() {
    let world = World::new(ReadBody::First, Reply::echo);
    for entry in ENTRIES {
        for &size in SIZES {
            let sent = body(size);
            for framing in [Framing::Length, Framing::Chunks(1000), Framing::Chunks(MIB)] {
                let target = world.target(entry, "/");
                let response = post(world.client(entry), &target, framing, &sent);
                let what = format!("{size} bytes by {entry:?}, {framing:?}");
                assert_eq!(response.status, 200, "{what}: {}", response.text());
                let seen = world.upstream.last().expect("a request");
                assert!(seen.complete, "{what}");
                assert_eq!(seen.body_length, size as u64, "{what}");
                assert_eq!(seen.body_checksum, checksum(&sent), "{what}");
                let chunked = seen.header("transfer-encoding") == Some("chunked");
                assert_eq!(chunked, framing != Framing::Length, "{what}");
            }
        }
    }
}

#[test]
fn an_answer_arrives_as_it_was_sent() {
    let world = World::new(ReadBody::First, |seen| {
        let bytes = body(seen.target[3..].parse().expect("a size"));
        match &seen.target[..3] {
            "/l/" => Reply::status(200).body(bytes),
            "/c/" => {
                let chunks: Vec<&[u8]> = bytes.chunks(1000).collect();
                Reply::status(200).chunked(&chunks)
            }
            "/e/" => Reply::status(200).until_close(bytes),
            other => panic!("{other}"),
        }
    });
    for entry in ENTRIES {
        let mut client = world.client(entry);
        for &size in SIZES {
            for kind in ["l", "c", "e"] {
                let target = world.target(entry, &format!("/{kind}/{size}"));
                let response = client.get(&target).expect("an answer");
                assert!(response.body == body(size), "{target}");
                let length = response.header("content-length").map(str::to_owned);
                assert_eq!(length.is_some(), kind == "l", "{target}: {length:?}");
            }
        }
    }
}

#[test]
fn bodies_go_both_ways_at_once() {
    let world = World::new(ReadBody::AfterReply, mirror);
    for entry in ENTRIES {
        for &size in SIZES.iter().filter(|size| **size > 0) {
            for framing in [Framing::Length, Framing::Chunks(777)] {
                let sent = body(size);
                let target = world.target(entry, "/");
                let response = post(world.client(entry), &target, framing, &sent);
                assert!(response.body == sent, "{size} by {entry:?}, {framing:?}");
            }
        }
    }
}

#[test]
fn sixty_four_mib_go_both_ways_at_once() {
    let world = World::new(ReadBody::AfterReply, mirror);
    let sent = body(64 * MIB);
    for (entry, framing) in [
        (Entry::Forward, Framing::Length),
        (Entry::Route, Framing::Chunks(50_000)),
    ] {
        let target = world.target(entry, "/");
        let response = post(world.client(entry), &target, framing, &sent);
        assert!(response.body == sent, "{entry:?}, {framing:?}");
    }
    // Nothing of them was gathered on the way.
    let rss = world.egret.rss_kib();
    assert!(rss < 32 * 1024, "{rss} KiB");
}

/// The registry of HTTP methods (RFC 9110 §16.1.1), without CONNECT, and some that nobody knows.
const METHODS: &[&str] = &[
    "ACL",
    "BASELINE-CONTROL",
    "BIND",
    "CHECKIN",
    "CHECKOUT",
    "COPY",
    "DELETE",
    "GET",
    "HEAD",
    "LABEL",
    "LINK",
    "LOCK",
    "MERGE",
    "MKACTIVITY",
    "MKCALENDAR",
    "MKCOL",
    "MKREDIRECTREF",
    "MKWORKSPACE",
    "MOVE",
    "OPTIONS",
    "ORDERPATCH",
    "PATCH",
    "POST",
    "PRI",
    "PROPFIND",
    "PROPPATCH",
    "PUT",
    "QUERY",
    "REBIND",
    "REPORT",
    "SEARCH",
    "TRACE",
    "UNBIND",
    "UNCHECKOUT",
    "UNLINK",
    "UNLOCK",
    "UPDATE",
    "UPDATEREDIRECTREF",
    "VERSION-CONTROL",
    "*",
    "get",
    "connect",
    "X!#$%&'*+-.^_`|~9",
];

#[test]
fn methods_pass_as_they_are_with_a_body_and_without() {
    let world = World::new(ReadBody::First, Reply::echo);
    for entry in ENTRIES {
        let mut client = world.client(entry);
        for method in METHODS {
            for body in [b"".as_slice(), b"abc"] {
                let target = world.target(entry, "/x");
                let response = client.request(method, &target, &[], body);
                let response = response.unwrap_or_else(|failure| panic!("{method}: {failure}"));
                assert_eq!(response.status, 200, "{method}: {}", response.text());
                let seen = world.upstream.last().expect("a request");
                assert_eq!(
                    (seen.method.as_str(), seen.target.as_str()),
                    (*method, "/x")
                );
                assert_eq!(seen.body, body, "{method}");
                if body.is_empty() {
                    // A body of unknown length must not come of none.
                    assert_eq!(seen.header("transfer-encoding"), None, "{method}");
                }
                assert_eq!(response.body.is_empty(), *method == "HEAD", "{method}");
            }
        }
    }
}

/// The values of the fields of that name, in order, byte for byte.
fn values(raw_head: &[u8], name: &str) -> Vec<Vec<u8>> {
    let prefix = format!("{name}: ");
    let lines = raw_head.split(|byte| *byte == b'\n');
    let own = lines.filter_map(|line| line.trim_ascii_end().split_at_checked(prefix.len()));
    own.filter(|(start, _)| start.eq_ignore_ascii_case(prefix.as_bytes()))
        .map(|(_, value)| value.to_vec())
        .collect()
}

#[test]
fn fields_of_one_name_keep_their_order_and_their_bytes() {
    let answer = b"HTTP/1.1 200 OK\r\nSet-Cookie: c=3; Path=/\r\nX-One: 1\r\nset-cookie: a=1\r\n\
        Warning: \xe4\xff\r\nSET-COOKIE: b=2, d=4\r\nX-One: 1\r\nContent-Length: 0\r\n\r\n";
    let world = World::new(ReadBody::First, move |_| Reply::raw(answer));
    for entry in ENTRIES {
        let target = world.target(entry, "/");
        let mut client = world.client(entry);
        let head = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n");
        let fields = b"X-A: 2\r\nAccept: */*\r\nx-a: 1, 3\r\nX-B: \xe4\xff \"q\\\"\r\nX-A: 2\r\n\
            Cookie: a=1\r\nCookie: b=2\r\nX-Tab: a\tb\r\n\r\n";
        client.write_raw(head.as_bytes()).expect("written");
        client.write_raw(fields).expect("written");
        let response = client.read_response().expect("an answer");
        let seen = world.upstream.last().expect("a request").raw_head;
        let is = |head: &[u8], name, expected: &[&[u8]]| {
            assert_eq!(values(head, name), expected, "{name} by {entry:?}");
        };
        is(&seen, "x-a", &[b"2", b"1, 3", b"2"]);
        is(&seen, "x-b", &[b"\xe4\xff \"q\\\""]);
        is(&seen, "cookie", &[b"a=1", b"b=2"]);
        is(&seen, "x-tab", &[b"a\tb"]);
        let answered = &response.raw_head;
        is(
            answered,
            "set-cookie",
            &[b"c=3; Path=/", b"a=1", b"b=2, d=4"],
        );
        is(answered, "x-one", &[b"1", b"1"]);
        is(answered, "warning", &[b"\xe4\xff"]);
    }
}

#[test]
fn field_names_go_out_in_lower_case_both_ways() {
    // They mean the same in any letter case (RFC 9110 §5.1), and to keep it costs a fifth of the
    // instructions of a request.
    let answer = b"HTTP/1.1 200 OK\r\nX-One: A\r\nContent-Length: 0\r\n\r\n";
    let world = World::new(ReadBody::First, move |_| Reply::raw(answer));
    let head = b"GET / HTTP/1.1\r\nHOST: a\r\nX-Two: B\r\n\r\n";
    let mut client = world.client(Entry::Route);
    client.write_raw(head).expect("written");
    let response = client.read_response().expect("an answer");
    let seen = world.upstream.last().expect("a request");
    for (name, value) in seen.headers.iter().chain(&response.headers) {
        assert_eq!(*name, name.to_lowercase(), "{value}");
    }
    let has = |fields: &[(String, String)], name: &str, value: &str| {
        fields.contains(&(name.to_owned(), value.to_owned()))
    };
    assert!(has(&seen.headers, "x-two", "B"));
    assert!(has(&response.headers, "x-one", "A"));
}
