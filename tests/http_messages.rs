//! What requests and answers make of the connections on both sides: keep-alive, pipelining,
//! HTTP/1.0, answers without a body, trailers.

mod http;
mod support;

use std::net::TcpStream;
use std::sync::Arc;

use http::bytes::bytes;
use http::{World, setup};
use socket2::{Domain, Socket, Type};
use support::client::{self, Client, Response};
use support::gate::Gate;
use support::upstream::{Reply, Step};

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// What comes back for a request written as [`bytes`] has it.
fn ask(world: &World, request: &str) -> Response {
    client::send(world.addr(), &bytes(request))
}

#[test]
fn one_connection_serves_one_request_after_the_other_on_both_sides() {
    let world = setup().start();
    let mut client = world.client();
    for number in 1..=50 {
        let (method, body): (_, &[u8]) = match number % 3 {
            0 => ("GET", b""),
            1 => ("POST", b"body"),
            _ => ("DELETE", b""),
        };
        let response = client.request(method, "/", &[], body).expect("a response");
        assert_eq!(response.echo("request"), Some(number.to_string()));
        assert_eq!(response.header("connection"), None);
    }
    assert_eq!(world.upstream.connections(), 1);
}

#[test]
fn a_client_that_says_close_gets_its_answer_and_the_end() {
    let world = setup().start();
    for request in [
        "GET / HTTP/1.1⏎Host: x⏎Connection: close⏎⏎",
        "GET / HTTP/1.1⏎Host: x⏎Connection: keep-alive, Close⏎⏎",
        "GET / HTTP/1.0⏎Host: x⏎⏎",
        "GET / HTTP/1.0⏎⏎",
    ] {
        let mut client = world.client();
        client.write_raw(&bytes(request)).expect("written");
        let response = client.read_response().expect("a response");
        assert_eq!(response.echo("version").as_deref(), Some("HTTP/1.1"));
        assert_eq!(client.read_to_end().expect(request), b"", "{request}");
    }
    assert_eq!(world.upstream.connections(), 1, "closing is about one hop");
}

#[test]
fn an_upstream_that_says_close_ends_its_own_connection_only() {
    let world = setup().start();
    world.upstream.answer(|seen| Reply::echo(seen).close());
    let mut client = world.client();
    for number in 1..=3 {
        let response = client.get("/").expect("a response");
        assert_eq!(response.echo("connection"), Some(number.to_string()));
        assert_eq!(response.header("connection"), None);
    }
}

#[test]
fn an_upstream_of_http_10_is_spoken_to_once_a_connection() {
    let world = setup().start();
    world
        .upstream
        .answer(|_| Reply::raw("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"));
    let mut client = world.client();
    for number in 1..=2 {
        let response = client.get("/").expect("a response");
        assert_eq!(
            (response.version.as_str(), response.text().as_str()),
            ("HTTP/1.1", "ok")
        );
        assert_eq!(world.upstream.connections(), number);
    }
}

#[test]
fn pipelined_requests_are_answered_in_their_order() {
    let world = setup().start();
    let gate = Gate::new();
    let held = Arc::clone(&gate);
    world
        .upstream
        .answer(move |seen| match seen.target.as_str() {
            "/1" => Reply::script(vec![Step::Mark("asked"), Step::WaitFor(Arc::clone(&held))])
                .then(Step::Bytes(
                    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst".to_vec(),
                )),
            _ => Reply::echo(seen),
        });
    let mut client = world.client();
    let pipeline = "GET /1 HTTP/1.1⏎Host: x⏎⏎\
                    POST /2 HTTP/1.1⏎Host: x⏎Content-Length: 3⏎⏎two\
                    PUT /3 HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎2⏎th⏎3⏎ree⏎0⏎⏎\
                    ⏎HEAD /4 HTTP/1.1⏎Host: x⏎⏎\
                    GET /5 HTTP/1.1⏎Host: x⏎Connection: close⏎⏎\
                    GET /never HTTP/1.1⏎Host: x⏎⏎";
    client.write_raw(&bytes(pipeline)).expect("written");
    world.upstream.wait_until(|state| state.marks == ["asked"]);
    gate.open();
    assert_eq!(client.read_response().expect("the first").text(), "first");
    let second = client.read_response().expect("the second");
    assert_eq!(second.echo("body").as_deref(), Some("two"));
    let third = client.read_response().expect("the third");
    assert_eq!(third.echo("body").as_deref(), Some("three"));
    let fourth = client.read_response_to("HEAD").expect("the fourth");
    assert_eq!(fourth.status, 200);
    let fifth = client.read_response().expect("the fifth");
    assert_eq!(fifth.echo("target").as_deref(), Some("/5"));
    assert_eq!(client.read_to_end().expect("the end"), b"");
    let targets: Vec<_> = world
        .upstream
        .seen()
        .into_iter()
        .map(|seen| seen.target)
        .collect();
    assert_eq!(targets, ["/1", "/2", "/3", "/4", "/5"]);
}

#[test]
fn one_empty_line_before_a_request_is_ignored_however_it_is_sent() {
    let world = setup().start();
    let request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    for pieces in [
        &["\r\n"][..],
        &["\r", "\n"],
        &["\r\n", "\r\n"],
        &["\r", "\n\r\n"],
    ] {
        let mut client = world.client();
        for piece in pieces {
            client.write_raw(piece.as_bytes()).expect("written");
            // egret has one loop: when it has answered this, it has read that.
            assert_eq!(
                world.client().get("/other").expect("a response").status,
                200
            );
        }
        let _ = client.write_raw(request);
        let response = client.read_response().expect("a response");
        let expected = if pieces.concat() == "\r\n" { 200 } else { 400 };
        assert_eq!(response.status, expected, "{pieces:?}");
    }
}

#[test]
fn two_hundred_pipelined_requests_with_bodies_are_all_answered() {
    let world = setup().start();
    let mut client = world.client();
    let mut pipeline = Vec::new();
    for number in 0..200 {
        let body = "x".repeat(number * 7);
        let head = format!(
            "POST /{number} HTTP/1.1\r\nHost: x\r\nContent-Length: {}",
            body.len()
        );
        pipeline.extend(format!("{head}\r\n\r\n{body}").bytes());
    }
    let mut writer = client.stream().try_clone().expect("a second handle");
    let sending = std::thread::spawn(move || std::io::Write::write_all(&mut writer, &pipeline));
    for number in 0..200 {
        let response = client.read_response().expect("a response");
        assert_eq!(response.echo("target"), Some(format!("/{number}")));
        assert_eq!(response.echo("body_length"), Some((number * 7).to_string()));
    }
    sending.join().expect("a thread").expect("written");
}

#[test]
fn an_http_10_client_gets_a_chunked_answer_without_chunks() {
    let world = setup().start();
    world
        .upstream
        .answer(|_| Reply::status(200).chunked(&[b"one ", b"two"]));
    for keep in ["", "Connection: keep-alive⏎"] {
        let mut client = world.client();
        client
            .write_raw(&bytes(&format!("GET / HTTP/1.0⏎{keep}⏎")))
            .expect("written");
        let response = client.read_response().expect("a response");
        assert_eq!(response.header("transfer-encoding"), None);
        assert_eq!(response.header("content-length"), None);
        assert_eq!(response.header("connection"), None, "{keep}");
        assert_eq!(response.version, "HTTP/1.0");
        assert_eq!(response.text(), "one two");
    }
}

#[test]
fn an_http_10_client_that_asks_for_it_keeps_its_connection() {
    let world = setup().start();
    let mut client = world.client();
    for number in 1..=3 {
        client
            .write_raw(&bytes("GET / HTTP/1.0⏎Connection: keep-alive⏎⏎"))
            .expect("written");
        let response = client.read_response().expect("a response");
        assert_eq!(response.echo("request"), Some(number.to_string()));
        assert_eq!(response.header("connection"), Some("keep-alive"));
    }
}

#[test]
fn answers_without_a_body_leave_the_connections_in_step() {
    let world = setup().start();
    world
        .upstream
        .answer(|seen| match (seen.method.as_str(), seen.target.as_str()) {
            (_, "/204") => Reply::status(204),
            (_, "/204-zero") => Reply::raw("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"),
            (_, "/304") => Reply::raw(
                "HTTP/1.1 304 Not Modified\r\nContent-Length: 123\r\nETag: \"x\"\r\n\r\n",
            ),
            (_, "/chunked") => Reply::status(200).chunked(&[b"12345"]),
            (_, "/empty") => Reply::status(200),
            _ => Reply::status(200).body("12345"),
        });
    let mut client = world.client();
    for (method, target, status, length, body) in [
        ("GET", "/204", 204, None, ""),
        ("GET", "/204-zero", 204, None, ""),
        ("GET", "/304", 304, Some("123"), ""),
        ("HEAD", "/304", 304, Some("123"), ""),
        ("HEAD", "/", 200, Some("5"), ""),
        ("HEAD", "/chunked", 200, None, ""),
        ("HEAD", "/empty", 200, Some("0"), ""),
        ("GET", "/empty", 200, Some("0"), ""),
        ("DELETE", "/204", 204, None, ""),
        ("GET", "/", 200, Some("5"), "12345"),
        ("GET", "/chunked", 200, None, "12345"),
    ] {
        let response = client.request(method, target, &[], b"").expect(target);
        let name = format!("{method} {target}");
        assert_eq!(response.status, status, "{name}");
        assert_eq!(response.header("content-length"), length, "{name}");
        assert_eq!(response.text(), body, "{name}");
    }
    assert_eq!(world.upstream.connections(), 1);
}

#[test]
fn an_empty_body_is_announced_as_the_client_did() {
    let world = setup().start();
    for (request, length) in [
        ("GET / HTTP/1.1⏎Host: x⏎⏎", None),
        ("POST / HTTP/1.1⏎Host: x⏎Content-Length: 0⏎⏎", Some("0")),
        ("GET / HTTP/1.1⏎Host: x⏎Content-Length: 2⏎⏎ok", Some("2")),
        (
            "GET / HTTP/1.1⏎Host: x⏎Transfer-Encoding: Chunked⏎⏎2⏎ok⏎0⏎⏎",
            None,
        ),
    ] {
        let response = ask(&world, request);
        assert_eq!(
            response.echoed_header("content-length").as_deref(),
            length,
            "{request}"
        );
        let body = if request.contains("ok") { "ok" } else { "" };
        assert_eq!(response.echo("body").as_deref(), Some(body), "{request}");
    }
}

#[test]
fn announced_trailers_pass_both_ways() {
    let world = setup().start();
    world.upstream.answer(|_| {
        Reply::status(200)
            .header("Trailer", "X-Sum, X-Sum-2")
            .chunked_with_trailers(
                &[b"one"],
                &[("X-Sum", "7"), ("X-Sum-2", "8"), ("X-Other", "9")],
            )
    });
    let request = "POST / HTTP/1.1⏎Host: x⏎TE: trailers⏎Trailer: X-Up⏎\
                   Transfer-Encoding: chunked⏎⏎2⏎up⏎0⏎X-Up: yes⏎⏎";
    let response = ask(&world, request);
    let trailers = [pair("x-sum", "7"), pair("x-sum-2", "8")];
    assert_eq!(response.trailers, trailers);
    assert_eq!(response.header("trailer"), Some("X-Sum, X-Sum-2"));
    let seen = world.last();
    assert_eq!(seen.trailers, [pair("x-up", "yes")]);
    assert_eq!(
        (seen.header("trailer"), seen.header("te")),
        (Some("X-Up"), Some("trailers"))
    );
    assert!(
        seen.header("connection")
            .is_some_and(|value| value.eq_ignore_ascii_case("te"))
    );
}

#[test]
fn a_client_that_does_not_take_trailers_gets_none() {
    let world = setup().start();
    world.upstream.answer(|_| {
        Reply::status(200)
            .header("Trailer", "X-Sum")
            .chunked_with_trailers(&[b"one"], &[("X-Sum", "7")])
    });
    let mut client = world.client();
    for _ in 0..2 {
        let response = client.get("/").expect("a response");
        assert_eq!(
            (response.text().as_str(), response.trailers.len()),
            ("one", 0)
        );
    }
}

#[test]
fn clients_are_served_at_the_same_time() {
    let world = setup().start();
    let gate = Gate::new();
    let held = Arc::clone(&gate);
    world
        .upstream
        .answer(move |seen| match seen.target.as_str() {
            "/slow" => Reply::script(vec![Step::WaitFor(Arc::clone(&held))])
                .then(Step::Bytes(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec())),
            _ => Reply::echo(seen),
        });
    let mut slow: Vec<Client<_>> = (0..8).map(|_| world.client()).collect();
    for client in &mut slow {
        client
            .write_raw(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
            .expect("written");
    }
    world.upstream.wait_until(|state| state.seen.len() == 8);
    assert_eq!(world.client().get("/fast").expect("a response").status, 200);
    gate.open();
    for client in &mut slow {
        assert_eq!(client.read_response().expect("a response").status, 204);
    }
}

#[test]
fn a_cut_takes_nothing_of_the_answers_before_it() {
    // Of this the client's side of the kernel takes little, and egret's all.
    const LONG: usize = 200 * 1024;
    let world = setup().start();
    world.upstream.answer(|seen| match seen.target.as_str() {
        "/whole" => Reply::status(200).body([b'x'; LONG]),
        _ => Reply::script(vec![
            Step::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart".to_vec()),
            Step::Cut,
        ]),
    });
    let one = |target| format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
    let both = one("/whole") + &one("/cut");
    // A reset would come soon after the line, and not always before the answer is read.
    for time in 1..=10 {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        socket.set_recv_buffer_size(4096).expect("a small window");
        socket.connect(&world.addr().into()).expect("a connection");
        let mut client = Client::over(TcpStream::from(socket));
        client
            .write_raw(both.as_bytes())
            .expect("a proxy that reads");
        world.egret.wait_log(|lines| {
            let cut = |line: &&String| line.contains("cut off in the middle of an answer");
            lines.iter().filter(cut).count() == time
        });
        let whole = client
            .read_response()
            .unwrap_or_else(|failure| panic!("the first answer: {failure}"));
        assert_eq!(whole.body.len(), LONG);
        let cut = client.read_response();
        assert!(http::is_cut(&cut), "{cut:?}");
    }
}
