//! Answers of the upstream that are not HTTP/1.1, or can be read in two ways, never reach the
//! client: it gets a 502 of ours, or sees that the body is cut off, and their connection is not
//! used again.

mod http;
mod support;

use std::sync::Arc;

use http::bytes::{bytes, rows, short};
use http::{World, assert_ours, is_cut, setup};
use support::client::{Failure, Response};
use support::gate::Gate;
use support::upstream::{Reply, Seen, Step};

/// The rule, and a head that breaks it. After `…` the upstream closes, else it stays.
const HEADS: &str = r"
RFC 9112 6.3    | HTTP/1.1 200 OK⏎Content-Length: 5⏎Transfer-Encoding: chunked⏎⏎0⏎⏎
RFC 9112 6.3    | HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎Content-Length: 5⏎⏎0⏎⏎
RFC 9112 6.3    | HTTP/1.1 200 OK⏎Content-Length: 5⏎Content-Length: 5⏎⏎hello
RFC 9112 6.3    | HTTP/1.1 200 OK⏎Content-Length: 5⏎Content-Length: 6⏎⏎hello!
RFC 9112 6.3    | HTTP/1.1 200 OK⏎Content-Length: 5, 5⏎⏎hello
RFC 9110 8.6    | HTTP/1.1 200 OK⏎Content-Length: +5⏎⏎hello
RFC 9110 8.6    | HTTP/1.1 200 OK⏎Content-Length: -1⏎⏎hello
RFC 9110 8.6    | HTTP/1.1 200 OK⏎Content-Length: five⏎⏎hello
RFC 9110 8.6    | HTTP/1.1 200 OK⏎Content-Length:⏎⏎hello
RFC 9110 8.6    | HTTP/1.1 200 OK⏎Content-Length: 18446744073709551621⏎⏎hello
RFC 9110 8.6    | HTTP/1.1 204 No Content⏎Content-Length: 5⏎⏎hello
RFC 9112 6.1    | HTTP/1.1 204 No Content⏎Transfer-Encoding: chunked⏎⏎0⏎⏎
RFC 9112 6.1    | HTTP/1.1 103 Early Hints⏎Transfer-Encoding: chunked⏎⏎HTTP/1.1 200 OK⏎Content-Length: 0⏎⏎
RFC 9112 6.1    | HTTP/1.1 200 OK⏎Transfer-Encoding: gzip⏎⏎hello
RFC 9112 6.1    | HTTP/1.1 200 OK⏎Transfer-Encoding: gzip, chunked⏎⏎0⏎⏎
RFC 9112 6.1    | HTTP/1.1 200 OK⏎Transfer-Encoding: chunked, chunked⏎⏎0⏎⏎
RFC 9112 6.1    | HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎Transfer-Encoding: chunked⏎⏎0⏎⏎
RFC 9112 6.1    | HTTP/1.1 200 OK⏎Transfer-Encoding: identity⏎⏎hello
RFC 9112 6.1    | HTTP/1.0 200 OK⏎Transfer-Encoding: chunked⏎⏎0⏎⏎
RFC 9112 2.2    | HTTP/1.1 200 OK\nContent-Length: 0⏎⏎
RFC 9112 2.2    | HTTP/1.1 200 OK\nContent-Length: 0\n\n
RFC 9112 2.2    | HTTP/1.1 200 OK⏎X: y\nContent-Length: 0⏎⏎
RFC 9112 2.2    | HTTP/1.1 200 OK⏎Content-Length: 0⏎\n
RFC 9112 2.2    | HTTP/1.1 200 OK⏎X: y\rz⏎Content-Length: 0⏎⏎
RFC 9110 5.5    | HTTP/1.1 200 OK⏎X: y\0z⏎Content-Length: 0⏎⏎
RFC 9110 5.5    | HTTP/1.1 200 OK⏎X: \x1b[31m⏎Content-Length: 0⏎⏎
RFC 9112 4      | HTTP/1.1 200 O\0K⏎Content-Length: 0⏎⏎
RFC 9112 5.2    | HTTP/1.1 200 OK⏎X: y⏎ z⏎Content-Length: 0⏎⏎
RFC 9112 5.2    | HTTP/1.1 200 OK⏎Transfer-Encoding:⏎\tchunked⏎⏎0⏎⏎
RFC 9112 5.1    | HTTP/1.1 200 OK⏎Content-Length : 0⏎⏎
RFC 9112 5      | HTTP/1.1 200 OK⏎nocolon⏎Content-Length: 0⏎⏎
RFC 9110 5.1    | HTTP/1.1 200 OK⏎: y⏎Content-Length: 0⏎⏎
RFC 9110 5.1    | HTTP/1.1 200 OK⏎X(y): z⏎Content-Length: 0⏎⏎
RFC 9112 4      | HTTP/1.1 20 OK⏎Content-Length: 0⏎⏎
RFC 9112 4      | HTTP/1.1 2000 OK⏎Content-Length: 0⏎⏎
RFC 9112 4      | HTTP/1.1 abc OK⏎Content-Length: 0⏎⏎
RFC 9112 4      | HTTP/1.1  200 OK⏎Content-Length: 0⏎⏎
RFC 9112 4      | HTTP/1.1⏎Content-Length: 0⏎⏎
RFC 9112 4      | HTTP/1.1 ⏎Content-Length: 0⏎⏎
RFC 9112 4      | HTTP/1.1 200OK⏎Content-Length: 0⏎⏎
RFC 9112 4      | ⏎HTTP/1.1 200 OK⏎Content-Length: 0⏎⏎
RFC 9110 15     | HTTP/1.1 099 Low⏎Content-Length: 0⏎⏎
RFC 9110 15     | HTTP/1.1 600 High⏎Content-Length: 0⏎⏎
RFC 9112 2.3    | HTTP/2.0 200 OK⏎Content-Length: 0⏎⏎
RFC 9112 2.3    | HTTP/1.2 200 OK⏎Content-Length: 0⏎⏎
RFC 9112 2.3    | HTTP/0.9 200 OK⏎Content-Length: 0⏎⏎
RFC 9112 2.3    | http/1.1 200 OK⏎Content-Length: 0⏎⏎
RFC 9112 4      | ICY 200 OK⏎Content-Length: 0⏎⏎
RFC 9112 4      | <html>hello</html>⏎
RFC 9112 4      | SSH-2.0-OpenSSH_9.2⏎
RFC 9113 3.4    | \0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x80\0\x04\0\x01\0\0\0\x05\0\xff\xff\xff
RFC 9113 3.4    | PRI * HTTP/2.0⏎⏎SM⏎⏎
RFC 9110 15.2.2 | HTTP/1.1 101 Switching Protocols⏎Connection: upgrade⏎Upgrade: x⏎⏎
RFC 9110 15.2   | {HTTP/1.1 102 Processing⏎⏎*17}
RFC 6585 5      | HTTP/1.1 200 OK⏎X: {a*40000}⏎Content-Length: 0⏎⏎
RFC 6585 5      | HTTP/1.1 200 OK⏎{X: aaaaaaaaaa⏎*4000}
RFC 6585 5      | HTTP/1.1 200 OK⏎{a*40000}
RFC 6585 5      | HTTP/1.1 200 {a*40000}
RFC 6585 5      | HTTP/1.1 200 OK⏎{X: y⏎*100}Content-Length: 0⏎⏎
";

/// The rule, and what follows `HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎4⏎good⏎`.
const CHUNKS: &str = r"
RFC 9112 7.1   | g⏎hello⏎0⏎⏎
RFC 9112 7.1   | 0x5⏎hello⏎0⏎⏎
RFC 9112 7.1   | -5⏎hello⏎0⏎⏎
RFC 9112 7.1   |  5⏎hello⏎0⏎⏎
RFC 9112 7.1   | 5 ⏎hello⏎0⏎⏎
RFC 9112 7.1   | ⏎hello⏎0⏎⏎
RFC 9112 7.1   | 00000000000000005⏎hello⏎0⏎⏎
RFC 9112 2.2   | 5\nhello⏎0⏎⏎
RFC 9112 2.2   | 5\rhello⏎0⏎⏎
RFC 9112 7.1   | 5⏎hello!⏎0⏎⏎
RFC 9112 7.1   | 5⏎hello\n0⏎⏎
RFC 9112 7.1   | 5⏎hello0⏎⏎
RFC 9112 7.1.1 | 5;{a*2000}
RFC 9112 7.1.1 | {1;aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa⏎x⏎*100}
RFC 9112 7.1.1 | 5;a\0b⏎hello⏎0⏎⏎
RFC 9110 6.5.1 | 0⏎Content-Length: 4⏎⏎
RFC 9110 6.5.1 | 0⏎Transfer-Encoding: chunked⏎⏎
RFC 9112 5.2   | 0⏎X: y⏎ z⏎⏎
RFC 9112 2.2   | 0⏎X: y\n⏎
RFC 9112 2.2   | 0⏎\n
RFC 6585 5     | 0⏎X: {a*9000}
RFC 6585 5     | 0⏎{X: y⏎*101}⏎
";

/// The request's method, the body, and an answer that is good but for the bytes after `‖`.
const EXCESS: &str = r"
GET  | ok | HTTP/1.1 200 OK⏎Content-Length: 2⏎⏎ok‖HTTP/1.1 200 OK⏎Content-Length: 6⏎⏎poison
GET  | ok | HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎2⏎ok⏎0⏎⏎‖HTTP/1.1 200 OK⏎Content-Length: 6⏎⏎poison
GET  |    | HTTP/1.1 200 OK⏎Content-Length: 0⏎⏎‖HTTP/1.1 200 OK⏎Content-Length: 6⏎⏎poison
GET  |    | HTTP/1.1 204 No Content⏎⏎‖HTTP/1.1 200 OK⏎Content-Length: 6⏎⏎poison
GET  |    | HTTP/1.1 304 Not Modified⏎Content-Length: 6⏎⏎‖poison
HEAD |    | HTTP/1.1 200 OK⏎Content-Length: 6⏎⏎‖poison
HEAD |    | HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎‖6⏎poison⏎0⏎⏎
POST | ok | HTTP/1.1 200 OK⏎Content-Length: 2⏎⏎ok‖⏎
";

/// A good request on a connection of its own to egret, and which upstream connection served it.
fn next(world: &World) -> (u64, u64) {
    let response = world.client().get("/next").expect("a response");
    assert_eq!(response.echo("target").as_deref(), Some("/next"));
    let last = world.last();
    (last.connection, last.request)
}

/// Everybody is echoed, but for `/bad`.
fn answer_bad_with(world: &World, steps: Vec<Step>) {
    world
        .upstream
        .answer(move |seen: &Seen| match seen.target.as_str() {
            "/bad" => Reply::script(steps.clone()),
            _ => Reply::echo(seen),
        });
}

#[test]
fn a_head_that_is_not_http_is_answered_with_502() {
    let world = setup().start();
    let heads = rows(HEADS);
    assert!(heads.len() >= 40);
    for row in heads {
        let name = format!("{}: {}", row.columns[0], short(row.text));
        answer_bad_with(&world, vec![Step::Bytes(bytes(row.text)), Step::Flush]);
        // Whatever is wrong comes on a connection that has been good before.
        let (good, _) = next(&world);
        let mark = world.mark();
        let mut client = world.client();
        let response = client.get("/bad").expect(&name);
        assert_ours(&response, 502, "http_protocol_error", &name);
        assert!(response.text().contains(&world.authority()), "{name}");
        let seen = world.seen_since(mark);
        assert_eq!(seen.len(), 1, "{name}: asked again");
        assert_eq!(seen[0].connection, good, "{name}");
        // The client did nothing wrong: its connection goes on.
        let again = client.get("/again").expect(&name);
        assert_eq!(again.echo("target").as_deref(), Some("/again"), "{name}");
        assert_ne!(
            world.last().connection,
            good,
            "{name}: connection used again"
        );
    }
}

#[test]
fn a_body_that_is_not_chunked_properly_is_cut_off() {
    let world = setup().start();
    for row in rows(CHUNKS) {
        let name = format!("{}: {}", row.columns[0], short(row.text));
        let gate = Gate::new();
        let good = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ngood\r\n";
        let steps = vec![
            Step::Bytes(good.to_vec()),
            Step::WaitFor(Arc::clone(&gate)),
            Step::Bytes(bytes(row.text)),
            Step::Flush,
        ];
        answer_bad_with(&world, steps);
        let (first, _) = next(&world);
        let mut client = world.client();
        client
            .write_raw(b"GET /bad HTTP/1.1\r\nHost: x\r\n\r\n")
            .expect("written");
        let head = client.read_head().expect(&name);
        assert_eq!(head.status, 200, "{name}");
        assert_eq!(
            client.read_exact(9).expect(&name),
            b"4\r\ngood\r\n",
            "{name}"
        );
        gate.open();
        match client.read_to_end() {
            // What was good of it may pass, the end of the body may not.
            Ok(rest) => assert!(!rest.ends_with(b"0\r\n\r\n"), "{name}: {rest:?}"),
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{name}"),
        }
        assert_ne!(next(&world).0, first, "{name}: connection used again");
    }
}

#[test]
fn what_follows_an_answer_reaches_nobody() {
    let world = setup().start();
    for row in rows(EXCESS) {
        let name = row.text;
        let (answer, excess) = name.split_once('‖').expect("two parts");
        let whole = [bytes(answer), bytes(excess)].concat();
        answer_bad_with(&world, vec![Step::Bytes(whole), Step::Flush]);
        let (first, _) = next(&world);
        let mut client = world.client();
        let response = client
            .request(row.columns[0], "/bad", &[], b"")
            .expect(name);
        assert!(response.status < 400, "{name}");
        assert_eq!(response.text(), row.columns[1], "{name}");
        let again = client.get("/again").expect(name);
        assert_eq!(again.echo("target").as_deref(), Some("/again"), "{name}");
        assert_ne!(
            world.last().connection,
            first,
            "{name}: connection used again"
        );
    }
}

#[test]
fn bytes_that_nobody_asked_for_end_an_idle_connection() {
    let world = setup().start();
    let gate = Gate::new();
    let poison = Arc::clone(&gate);
    world
        .upstream
        .answer(move |seen: &Seen| match seen.request {
            1 => Reply::echo(seen)
                .then(Step::WaitFor(Arc::clone(&poison)))
                .then(Step::Bytes(bytes(
                    "HTTP/1.1 200 OK⏎Content-Length: 6⏎⏎poison",
                )))
                .then(Step::Flush)
                .then(Step::Mark("poisoned")),
            _ => Reply::echo(seen),
        });
    assert_eq!(next(&world), (1, 1));
    gate.open();
    world
        .upstream
        .wait_until(|state| state.marks == ["poisoned"]);
    assert_eq!(next(&world), (2, 1));
}

/// What a client gets of an answer whose upstream goes away in the middle of it.
fn truncated(world: &World, version: &str, answer: &str, end: Step) -> Result<Response, Failure> {
    answer_bad_with(world, vec![Step::Bytes(bytes(answer)), end]);
    let mut client = world.client();
    client
        .write_raw(&bytes(&format!("GET /bad {version}⏎Host: x⏎⏎")))
        .expect("written");
    client.read_response()
}

#[test]
fn a_body_that_ends_early_reaches_the_client_as_cut_off() {
    let world = setup().start();
    let bodies = [
        ("HTTP/1.1 200 OK⏎Content-Length: 10⏎⏎hello", true),
        ("HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎", true),
        ("HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎5⏎hel", true),
        (
            "HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎",
            true,
        ),
        ("HTTP/1.1 200 OK⏎⏎hello", false),
        ("HTTP/1.0 200 OK⏎⏎hello", false),
    ];
    for (answer, framed) in bodies {
        for version in ["HTTP/1.1", "HTTP/1.0", "HTTP/1.0⏎Connection: keep-alive"] {
            for end in [Step::Close, Step::Cut, Step::Reset] {
                let name = format!("{version}, {end:?}: {answer}");
                let whole = !framed && matches!(end, Step::Close);
                match truncated(&world, version, answer, end) {
                    Ok(response) if whole => assert_eq!(response.text(), "hello", "{name}"),
                    outcome if !whole && is_cut(&outcome) => {}
                    // A reset may overtake the head.
                    Ok(response) if response.status == 502 => {
                        let error = "http_response_incomplete";
                        assert_ours(&response, 502, error, &name);
                    }
                    other => panic!("{name}: {other:?}"),
                }
            }
        }
    }
}

#[test]
fn a_head_that_ends_early_is_answered_with_502() {
    let world = setup().option("--upstream-idle", "0").start();
    for (answer, error) in [
        ("", "connection_terminated"),
        ("H", "http_response_incomplete"),
        ("HTTP/1.1 200 OK⏎Content-Le", "http_response_incomplete"),
        ("HTTP/1.1 100 Continue⏎⏎", "http_response_incomplete"),
        ("<html>", "http_response_incomplete"),
    ] {
        for end in [Step::Close, Step::Cut] {
            let name = format!("{end:?}: {answer}");
            let response = truncated(&world, "HTTP/1.1", answer, end).expect(&name);
            assert_ours(&response, 502, error, &name);
        }
    }
}
