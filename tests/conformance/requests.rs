//! The tables of requests, and what becomes of each row on either listener.
//!
//! The columns: the status of the answer, or two where a route and a forward listener differ (`-`
//! where the row says nothing there); the [`Fate`]; the rule; the bytes, where `§` is what a target
//! starts with there, `¤` the upstream's authority and `‡` its port. Another request follows them
//! that must not be answered.

use super::recorded::Message;
use super::{Side, World, chunks, framing, gone, heads, passing, pipelines, targets};
use crate::http::assert_ours;
use crate::http::bytes::{Row, rows, short};
use crate::support::client::{Client, Response};
use std::net::TcpStream;

/// What the client sends, and what of it goes out.
const GOOD: [(&str, &str, &str); 4] = [
    (
        "$1",
        "GET §/1 HTTP/1.1⏎Host: x⏎⏎",
        "GET /1 HTTP/1.1⏎host: ¤⏎⏎",
    ),
    (
        "$2",
        "GET §/2 HTTP/1.1⏎Host: x⏎⏎",
        "GET /2 HTTP/1.1⏎host: ¤⏎⏎",
    ),
    (
        "$3",
        "POST §/3 HTTP/1.1⏎Host: x⏎Content-Length: 5⏎⏎three",
        "POST /3 HTTP/1.1⏎host: ¤⏎content-length: 5⏎⏎three",
    ),
    (
        "$4",
        "POST §/4 HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎4⏎four⏎0⏎⏎",
        "POST /4 HTTP/1.1⏎host: ¤⏎transfer-encoding: chunked⏎⏎4⏎four⏎0⏎⏎",
    ),
];

/// What a confused reader might take for a request of its own.
const SMUGGLED: &str = "GET §/smuggled HTTP/1.1⏎Host: x⏎⏎";

/// A request that is asked for after each row.
const NEXT: (&str, &str) = (
    "GET §/next HTTP/1.1⏎Host: x⏎⏎",
    "GET /next HTTP/1.1⏎host: ¤⏎⏎",
);

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// A number: it is refused behind so many good ones (`$1` to `$4`).
    Refused(usize),
    /// `cut`: it is refused, and the upstream may have seen the start of it.
    Cut,
    /// `gone`: its client ends in the middle, and the upstream may have seen the start of it.
    Gone,
    /// `keeps`: it passes, and the client's connection goes on.
    Keeps,
    /// `ends`: it passes, and the client's connection ends.
    Ends,
    /// `here`: it passes no further, and the client's connection goes on.
    Here,
}

impl Fate {
    fn parse(text: &str) -> Self {
        match text {
            "cut" => Self::Cut,
            "gone" => Self::Gone,
            "keeps" => Self::Keeps,
            "ends" => Self::Ends,
            "here" => Self::Here,
            number => Self::Refused(number.parse().expect("a fate")),
        }
    }

    /// What goes out of the good requests before a bad one.
    fn good(self) -> String {
        let count = match self {
            Self::Refused(count) => count,
            _ => 0,
        };
        GOOD[..count].iter().map(|(_, _, sent)| *sent).collect()
    }
}

/// One row on one listener.
pub struct Case {
    name: String,
    side: Side,
    status: u16,
    /// What goes out of it.
    sent: Vec<Message>,
    fate: Fate,
    bytes: Vec<u8>,
}

/// All rows, each on every listener that it says something about.
pub fn cases(world: &World) -> Vec<Case> {
    let tables = [
        framing::TABLE,
        chunks::TABLE,
        heads::TABLE,
        targets::TABLE,
        pipelines::TABLE,
        gone::TABLE,
        passing::TABLE,
    ];
    let rows: Vec<_> = tables.into_iter().flat_map(rows).collect();
    let sides = [Side::Route, Side::Forward].into_iter();
    sides
        .flat_map(|side| {
            rows.iter()
                .filter_map(move |row| Case::new(row, side, world))
        })
        .collect()
}

impl Case {
    /// `None` when the row says nothing of that listener.
    fn new(row: &Row, side: Side, world: &World) -> Option<Self> {
        let [statuses, fate, rule] = row.columns[..] else {
            panic!("{row:?}");
        };
        let (route, forward) = statuses.split_once('/').unwrap_or((statuses, statuses));
        let status = match side {
            Side::Route => route,
            Side::Forward => forward,
        };
        if status == "-" {
            return None;
        }
        let fate = Fate::parse(fate);
        let (request, sent) = match row.text.split_once(" ⇒ ") {
            Some((request, sent)) => (request, sent.to_owned()),
            None => (row.text, fate.good()),
        };
        let mut request = GOOD
            .iter()
            .fold(request.to_owned(), |text, (name, good, _)| {
                text.replace(name, good)
            });
        if matches!(fate, Fate::Refused(_) | Fate::Cut | Fate::Ends) {
            request += SMUGGLED;
        }
        Some(Self {
            name: format!("{side:?}, {rule}: {}", short(row.text)),
            side,
            status: status.parse().expect("a status"),
            sent: world.messages(&sent),
            fate,
            bytes: world.bytes(side, &request),
        })
    }

    /// Whether it is for a listener of that kind.
    pub fn is_on(&self, side: Side) -> bool {
        self.side == side
    }

    /// How many places there are to split it at.
    pub fn length(&self) -> usize {
        self.bytes.len()
    }

    /// Sends it in two pieces; looks at all that comes back, and at all that went out.
    pub fn run(&self, world: &World, split: usize) {
        let mark = world.mark();
        let mut client = Client::connect(world.addr(self.side));
        let (first, second) = self.bytes.split_at(split);
        for piece in [first, second] {
            // The answer may come, and the connection end, before all is sent.
            let _ = client.write_raw(piece);
        }
        for message in &self.sent {
            self.assert_echo(&mut client, message);
        }
        let mut sent: Vec<_> = self.sent.iter().collect();
        let next = world.messages(NEXT.1);
        match self.fate {
            Fate::Refused(_) | Fate::Cut => self.assert_refused(&mut client),
            Fate::Here => self.assert_answered_here(&mut client),
            Fate::Gone => client.finish_writing(),
            Fate::Keeps | Fate::Ends => {}
        }
        if matches!(self.fate, Fate::Keeps | Fate::Here) {
            let bytes = world.bytes(self.side, NEXT.0);
            client.write_raw(&bytes).expect(&self.name);
            self.assert_echo(&mut client, &next[0]);
            sent.extend(&next);
        } else {
            let rest = client.read_to_end().expect(&self.name);
            assert_eq!(rest, b"", "{}", self.name);
        }
        // What the upstream waits for ends with the connection.
        drop(client);
        self.assert_sent(&world.settled_since(mark), &sent);
    }

    /// Exactly that went out, and at most the start of one more.
    fn assert_sent(&self, seen: &[Message], sent: &[&Message]) {
        let (whole, cut): (Vec<_>, Vec<_>) = seen.iter().partition(|message| message.whole);
        assert_eq!(whole, sent, "{}", self.name);
        let most = usize::from(matches!(self.fate, Fate::Cut | Fate::Gone));
        assert!(cut.len() <= most, "{}: {cut:?}", self.name);
        for message in cut {
            assert!(message.head.starts_with("POST /bad "), "{}", self.name);
            let body = message.body.escape_ascii().to_string();
            assert!(!body.contains("smuggled"), "{}: {body}", self.name);
        }
    }

    /// The next good client is served.
    pub fn next(&self, world: &World) {
        let mark = world.mark();
        let mut client = Client::connect(world.addr(self.side));
        let next = world.messages(NEXT.1);
        let _ = client.write_raw(&world.bytes(self.side, NEXT.0));
        self.assert_echo(&mut client, &next[0]);
        drop(client);
        assert_eq!(world.settled_since(mark), next, "{}", self.name);
    }

    /// The upstream answered that very request.
    fn assert_echo(&self, client: &mut Client<TcpStream>, message: &Message) -> Response {
        let response = client.read_response_to(message.method()).expect(&self.name);
        assert_eq!(response.status, 200, "{}: {}", self.name, response.text());
        if message.method() != "HEAD" {
            let target = message.head.split(' ').nth(1).map(str::to_owned);
            let echo = response
                .echo("target")
                .map(|t| t.escape_default().to_string());
            assert_eq!(echo, target, "{}", self.name);
        }
        response
    }

    fn assert_answered_here(&self, client: &mut Client<TcpStream>) {
        let response = client.read_response().expect(&self.name);
        let answer = (response.status, response.text());
        assert_eq!(answer, (200, String::new()), "{}", self.name);
    }

    fn assert_refused(&self, client: &mut Client<TcpStream>) {
        let error = match self.status {
            403 | 405 => "http_request_denied",
            _ => "http_request_error",
        };
        let refusal = client.read_response().expect(&self.name);
        assert_ours(&refusal, self.status, error, &self.name);
        assert_eq!(refusal.header("connection"), Some("close"), "{}", self.name);
    }
}
