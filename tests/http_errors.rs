//! Errors made here: status, text, Proxy-Status, and what becomes of the client's connection.

mod http;
mod support;

use std::net::TcpListener;
use std::thread;
use std::time::Instant;

use http::{World, assert_ours, binary, is_cut, setup};
use support::certs::{Ca, Dir};
use support::client::{self, Client, Response};
use support::egret::Egret;
use support::upstream::{OnAccept, ReadBody, Reply, Step};

/// How long is short enough to wait for in a test.
const SHORT: &str = "300ms";

/// An egret that leads to `url` alone.
fn leading_to(url: &str, options: &[(&str, &str)]) -> (Egret, Dir) {
    let dir = Dir::new();
    let builder = binary().ca(&dir.ca("servers", &Ca::new("servers")));
    let builder = builder.route(&format!("identity=none,to={url}"));
    let builder = options.iter().fold(builder, |builder, (name, value)| {
        builder.option(name, value)
    });
    (builder.start(), dir)
}

/// The text without its status.
fn said(response: &Response) -> String {
    let text = response.text();
    let (status, said) = text.trim_end().split_once(' ').expect("a status first");
    assert_eq!(status, response.status.to_string());
    said.to_owned()
}

#[test]
fn proxy_status_says_what_the_body_says() {
    let world = setup().route(",path=/a").start();
    let response = client::get(world.addr(), "/b");
    assert_ours(&response, 404, "destination_not_found", "/b");
    let details = format!(
        "egret; error=destination_not_found; details=\"{}\"",
        said(&response)
    );
    assert_eq!(response.header("proxy-status"), Some(details.as_str()));
    assert_eq!(
        said(&response),
        "no route of this listener takes the path; see path= of its routes"
    );
}

#[test]
fn an_upstream_that_nobody_listens_for_is_said_to_refuse() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    let (egret, _dir) = leading_to(&format!("https://127.0.0.1:{port}"), &[]);
    let mut client = Client::connect(egret.addr(0));
    for method in ["GET", "POST"] {
        let response = client.request(method, "/", &[], b"").expect("a response");
        assert_ours(&response, 502, "connection_refused", method);
        let start = format!("127.0.0.1:{port}: 127.0.0.1:{port} refused the connection; ");
        assert!(said(&response).starts_with(&start), "{}", said(&response));
    }
}

#[test]
fn a_name_without_an_address_is_a_dns_error() {
    let (egret, _dir) = leading_to("https://nobody.invalid", &[]);
    let response = client::get(egret.addr(0), "/");
    assert_ours(&response, 502, "dns_error", "nobody.invalid");
    assert!(said(&response).starts_with("nobody.invalid: the name was not found: "));
}

#[test]
fn an_error_leaves_the_clients_connection_in_step() {
    let world = setup().start();
    world.upstream.answer(|seen| match seen.target.as_str() {
        "/bad" => Reply::raw("what?\r\n\r\n").then(Step::Close),
        _ => Reply::echo(seen),
    });
    let mut client = world.client();
    for (method, body) in [
        ("GET", &b""[..]),
        ("HEAD", b""),
        ("POST", b"body"),
        ("HEAD", b""),
    ] {
        let response = client.request(method, "/bad", &[], body).expect(method);
        assert_eq!(
            (response.status, response.body.is_empty()),
            (502, method == "HEAD")
        );
        assert_eq!(response.header("connection"), None);
        assert_eq!(client.get("/good").expect(method).status, 200);
    }
}

#[test]
fn a_refused_head_request_is_answered_without_a_body() {
    let world = setup().start();
    for rest in [
        "/ HTTP/1.1\r\n\r\n",
        "/ HTTP/3\r\n\r\n",
        "/<> HTTP/1.1\r\nHost: x\r\n\r\n",
    ] {
        for start in ["", "\r\n", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"] {
            let mut client = world.client();
            let request = format!("{start}HEAD {rest}");
            client.write_raw(request.as_bytes()).expect("written");
            if start.starts_with("GET") {
                assert_eq!(client.read_response().expect("a response").status, 200);
            }
            let refusal = client.read_response_to("HEAD").expect("a refusal");
            assert_eq!(refusal.status, 400, "{request:?}");
            assert_eq!(client.read_to_end().expect("an end"), b"", "{request:?}");
        }
    }
}

#[test]
fn an_error_that_leaves_chunks_unread_says_that_it_closes() {
    let (egret, _dir) = leading_to("https://127.0.0.1:1", &[]);
    let mut client = Client::connect(egret.addr(0));
    let chunks = b"1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n";
    let fields = [("Transfer-Encoding", "chunked")];
    let response = client.request("POST", "/", &fields, chunks).expect("POST");
    assert_eq!(response.status, 502);
    assert_eq!(response.header("connection"), Some("close"));
}

#[test]
fn an_error_in_the_middle_of_an_upload_reaches_a_client_that_goes_on_sending() {
    let world = setup()
        .upstream(|up| up.read_body(ReadBody::AfterReply))
        .start();
    world
        .upstream
        .answer(|_| Reply::raw("what?\r\n\r\n").then(Step::Close));
    let body = vec![b'x'; 8 * 1024 * 1024];
    let response = world
        .client()
        .request("POST", "/", &[], &body)
        .expect("a response");
    assert_ours(&response, 502, "http_protocol_error", "POST");
}

#[test]
fn an_error_for_an_http_10_client_ends_with_the_connection() {
    let world = setup().start();
    world
        .upstream
        .answer(|_| Reply::raw("what?\r\n\r\n").then(Step::Close));
    let mut client = world.client();
    client
        .write_raw(b"GET / HTTP/1.0\r\n\r\n")
        .expect("written");
    let response = client.read_response().expect("a response");
    assert_ours(&response, 502, "http_protocol_error", "HTTP/1.0");
    assert_eq!(client.read_to_end().expect("an end"), b"");
}

#[test]
fn connect_is_told_what_to_do_instead() {
    let world = setup().start();
    let response = client::send(
        world.addr(),
        b"CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n",
    );
    assert_eq!(response.status, 405);
    let allow = response
        .header("allow")
        .expect("RFC 9110 15.5.6 wants Allow");
    assert!(allow.contains("GET") && allow.contains("POST") && !allow.contains("CONNECT"));
}

#[test]
fn a_peer_that_no_range_admits_is_403() {
    let world = setup()
        .route("/lan,from=10.0.0.0/8,path=/lan")
        .route("/here,from=10.0.0.0/8,from=127.0.0.0/8,path=/here")
        .start();
    let response = client::get(world.addr(), "/lan/x");
    assert_ours(&response, 403, "http_request_denied", "/lan");
    assert_eq!(
        said(&response),
        "127.0.0.1 is not admitted here; add it to from= of the option"
    );
    assert_eq!(client::get(world.addr(), "/here/x").status, 200);
    assert_eq!(world.mark(), 1);
}

#[test]
fn a_body_over_the_limit_is_413_and_one_at_the_limit_passes() {
    let world = setup()
        .option("--max-body", "1k")
        .option("--upstream-idle", "0")
        .start();
    let chunked = |length: usize| {
        let coded = format!("{length:x}\r\n{}\r\n0\r\n\r\n", "x".repeat(length));
        ("Transfer-Encoding: chunked".to_owned(), coded)
    };
    let plain = |length: usize| (format!("Content-Length: {length}"), "x".repeat(length));
    for (framing, body) in [plain(0), plain(1024), chunked(0), chunked(1024)] {
        let request = format!("POST / HTTP/1.1\r\nHost: x\r\n{framing}\r\n\r\n{body}");
        assert_eq!(
            client::send(world.addr(), request.as_bytes()).status,
            200,
            "{framing}"
        );
    }
    for (framing, body) in [plain(1025), plain(100_000), chunked(1025), chunked(100_000)] {
        let mark = world.mark();
        let mut client = world.client();
        let request = format!("POST / HTTP/1.1\r\nHost: x\r\n{framing}\r\n\r\n{body}");
        // The answer may come before all is sent.
        let _ = client.write_raw(request.as_bytes());
        let response = client.read_response().expect(&framing);
        assert_ours(&response, 413, "http_request_error", &framing);
        assert_eq!(
            said(&response),
            "the body is over 1024 bytes; send less or raise --max-body"
        );
        assert_eq!(response.header("connection"), Some("close"), "{framing}");
        assert_eq!(client.read_to_end().expect(&framing), b"");
        world.upstream.wait_until(|state| state.open == 0);
        let seen = world.seen_since(mark);
        assert!(seen.iter().all(|seen| !seen.complete), "{framing}");
        assert!(
            framing.starts_with("Transfer") || seen.is_empty(),
            "{framing}"
        );
    }
}

#[test]
fn a_length_over_the_limit_is_refused_before_the_body_comes() {
    let world = setup().option("--max-body", "1k").start();
    let head = b"PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2000\r\n\r\n";
    let response = client::send(world.addr(), head);
    assert_ours(&response, 413, "http_request_error", "PUT");
    assert!(response.interim.is_empty());
}

#[test]
fn a_head_over_the_limit_is_431_and_one_at_the_limit_passes() {
    let world = setup().option("--max-header", "2k").start();
    let head = |length: usize| {
        let start = "GET / HTTP/1.1\r\nHost: x\r\nX: ";
        format!("{start}{}\r\n\r\n", "a".repeat(length - start.len() - 4))
    };
    assert_eq!(
        client::send(world.addr(), head(2048).as_bytes()).status,
        200
    );
    let response = client::send(world.addr(), head(2049).as_bytes());
    assert_ours(&response, 431, "http_request_error", "2049");
    let target = format!("GET /{} HTTP/1.1\r\n", "a".repeat(2100));
    let response = client::send(world.addr(), target.as_bytes());
    assert_ours(
        &response,
        414,
        "http_request_error",
        "a target over the head's limit",
    );
    assert_eq!(world.mark(), 1);
}

#[test]
fn a_head_that_does_not_end_in_time_is_408() {
    let world = setup().option("--header-timeout", SHORT).start();
    for part in ["G", "GET / HTTP/1.1\r\nHost: x\r\n", "\r", "\r\nG"] {
        let mut client = world.client();
        assert_eq!(client.get("/").expect("a response").status, 200);
        client.write_raw(part.as_bytes()).expect("written");
        let response = client.read_response().expect(part);
        assert_ours(&response, 408, "http_request_error", part);
        assert_eq!(
            said(&response),
            "the request's head was not complete after 300ms; send it in one go or raise --header-timeout"
        );
        assert_eq!(response.header("connection"), Some("close"));
        assert_eq!(client.read_to_end().expect(part), b"");
    }
}

#[test]
fn a_slow_head_has_no_more_time_than_a_silent_one() {
    let world = setup().option("--header-timeout", SHORT).start();
    let mut client = world.client();
    let mut writer = client.stream().try_clone().expect("a second handle");
    client.write_raw(b"GET / HTTP/1.1\r\nX: ").expect("written");
    let dripping = thread::spawn(move || {
        // Each byte waits for the one before it to be on its way: a drip, not a flood.
        while std::io::Write::write_all(&mut writer, b"a").is_ok() {
            thread::park_timeout(std::time::Duration::from_millis(10));
        }
    });
    let started = Instant::now();
    let response = client.read_response().expect("a response");
    assert_ours(&response, 408, "http_request_error", "a slow head");
    assert!(started.elapsed() < support::PATIENCE / 4);
    drop(client);
    dripping.join().expect("a thread");
}

#[test]
fn a_client_that_is_silent_between_requests_is_closed_without_a_word() {
    let world = setup().option("--idle-timeout", SHORT).start();
    let mut fresh = world.client();
    let mut used = world.client();
    assert_eq!(used.get("/").expect("a response").status, 200);
    assert_eq!(fresh.read_to_end().expect("an end"), b"");
    assert_eq!(used.read_to_end().expect("an end"), b"");
}

#[test]
fn a_body_that_falls_silent_is_408() {
    let world = setup().option("--idle-timeout", SHORT).start();
    for rest in [
        "Content-Length: 10\r\n\r\nstart",
        "Transfer-Encoding: chunked\r\n\r\n5\r\nst",
    ] {
        let mut client = world.client();
        let head = format!("POST / HTTP/1.1\r\nHost: x\r\n{rest}");
        client.write_raw(head.as_bytes()).expect("written");
        let response = client.read_response().expect(rest);
        assert_ours(&response, 408, "http_request_error", rest);
        assert_eq!(
            said(&response),
            "the client sent nothing more of its body for 300ms; send it or raise --idle-timeout"
        );
        assert_eq!(client.read_to_end().expect(rest), b"");
        world.upstream.wait_until(|state| state.open == 0);
        assert!(!world.last().complete);
    }
}

#[test]
fn an_upstream_that_does_not_shake_hands_is_504() {
    let world = setup()
        .upstream(|up| up.on_accept(|_| OnAccept::Stall))
        .option("--connect-timeout", SHORT)
        .start();
    let response = client::get(world.addr(), "/");
    assert_ours(&response, 504, "connection_timeout", "TLS");
    assert!(said(&response).contains("the TLS handshake did not finish in time"));
}

#[test]
fn an_upstream_that_does_not_answer_is_504() {
    let world = setup().option("--response-timeout", SHORT).start();
    for part in ["", "HTTP/1.1 200", "HTTP/1.1 102 Processing\r\n\r\n"] {
        world
            .upstream
            .answer(move |_| Reply::raw(part).then(Step::Stall));
        let response = world
            .client()
            .request("POST", "/", &[], b"body")
            .expect(part);
        assert_ours(&response, 504, "http_response_timeout", part);
        let expected = format!(
            "{}: no answer for 300ms (--response-timeout)",
            world.authority()
        );
        assert_eq!(said(&response), expected);
    }
    assert_eq!(world.mark(), 3, "nothing is asked twice");
}

#[test]
fn a_route_may_have_a_patience_of_its_own() {
    let world = setup().route(",response-timeout=200ms").start();
    world.upstream.answer(|_| Reply::script(vec![Step::Stall]));
    let response = client::get(world.addr(), "/");
    assert_ours(&response, 504, "http_response_timeout", "/");
    assert!(said(&response).contains("200ms"));
}

#[test]
fn an_upload_that_the_upstream_does_not_take_is_504() {
    let world = setup()
        .upstream(|up| up.read_body(ReadBody::AfterReply))
        .option("--response-timeout", SHORT)
        .start();
    world.upstream.answer(|_| Reply::script(vec![Step::Stall]));
    let body = vec![b'x'; 16 * 1024 * 1024];
    let mut client = world.client();
    let mut writer = client.stream().try_clone().expect("a second handle");
    let sending = thread::spawn(move || {
        let head = format!(
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let bytes = [head.as_bytes(), &body].concat();
        // It cannot all be taken.
        let _ = std::io::Write::write_all(&mut writer, &bytes);
    });
    let response = client.read_response().expect("a response");
    assert_ours(&response, 504, "connection_write_timeout", "POST");
    drop(client);
    sending.join().expect("a thread");
}

#[test]
fn a_body_that_stops_coming_is_cut_off() {
    let world = setup().option("--response-timeout", SHORT).start();
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nstart",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nstart\r\n",
        "HTTP/1.1 200 OK\r\n\r\nstart",
    ] {
        world
            .upstream
            .answer(move |_| Reply::raw(answer).then(Step::Stall));
        assert!(is_cut(&world.client().get("/")), "{answer}");
    }
}

/// Lets twice the patience with the upstream go by, told by requests that ran into it.
fn wait_out(world: &World) {
    for _ in 0..2 {
        assert_eq!(client::get(world.addr(), "/stall").status, 504);
    }
}

#[test]
fn a_client_that_is_slow_is_not_the_upstreams_fault() {
    let world = setup().option("--response-timeout", SHORT).start();
    const LENGTH: u64 = 50_000_000;
    world.upstream.answer(|seen| match seen.target.as_str() {
        "/stall" => Reply::script(vec![Step::Stall]),
        "/large" => Reply::raw(format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {LENGTH}\r\n\r\n"
        ))
        .then(Step::Fill(LENGTH)),
        _ => Reply::echo(seen),
    });
    let mut download = world.client();
    download
        .write_raw(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        .expect("written");
    let mut upload = world.client();
    upload
        .write_raw(b"POST /up HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nfirst")
        .expect("written");
    wait_out(&world);
    upload.write_raw(b"last").expect("written");
    let response = upload.read_response().expect("a response");
    assert_eq!(response.echo("body").as_deref(), Some("firstlast"));
    let response = download.read_response().expect("the whole of it");
    assert_eq!(response.body.len() as u64, LENGTH);
}
