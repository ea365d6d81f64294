//! Bytes of an upstream, in pieces, through a whole egret: the client gets what they say, or 502, or
//! sees that it was cut off; and the next request is answered as if nothing had been.

#![no_main]

use std::sync::LazyLock;

use egret_fuzz::http::{self, Bounds, End, Fields, NoHead, Response, Tail};
use egret_fuzz::upstream::{SCRIPTED, Script, Then};
use egret_fuzz::world::{Door, World};

/// What ends a piece; it may stand in no head.
const PIECE_END: u8 = 0x1e;

static WORLD: LazyLock<World> = LazyLock::new(World::start);

/// What the client asks.
#[derive(Debug, Clone, Copy)]
struct Asked {
    door: Door,
    is_head: bool,
    is_11: bool,
    upgrades: bool,
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else {
        return;
    };
    let has = |bit: u8| first & bit != 0;
    let asked = Asked {
        door: if has(1) { Door::Forward } else { Door::Route },
        is_head: has(2),
        is_11: !has(4),
        upgrades: has(8) && !has(2) && !has(4),
    };
    let pieces: Vec<_> = rest
        .split(|byte| *byte == PIECE_END)
        .map(<[u8]>::to_vec)
        .collect();
    let bytes = pieces.concat();
    let is_orderly = !has(16);
    let expected = http::response(&bytes, Bounds::RESPONSE, asked.is_head, is_orderly);
    let stays = has(32) && is_framed(&expected);
    let then = match (stays, is_orderly) {
        (true, _) => Then::Stay,
        (false, true) => Then::Close,
        (false, false) => Then::Cut,
    };
    let pieces = seen_together(pieces, &expected);
    WORLD.record.play(Script { pieces, then });
    exchange(asked, expected, bytes.is_empty());
    WORLD.assert_serves();
    let (whole, cut) = WORLD.record.take();
    assert!(cut.is_empty());
    // One that found the connection dead is sent once more.
    let scripted = whole
        .iter()
        .filter(|request| request.target == SCRIPTED)
        .count();
    assert!(
        (1..=2).contains(&scripted) && whole.len() == scripted + 1,
        "{whole:?}"
    );
});

/// Whether the upstream need not close for it to end.
fn is_framed(expected: &Result<Response, NoHead>) -> bool {
    let end = |response: &Response| {
        response.tail == Tail::Framed
            && response.status != 101
            && matches!(response.body.end, End::At(_))
    };
    expected.as_ref().is_ok_and(end)
}

/// The same bytes, but what follows a whole answer comes in one piece with its end: a moment later,
/// it would be for anyone the answer to the next request.
fn seen_together(pieces: Vec<Vec<u8>>, expected: &Result<Response, NoHead>) -> Vec<Vec<u8>> {
    let whole = expected.as_ref().ok().map(|answer| answer.body.end);
    let mut together: Vec<Vec<u8>> = Vec::new();
    let mut sent = 0;
    for piece in pieces {
        let is_next = whole == Some(End::At(sent));
        sent += piece.len();
        match together.last_mut() {
            Some(last) if is_next => last.extend(piece),
            _ => together.push(piece),
        }
    }
    together
}

fn exchange(asked: Asked, expected: Result<Response, NoHead>, is_nothing: bool) {
    let mut client = WORLD.client(asked.door);
    client.send(asked.text().as_bytes());
    let answer = client.response(asked.is_head);
    let Ok(expected) = expected else {
        assert_ours(&answer.expect("an answer"));
        return;
    };
    assert!(!is_nothing);
    if expected.status == 101 && !asked.may_become(&expected) {
        assert_ours(&answer.expect("an answer"));
        return;
    }
    let is_whole = matches!(expected.body.end, End::At(_));
    let Ok(answer) = answer else {
        assert!(!is_whole, "nothing for {expected:?}");
        return;
    };
    assert_eq!(
        answer.status, expected.status,
        "{answer:?} for {expected:?}"
    );
    assert!(answer.is_11 || !asked.is_11);
    let mut fields = answer.fields.end_to_end();
    assert_eq!(
        without_rewritten(&expected.fields),
        without_own(&mut fields, asked)
    );
    if expected.status == 101 {
        return;
    }
    let got = &answer.body;
    match is_whole {
        true => {
            assert_eq!(
                got.bytes, expected.body.bytes,
                "{answer:?} for {expected:?}"
            );
            assert!(matches!(got.end, End::At(_)), "{answer:?} for {expected:?}");
            assert!(got.trailers.are_among(&expected.body.trailers));
            assert!(client.finish().is_empty());
        }
        false => {
            assert!(
                expected.body.bytes.starts_with(&got.bytes),
                "{answer:?} for {expected:?}"
            );
            // An HTTP/1.0 client learns of a cut by a reset, which a unix socket does not have.
            let is_seen = !matches!(got.end, End::At(_));
            assert!(
                is_seen || answer.tail == Tail::Close,
                "{answer:?} for {expected:?}"
            );
        }
    }
}

impl Asked {
    fn text(self) -> String {
        let start = match self.door {
            Door::Route => String::new(),
            Door::Forward => format!("http://{}", WORLD.authority),
        };
        let method = if self.is_head { "HEAD" } else { "GET" };
        let version = if self.is_11 { "1.1" } else { "1.0" };
        let upgrade = match self.upgrades {
            true => "Connection: upgrade\r\nUpgrade: websocket\r\n",
            false => "TE: trailers\r\nConnection: TE\r\n",
        };
        format!("{method} {start}{SCRIPTED} HTTP/{version}\r\nHost: x\r\n{upgrade}\r\n")
    }

    /// Whether a 101 says what was offered.
    fn may_become(self, response: &Response) -> bool {
        let said: Vec<_> = response.fields.members("upgrade");
        let mut said = said.iter().filter(|one| !one.is_empty()).peekable();
        self.upgrades && said.peek().is_some() && said.all(|one| one == "websocket")
    }
}

/// What the upstream said to the client, but for what leads back through egret.
fn without_rewritten(fields: &Fields) -> Fields {
    let mut fields = fields.end_to_end();
    for name in ["location", "content-location"] {
        fields.remove(name);
    }
    fields.sorted()
}

/// What the client got, without what egret adds.
fn without_own(fields: &mut Fields, asked: Asked) -> Fields {
    if asked.door == Door::Route {
        let value = fields.take_last("via").expect("our own");
        assert!(value.starts_with(b"1.1 egret-"), "{}", value.escape_ascii());
    }
    without_rewritten(fields)
}

/// egret's own answer for an upstream that does not speak HTTP.
fn assert_ours(answer: &Response) {
    assert!(answer.status == 502 && answer.is_egrets(), "{answer:?}");
}
