//! Connections that leave HTTP: who may offer it, what passes, and how it ends.

mod support;

use std::io::ErrorKind;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use support::client::{Client, Response, get};
use support::egret::{Builder, Egret};
use support::gate::Gate;
use support::upstream::{Reply, Seen, Step, Upstream};
use support::world::World;

const EGRET: &str = env!("CARGO_BIN_EXE_egret");
const SWITCHING: &str =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

/// An upstream that takes every offer and echoes, a route and a forward listener.
struct Site {
    egret: Egret,
    upstream: Upstream,
    _world: World,
}

impl Site {
    fn new() -> Self {
        Self::with("", |egret| egret)
    }

    /// `limits` are those of the identity, `more` is what egret is told besides.
    fn with(limits: &str, more: impl FnOnce(Builder) -> Builder) -> Self {
        let world = World::new();
        let upstream = world.upstream().handler(switch_and_echo).start();
        let to = format!("to={},identity=device", upstream.url());
        let egret = Egret::builder(EGRET)
            .ca(&world.ca)
            .identity(&format!("{}{limits}", world.device("device")))
            .route(&format!("{to},clients=2"))
            .forward_at("127.0.0.2:0", "to=*:*,identity=device");
        Self {
            egret: more(egret).start(),
            upstream,
            _world: world,
        }
    }

    /// A client of the route or of the forward listener, and how it writes the target `/chat`.
    fn entrance(&self, forward: bool) -> (Client<TcpStream>, String) {
        let host = format!("localhost:{}", self.upstream.port());
        match forward {
            false => (Client::connect(self.egret.addr(0)), String::from("/chat")),
            true => (
                Client::connect(self.egret.addr(1)),
                format!("http://{host}/chat"),
            ),
        }
    }

    /// A connection of the route that has left HTTP.
    fn switched(&self) -> Client<TcpStream> {
        let mut client = Client::connect(self.egret.addr(0));
        let response = ask(&mut client, "/chat", "", "");
        assert_eq!(response.status, 101, "{}", response.text());
        client
    }

    fn answer(&self, steps: Vec<Step>) {
        self.upstream.answer(move |_| Reply::script(steps.clone()));
    }

    /// Waits until the upstream has no connection left, and gives what it saw last.
    fn last_of_all(&self) -> Seen {
        self.upstream.wait_until(|state| state.open == 0);
        self.upstream.last().expect("a request")
    }
}

fn switch_and_echo(seen: &Seen) -> Reply {
    match seen.header("upgrade") {
        Some(protocol) => Reply::status(101)
            .header("Connection", "keep-alive, Upgrade")
            .header("Upgrade", protocol)
            .header("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
            .header("Keep-Alive", "timeout=5")
            .then(Step::Echo),
        None => Reply::echo(seen),
    }
}

fn offer(target: &str, fields: &str, early: &str) -> String {
    format!(
        "GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive, Upgrade\r\n\
         Upgrade: websocket\r\n{fields}\r\n{early}"
    )
}

fn ask(client: &mut Client<TcpStream>, target: &str, fields: &str, early: &str) -> Response {
    client
        .write_raw(offer(target, fields, early).as_bytes())
        .expect("an offer that is taken");
    client.read_response().expect("an answer")
}

fn bytes(text: &str) -> Step {
    Step::Bytes(text.as_bytes().to_vec())
}

/// How reading to the end fails, if it does.
fn end_of(client: &mut Client<TcpStream>) -> Result<Vec<u8>, ErrorKind> {
    client.read_to_end().map_err(|error| error.kind())
}

fn all(seen: &Seen, name: &str) -> Vec<String> {
    seen.headers
        .iter()
        .filter(|(field, _)| field.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.to_ascii_lowercase())
        .collect()
}

#[test]
fn both_sides_are_told_of_the_switch_and_bytes_pass_both_ways() {
    let site = Site::new();
    for forward in [false, true] {
        let (mut client, target) = site.entrance(forward);
        let fields = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nKeep-Alive: 5\r\n";
        let response = ask(&mut client, &target, fields, "");
        assert_eq!(response.status, 101);
        assert_eq!(response.header("connection"), Some("upgrade"));
        assert_eq!(response.header("upgrade"), Some("websocket"));
        assert_eq!(
            response.header("sec-websocket-accept"),
            Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        );
        for hop in ["keep-alive", "content-length", "transfer-encoding"] {
            assert_eq!(response.header(hop), None, "{hop}");
        }
        let seen = site.upstream.last().expect("a request");
        assert_eq!(seen.target, "/chat");
        assert_eq!(all(&seen, "connection"), ["upgrade"]);
        assert_eq!(all(&seen, "upgrade"), ["websocket"]);
        assert_eq!(seen.client_subject.as_deref(), Some("CN=device"));
        assert_eq!(
            seen.header("sec-websocket-key"),
            Some("dGhlIHNhbXBsZSBub25jZQ==")
        );
        assert_eq!(seen.header("keep-alive"), None);
        for round in ["one", "GET / HTTP/1.1\r\n\r\n", "\0\u{ff}"] {
            client.write_raw(round.as_bytes()).expect("written");
            let echoed = client.read_exact(round.len()).expect("an echo");
            assert_eq!(echoed, round.as_bytes());
        }
    }
}

#[test]
fn early_bytes_pass_behind_the_request_and_behind_the_101() {
    let site = Site::new();
    for forward in [false, true] {
        let early = bytes(&format!("{SWITCHING}early"));
        site.answer(vec![early, Step::Flush, Step::Echo]);
        let (mut client, target) = site.entrance(forward);
        // A pipelined request would look like this: behind a switch it is data.
        let response = ask(&mut client, &target, "", "GET /second HTTP/1.1\r\n\r\n");
        assert_eq!(response.status, 101);
        client.finish_writing();
        assert_eq!(
            String::from_utf8_lossy(&client.read_to_end().expect("a proper end")),
            "earlyGET /second HTTP/1.1\r\n\r\n"
        );
    }
    assert_eq!(site.upstream.seen().len(), 2);
}

#[test]
fn more_early_bytes_than_a_head_may_have_pass_too() {
    let site = Site::new();
    let gate = Gate::new();
    site.answer(vec![
        Step::WaitFor(gate.clone()),
        bytes(SWITCHING),
        Step::Echo,
    ]);
    let mut client = Client::connect(site.egret.addr(0));
    let early = "x".repeat(100_000);
    client
        .write_raw(offer("/chat", "", &early).as_bytes())
        .expect("sent into buffers");
    gate.open();
    assert_eq!(client.read_response().expect("an answer").status, 101);
    assert_eq!(
        client.read_exact(early.len()).expect("an echo"),
        early.as_bytes()
    );
}

#[test]
fn a_client_that_ends_its_side_gets_the_rest_of_the_other() {
    let site = Site::new();
    site.answer(vec![
        bytes(SWITCHING),
        Step::Record,
        bytes("the rest"),
        Step::Close,
    ]);
    let mut client = site.switched();
    client.write_raw(b"the first").expect("written");
    client.finish_writing();
    assert_eq!(end_of(&mut client), Ok(b"the rest".to_vec()));
    let seen = site.last_of_all();
    assert_eq!(seen.body, b"the first");
    assert!(seen.complete, "no close_notify");
}

#[test]
fn an_upstream_that_ends_its_side_gets_the_rest_of_the_other() {
    let site = Site::new();
    site.answer(vec![
        bytes(SWITCHING),
        bytes("bye"),
        Step::FinishWriting,
        Step::Record,
    ]);
    let mut client = site.switched();
    assert_eq!(end_of(&mut client), Ok(b"bye".to_vec()));
    client.write_raw(b"and the rest").expect("written");
    client.finish_writing();
    let seen = site.last_of_all();
    assert_eq!(seen.body, b"and the rest");
    assert!(seen.complete, "no close_notify");
}

#[test]
fn a_refused_offer_is_an_ordinary_answer_and_the_connection_goes_on() {
    let site = Site::new();
    let mut requests = 1..;
    for forward in [false, true] {
        let (mut client, target) = site.entrance(forward);
        for status in [200, 400, 426, 500] {
            site.upstream.answer(move |seen| {
                Reply::json(status, seen).header("Sec-WebSocket-Version", "13")
            });
            let response = ask(&mut client, &target, "", "");
            assert_eq!(response.status, status);
            assert_eq!(response.header("sec-websocket-version"), Some("13"));
            assert_eq!(response.echo("target").as_deref(), Some("/chat"));
            assert_eq!(
                site.upstream.last().map(|seen| seen.request),
                requests.next(),
                "one connection is used for all"
            );
        }
    }
}

#[test]
fn only_offers_that_an_upstream_may_take_are_passed_on() {
    let site = Site::new();
    site.upstream.answer(Reply::echo);
    let upgrade = |protocols: &str| format!("Connection: Upgrade\r\nUpgrade: {protocols}\r\n");
    let h2c = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n";
    let table: &[(&str, String, Option<&str>)] = &[
        ("websocket", upgrade("websocket"), Some("websocket")),
        ("several", upgrade("a/1, b"), Some("a/1, b")),
        (
            "several lines",
            upgrade("a\r\nUpgrade: b/2"),
            Some("a, b/2"),
        ),
        ("h2c", h2c.to_owned(), None),
        (
            "h2c and more",
            upgrade("h2c, WebSocket, H2C"),
            Some("websocket"),
        ),
        ("TLS", upgrade("TLS/1.0, tls/1.2"), None),
        ("another HTTP", upgrade("HTTP/2.0, http/3, h2"), None),
        (
            "a name that only begins so",
            upgrade("h2cat, tlsx"),
            Some("h2cat, tlsx"),
        ),
        ("nothing", upgrade(" , "), None),
        (
            "no word in Connection",
            "Upgrade: websocket\r\n".to_owned(),
            None,
        ),
        (
            "a word that only contains it",
            "Connection: upgrades, x-upgrade\r\nUpgrade: websocket\r\n".to_owned(),
            None,
        ),
        (
            "Connection alone",
            "Connection: upgrade\r\n".to_owned(),
            None,
        ),
        (
            "an empty body",
            upgrade("websocket") + "Content-Length: 0\r\n",
            Some("websocket"),
        ),
    ];
    for (what, fields, expected) in table {
        for forward in [false, true] {
            let (mut client, target) = site.entrance(forward);
            let request = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n");
            client.write_raw(request.as_bytes()).expect("written");
            assert_eq!(client.read_response().expect("an answer").status, 200);
            let seen = site.upstream.last().expect("a request");
            let expected: Vec<&str> = expected.iter().copied().collect();
            assert_eq!(all(&seen, "upgrade"), expected, "{what}");
            let connection: Vec<&str> = expected.iter().map(|_| "upgrade").collect();
            assert_eq!(all(&seen, "connection"), connection, "{what}");
            assert_eq!(seen.header("http2-settings"), None);
        }
    }
}

#[test]
fn what_has_a_body_or_is_http_10_offers_nothing() {
    let site = Site::new();
    site.upstream.answer(Reply::echo);
    for (line, body) in [
        ("POST /x HTTP/1.1", "Content-Length: 3\r\n\r\nabc"),
        (
            "POST /x HTTP/1.1",
            "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        ),
        ("GET /x HTTP/1.0", "\r\n"),
    ] {
        let request =
            format!("{line}\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n{body}");
        let mut client = Client::connect(site.egret.addr(0));
        client.write_raw(request.as_bytes()).expect("written");
        assert_eq!(client.read_response().expect(line).status, 200, "{body}");
        let seen = site.upstream.last().expect("a request");
        assert_eq!(
            (all(&seen, "upgrade"), all(&seen, "connection")),
            Default::default()
        );
    }
}

#[test]
fn a_switch_that_was_not_asked_for_is_a_502() {
    let site = Site::new();
    let to = |protocol: &str| format!("HTTP/1.1 101 x\r\nConnection: upgrade\r\n{protocol}\r\n");
    let plain = "GET /x HTTP/1.1\r\nHost: x\r\n\r\n".to_owned();
    let h2c =
        "GET /x HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n".to_owned();
    for (request, answer) in [
        (plain, to("Upgrade: websocket\r\n")),
        (h2c, to("Upgrade: h2c\r\n")),
        (offer("/x", "", ""), to("Upgrade: h2c\r\n")),
        (offer("/x", "", ""), to("Upgrade: websocket, other\r\n")),
        (offer("/x", "", ""), to("")),
    ] {
        site.answer(vec![bytes(&answer), bytes("smuggled"), Step::Record]);
        let mut client = Client::connect(site.egret.addr(0));
        client.write_raw(request.as_bytes()).expect("written");
        let response = client.read_response().expect("an answer");
        assert_eq!(response.status, 502, "{request}{answer}");
        assert!(response.text().contains("101"), "{}", response.text());
        assert_eq!(
            response
                .header("proxy-status")
                .map(|value| value.split(';').nth(1)),
            Some(Some(" error=http_protocol_error"))
        );
        // Nothing of this connection is used again, and the client's goes on.
        assert_eq!(site.last_of_all().body, b"");
        site.upstream.answer(Reply::echo);
        assert_eq!(client.get("/next").expect("an answer").status, 200);
    }
}

#[test]
fn a_switched_connection_holds_its_place_until_it_ends() {
    let site = Site::with(",connections=1", |egret| {
        egret.option("--wait-timeout", "100ms")
    });
    let client = site.switched();
    let response = get(
        site.egret.addr(1),
        &format!("http://localhost:{}/", site.upstream.port()),
    );
    assert_eq!(response.status, 503);
    assert!(
        response.text().contains("all 1 connections"),
        "{}",
        response.text()
    );
    client.finish_writing();
    site.upstream.wait_until(|state| state.open == 0);
    // The upstream may know of the end a moment before egret does.
    let deadline = Instant::now() + support::PATIENCE;
    while get(site.egret.addr(0), "/").status != 200 {
        assert!(Instant::now() < deadline, "the place does not come back");
    }
    assert_eq!(site.upstream.last().map(|seen| seen.request), Some(1));
}

#[test]
fn a_switched_client_is_not_taken_for_an_idle_one() {
    let site = Site::new();
    let mut tunnel = site.switched();
    let mut idle = Client::connect(site.egret.addr(0));
    assert_eq!(idle.get("/").expect("an answer").status, 200);
    // The listener has room for two: the idle one goes, the switched one stays.
    assert_eq!(get(site.egret.addr(0), "/").status, 200);
    assert_eq!(end_of(&mut idle), Ok(Vec::new()));
    tunnel.write_raw(b"still here").expect("written");
    assert_eq!(tunnel.read_exact(10).expect("an echo"), b"still here");
}

#[test]
fn a_silent_connection_ends_after_tunnel_idle_and_a_busy_one_does_not() {
    let site = Site::with("", |egret| egret.option("--tunnel-idle", "400ms"));
    let mut client = site.switched();
    let busy = Instant::now();
    while busy.elapsed() < Duration::from_millis(900) {
        client.write_raw(b"x").expect("written");
        client.read_exact(1).expect("an echo");
    }
    let silent = Instant::now();
    assert_eq!(end_of(&mut client), Err(ErrorKind::ConnectionReset));
    assert!(silent.elapsed() >= Duration::from_millis(390));
    site.upstream.wait_until(|state| state.open == 0);
}

#[test]
fn a_client_that_aborts_cuts_the_upstream_off() {
    let site = Site::new();
    site.answer(vec![bytes(SWITCHING), Step::Record]);
    let mut client = site.switched();
    client.write_raw(b"half a fra").expect("written");
    site.upstream
        .wait_until(|state| state.seen.iter().any(|seen| seen.body == b"half a fra"));
    let socket = socket2::SockRef::from(&*client.stream());
    socket.set_linger(Some(Duration::ZERO)).expect("linger");
    drop(client);
    assert!(
        !site.last_of_all().complete,
        "the cut looks like a proper end"
    );
}

#[test]
fn an_upstream_that_aborts_resets_the_client() {
    let site = Site::new();
    for abort in [Step::Reset, Step::Cut] {
        let gate = Gate::new();
        site.answer(vec![
            bytes(SWITCHING),
            bytes("half"),
            Step::WaitFor(gate.clone()),
            abort.clone(),
        ]);
        let mut client = site.switched();
        assert_eq!(client.read_exact(4).expect("the first half"), b"half");
        gate.open();
        assert_eq!(
            end_of(&mut client),
            Err(ErrorKind::ConnectionReset),
            "{abort:?}"
        );
    }
}

#[test]
fn a_stop_waits_for_switched_connections() {
    let mut site = Site::new();
    let mut client = site.switched();
    site.egret.signal("TERM");
    site.egret.wait_line("stopping: 1 client connections open");
    client.write_raw(b"still here").expect("written");
    assert_eq!(client.read_exact(10).expect("an echo"), b"still here");
    client.finish_writing();
    assert_eq!(end_of(&mut client), Ok(Vec::new()));
    assert_eq!(site.egret.wait_exit().code(), Some(0));
}

#[test]
fn what_a_stop_cuts_off_does_not_look_ended() {
    for again in [false, true] {
        let timeout = if again { "1m" } else { "100ms" };
        let mut site = Site::with("", |egret| egret.option("--drain-timeout", timeout));
        let mut client = site.switched();
        site.egret.signal("TERM");
        site.egret.wait_line("stopping: ");
        if again {
            site.egret.signal("INT");
        }
        assert_eq!(end_of(&mut client), Err(ErrorKind::ConnectionReset));
        assert_eq!(site.egret.wait_exit().code(), Some(0));
    }
}
