//! Requests.

use std::net::Ipv6Addr;

use super::{Body, Bounds, End, Fields, Framing, NoHead, body, head, is_token};

/// A head whose end was seen, and as much of its body as came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub method: String,
    pub target: String,
    pub is_11: bool,
    pub fields: Fields,
    pub has_framing: bool,
    pub body: Body,
}

/// What a proxy that forwards it may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on.
    Passes,
    /// It goes on, or is refused.
    Either,
    /// It is refused.
    Refused,
}

/// The request that `bytes` start with. [`End::At`] counts the empty line before it.
pub fn request(bytes: &[u8], bounds: Bounds) -> Result<Request, NoHead> {
    let skipped = match bytes {
        [b'\r', b'\n', ..] => 2,
        _ => 0,
    };
    let bytes = &bytes[skipped..];
    let (lines, length) = head(bytes, bounds.bytes)?;
    let parts: Vec<&[u8]> = lines[0].split(|byte| *byte == b' ').collect();
    let [method, target, version] = parts[..] else {
        return Err(NoHead::Broken);
    };
    let is_11 = match version {
        b"HTTP/1.1" => true,
        b"HTTP/1.0" => false,
        _ => return Err(NoHead::Broken),
    };
    let is_printable = target.iter().all(|b| b.is_ascii_graphic() && *b != b'#');
    if !is_token(method)
        || method.len() > 32
        || target.is_empty()
        || !is_printable
        || target.len() > 8192
    {
        return Err(NoHead::Broken);
    }
    let fields = Fields::read(&lines[1..], bounds.fields)?;
    let framing = fields.framing(is_11)?;
    let mut body = body::read(&bytes[length..], framing);
    if let End::At(end) = &mut body.end {
        *end += length + skipped;
    }
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(Request {
        method: text(method),
        target: text(target),
        is_11,
        fields,
        has_framing: framing != Framing::Unsaid,
        body,
    })
}

impl Request {
    /// Whether the client ends with it (RFC 9112 §9.3).
    pub fn closes(&self) -> bool {
        let has = |option| self.fields.has("connection", option);
        has("close") || !self.is_11 && !has("keep-alive")
    }

    /// Whether the next in line must answer it itself (RFC 9110 §7.6.2).
    pub fn stays_here(&self) -> bool {
        let counted = ["OPTIONS", "TRACE"].contains(&self.method.as_str());
        let left = self.fields.all("max-forwards").next();
        counted && left.and_then(super::number) == Some(0)
    }

    /// For a listener of routes, all of whose paths go on.
    pub fn by_route(&self) -> Verdict {
        match self.target.as_bytes() {
            b"*" if self.method == "OPTIONS" => self.fields_allow(Verdict::Passes, false),
            [b'/', ..] if self.method != "CONNECT" => self.fields_allow(look(&self.target), false),
            _ => Verdict::Refused,
        }
    }

    /// For a forward listener that takes `authority` alone: what goes out as the target.
    pub fn by_forward(&self, authority: &str) -> (Verdict, String) {
        let refused = (Verdict::Refused, String::new());
        let Some((scheme, rest)) = self.target.split_once("://") else {
            return refused;
        };
        let is_http = ["http", "https"].contains(&scheme.to_ascii_lowercase().as_str());
        if !is_http || self.method == "CONNECT" {
            return refused;
        }
        let (named, rest) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let target = match rest.as_bytes().first() {
            None if self.method == "OPTIONS" => "*".to_owned(),
            Some(b'/') => rest.to_owned(),
            _ => format!("/{rest}"),
        };
        let verdict = match named {
            named if named == authority => look(rest),
            // It may be the same in other words.
            named if !named.contains('@') => Verdict::Either,
            _ => Verdict::Refused,
        };
        (self.fields_allow(verdict, true), target)
    }

    fn fields_allow(&self, otherwise: Verdict, is_absolute: bool) -> Verdict {
        let hosts: Vec<_> = self.fields.all("host").collect();
        let is_host = match hosts[..] {
            [] => !self.is_11,
            [b""] => is_absolute,
            [host] => is_authority(host),
            _ => false,
        };
        let expects = self.fields.all("expect");
        let other = expects
            .filter(|value| !value.eq_ignore_ascii_case(b"100-continue"))
            .count();
        match otherwise {
            _ if !is_host => Verdict::Refused,
            _ if other > 0 && self.is_11 => Verdict::Refused,
            // In HTTP/1.0 nobody need heed it.
            Verdict::Passes if other > 0 => Verdict::Either,
            otherwise => otherwise,
        }
    }
}

/// What RFC 3986 lets stand in a path and a query passes.
fn look(target: &str) -> Verdict {
    let is_usual = |b: u8| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?%".contains(&b);
    match target.bytes().all(is_usual) {
        true => Verdict::Passes,
        false => Verdict::Either,
    }
}

/// `host[:port]`, without escapes.
fn is_authority(bytes: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(bytes) else {
        return false;
    };
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((address, port)) if address.parse::<Ipv6Addr>().is_ok() => ("x", port),
            _ => return false,
        },
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let is_name = |b: u8| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&b);
    let is_port = match port.strip_prefix(':') {
        None => port.is_empty(),
        Some("") => true,
        Some(digits) => {
            digits.len() <= 5 && super::number(digits.as_bytes()).is_some_and(|port| port <= 65535)
        }
    };
    !host.is_empty() && host.bytes().all(is_name) && is_port
}
