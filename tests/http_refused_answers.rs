//! Answers of the upstream that end early, or that nobody asked for: the client gets a 502 of ours,
//! or sees that the body is cut off, and their connection is not used again.

mod http;
mod support;

use std::sync::Arc;

use http::bytes::bytes;
use http::{World, assert_ours, is_cut, setup};
use support::client::{Failure, Response};
use support::gate::Gate;
use support::upstream::{Reply, Seen, Step};

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
fn bytes_that_nobody_asked_for_end_an_idle_connection() {
    let world = setup().start();
    let gate = Gate::new();
    let opened = Arc::clone(&gate);
    world
        .upstream
        .answer(move |seen: &Seen| match seen.request {
            1 => Reply::echo(seen)
                .then(Step::WaitFor(Arc::clone(&opened)))
                .then(Step::Bytes(poison(6)))
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

#[test]
fn what_comes_in_one_record_with_the_end_of_a_body_is_nobodys_answer() {
    let world = setup().start();
    for (n, size) in [1, 5_000, 40_000, 1_000_000].into_iter().enumerate() {
        let mut answer = bytes(&format!("HTTP/1.1 200 OK⏎Content-Length: {size}⏎⏎"));
        answer.resize(answer.len() + size, b'x');
        answer.extend_from_slice(&poison(6));
        answer_bad_with(&world, vec![Step::Bytes(answer), Step::Flush]);
        let response = world.client().get("/bad").expect("a response");
        assert_eq!(response.body.len(), size);
        assert!(response.body.iter().all(|byte| *byte == b'x'), "{size}");
        assert_eq!(next(&world), (n as u64 + 2, 1), "after {size}");
    }
}

#[test]
fn what_lies_in_the_socket_behind_a_body_is_nobodys_answer() {
    let world = setup().start();
    for (n, size) in [1, 100, 5_000, 20_000, 40_000].into_iter().enumerate() {
        let gate = Gate::new();
        let head = format!("HTTP/1.1 200 OK⏎Content-Length: {size}⏎⏎");
        let steps = vec![
            Step::Bytes(bytes(&head)),
            Step::Flush,
            Step::WaitFor(Arc::clone(&gate)),
            Step::Bytes(vec![b'x'; size]),
            Step::Flush,
            Step::Bytes(poison(20_000)),
            Step::Flush,
            Step::Mark("poisoned"),
        ];
        answer_bad_with(&world, steps);
        let mut client = world.client();
        client
            .write_raw(&bytes("GET /bad HTTP/1.1⏎Host: x⏎⏎"))
            .expect("written");
        client.read_head().expect("a head");
        // All of it is there when egret looks again.
        world.egret.pause();
        gate.open();
        world
            .upstream
            .wait_until(|state| state.marks.len() == n + 1);
        world.egret.resume();
        let body = client.read_exact(size).expect("a body");
        assert!(body.iter().all(|byte| *byte == b'x'), "{size}");
        assert_eq!(next(&world), (n as u64 + 2, 1), "after {size}");
    }
}

/// An answer with so many bytes that nobody asked for.
fn poison(size: usize) -> Vec<u8> {
    let mut answer = bytes(&format!("HTTP/1.1 200 OK⏎Content-Length: {size}⏎⏎"));
    answer.resize(answer.len() + size, b'P');
    answer
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
