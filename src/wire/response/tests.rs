//! Responses in pieces of every size come to the same.

use http::{HeaderName, HeaderValue};

use super::*;
use crate::testing::{Random, seed};

/// All that was read of some bytes.
#[derive(Debug, Default, PartialEq)]
struct Read {
    status: u16,
    reason: Option<String>,
    fields: Vec<(String, String)>,
    body: Vec<u8>,
    pieces: usize,
    trailers: Vec<(String, String)>,
    interim: Vec<u16>,
    /// Bytes that were left.
    behind: usize,
    is_over: bool,
}

fn pairs(fields: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let pair = |(name, value): (&HeaderName, _)| (name.to_string(), text(value));
    fields.iter().map(pair).collect()
}

/// Reads a response of which so many bytes come at once as `next` says.
fn read(
    asked: Asked,
    bytes: &[u8],
    mut next: impl FnMut(usize) -> usize,
) -> Result<Read, Violation> {
    let mut state = State::new();
    state.begin(asked);
    let mut read = Read::default();
    let mut fields = HeaderMap::new();
    let (mut at, mut end) = (0, 0);
    loop {
        if let Some(Piece::Trailers(fields)) = state.take_trailers() {
            read.trailers = pairs(&fields);
        }
        if matches!(state.phase, Phase::Idle | Phase::Switched) {
            break;
        }
        if at == end {
            if end == bytes.len() {
                state.end_with_connection();
                break;
            }
            end = (end + next(bytes.len() - end)).min(bytes.len());
        }
        let seen = &bytes[at..end];
        let (taken, came) = match state.phase {
            Phase::Head => state.take_head(seen, &mut fields)?,
            _ => state.take_body(seen)?,
        };
        assert!(taken <= seen.len());
        at += taken;
        match came {
            Came::More => {}
            Came::Interim(status) => read.interim.push(status),
            Came::Head(response) => {
                read.status = response.status().as_u16();
                let reason = response.extensions().get::<Reason>();
                let text = |reason: &Reason| String::from_utf8_lossy(&reason.0).into();
                read.reason = reason.map(text);
                read.fields = pairs(response.headers());
            }
            Came::Piece(piece) => {
                assert!(!piece.is_empty());
                read.body.extend_from_slice(&piece);
                read.pieces += 1;
            }
        }
    }
    read.behind = bytes.len() - at;
    read.is_over = matches!(state.phase, Phase::Idle | Phase::Switched);
    Ok(read)
}

fn asked(head: bool) -> Asked {
    Asked {
        head,
        upgrade: true,
    }
}

const RESPONSES: &[&str] = &[
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: 1\r\nX:\t2 \r\n\r\nhelloHTTP/1.1 200",
    "HTTP/1.1 200 Fine\r\nContent-Length: 0\r\n\r\nmore",
    "HTTP/1.0 404 \r\n\r\nuntil the end",
    "HTTP/1.1 204\r\n\r\n",
    "HTTP/1.1 304 Not Modified\r\nContent-Length: 70\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;a=b\r\n world\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-A: 1\r\nX-B:2\r\n\r\nbehind",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n0",
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nno HTTP",
    "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut",
];

#[test]
fn a_response_is_the_same_however_it_is_split() {
    let seed = seed();
    println!("EGRET_SEED={seed}");
    let mut random = Random::new(seed);
    for text in RESPONSES {
        for head in [false, true] {
            let bytes = text.as_bytes();
            let whole = read(asked(head), bytes, |left| left).expect(text);
            let same = |mut other: Read, how: &str| {
                assert!(other.pieces >= whole.pieces, "{text} {how}");
                other.pieces = whole.pieces;
                // What comes later than the end was not read at all.
                assert_eq!(other, whole, "{text} {how}");
            };
            same(read(asked(head), bytes, |_| 1).expect(text), "by bytes");
            for at in 1..bytes.len() {
                let mut first = Some(at);
                let next = |left| first.take().unwrap_or(left);
                same(read(asked(head), bytes, next).expect(text), "in two");
            }
            for _ in 0..100 {
                let next = |left: usize| 1 + random.below(left as u64) as usize;
                same(read(asked(head), bytes, next).expect(text), "at random");
            }
        }
    }
}

#[test]
fn a_response_is_read_as_it_is_meant() {
    let all = |text: &str| read(asked(false), text.as_bytes(), |left| left).expect(text);
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());

    let length = all(RESPONSES[0]);
    let fields = [pair("content-length", "5"), pair("x", "1"), pair("x", "2")];
    assert_eq!((length.status, length.reason), (200, None));
    assert_eq!(length.fields, fields);
    assert_eq!((length.body.as_slice(), length.behind), (&b"hello"[..], 12));

    let fine = all(RESPONSES[1]);
    assert_eq!((fine.reason.as_deref(), fine.behind), (Some("Fine"), 4));

    let until = all(RESPONSES[2]);
    assert_eq!((until.status, until.reason.as_deref()), (404, Some("")));
    assert_eq!((until.body.len(), until.is_over), (13, true));

    let interim = all(RESPONSES[5]);
    assert_eq!(
        (interim.interim.as_slice(), interim.status),
        (&[100, 103][..], 200)
    );
    assert_eq!((interim.fields.len(), interim.body.len()), (1, 1));

    // What chunks come together go on together.
    let chunks = all(RESPONSES[6]);
    assert_eq!(
        (chunks.body.as_slice(), chunks.pieces),
        (&b"hello world"[..], 1)
    );

    let trailers = all(RESPONSES[7]);
    assert_eq!(trailers.trailers, [pair("x-a", "1"), pair("x-b", "2")]);
    assert_eq!((trailers.body.len(), trailers.behind), (1, 6));

    let switched = all(RESPONSES[9]);
    assert_eq!((switched.status, switched.behind), (101, 7));

    assert!(!all(RESPONSES[10]).is_over);
}

#[test]
fn an_answer_to_head_has_no_body() {
    let text = RESPONSES[0];
    let answer = read(asked(true), text.as_bytes(), |left| left).expect(text);
    assert_eq!((answer.body.len(), answer.behind), (0, 17));
    assert!(answer.is_over);
}
