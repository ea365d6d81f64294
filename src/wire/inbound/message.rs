//! How far a client's message has been read. Knows no socket: bytes lie in `pending`.

use bytes::{Buf, Bytes, BytesMut};
use http::{HeaderMap, Method};

use super::Request;
use crate::error::{Cause, Violation};
use crate::wire::BodyReader;
use crate::wire::content::{self, Piece, append};
use crate::wire::head::{self, Scanner};

#[derive(Debug)]
pub(super) struct State {
    /// Read from the socket and not yet taken.
    pub(super) pending: BytesMut,
    scanner: Scanner,
    /// The empty line that may stand before a request was looked for.
    started: bool,
    pub(super) phase: Phase,
}

#[derive(Debug)]
pub(super) enum Phase {
    /// Gathering a head, or about to.
    Head,
    /// Following a body; of a chunked one's trailers so much came.
    Body(BodyReader, BytesMut),
    /// The body is over, and these fields come after it.
    Trailers(HeaderMap),
    /// No longer HTTP.
    Tunnel,
}

/// Why a head is refused.
#[derive(Debug)]
pub struct Refused {
    /// The rule that it breaks.
    pub cause: Cause,
    /// It is the head of a HEAD, as far as it was read.
    pub to_head: bool,
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            pending: BytesMut::new(),
            scanner: Scanner::request(),
            started: false,
            phase: Phase::Head,
        }
    }

    /// Takes a whole head from `pending`, if there is one; its body is next. It may have `max` bytes.
    pub(super) fn take_head(&mut self, max: usize) -> Result<Option<Request>, Refused> {
        if !self.started {
            let Some(empty) = head::skip_empty_line(&self.pending) else {
                return Ok(None);
            };
            self.pending.advance(empty);
            self.started = true;
        }
        let length = match self.scanner.scan(&self.pending, max) {
            Ok(Some(length)) => length,
            Ok(None) => return Ok(None),
            Err(violation) => return Err(refused(&self.pending, violation)),
        };
        self.scanner = Scanner::request();
        self.started = false;
        let whole = match length == self.pending.len() {
            true => std::mem::take(&mut self.pending),
            false => self.pending.split_to(length),
        };
        let whole = whole.freeze();
        let request = read(&whole).map_err(|violation| refused(&whole, violation))?;
        if let Some(reader) = BodyReader::new(request.head.framing) {
            self.phase = Phase::Body(reader, BytesMut::new());
        }
        Ok(Some(request))
    }

    /// Takes a piece of the body from `pending`, where there are bytes; `None` if they have none.
    pub(super) fn take_body(&mut self) -> Result<Option<Piece>, Violation> {
        let Phase::Body(reader, section) = &mut self.phase else {
            return Ok(None);
        };
        if let BodyReader::Chunked(chunks) = reader {
            let (taken, data) = content::take_chunks(chunks, &self.pending, section)?;
            self.pending.advance(taken);
            if chunks.is_over() {
                let fields = content::trailers(&std::mem::take(section).freeze())?;
                self.phase = match fields.is_empty() {
                    true => Phase::Head,
                    false => Phase::Trailers(fields),
                };
            }
            return Ok((!data.is_empty()).then_some(Piece::Data(data)));
        }
        let (taken, ended) = reader.feed(&self.pending)?;
        if ended {
            self.phase = Phase::Head;
        }
        let data = match taken == self.pending.len() {
            true => std::mem::take(&mut self.pending),
            false => self.pending.split_to(taken),
        };
        Ok(Some(Piece::Data(data.freeze())))
    }

    /// The fields that came after the body, once.
    pub(super) fn take_trailers(&mut self) -> Option<Piece> {
        match std::mem::replace(&mut self.phase, Phase::Head) {
            Phase::Trailers(fields) => Some(Piece::Trailers(fields)),
            other => {
                self.phase = other;
                None
            }
        }
    }
}

fn refused(bytes: &[u8], cause: impl Into<Cause>) -> Refused {
    Refused {
        cause: cause.into(),
        to_head: bytes.starts_with(b"HEAD "),
    }
}

fn read(whole: &Bytes) -> Result<Request, Cause> {
    let mut fields = HeaderMap::new();
    let head = head::request(whole, |name, value| append(&mut fields, whole, name, value))?;
    if head.refused_by_uri {
        return Err(Cause::TargetRefused);
    }
    let method = whole.get(head.method.clone()).unwrap_or_default();
    let method = Method::from_bytes(method).map_err(|_| Violation::Method)?;
    Ok(Request {
        // The copy lives as long as the answer, for the log; the head need not.
        line: Bytes::copy_from_slice(whole.get(..head.target.end).unwrap_or_default()),
        head,
        method,
        fields,
    })
}
