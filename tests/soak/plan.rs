//! What a request asks its upstream to do with it, and what a client may then meet.

use crate::support::upstream::{Reply, Seen, Step, checksum};

/// Travels in `X-Plan`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    Length,
    Chunked,
    UntilClose,
    CloseAfter,
    NotFound,
    Interim,
    CutLength,
    CutChunks,
    CutUntilClose,
    CutBefore,
    CutHead,
    Reset,
    Garbage,
    Silent,
    StallLength,
}

use Plan::*;

/// Each as often as it is to be.
const MIX: &[Plan] = &[
    Length,
    Length,
    Length,
    Length,
    Length,
    Length,
    Length,
    Length,
    Length,
    Length,
    Length,
    Length,
    Chunked,
    Chunked,
    Chunked,
    Chunked,
    Chunked,
    UntilClose,
    UntilClose,
    CloseAfter,
    CloseAfter,
    CloseAfter,
    NotFound,
    NotFound,
    Interim,
    CutLength,
    CutChunks,
    CutUntilClose,
    CutBefore,
    CutHead,
    Reset,
    Garbage,
];

impl Plan {
    /// The one of that number, as often as each is to be.
    pub fn any(number: usize) -> Self {
        // Who is silent takes a connection for as long as the response timeout.
        match number % 499 {
            0 => Silent,
            1 => StallLength,
            _ => MIX[number % MIX.len()],
        }
    }

    /// How it is called in `X-Plan`.
    pub fn name(self) -> String {
        format!("{self:?}")
    }

    fn of(seen: &Seen) -> Option<Self> {
        let name = seen.header("x-plan")?;
        MIX.iter()
            .chain(&[Silent, StallLength])
            .copied()
            .find(|plan| plan.name() == name)
    }

    /// The status of an answer that is whole; `None` when none may be.
    pub fn status(self) -> Option<u16> {
        match self {
            Length | Chunked | UntilClose | CloseAfter | Interim => Some(200),
            NotFound => Some(404),
            _ => None,
        }
    }

    /// Whether an answer may begin and not end.
    pub fn cuts(self) -> bool {
        matches!(self, CutLength | CutChunks | CutUntilClose | StallLength)
    }

    /// Whether it is why egret answered with this error type (RFC 9209).
    pub fn explains(self, error: &str) -> bool {
        match self {
            Silent => error == "http_response_timeout",
            Garbage => error == "http_protocol_error",
            CutBefore | CutHead | Reset => {
                matches!(error, "connection_terminated" | "http_response_incomplete")
            }
            _ => self.cuts() && error == "http_response_incomplete",
        }
    }
}

/// What belongs to the request of that number and to no other.
pub fn body(id: &str, size: usize) -> Vec<u8> {
    let mut bytes = format!("{id}|")
        .repeat(size / (id.len() + 1) + 1)
        .into_bytes();
    bytes.truncate(size);
    bytes
}

/// Answers as the request asks for.
pub fn answer(seen: &Seen) -> Reply {
    let Some(plan) = Plan::of(seen) else {
        return Reply::status(500);
    };
    let id = seen.header("x-id").unwrap_or_default();
    let size = seen.header("x-size").and_then(|text| text.parse().ok());
    let body = body(id, size.unwrap_or_default());
    let fields = format!(
        "X-Id: {id}\r\nX-Subject: {}\r\nX-Got: {}\r\n",
        seen.client_subject.as_deref().unwrap_or("none"),
        checksum(&seen.body).hex(),
    );
    let whole = |status: u16| {
        let mut reply = Reply::status(status);
        for (name, value) in fields.lines().filter_map(|line| line.split_once(": ")) {
            reply = reply.header(name, value);
        }
        reply
    };
    let raw = |head: &str, body: &[u8], last: Step| {
        let head = format!("HTTP/1.1 200 OK\r\n{fields}{head}\r\n");
        Reply::script(vec![Step::Bytes([head.as_bytes(), body].concat()), last])
    };
    match plan {
        Length => whole(200).body(body),
        NotFound => whole(404).body(body),
        Chunked => whole(200).chunked(&body.chunks(3000).collect::<Vec<_>>()),
        UntilClose => whole(200).until_close(body),
        CloseAfter => whole(200).body(body).close(),
        Interim => {
            let head = format!(
                "HTTP/1.1 200 OK\r\n{fields}Content-Length: {}\r\n\r\n",
                body.len()
            );
            let early = b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n".repeat(3);
            Reply::script(vec![
                Step::Bytes(early),
                Step::Flush,
                Step::Bytes(head.into()),
                Step::Bytes(body),
                Step::Flush,
            ])
        }
        CutLength => raw(
            &format!("Content-Length: {}\r\n", body.len() + 10),
            &body,
            Step::Cut,
        ),
        StallLength => raw(
            &format!("Content-Length: {}\r\n", body.len() + 10),
            &body,
            Step::Stall,
        ),
        CutChunks => {
            let size = format!("{:x}\r\n", body.len() + 10);
            let chunk = [size.as_bytes(), &body].concat();
            raw("Transfer-Encoding: chunked\r\n", &chunk, Step::Cut)
        }
        CutUntilClose => raw("", &body, Step::Cut),
        CutBefore => Reply::script(vec![Step::Cut]),
        CutHead => Reply::script(vec![
            Step::Bytes(b"HTTP/1.1 200 OK\r\nX-I".to_vec()),
            Step::Cut,
        ]),
        Reset => Reply::script(vec![Step::Reset]),
        Garbage => raw(
            "Content-Length: 3\r\nContent-Length: 4\r\n",
            b"four",
            Step::Close,
        ),
        Silent => Reply::script(vec![Step::Stall]),
    }
}
