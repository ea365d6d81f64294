//! Bodies stream both ways, whatever their size and framing, and wait for nobody but the peers.

mod http;
mod support;

use std::io::ErrorKind;
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::thread;

use http::{World, noise, seed, setup};
use support::PATIENCE;
use support::client::{Client, Failure};
use support::gate::Gate;
use support::upstream::{ReadBody, Reply, Seen, Step, checksum};

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// Sizes around what is read and buffered at once, and one that fits nowhere.
const SIZES: [usize; 9] = [
    0,
    1,
    4 * KIB - 1,
    4 * KIB,
    32 * KIB,
    32 * KIB + 1,
    100_000,
    MIB,
    16 * MIB,
];

/// Which of the two bodies of that size are chunked, in turn.
fn framings(size: usize) -> &'static [(bool, bool)] {
    const ALL: &[(bool, bool)] = &[(false, false), (true, true), (false, true), (true, false)];
    if size > MIB { &ALL[..2] } else { ALL }
}

/// `body` in chunks of all sizes up to 40,000 bytes.
fn in_chunks(body: &[u8]) -> Vec<u8> {
    let mut coded = Vec::with_capacity(body.len() + body.len() / 64);
    let mut rest = body;
    let mut size = 1;
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(size.min(rest.len()));
        coded.extend(format!("{:x}\r\n", chunk.len()).bytes());
        coded.extend(chunk);
        coded.extend(b"\r\n");
        rest = after;
        size = size * 3 % 40_009;
    }
    coded.extend(b"0\r\n\r\n");
    coded
}

/// Sends `body` and reads what comes back at the same time: neither side waits for the other.
fn exchange(world: &World, body: &[u8], chunked: bool) -> support::client::Response {
    let mut client = world.client();
    let mut writer = client.stream().try_clone().expect("a second handle");
    let framing = match chunked {
        true => "Transfer-Encoding: chunked".to_owned(),
        false => format!("Content-Length: {}", body.len()),
    };
    let head = format!("POST / HTTP/1.1\r\nHost: x\r\n{framing}\r\n\r\n");
    let bytes = match chunked {
        true => [head.as_bytes(), &in_chunks(body)].concat(),
        false => [head.as_bytes(), body].concat(),
    };
    let sending = thread::spawn(move || {
        use std::io::Write;
        writer.write_all(&bytes)
    });
    let response = client.read_response().expect("a response");
    sending.join().expect("a thread").expect("all was sent");
    response
}

#[test]
fn bodies_of_every_size_pass_unchanged_chunked_and_not() {
    let seed = seed();
    println!("seed {seed}");
    let world = setup().start();
    for size in SIZES {
        let up = noise(seed, size);
        let down = Arc::new(noise(seed + 2, size));
        for &(chunked_up, chunked_down) in framings(size) {
            let body = Arc::clone(&down);
            world.upstream.answer(move |_| match chunked_down {
                true => {
                    let chunks: Vec<_> = body.chunks(50_021).collect();
                    Reply::status(200).chunked(&chunks)
                }
                false => Reply::status(200).body(body.as_slice()),
            });
            let name = format!("{size} bytes, chunked up {chunked_up}, down {chunked_down}");
            let response = exchange(&world, &up, chunked_up);
            let seen = world.last();
            assert!(seen.complete, "{name}");
            assert_eq!(seen.body_length, size as u64, "{name}");
            assert_eq!(seen.body_checksum, checksum(&up), "{name}");
            assert_eq!(
                seen.header("transfer-encoding").is_some(),
                chunked_up,
                "{name}"
            );
            assert_eq!(
                response.header("transfer-encoding").is_some(),
                chunked_down,
                "{name}"
            );
            assert!(
                response.body == *down,
                "{name}: {} bytes",
                response.body.len()
            );
        }
    }
    assert_eq!(world.upstream.connections(), 1);
}

#[test]
fn an_upload_and_a_download_run_at_the_same_time() {
    let seed = seed();
    println!("seed {seed}");
    let size = 8 * MIB;
    let body = noise(seed, size);
    let world = setup()
        .upstream(|up| up.read_body(ReadBody::AfterReply))
        .start();
    // Neither direction can go a quarter further than the other.
    let quarter = size as u64 / 4;
    world.upstream.answer(move |_| {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n");
        Reply::script(vec![
            Step::Bytes(head.into_bytes()),
            Step::Fill(quarter),
            Step::ReadSome(quarter),
            Step::Fill(quarter),
            Step::ReadSome(quarter),
            Step::Fill(quarter),
            Step::ReadBody,
            Step::Fill(quarter),
        ])
    });
    let response = exchange(&world, &body, false);
    assert_eq!(response.body.len(), size);
    world.upstream.wait_until(|state| state.seen[0].complete);
    assert_eq!(world.last().body_checksum, checksum(&body));
}

#[test]
fn the_first_piece_of_an_upload_arrives_before_the_last_is_sent() {
    for chunked in [false, true] {
        let world = setup().start();
        let mut client = world.client();
        let (framing, first, last) = match chunked {
            true => (
                "Transfer-Encoding: chunked",
                "5\r\nfirst\r\n",
                "4\r\nlast\r\n0\r\n\r\n",
            ),
            false => ("Content-Length: 9", "first", "last"),
        };
        let head = format!("POST / HTTP/1.1\r\nHost: x\r\n{framing}\r\n\r\n{first}");
        client.write_raw(head.as_bytes()).expect("written");
        let arrived = |seen: &[Seen]| seen.last().is_some_and(|seen| seen.body == b"first");
        world.upstream.wait_until(|state| arrived(&state.seen));
        assert!(!world.last().complete);
        client.write_raw(last.as_bytes()).expect("written");
        let response = client.read_response().expect("a response");
        assert_eq!(response.echo("body").as_deref(), Some("firstlast"));
    }
}

#[test]
fn the_first_piece_of_a_download_arrives_before_the_last_is_sent() {
    let world = setup().start();
    for (head, first, last) in [
        ("Content-Length: 9", "first", "last"),
        (
            "Transfer-Encoding: chunked",
            "5\r\nfirst\r\n",
            "4\r\nlast\r\n0\r\n\r\n",
        ),
        ("Connection: close", "first", "last"),
    ] {
        let gate = Gate::new();
        let held = Arc::clone(&gate);
        world.upstream.answer(move |_| {
            let start = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{first}");
            Reply::raw(start)
                .then(Step::WaitFor(Arc::clone(&held)))
                .then(Step::Bytes(last.into()))
                .then(Step::Close)
        });
        let mut client = world.client();
        client
            .write_raw(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            .expect("written");
        assert_eq!(client.read_head().expect("a head").status, 200);
        let mut got = Vec::new();
        while !got.windows(5).any(|window| window == b"first") {
            got.extend(client.read_exact(1).expect("the first piece"));
        }
        gate.open();
        let rest = client.read_to_end().expect("the last piece");
        assert!(rest.windows(4).any(|window| window == b"last"), "{head}");
    }
}

#[test]
fn an_answer_may_come_before_the_end_of_the_body() {
    let world = setup()
        .upstream(|up| up.read_body(ReadBody::AfterReply))
        .start();
    world.upstream.answer(|seen| Reply::json(413, seen).close());
    let mut client = world.client();
    client
        .write_raw(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nstart")
        .expect("written");
    let response = client.read_response().expect("an early answer");
    assert_eq!(response.status, 413);
    assert_eq!(response.echo("target").as_deref(), Some("/"));
    world.upstream.answer(Reply::echo);
    assert_eq!(world.client().get("/next").expect("a response").status, 200);
    assert_eq!(
        world.last().connection,
        2,
        "a connection that owes a body is not used again"
    );
}

#[test]
fn an_early_answer_reaches_a_client_that_goes_on_sending() {
    let world = setup()
        .upstream(|up| up.read_body(ReadBody::AfterReply))
        .start();
    world
        .upstream
        .answer(|_| Reply::status(403).body("no").close());
    let body = vec![b'x'; 4 * MIB];
    let mut client = world.client();
    let response = client
        .request("PUT", "/", &[], &body)
        .expect("an early answer");
    assert_eq!((response.status, response.text().as_str()), (403, "no"));
}

#[test]
fn an_upload_goes_on_behind_an_early_answer_that_leaves_the_connection_open() {
    let world = setup()
        .upstream(|up| up.read_body(ReadBody::AfterReply))
        .start();
    let mut client = world.client();
    client
        .write_raw(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nfirst")
        .expect("written");
    let gate = Gate::new();
    let held = Arc::clone(&gate);
    world.upstream.answer(move |_| {
        Reply::raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nearly\r\n")
            .then(Step::WaitFor(Arc::clone(&held)))
            .then(Step::ReadBody)
            .then(Step::Bytes(b"4\r\nlate\r\n0\r\n\r\n".to_vec()))
    });
    client.read_head().expect("a head");
    assert_eq!(client.read_exact(10).expect("a piece"), b"5\r\nearly\r\n");
    gate.open();
    client.write_raw(b"last").expect("written");
    assert_eq!(
        client.read_exact(14).expect("the rest"),
        b"4\r\nlate\r\n0\r\n\r\n"
    );
    assert_eq!(world.last().body, b"firstlast");
}

#[test]
fn a_client_that_breaks_off_cuts_its_upload_off() {
    let world = setup().start();
    for chunked in [false, true] {
        let mark = world.mark();
        let mut client = world.client();
        let head = match chunked {
            true => "Transfer-Encoding: chunked\r\n\r\n5\r\nstart\r\n",
            false => "Content-Length: 10\r\n\r\nstart",
        };
        let head = format!("POST / HTTP/1.1\r\nHost: x\r\n{head}");
        client.write_raw(head.as_bytes()).expect("written");
        world.upstream.wait_until(|state| {
            state
                .seen
                .get(mark)
                .is_some_and(|seen| seen.body == b"start")
        });
        client.stream().shutdown(Shutdown::Both).expect("an end");
        world.upstream.wait_until(|state| state.open == 0);
        assert!(!world.last().complete);
    }
}

#[test]
fn a_client_that_vanishes_in_a_download_frees_the_upstream() {
    let world = setup().start();
    world.upstream.answer(|_| {
        Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
            .then(Step::Fill(100_000_000))
    });
    let mut client = world.client();
    client
        .write_raw(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        .expect("written");
    client.read_head().expect("a head");
    client.stream().shutdown(Shutdown::Both).expect("an end");
    drop(client);
    world.upstream.wait_until(|state| state.open == 0);
}

/// Sends a head that expects a 100 and gives the connection back.
fn expecting(world: &World) -> Client<TcpStream> {
    expecting_of(world, "/")
}

fn expecting_of(world: &World, target: &str) -> Client<TcpStream> {
    let mut client = world.client();
    let fields = "Host: x\r\nContent-Length: 4\r\nExpect: 100-continue";
    let head = format!("PUT {target} HTTP/1.1\r\n{fields}\r\n\r\n");
    client.write_raw(head.as_bytes()).expect("written");
    client
}

#[test]
fn a_body_waits_for_the_upstreams_100() {
    let world = setup()
        .upstream(|up| up.read_body(ReadBody::AfterReply))
        .start();
    let gate = Gate::new();
    let held = Arc::clone(&gate);
    world.upstream.answer(move |seen| {
        Reply::script(vec![Step::WaitFor(Arc::clone(&held)), Step::ReadBody]).then(Step::Bytes(
            format!(
                "HTTP/1.1 200 OK\r\nX-Expect: {:?}\r\nContent-Length: 0\r\n\r\n",
                seen.header("expect")
            )
            .into(),
        ))
    });
    let mut client = expecting(&world);
    world.upstream.wait_until(|state| state.seen.len() == 1);
    gate.open();
    assert_eq!(client.read_head().expect("an interim response").status, 100);
    assert_eq!(world.last().body, b"");
    client.write_raw(b"body").expect("written");
    let response = client.read_response().expect("a response");
    assert_eq!((response.status, response.interim.len()), (200, 0));
    assert_eq!(response.header("x-expect"), Some("Some(\"100-continue\")"));
    assert_eq!(world.last().body, b"body");
}

#[test]
fn a_final_answer_in_place_of_the_100_keeps_the_body_at_home() {
    let world = setup()
        .upstream(|up| up.read_body(ReadBody::AfterReply).sends_continue(false))
        .start();
    world.upstream.answer(|_| Reply::status(401).body("no"));
    for eager in [false, true] {
        let mark = world.mark();
        let mut client = expecting(&world);
        if eager {
            client.write_raw(b"body").expect("written");
        }
        let response = client.read_response().expect("a final response");
        assert_eq!((response.status, response.interim.len()), (401, 0));
        assert_eq!(response.text(), "no");
        if !eager {
            // What comes next might be that body.
            assert_eq!(response.header("connection"), Some("close"));
        }
        world.upstream.wait_until(|state| state.open == 0);
        let seen = world.seen_since(mark);
        assert_eq!(
            (seen.len(), seen[0].body_length, seen[0].complete),
            (1, 0, false)
        );
    }
}

#[test]
fn a_final_answer_that_takes_its_time_keeps_the_body_at_home_too() {
    let world = setup()
        .upstream(|up| up.read_body(ReadBody::AfterReply).sends_continue(false))
        .option("--upstream-idle", "0")
        .start();
    let gate = Gate::new();
    let held = Arc::clone(&gate);
    world
        .upstream
        .answer(move |seen| match seen.target.as_str() {
            "/final" => Reply::raw("HTTP/1.1 403 No\r\nContent-Length: 9\r\n\r\nfirst")
                .then(Step::WaitFor(Arc::clone(&held)))
                .then(Step::Bytes(b"last".to_vec())),
            _ => Reply::script(vec![Step::ReadBody]).then(Step::Close),
        });
    let mut client = expecting_of(&world, "/final");
    client.write_raw(b"body").expect("written");
    assert_eq!(client.read_head().expect("a head").status, 403);
    // Another body that nobody asks for tells when the time to wait for a 100 is over.
    let mut clock = expecting_of(&world, "/clock");
    assert_eq!(clock.read_head().expect("an interim response").status, 100);
    drop(clock);
    gate.open();
    assert_eq!(client.read_exact(9).expect("the answer"), b"firstlast");
    world.upstream.wait_until(|state| state.open == 0);
    assert_eq!(world.upstream.seen()[0].body_length, 0);
}

#[test]
fn a_body_that_nobody_asks_for_is_sent_after_a_second() {
    let world = setup().upstream(|up| up.sends_continue(false)).start();
    let started = std::time::Instant::now();
    let mut client = expecting(&world);
    assert_eq!(client.read_head().expect("an interim response").status, 100);
    let waited = started.elapsed();
    assert!(
        waited.as_millis() >= 900 && waited < PATIENCE / 2,
        "{waited:?}"
    );
    client.write_raw(b"body").expect("written");
    let response = client.read_response().expect("a response");
    assert_eq!(response.echo("body").as_deref(), Some("body"));
}

#[test]
fn an_expectation_in_http_10_is_ignored() {
    let world = setup().start();
    let mut client = world.client();
    client
        .write_raw(b"PUT / HTTP/1.0\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\nbody")
        .expect("written");
    let response = client.read_response().expect("a response");
    assert!(response.interim.is_empty());
    assert_eq!(response.echo("body").as_deref(), Some("body"));
}

#[test]
fn interim_responses_other_than_100_are_swallowed() {
    let world = setup().start();
    world.upstream.answer(|_| {
        Reply::raw(
            "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n\
             HTTP/1.1 199 Own\r\nContent-Length: 0\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n\
             HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        )
    });
    let mut client = world.client();
    for _ in 0..2 {
        let response = client.get("/").expect("a response");
        assert_eq!((response.status, response.text().as_str()), (200, "ok"));
        assert!(response.interim.is_empty(), "{:?}", response.interim);
        assert_eq!(response.header("link"), None);
    }
    assert_eq!(world.upstream.connections(), 1);
}

#[test]
fn a_client_that_closes_its_writing_side_does_not_take_a_part_of_an_answer_for_all_of_it() {
    let world = setup().start();
    let gate = Gate::new();
    let last = Arc::clone(&gate);
    world.upstream.answer(move |_| {
        Reply::raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
            .then(Step::Flush)
            .then(Step::WaitFor(Arc::clone(&last)))
            .then(Step::Bytes(b"4\r\nlast\r\n0\r\n\r\n".to_vec()))
    });
    let mut client = world.client();
    client
        .write_raw(b"GET / HTTP/1.0\r\nHost: x\r\n\r\n")
        .expect("written");
    assert_eq!(client.read_head().expect("a head").status, 200);
    assert_eq!(client.read_exact(5).expect("a part"), b"first");
    client.finish_writing();
    let end = client.read_to_end().expect_err("a reset");
    assert_eq!(end.kind(), ErrorKind::ConnectionReset);
    gate.open();
}

#[test]
fn a_client_that_closes_its_writing_side_is_gone() {
    let world = setup().start();
    let mut client = world.client();
    client
        .write_raw(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n")
        .expect("written");
    client.finish_writing();
    assert!(matches!(client.read_response(), Err(Failure::Closed)));
    assert_eq!(world.mark(), 0);
}
