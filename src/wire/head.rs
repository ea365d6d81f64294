//! The strict reading of an HTTP/1 head: pure functions over bytes that know no socket.
//!
//! A head is refused or taken as it is, never repaired (RFC 9112 §2.2 and §6.3).

use std::ops::Range;

use crate::error::Violation;
use crate::limits;

pub(super) mod field;
mod start;

use field::{Fields, Name};
use start::{RequestLine, StatusLine};

#[cfg(test)]
mod tests;

/// The longest request line: its parts, two blanks and CRLF. A longer one has too long a target.
const REQUEST_LINE_MAX: usize = limits::METHOD_MAX + limits::TARGET_MAX + "  HTTP/1.1\r\n".len();

/// The longest body that is counted.
const LENGTH_MAX: u64 = u64::MAX - 2;

/// The versions that are spoken (RFC 9112 §2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.0.
    Http10,
    /// HTTP/1.1.
    Http11,
}

/// How a message says where its body ends (RFC 9112 §6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// Not at all: a request without a body.
    None,
    /// After that many bytes.
    Length(u64),
    /// By the chunked coding.
    Chunked,
    /// With the connection; responses only.
    UntilClose,
}

/// The forms of a request target (RFC 9112 §3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetForm {
    /// `/path?query`.
    Origin,
    /// `scheme://authority/path?query`, the authority valid and without a user; any scheme.
    Absolute,
    /// `host:port`, of CONNECT and always there.
    Authority,
    /// `*`, of OPTIONS.
    Asterisk,
}

/// What the strict reader knows of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestHead {
    /// Where the method is, at most [`limits::METHOD_MAX`] bytes.
    pub method: Range<usize>,
    /// Where the target is, at most [`limits::TARGET_MAX`] bytes, all printable ASCII.
    pub target: Range<usize>,
    /// The form of the target.
    pub form: TargetForm,
    /// Whether the target holds a printable byte for which `http::Uri` refuses it:
    /// `<` and `>`, a backtick in the path, a quote in the query.
    pub refused_by_uri: bool,
    /// The client's version.
    pub version: Version,
    /// How the body ends.
    pub framing: Framing,
    /// `Expect: 100-continue`; ignored in HTTP/1.0 as RFC 9110 §10.1.1 demands.
    pub expect_continue: bool,
    /// An expectation that nobody knows: 417.
    pub other_expectation: bool,
    /// `Connection: close`, or HTTP/1.0 without `keep-alive` (RFC 9112 §9.3).
    pub close: bool,
}

impl RequestHead {
    /// Whether a body follows.
    pub fn has_body(&self) -> bool {
        !matches!(self.framing, Framing::None | Framing::Length(0))
    }
}

/// What the strict reader knows of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResponseHead {
    /// The status, 100 to 599.
    pub status: u16,
    /// The server's version.
    pub version: Version,
    /// How the body ends, as the fields say; that the answer to HEAD and a 1xx, 204 or 304 have
    /// no body is the caller's to know.
    pub framing: Framing,
    /// `Connection: close`, or HTTP/1.0 without `keep-alive` (RFC 9112 §9.3).
    pub close: bool,
    /// Seconds, from `Keep-Alive: timeout=N`; the least if there are several, none if it is
    /// not a number.
    pub keep_alive_timeout: Option<u64>,
}

/// Which of the two heads is scanned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Side {
    #[default]
    Request,
    Response,
}

/// Finds the end of a head while its bytes come in, and refuses early what can never be one.
///
/// Each byte is looked at once, however many reads it takes.
#[derive(Debug, Default)]
pub struct Scanner {
    side: Side,
    /// The first byte not looked at.
    at: usize,
    /// Where the line of `at` starts.
    line: usize,
    /// Where the first line ends, while nobody has read it.
    first: Option<usize>,
}

impl Scanner {
    /// For the head of a request.
    pub fn request() -> Self {
        Scanner::default()
    }

    /// For the head of a response.
    pub fn response() -> Self {
        Scanner {
            side: Side::Response,
            ..Scanner::default()
        }
    }

    /// Looks at all bytes gathered so far, from the first of the message. `Some(n)`: the head is
    /// `buf[..n]` and ends with an empty line. `None`: call again with more. `max` is the
    /// largest head in bytes. The outcome does not depend on how the bytes are split.
    ///
    /// # Errors
    /// A control byte, a wrong line end or a wrong first line as soon as it is seen, and a head
    /// or target that is too large. Field lines, and all lines of a head that comes whole, are left to
    /// [`request`] and [`response`].
    pub fn scan(&mut self, buf: &[u8], max: usize) -> Result<Option<usize>, Violation> {
        let length = self.walk(buf, max);
        if !matches!(length, Ok(Some(_)))
            && let Some(end) = self.first.take()
        {
            self.check_first(buf.get(..end).unwrap_or_default())?;
        }
        length
    }

    fn walk(&mut self, buf: &[u8], max: usize) -> Result<Option<usize>, Violation> {
        loop {
            let window = self.window(max);
            let seen = buf.get(..window).unwrap_or(buf);
            let unseen = seen.get(self.at..).unwrap_or_default();
            self.at += field::before_control(unseen);
            match seen.get(self.at..).unwrap_or_default() {
                [b'\t', ..] => self.at += 1,
                [b'\r', b'\n', ..] => {
                    if self.end_line() {
                        return Ok(Some(self.at));
                    }
                }
                [] | [b'\r'] if seen.len() < window => return Ok(None),
                [] | [b'\r'] => return Err(self.too_large()),
                [0x16] if self.at == 0 && window > 1 => return Ok(None),
                [0x16, 0x03, ..] if self.at == 0 => return Err(self.tls()),
                [byte, ..] => return Err(field::control(*byte)),
            }
        }
    }

    /// How far the line of `at` may reach.
    fn window(&self, max: usize) -> usize {
        match self.side {
            Side::Request if self.line == 0 => max.min(REQUEST_LINE_MAX),
            _ => max,
        }
    }

    /// Ends the line whose CRLF is at `at`; true when it is the one that ends the head.
    fn end_line(&mut self) -> bool {
        if self.line == 0 {
            self.first = Some(self.at);
        }
        let last = self.line > 0 && self.line == self.at;
        self.at += 2;
        self.line = self.at;
        last
    }

    fn check_first(&self, line: &[u8]) -> Result<(), Violation> {
        match self.side {
            Side::Request => _ = RequestLine::parse(line)?,
            Side::Response => _ = StatusLine::parse(line)?,
        }
        Ok(())
    }

    fn too_large(&self) -> Violation {
        match self.side {
            Side::Request if self.line == 0 => Violation::TargetTooLong,
            _ => Violation::HeadTooLarge,
        }
    }

    fn tls(&self) -> Violation {
        match self.side {
            Side::Request => Violation::TlsOnPlainPort,
            Side::Response => Violation::StatusLine,
        }
    }
}

/// How many bytes at the start of `buf` are an empty line before a request, of which one is
/// ignored (RFC 9112 §2.2): 0 or 2, or `None` while that is open.
pub fn skip_empty_line(buf: &[u8]) -> Option<usize> {
    match buf {
        [] | [b'\r'] => None,
        [b'\r', b'\n', ..] => Some(2),
        _ => Some(0),
    }
}

/// Reads the head of a request, which ends with its empty line; bytes after it are not looked at.
/// `each` is given every field: its name as it was written, and its value.
///
/// An empty Host is refused unless the target names the authority itself (absolute-form and
/// authority-form): RFC 9112 §3.2 has it stand for a target URI without authority, and an http
/// URI always has one.
///
/// # Errors
/// The first rule that it breaks (RFC 9112 §2 to §6).
pub fn request<'a>(
    head: &'a [u8],
    mut each: impl FnMut(&'a [u8], &'a [u8]) -> Result<(), Violation>,
) -> Result<RequestHead, Violation> {
    let (line, lines) = field::line(head)?;
    let line = RequestLine::parse(line)?;
    let mut fields = Fields::new(lines);
    let mut facts = Facts::default();
    let mut expect = Expect::default();
    let mut host = None;
    while let Some(field) = fields.next()? {
        match field.name {
            Name::Host if host.is_some() => return Err(Violation::TwoHosts),
            Name::Host => host = Some(field.value),
            Name::Expect => expect.take(field.value),
            name => facts.take(name, field.value)?,
        }
        each(field.written, field.value)?;
    }
    check_host(host, &line)?;
    let framing = facts.framing(line.version, Framing::None)?;
    if line.form == TargetForm::Authority && !matches!(framing, Framing::None | Framing::Length(0))
    {
        return Err(Violation::BodyOnConnect);
    }
    let target = head.get(line.target.clone()).unwrap_or_default();
    Ok(RequestHead {
        refused_by_uri: start::refused_by_uri(target),
        method: line.method,
        target: line.target,
        form: line.form,
        version: line.version,
        framing,
        expect_continue: expect.go_on && line.version == Version::Http11,
        other_expectation: expect.other,
        close: facts.close(line.version),
    })
}

/// Reads the head of a response, which ends with its empty line; bytes after it are not looked at.
/// `each` is given every field: its name as it was written, and its value.
///
/// A 1xx or 204 must not have a Content-Length (RFC 9110 §8.6), but `Content-Length: 0` is
/// accepted there: many servers send it, and it can mean one thing only.
///
/// # Errors
/// The first rule that it breaks (RFC 9112 §2 to §6).
pub fn response<'a>(
    head: &'a [u8],
    mut each: impl FnMut(&'a [u8], &'a [u8]) -> Result<(), Violation>,
) -> Result<ResponseHead, Violation> {
    let (line, lines) = field::line(head)?;
    let line = StatusLine::parse(line)?;
    let mut fields = Fields::new(lines);
    let mut facts = Facts::default();
    while let Some(field) = fields.next()? {
        facts.take(field.name, field.value)?;
        each(field.written, field.value)?;
    }
    let framing = facts.framing(line.version, Framing::UntilClose)?;
    if matches!(line.status, 100..200 | 204) {
        match framing {
            Framing::Chunked => return Err(Violation::TransferEncodingWithoutBody),
            Framing::Length(1..) => return Err(Violation::LengthWithoutBody),
            _ => (),
        }
    }
    Ok(ResponseHead {
        status: line.status,
        version: line.version,
        framing,
        close: facts.close(line.version),
        keep_alive_timeout: facts.timeout,
    })
}

/// The reason phrase in the head of a response that [`response`] took (RFC 9112 §4); none where it
/// is in a charset that nobody knows.
pub fn reason(head: &[u8]) -> &[u8] {
    match head.get("HTTP/1.1 200".len()..) {
        Some([b' ', rest @ ..]) => {
            let end = rest.iter().position(|&byte| byte == b'\r');
            let reason = end.and_then(|end| rest.get(..end));
            reason.filter(|text| text.is_ascii()).unwrap_or_default()
        }
        _ => &[],
    }
}

/// Gives `each` the fields of a trailer section, which ends with its empty line.
///
/// # Errors
/// The first rule of RFC 9112 §5 that a line breaks.
pub fn trailers<'a>(
    section: &'a [u8],
    mut each: impl FnMut(&'a [u8], &'a [u8]) -> Result<(), Violation>,
) -> Result<(), Violation> {
    let mut fields = Fields::new(section);
    while let Some(field) = fields.next()? {
        each(field.written, field.value)?;
    }
    Ok(())
}

/// Holds Host to RFC 9112 §3.2.
fn check_host(host: Option<&[u8]>, line: &RequestLine) -> Result<(), Violation> {
    match host {
        None if line.version == Version::Http11 => Err(Violation::NoHost),
        None => Ok(()),
        Some([]) if matches!(line.form, TargetForm::Absolute | TargetForm::Authority) => Ok(()),
        Some(host) if start::authority(host).is_some() => Ok(()),
        Some(_) => Err(Violation::HostValue),
    }
}

/// What the fields of a request expect (RFC 9110 §10.1.1).
#[derive(Default)]
struct Expect {
    go_on: bool,
    other: bool,
}

impl Expect {
    fn take(&mut self, value: &[u8]) {
        let known = value.eq_ignore_ascii_case(b"100-continue");
        self.go_on |= known;
        self.other |= !known;
    }
}

/// What the fields of either head say of framing and of the connection.
#[derive(Default)]
struct Facts {
    length: Option<u64>,
    chunked: bool,
    closes: bool,
    stays: bool,
    timeout: Option<u64>,
}

impl Facts {
    #[inline]
    fn take(&mut self, name: Name, value: &[u8]) -> Result<(), Violation> {
        match name {
            Name::ContentLength if self.length.is_some() => return Err(Violation::TwoLengths),
            Name::ContentLength => self.length = Some(length(value)?),
            Name::TransferEncoding if self.chunked => return Err(Violation::TwoTransferEncodings),
            Name::TransferEncoding if value.eq_ignore_ascii_case(b"chunked") => self.chunked = true,
            Name::TransferEncoding => return Err(Violation::TransferEncoding),
            Name::Connection => self.connection(value),
            Name::KeepAlive => self.keep_alive(value),
            Name::Host | Name::Expect | Name::Other => (),
        }
        Ok(())
    }

    /// RFC 9110 §7.6.1.
    fn connection(&mut self, value: &[u8]) {
        for option in members(value) {
            self.closes |= option.eq_ignore_ascii_case(b"close");
            self.stays |= option.eq_ignore_ascii_case(b"keep-alive");
        }
    }

    /// RFC 2068 §19.7.1.1, the only text there is.
    fn keep_alive(&mut self, value: &[u8]) {
        let timeouts = members(value).filter_map(|member| {
            let (name, number) = member.split_at_checked("timeout=".len())?;
            name.eq_ignore_ascii_case(b"timeout=").then_some(())?;
            decimal(number)
        });
        self.timeout = timeouts.chain(self.timeout).min();
    }

    /// RFC 9112 §6.3; `otherwise` is what no field means.
    fn framing(&self, version: Version, otherwise: Framing) -> Result<Framing, Violation> {
        match (self.chunked, self.length) {
            (true, Some(_)) => Err(Violation::LengthAndChunked),
            (true, None) if version == Version::Http10 => Err(Violation::TransferEncodingIn10),
            (true, None) => Ok(Framing::Chunked),
            (false, Some(length)) => Ok(Framing::Length(length)),
            (false, None) => Ok(otherwise),
        }
    }

    /// RFC 9112 §9.3.
    fn close(&self, version: Version) -> bool {
        self.closes || (version == Version::Http10 && !self.stays)
    }
}

/// The members of a comma-separated list (RFC 9110 §5.6.1).
fn members(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii)
}

/// A Content-Length (RFC 9110 §8.6).
fn length(value: &[u8]) -> Result<u64, Violation> {
    match decimal(value) {
        Some(length) if length <= LENGTH_MAX => Ok(length),
        None if value.contains(&b',') => Err(Violation::TwoLengths),
        _ => Err(Violation::LengthValue),
    }
}

/// Plain digits, at least one.
fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |sum, &byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        sum.checked_mul(10)?.checked_add(digit)
    })
}
