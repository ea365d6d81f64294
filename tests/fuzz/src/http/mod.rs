//! A reader of HTTP/1 that repairs nothing: written by the letter of RFC 9110 and 9112 and of the
//! README, beside the one under test, and slow.

mod body;
mod fields;
mod request;
mod response;

pub use fields::Fields;
pub use request::{Request, Verdict, request};
pub use response::{Response, Tail, response};

/// Where a message ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// So many bytes from its start.
    At(usize),
    /// Not yet: more must come.
    Open,
    /// Nowhere: its body breaks a rule.
    Broken,
}

/// Why there is no head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoHead {
    /// It has not ended yet.
    Open,
    /// It breaks a rule.
    Broken,
}

/// A body without its framing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    pub bytes: Vec<u8>,
    pub trailers: Fields,
    pub end: End,
}

/// How large a head may be.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    pub bytes: usize,
    pub fields: usize,
}

impl Bounds {
    /// Of a client's.
    pub const REQUEST: Self = Self {
        bytes: 16 * 1024,
        fields: 100,
    };
    /// Of an upstream's.
    pub const RESPONSE: Self = Self {
        bytes: 32 * 1024,
        fields: 100,
    };
    /// Of what egret sends, with fields of its own.
    pub const OURS: Self = Self {
        bytes: 64 * 1024,
        fields: 110,
    };
}

/// How a head says where its body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    Unsaid,
    Length(u64),
    Chunked,
}

/// The lines of a head, from the first to the empty one, and how long it is.
fn head(bytes: &[u8], most: usize) -> Result<(Vec<&[u8]>, usize), NoHead> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
    let end = end.ok_or(NoHead::Open)?;
    if end + 4 > most {
        return Err(NoHead::Broken);
    }
    let mut lines = Vec::new();
    let mut rest = &bytes[..end];
    loop {
        let at = rest.windows(2).position(|two| two == b"\r\n");
        lines.push(&rest[..at.unwrap_or(rest.len())]);
        match at {
            Some(at) => rest = &rest[at + 2..],
            None => break,
        }
    }
    let is_bad = |line: &&[u8]| line.iter().any(|b| b.is_ascii_control() && *b != b'\t');
    match lines.iter().any(is_bad) {
        true => Err(NoHead::Broken),
        false => Ok((lines, end + 4)),
    }
}

fn is_token(bytes: &[u8]) -> bool {
    let is = |b: &u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(b);
    !bytes.is_empty() && bytes.iter().all(is)
}

fn number(digits: &[u8]) -> Option<u64> {
    let text = str::from_utf8(digits).ok()?;
    let is_plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| is_plain)
}
