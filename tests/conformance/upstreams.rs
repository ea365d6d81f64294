//! The tables of answers, and what becomes of each row by either listener.
//!
//! The columns: the outcome; the method; the rule; the bytes that the upstream sends, at `‖` not
//! before the client has what came so far, and closes after `␄`. The outcome is
//! `502` for an answer of ours,
//! `cut` for a body that the client can see is not whole,
//! `kept` or `ended` for what the client gets after `⇒`, and what becomes of the connection.

use std::io::ErrorKind;
use std::net::TcpStream;
use std::sync::Arc;

use super::{Side, World, answers, bodies};
use crate::http::assert_ours;
use crate::http::bytes::{Row, bytes, rows, short};
use crate::support::client::Client;
use crate::support::gate::Gate;
use crate::support::upstream::{Reply, Seen, Step};

/// One row on one listener.
pub struct Case {
    name: String,
    side: Side,
    method: &'static str,
    outcome: &'static str,
    pieces: Vec<Vec<u8>>,
    closes: bool,
    /// What the client gets of it.
    got: Vec<u8>,
}

/// All rows on all listeners.
pub fn cases() -> Vec<Case> {
    let rows: Vec<_> = [answers::TABLE, bodies::TABLE]
        .into_iter()
        .flat_map(rows)
        .collect();
    let sides = [Side::Route, Side::Forward].into_iter();
    sides
        .flat_map(|side| rows.iter().map(move |row| Case::new(row, side)))
        .collect()
}

impl Case {
    fn new(row: &Row, side: Side) -> Self {
        let [outcome, method, rule] = row.columns[..] else {
            panic!("{row:?}");
        };
        let (sent, got) = row.text.split_once(" ⇒ ").unwrap_or((row.text, ""));
        let closes = sent.ends_with('␄');
        let pieces = sent.trim_end_matches('␄').split('‖').map(bytes).collect();
        Self {
            name: format!("{side:?}, {rule}: {}", short(row.text)),
            side,
            method,
            outcome,
            pieces,
            closes,
            got: bytes(got),
        }
    }

    /// Asks for it on a connection that was good before; looks at what comes and what follows.
    pub fn run(&self, world: &World) {
        let name = &self.name;
        let gate = Gate::new();
        self.answer(world, &gate);
        let good = self.ask(world, &mut self.client(world), "/good");
        let mark = world.upstream.state(|state| state.seen.len());
        let mut client = self.client(world);
        let request = format!("{} §/bad HTTP/1.1⏎Host: x⏎⏎", self.method);
        let request = world.bytes(self.side, &request);
        client.write_raw(&request).expect(name);
        match self.outcome {
            "502" => self.assert_502(world, &mut client),
            "cut" => self.assert_cut(&mut client, &gate),
            _ => self.assert_got(&mut client),
        }
        if self.outcome != "cut" {
            // The client did nothing wrong, and nothing of that answer is left for it.
            self.ask(world, &mut client, "/again");
        }
        let next = self.ask(world, &mut self.client(world), "/next");
        assert_eq!(next == good, self.outcome == "kept", "{name}");
        let seen = world.upstream.state(|state| state.seen[mark..].to_vec());
        let bad: Vec<_> = seen.iter().filter(|seen| seen.target == "/bad").collect();
        assert_eq!(bad.len(), 1, "{name}: asked again");
        assert_eq!(bad[0].connection, good, "{name}");
    }

    fn client(&self, world: &World) -> Client<TcpStream> {
        Client::connect(world.addr(self.side))
    }

    /// Everybody is echoed, but for `/bad`.
    fn answer(&self, world: &World, gate: &Arc<Gate>) {
        let mut steps = Vec::new();
        for piece in &self.pieces {
            if !steps.is_empty() {
                steps.push(Step::WaitFor(Arc::clone(gate)));
            }
            steps.push(Step::Bytes(piece.clone()));
        }
        steps.push(if self.closes {
            Step::Close
        } else {
            Step::Flush
        });
        world
            .upstream
            .answer(move |seen: &Seen| match seen.target.as_str() {
                "/bad" => Reply::script(steps.clone()),
                _ => Reply::echo(seen),
            });
    }

    /// A good request; the upstream connection that served it.
    fn ask(&self, world: &World, client: &mut Client<TcpStream>, path: &str) -> u64 {
        let request = format!("GET §{path} HTTP/1.1⏎Host: x⏎⏎");
        let _ = client.write_raw(&world.bytes(self.side, &request));
        let response = client.read_response().expect(&self.name);
        let target = response.echo("target");
        assert_eq!(target.as_deref(), Some(path), "{}", self.name);
        let connection = response.echo("connection").and_then(|n| n.parse().ok());
        connection.expect("the number of a connection")
    }

    fn assert_502(&self, world: &World, client: &mut Client<TcpStream>) {
        let mut response = client.read_response_to(self.method).expect(&self.name);
        if self.method == "HEAD" {
            response.body = b"502 \n".to_vec();
        } else {
            let text = response.text();
            assert!(text.contains(&world.named("¤")), "{}: {text}", self.name);
        }
        assert_ours(&response, 502, "http_protocol_error", &self.name);
    }

    fn assert_cut(&self, client: &mut Client<TcpStream>, gate: &Gate) {
        let head = client.read_head().expect(&self.name);
        assert_eq!(head.status, 200, "{}", self.name);
        let good = b"4\r\ngood\r\n";
        assert_eq!(client.read_exact(good.len()).expect(&self.name), good);
        gate.open();
        match client.read_to_end() {
            // What was good of it may pass, the end of the body may not.
            Ok(rest) => assert!(!rest.ends_with(b"0\r\n\r\n"), "{}: {rest:?}", self.name),
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{}", self.name),
        }
    }

    fn assert_got(&self, client: &mut Client<TcpStream>) {
        let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
        let head = client.read_head().expect(&self.name).raw_head;
        let (expected, rest) = self.got.split_at(head.len().min(self.got.len()));
        assert_eq!(text(&head), text(expected), "{}", self.name);
        let body = client.read_exact(rest.len()).expect(&self.name);
        assert_eq!(text(&body), text(rest), "{}", self.name);
    }
}
