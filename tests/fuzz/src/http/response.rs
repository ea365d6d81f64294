//! Responses.

use super::{Body, Bounds, End, Fields, Framing, NoHead, body, head};

/// A final response, or a 101, and as much of its body as came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    pub is_11: bool,
    pub fields: Fields,
    pub tail: Tail,
    pub body: Body,
}

impl Response {
    /// Whether it is one of egret's own: it says so, and is whole.
    pub fn is_egrets(&self) -> bool {
        let mut causes = self.fields.all("proxy-status");
        let cause = causes.next().unwrap_or_default();
        cause.starts_with(b"egret; error=") && matches!(self.body.end, End::At(_))
    }
}

/// What ends the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tail {
    /// Its own framing.
    Framed,
    /// The end of the connection.
    Close,
}

/// The response that `bytes` start with, behind interim ones; `to_head` answers HEAD, and `is_over`
/// means that nothing will follow.
pub fn response(
    bytes: &[u8],
    bounds: Bounds,
    to_head: bool,
    is_over: bool,
) -> Result<Response, NoHead> {
    let mut at = 0;
    for _ in 0..=16 {
        let (mut response, framing, length) = one(&bytes[at..], bounds)?;
        at += length;
        if (100..200).contains(&response.status) && response.status != 101 {
            continue;
        }
        let is_empty = to_head || matches!(response.status, 101 | 204 | 304);
        let rest = &bytes[at..];
        response.body = match framing {
            Framing::Unsaid if !is_empty => until_close(rest, is_over),
            _ if is_empty => body::read(rest, Framing::Unsaid),
            framing => body::read(rest, framing),
        };
        if framing == Framing::Unsaid && !is_empty {
            response.tail = Tail::Close;
        }
        if let End::At(end) = &mut response.body.end {
            *end += at;
        }
        return Ok(response);
    }
    Err(NoHead::Broken)
}

fn until_close(rest: &[u8], is_over: bool) -> Body {
    Body {
        bytes: rest.to_vec(),
        trailers: Fields::default(),
        end: if is_over {
            End::At(rest.len())
        } else {
            End::Open
        },
    }
}

fn one(bytes: &[u8], bounds: Bounds) -> Result<(Response, Framing, usize), NoHead> {
    let (lines, length) = head(bytes, bounds.bytes)?;
    let (version, rest) = lines[0].split_at_checked(8).ok_or(NoHead::Broken)?;
    let is_11 = match version {
        b"HTTP/1.1" => true,
        b"HTTP/1.0" => false,
        _ => return Err(NoHead::Broken),
    };
    let status = match rest {
        [b' ', digits @ ..] if digits.len() == 3 || digits.get(3) == Some(&b' ') => {
            super::number(&digits[..3]).ok_or(NoHead::Broken)? as u16
        }
        _ => return Err(NoHead::Broken),
    };
    let fields = Fields::read(&lines[1..], bounds.fields)?;
    let framing = fields.framing(is_11)?;
    let has_none = (100..200).contains(&status) || status == 204;
    let says_some = !matches!(framing, Framing::Unsaid | Framing::Length(0));
    if !(100..=599).contains(&status) || has_none && says_some {
        return Err(NoHead::Broken);
    }
    let response = Response {
        status,
        is_11,
        fields,
        tail: Tail::Framed,
        body: body::read(&[], Framing::Unsaid),
    };
    Ok((response, framing, length))
}
