//! Bytes of a client, in pieces, through a whole egret to an upstream that records: what goes out is
//! exactly what was legal, up to the first refusal, and nothing of it can be read in another way.

#![no_main]

use std::sync::LazyLock;

use egret_fuzz::http::{self, Bounds, End, Fields, NoHead, Request, Response, Verdict};
use egret_fuzz::world::{Client, Door, World};

/// What ends a piece; it may stand in no head.
const PIECE_END: u8 = 0x1e;

static WORLD: LazyLock<World> = LazyLock::new(World::start);

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else {
        return;
    };
    let door = match first & 1 {
        0 => Door::Route,
        _ => Door::Forward,
    };
    let pieces = rest.split(|byte| *byte == PIECE_END);
    let pieces: Vec<_> = pieces.map(|piece| WORLD.named(piece)).collect();
    let mut client = WORLD.client(door);
    pieces.iter().for_each(|piece| client.send(piece));
    let bytes = pieces.concat();
    let mut run = Run {
        door,
        client,
        is_head: false,
        may_end: false,
        sent: Vec::new(),
        cut: None,
    };
    run.follow(&bytes);
    run.compare();
});

/// A request as it must go out, or as it came.
#[derive(Debug, PartialEq, Eq)]
struct Message {
    method: String,
    target: String,
    fields: Fields,
    body: Vec<u8>,
    trailers: Fields,
}

struct Run {
    door: Door,
    client: Client,
    /// Whether the request in hand is HEAD: the answer to it has no body.
    is_head: bool,
    /// Whether it may have ended with the last answer.
    may_end: bool,
    /// What went out.
    sent: Vec<Message>,
    /// What may have gone out in part, last of all.
    cut: Option<Message>,
}

impl Run {
    /// Reads the requests one by one, and the answers to them.
    fn follow(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let start = rest.strip_prefix(b"\r\n").unwrap_or(rest);
            self.is_head = start.starts_with(b"HEAD ");
            match http::request(rest, Bounds::REQUEST) {
                Ok(request) => match self.judge(&request) {
                    Some(end) => rest = &rest[end..],
                    None => return,
                },
                Err(NoHead::Broken) => {
                    let answer = self.answer();
                    answer.iter().for_each(assert_refusal);
                    return;
                }
                Err(NoHead::Open) => return,
            }
        }
    }

    /// Where the next request starts, if there can be one.
    fn judge(&mut self, request: &Request) -> Option<usize> {
        let (verdict, target) = match self.door {
            Door::Route => (request.by_route(), request.target.clone()),
            Door::Forward => request.by_forward(&WORLD.authority),
        };
        let is_sent = verdict != Verdict::Refused && !request.stays_here();
        let message = self.outgoing(request, target);
        match request.body.end {
            End::Open if is_sent => {
                self.cut = Some(message);
                return None;
            }
            End::Broken if is_sent => {
                self.cut = Some(message);
                let answer = self.answer();
                answer.iter().for_each(assert_refusal);
                return None;
            }
            End::At(_) | End::Open | End::Broken => {}
        }
        let answer = self.answer()?;
        let ends = answer.fields.has("connection", "close");
        match answer.fields.all("x-seen").next() {
            Some(seen) => {
                assert!(is_sent, "{request:?} went out");
                assert_eq!(seen, self.sent.len().to_string().as_bytes());
                assert_eq!(answer.status, 200);
                if request.method != "HEAD" {
                    assert_eq!(answer.body.bytes, message.target.as_bytes());
                }
                self.sent.push(message);
                // One of HTTP/1.0 need not be told.
                assert!(!ends || request.closes(), "{request:?}: {answer:?}");
            }
            None if answer.status == 200 && request.stays_here() => {
                assert!(verdict != Verdict::Refused, "{request:?}: {answer:?}");
            }
            None => {
                assert_refusal(&answer);
                // Nobody may guess our name, but somebody did.
                let is_loop = answer.status == 508;
                assert!(
                    is_loop || verdict != Verdict::Passes,
                    "{request:?}: {answer:?}"
                );
            }
        }
        // Beside what is no token, an option is heeded or not.
        self.may_end |= !request.fields.all("connection").all(<[u8]>::is_ascii);
        match request.body.end {
            End::At(end) if self.may_end && !ends => Some(end),
            End::At(end) if !ends && !request.closes() => Some(end),
            _ => None,
        }
    }

    /// The next answer, if there must be one.
    fn answer(&mut self) -> Option<Response> {
        match self.client.response(self.is_head) {
            Ok(answer) => Some(answer),
            Err(_) if self.may_end => None,
            Err(_) => panic!("no answer"),
        }
    }

    /// What must go out for a request.
    fn outgoing(&self, request: &Request, target: String) -> Message {
        let incoming = &request.fields;
        let mut fields = incoming.clone();
        count_hop(&mut fields, &request.method);
        let mut fields = fields.end_to_end();
        for name in ["host", "proxy-authorization"] {
            fields.remove(name);
        }
        fields.push("host", WORLD.authority.as_bytes());
        if incoming.has("te", "trailers") {
            fields.push("te", "trailers");
            fields.push("connection", "te");
        }
        if let Some(protocols) = offered(request) {
            fields.push("upgrade", protocols);
            fields.push("connection", "upgrade");
        }
        Message {
            method: request.method.clone(),
            target,
            fields: fields.sorted(),
            body: request.body.bytes.clone(),
            trailers: request.body.trailers.clone(),
        }
    }

    /// The upstream got that, and nothing else.
    fn compare(mut self) {
        self.client.end();
        match self.client.response(self.is_head) {
            Ok(answer) => assert_refusal(&answer),
            Err(_) => {
                let rest = self.client.finish();
                assert!(
                    rest.is_empty() || rest.starts_with(b"HTTP/1.1 100 "),
                    "{}",
                    rest.escape_ascii()
                );
            }
        }
        if self.cut.is_some() {
            WORLD.assert_serves();
        }
        let (mut whole, cut) = WORLD.record.take();
        if self.cut.is_some() {
            let last = whole.pop().expect("a request");
            assert_eq!(last.target, "/alive", "{last:?}");
        }
        let came: Vec<_> = whole.into_iter().map(|one| came(one, self.door)).collect();
        assert_eq!(came.len(), self.sent.len(), "{came:?} for {:?}", self.sent);
        for (came, sent) in came.iter().zip(&self.sent) {
            assert!(
                came.trailers.are_among(&sent.trailers),
                "{came:?} for {sent:?}"
            );
            assert_eq!(came.body, sent.body);
            assert_eq!(
                (&came.method, &came.target, &came.fields),
                (&sent.method, &sent.target, &sent.fields)
            );
        }
        self.compare_cut(&cut);
    }

    fn compare_cut(&self, cut: &[Vec<u8>]) {
        let most = usize::from(self.cut.is_some());
        assert!(
            cut.len() <= most,
            "{:?}",
            String::from_utf8_lossy(&cut.concat())
        );
        let (Some(raw), Some(sent)) = (cut.first(), &self.cut) else {
            return;
        };
        let Ok(request) = http::request(raw, Bounds::OURS) else {
            return;
        };
        let came = came(request, self.door);
        assert!(sent.body.starts_with(&came.body), "{came:?} for {sent:?}");
        assert_eq!(
            (&came.method, &came.target, &came.fields),
            (&sent.method, &sent.target, &sent.fields)
        );
    }
}

/// What the upstream got, without what every request carries.
fn came(request: Request, door: Door) -> Message {
    let mut fields = request.fields;
    assert!(request.is_11);
    fields.remove("content-length");
    fields.remove("transfer-encoding");
    if door == Door::Route {
        let value = fields.take_last("via").expect("our own");
        let text = String::from_utf8_lossy(&value);
        assert!(
            text.starts_with("1.1 egret-") || text.starts_with("1.0 egret-"),
            "{text}"
        );
    }
    Message {
        method: request.method,
        target: request.target,
        fields: fields.sorted(),
        body: request.body.bytes,
        trailers: request.body.trailers,
    }
}

/// One hop less (RFC 9110 §7.6.2).
fn count_hop(fields: &mut Fields, method: &str) {
    let first = fields.all("max-forwards").next();
    let text = first.and_then(|value| str::from_utf8(value).ok());
    let digits = text.filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
    let left: Option<u64> = digits.and_then(|digits| digits.parse().ok());
    if let Some(left) = left.filter(|left| ["OPTIONS", "TRACE"].contains(&method) && *left > 0) {
        fields.remove("max-forwards");
        fields.push("max-forwards", (left - 1).to_string());
    }
}

/// The protocols that go out in Upgrade.
fn offered(request: &Request) -> Option<String> {
    let has_body = request.has_framing && request.fields.all("transfer-encoding").next().is_some();
    let has_body = has_body || !request.body.bytes.is_empty() || request.body.end == End::Open;
    if has_body || !request.is_11 || !request.fields.has("connection", "upgrade") {
        return None;
    }
    let values = request.fields.all("upgrade");
    let values = values.filter(|value| {
        value
            .iter()
            .all(|b| *b == b'\t' || (b' '..=b'~').contains(b))
    });
    let text: Vec<_> = values.map(String::from_utf8_lossy).collect();
    let offered = text
        .iter()
        .flat_map(|value| value.split(','))
        .map(str::trim);
    let other = |protocol: &&str| {
        let name = protocol
            .split('/')
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase();
        !protocol.is_empty() && !["h2c", "h2", "tls", "http"].contains(&name.as_str())
    };
    let offered: Vec<_> = offered.filter(other).collect();
    (!offered.is_empty()).then(|| offered.join(", "))
}

/// An answer of egret's own that blames the client.
fn assert_refusal(answer: &Response) {
    let blames = (400..=431).contains(&answer.status) || answer.status == 508;
    assert!(blames && answer.is_egrets(), "{answer:?}");
}
