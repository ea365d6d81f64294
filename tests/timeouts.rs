//! How long: every timeout ends what it is for, says so, and leaves everything else alone.

mod support;

use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use support::black_hole::BlackHole;
use support::client::{Client, Failure, get, send};
use support::egret::{Builder, Egret};
use support::gate::Gate;
use support::upstream::{OnAccept, ReadBody, Reply, Seen, Step, Upstream};
use support::world::World;

const EGRET: &str = env!("CARGO_BIN_EXE_egret");

/// A timeout that a test waits for.
const SHORT: &str = "300ms";
const SHORT_TIME: Duration = Duration::from_millis(300);
/// A timeout that never ends a test by itself.
const LONG: &str = "5m";

fn egret(world: &World, upstream: &Upstream) -> Builder {
    let to = format!("to={},identity=none", upstream.url());
    Egret::builder(EGRET).ca(&world.ca).route(&to)
}

/// A world with an upstream that answers so.
fn world(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> (World, Upstream) {
    let world = World::new();
    let upstream = world.upstream().handler(answer).start();
    (world, upstream)
}

fn took_about(began: Instant, timeout: Duration) {
    let took = began.elapsed();
    assert!(took >= timeout, "too early, after {took:?}");
    assert!(
        took < timeout + Duration::from_secs(3),
        "only after {took:?}"
    );
}

// ---- --header-timeout ----

#[test]
fn half_a_head_is_answered_with_408_and_the_connection_closed() {
    let (world, upstream) = world(Reply::echo);
    let egret = egret(&world, &upstream)
        .option("--header-timeout", SHORT)
        .option("--idle-timeout", LONG)
        .start();
    let mut client = Client::connect(egret.addr(0));
    client.get("/").expect("an answer");
    let began = Instant::now();
    client
        .write_raw(b"GET / HTTP/1.1\r\nHost")
        .expect("written");
    let refused = client.read_response().expect("an answer");
    took_about(began, SHORT_TIME);
    assert_eq!(refused.status, 408);
    assert_eq!(
        refused.text(),
        "408 the request's head was not complete after 300ms; \
         send it in one go or raise --header-timeout\n"
    );
    assert_eq!(refused.header("connection"), Some("close"));
    assert_eq!(client.read_to_end().expect("an end in order"), b"");
    assert_eq!(upstream.seen().len(), 1);
}

#[test]
fn a_head_that_comes_byte_by_byte_has_no_more_time_than_any_other() {
    let (world, upstream) = world(Reply::echo);
    let egret = egret(&world, &upstream)
        .option("--header-timeout", SHORT)
        .start();
    let mut client = Client::connect(egret.addr(0));
    let pause = Duration::from_millis(50);
    client
        .stream()
        .set_read_timeout(Some(pause))
        .expect("a pause");
    let began = Instant::now();
    let refused = loop {
        client.write_raw(b"G").expect("written");
        match client.read_response() {
            Err(Failure::Timeout) => assert!(began.elapsed() < support::PATIENCE),
            answer => break answer.expect("an answer"),
        }
    };
    took_about(began, SHORT_TIME);
    assert_eq!(refused.status, 408);
}

#[test]
fn a_client_that_is_silent_between_requests_has_more_time_than_for_a_head() {
    let (world, upstream) = world(Reply::echo);
    let egret = egret(&world, &upstream)
        .option("--header-timeout", SHORT)
        .option("--idle-timeout", LONG)
        .start();
    let mut clients = [egret.addr(0); 2].map(Client::connect);
    clients[1].get("/").expect("an answer");
    // A whole header timeout of somebody else passes.
    assert_eq!(send(egret.addr(0), b"GET / HTTP").status, 408);
    for client in &mut clients {
        assert_eq!(client.get("/").expect("an answer").status, 200);
    }
}

// ---- --idle-timeout ----

#[test]
fn a_silent_client_is_closed_without_a_word() {
    let (world, upstream) = world(Reply::echo);
    let egret = egret(&world, &upstream)
        .option("--idle-timeout", SHORT)
        .start();
    let mut clients = [egret.addr(0); 2].map(Client::connect);
    clients[1].get("/").expect("an answer");
    let began = Instant::now();
    for client in &mut clients {
        assert_eq!(client.read_to_end().expect("an end in order"), b"");
    }
    assert!(began.elapsed() < SHORT_TIME + Duration::from_secs(3));
}

#[test]
fn a_client_that_falls_silent_in_its_body_is_answered_with_408() {
    let (world, upstream) = world(Reply::echo);
    let egret = egret(&world, &upstream)
        .option("--idle-timeout", SHORT)
        .start();
    for framing in [
        "Content-Length: 9\r\n\r\nabc",
        "Transfer-Encoding: chunked\r\n\r\n9\r\nab",
    ] {
        let began = Instant::now();
        let request = format!("PUT / HTTP/1.1\r\nHost: x\r\n{framing}");
        let refused = send(egret.addr(0), request.as_bytes());
        took_about(began, SHORT_TIME);
        assert_eq!(refused.status, 408);
        assert!(
            refused
                .text()
                .contains("nothing more of its body for 300ms")
        );
        assert_eq!(refused.header("connection"), Some("close"));
        upstream.wait_until(|state| state.open == 0);
    }
    assert!(upstream.seen().iter().all(|seen| !seen.complete));
}

#[test]
fn a_client_that_goes_on_sending_slowly_is_not_silent() {
    let (world, upstream) = world(Reply::echo);
    let egret = egret(&world, &upstream)
        .option("--idle-timeout", SHORT)
        .option("--response-timeout", SHORT)
        .start();
    let mut client = Client::connect(egret.addr(0));
    client
        .write_raw(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n")
        .expect("written");
    let pause = Duration::from_millis(100);
    client
        .stream()
        .set_read_timeout(Some(pause))
        .expect("a pause");
    for _ in 0..9 {
        client.write_raw(b"x").expect("written");
        assert!(matches!(client.read_response(), Err(Failure::Timeout)));
    }
    client.write_raw(b"x").expect("written");
    client
        .stream()
        .set_read_timeout(Some(support::PATIENCE))
        .expect("patience");
    let answer = client.read_response().expect("an answer");
    assert_eq!(answer.echo("body").as_deref(), Some("xxxxxxxxxx"));
}

#[test]
fn a_client_that_does_not_take_its_answer_is_cut_off() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n".to_vec();
    let steps = vec![Step::Bytes(head), Step::Fill(99_999_999)];
    let (world, upstream) = world(move |_| Reply::script(steps.clone()));
    let egret = egret(&world, &upstream)
        .option("--idle-timeout", SHORT)
        .start();
    let descriptors = egret.descriptors();
    let mut client = Client::connect(egret.addr(0));
    client
        .write_raw(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        .expect("written");
    upstream.wait_until(|state| state.open == 1);
    upstream.wait_until(|state| state.open == 0);
    support::wait_until("the client is closed", || {
        egret.descriptors() == descriptors
    });
    let end = client.read_response();
    assert!(
        matches!(end, Err(Failure::Truncated(_) | Failure::Reset)),
        "{end:?}"
    );
}

// ---- --connect-timeout ----

#[test]
fn an_upstream_that_drops_packets_is_a_504() {
    let (world, hole) = (World::new(), BlackHole::new());
    let egret = Egret::builder(EGRET)
        .ca(&world.ca)
        .route(&format!("to={},identity=none", hole.url()))
        .option("--connect-timeout", SHORT)
        .start();
    let began = Instant::now();
    let failed = get(egret.addr(0), "/");
    took_about(began, SHORT_TIME);
    assert_eq!(failed.status, 504);
    assert!(
        failed.text().contains("no TCP connection in time"),
        "{}",
        failed.text()
    );
    let proxy_status = failed.header("proxy-status").unwrap_or_default();
    assert!(proxy_status.starts_with("egret; error=connection_timeout; "));
}

#[test]
fn an_upstream_that_stalls_in_tls_is_a_504() {
    let world = World::new();
    let upstream = world.upstream().on_accept(|_| OnAccept::Stall).start();
    let egret = egret(&world, &upstream)
        .option("--connect-timeout", SHORT)
        .start();
    let began = Instant::now();
    let failed = get(egret.addr(0), "/");
    took_about(began, SHORT_TIME);
    assert_eq!(failed.status, 504);
    assert!(
        failed
            .text()
            .contains("the TLS handshake did not finish in time")
    );
    let proxy_status = failed.header("proxy-status").unwrap_or_default();
    assert!(proxy_status.starts_with("egret; error=connection_timeout; "));
}

// ---- --response-timeout ----

#[test]
fn an_upstream_that_does_not_answer_is_a_504() {
    let (world, upstream) = world(|_| Reply::script(vec![Step::Stall]));
    let egret = egret(&world, &upstream)
        .option("--response-timeout", SHORT)
        .start();
    for request in [
        "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
    ] {
        let began = Instant::now();
        let failed = send(egret.addr(0), request.as_bytes());
        took_about(began, SHORT_TIME);
        assert_eq!(failed.status, 504);
        assert!(
            failed
                .text()
                .ends_with("no answer for 300ms (--response-timeout)\n")
        );
        let proxy_status = failed.header("proxy-status").unwrap_or_default();
        assert!(proxy_status.starts_with("egret; error=http_response_timeout; "));
    }
    // A connection that owes an answer is not used again, and the request is not repeated.
    assert_eq!((upstream.connections(), upstream.seen().len()), (2, 2));
}

#[test]
fn a_route_may_have_a_response_timeout_of_its_own() {
    let (world, upstream) = world(|_| Reply::script(vec![Step::Stall]));
    let to = format!(
        "to={},identity=none,response-timeout={SHORT}",
        upstream.url()
    );
    let egret = egret(&world, &upstream)
        .route(&to)
        .option("--response-timeout", LONG)
        .start();
    let mut patient = Client::connect(egret.addr(0));
    patient
        .write_raw(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        .expect("written");
    assert_eq!(get(egret.addr(1), "/").status, 504);
    let pause = Duration::from_millis(10);
    patient
        .stream()
        .set_read_timeout(Some(pause))
        .expect("a pause");
    assert!(matches!(patient.read_response(), Err(Failure::Timeout)));
}

#[test]
fn an_answer_that_stalls_between_two_pieces_is_cut_off() {
    let starts: [&[u8]; 2] = [
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    ];
    for start in starts {
        let (world, upstream) = world(move |_| Reply::raw(start).then(Step::Stall));
        let egret = egret(&world, &upstream)
            .option("--response-timeout", SHORT)
            .start();
        let mut client = Client::connect(egret.addr(0));
        let began = Instant::now();
        match client.get("/") {
            Err(Failure::Truncated(part)) => assert_eq!(part.body, b"abc"),
            other => panic!("{other:?}"),
        }
        took_about(began, SHORT_TIME);
        let line = egret.wait_line("in the middle of an answer");
        assert!(line.contains("no answer for 300ms"), "{line}");
    }
}

#[test]
fn a_slow_client_is_not_counted_against_the_upstream() {
    const LENGTH: u64 = 20_000_000;
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {LENGTH}\r\n\r\n").into_bytes();
    let (world, upstream) = world(move |seen: &Seen| match seen.target.as_str() {
        "/large" => Reply::script(vec![Step::Bytes(head.clone()), Step::Fill(LENGTH)]),
        _ => Reply::script(vec![Step::Stall]),
    });
    let egret = egret(&world, &upstream)
        .option("--response-timeout", SHORT)
        .start();
    let mut slow = Client::connect(egret.addr(0));
    slow.write_raw(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        .expect("written");
    slow.read_head().expect("a head");
    // Two whole timeouts pass while it does not read.
    for _ in 0..2 {
        assert_eq!(get(egret.addr(0), "/stall").status, 504);
    }
    let body = slow.read_exact(LENGTH as usize).expect("the whole body");
    assert!(body.iter().all(|byte| *byte == b'x'));
}

#[test]
fn a_client_that_owes_its_body_is_not_counted_against_the_upstream() {
    let (world, upstream) = world(|seen: &Seen| match seen.target.as_str() {
        "/stall" => Reply::script(vec![Step::Stall]),
        _ => Reply::echo(seen),
    });
    let egret = egret(&world, &upstream)
        .option("--response-timeout", SHORT)
        .option("--idle-timeout", LONG)
        .start();
    let mut slow = Client::connect(egret.addr(0));
    slow.write_raw(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\na")
        .expect("written");
    upstream.wait_until(|state| state.seen.iter().any(|seen| seen.body_length == 1));
    for _ in 0..2 {
        assert_eq!(get(egret.addr(0), "/stall").status, 504);
    }
    slow.write_raw(b"b").expect("written");
    let answer = slow.read_response().expect("an answer");
    assert_eq!(answer.echo("body").as_deref(), Some("ab"));
}

/// An upstream that reads no body before the gate opens.
fn closed_to_uploads(world: &World, gate: &Arc<Gate>) -> Upstream {
    let gate = Arc::clone(gate);
    world
        .upstream()
        .read_body(ReadBody::AfterReply)
        .handler(move |_| {
            Reply::script(vec![
                Step::WaitFor(Arc::clone(&gate)),
                Step::ReadBody,
                Step::Bytes(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()),
            ])
        })
        .start()
}

const UPLOAD: usize = 20_000_000;

/// Sends the head of an upload and as much of its body as goes.
fn upload(client: &mut Client<TcpStream>) {
    let head = format!("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: {UPLOAD}\r\n\r\n");
    client.write_raw(head.as_bytes()).expect("written");
    // The rest is refused, or reset, or taken.
    let _ = client.write_raw(&vec![b'x'; UPLOAD]);
}

#[test]
fn an_upload_that_the_upstream_does_not_take_is_a_504() {
    let (world, gate) = (World::new(), Gate::new());
    let upstream = closed_to_uploads(&world, &gate);
    let egret = egret(&world, &upstream)
        .option("--response-timeout", SHORT)
        .start();
    let mut client = Client::connect(egret.addr(0));
    let began = Instant::now();
    upload(&mut client);
    let failed = client.read_response().expect("an answer");
    took_about(began, SHORT_TIME);
    assert_eq!(failed.status, 504);
    assert!(failed.text().contains("did not take the request for 300ms"));
    assert_eq!(failed.header("connection"), Some("close"));
    let proxy_status = failed.header("proxy-status").unwrap_or_default();
    assert!(proxy_status.starts_with("egret; error=connection_write_timeout; "));
}

#[test]
fn an_upload_that_the_upstream_takes_late_but_in_time_is_answered() {
    let (world, gate) = (World::new(), Gate::new());
    let upstream = closed_to_uploads(&world, &gate);
    let egret = egret(&world, &upstream).start();
    let mut client = Client::connect(egret.addr(0));
    let opened = Arc::clone(&gate);
    std::thread::scope(|scope| {
        scope.spawn(|| upload(&mut client));
        upstream.wait_until(|state| state.seen.len() == 1);
        opened.open();
    });
    assert_eq!(client.read_response().expect("an answer").status, 204);
    assert_eq!(upstream.seen()[0].body_length, UPLOAD as u64);
}

// ---- --upstream-idle ----

#[test]
fn an_idle_upstream_connection_is_closed_in_time() {
    let (world, upstream) = world(Reply::echo);
    let egret = egret(&world, &upstream)
        .option("--upstream-idle", SHORT)
        .start();
    let began = Instant::now();
    assert_eq!(get(egret.addr(0), "/").status, 200);
    assert_eq!(upstream.open_connections(), 1);
    upstream.wait_until(|state| state.open == 0);
    took_about(began, SHORT_TIME);
    assert!(upstream.state(|state| state.failures.is_empty()));
}

#[test]
fn keep_alive_of_the_upstream_shortens_that_time_by_a_second_more() {
    let gate = Gate::new();
    let held = Arc::clone(&gate);
    let ok = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec();
    let (world, upstream) = world(move |seen: &Seen| match seen.target.as_str() {
        "/held" => Reply::script(vec![
            Step::WaitFor(Arc::clone(&held)),
            Step::Bytes(ok.clone()),
        ]),
        "/short" => Reply::echo(seen).header("Keep-Alive", "timeout=2"),
        "/now" => Reply::echo(seen).header("Keep-Alive", "max=5, timeout=1"),
        _ => Reply::echo(seen),
    });
    let egret = egret(&world, &upstream)
        .option("--upstream-idle", LONG)
        .start();
    // One stays for long, and must not keep the other from being closed early.
    let mut stays = ask(&egret, "/held");
    upstream.wait_until(|state| state.seen.len() == 1);
    let began = Instant::now();
    assert_eq!(get(egret.addr(0), "/short").status, 200);
    gate.open();
    assert_eq!(stays.read_response().expect("an answer").status, 200);
    assert_eq!(upstream.open_connections(), 2);
    upstream.wait_until(|state| state.open == 1);
    took_about(began, Duration::from_secs(1));
    // Nothing is left of one second.
    assert_eq!(get(egret.addr(0), "/now").status, 200);
    upstream.wait_until(|state| state.open == 0);
}

fn ask(egret: &Egret, target: &str) -> Client<TcpStream> {
    let mut client = Client::connect(egret.addr(0));
    let request = format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n");
    client.write_raw(request.as_bytes()).expect("written");
    client
}

#[test]
fn without_a_pool_every_request_has_a_connection_of_its_own() {
    let (world, upstream) = world(Reply::echo);
    let egret = egret(&world, &upstream)
        .option("--upstream-idle", "0")
        .start();
    for number in ["1", "2", "3"] {
        let answer = get(egret.addr(0), "/");
        assert_eq!(answer.echo("connection").as_deref(), Some(number));
        assert_eq!(answer.echo("request").as_deref(), Some("1"));
        upstream.wait_until(|state| state.open == 0);
    }
}
