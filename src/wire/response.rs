//! How far a response has been read: its head held to the rules and taken apart, its body followed
//! to the end. Knows no stream: bytes are arguments.

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Response, StatusCode};

use super::BodyReader;
use super::content::{self, Piece, append};
use super::head::{self, Framing, ResponseHead, Scanner, Version};
use crate::error::Violation;
use crate::limits;

#[derive(Debug)]
pub(super) struct State {
    /// A head that has not come to its end, or trailers.
    pending: BytesMut,
    scanner: Scanner,
    pub(super) phase: Phase,
    pub(super) head: Option<ResponseHead>,
    asked: Asked,
    interim: usize,
}

/// What a request says of the response to it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asked {
    /// It was HEAD: its response has no body.
    pub head: bool,
    /// It offered to leave HTTP: 101 (Switching Protocols) is an answer.
    pub upgrade: bool,
}

#[derive(Debug)]
pub(super) enum Phase {
    /// No response is due.
    Idle,
    /// Gathering a head.
    Head,
    /// Following a body.
    Body(BodyReader),
    /// The body is over, and these fields come after it.
    Trailers(HeaderMap),
    /// The upstream left HTTP: bytes as they come.
    Switched,
}

/// A reason phrase that is not the usual one of its status; an extension of the response.
#[derive(Debug, Clone)]
pub(super) struct Reason(pub Bytes);

/// What bytes that came were.
pub(super) enum Came {
    /// A part of something.
    More,
    /// A head of which this is the status, and another will follow.
    Interim(u16),
    /// The head of the response.
    Head(Response<()>),
    /// A piece of the body.
    Piece(Bytes),
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            pending: BytesMut::new(),
            scanner: Scanner::response(),
            phase: Phase::Idle,
            head: None,
            asked: Asked::default(),
            interim: 0,
        }
    }

    /// A response to such a request is due.
    pub(super) fn begin(&mut self, asked: Asked) {
        *self = Self {
            phase: Phase::Head,
            asked,
            ..Self::new()
        };
    }

    /// Takes bytes of a head from the front of `bytes`: how many, and what came with them. Its
    /// fields are put into the room that `fields` has.
    pub(super) fn take_head(
        &mut self,
        bytes: &[u8],
        fields: &mut HeaderMap,
    ) -> Result<(usize, Came), Violation> {
        let earlier = self.pending.len();
        // Most heads come in one piece, and are copied once.
        let whole = if earlier == 0 {
            let length = self.scanner.scan(bytes, limits::UPSTREAM_HEAD_MAX)?;
            length.map(|length| Bytes::copy_from_slice(&bytes[..length]))
        } else {
            self.pending.extend_from_slice(bytes);
            let length = self
                .scanner
                .scan(&self.pending, limits::UPSTREAM_HEAD_MAX)?;
            length.map(|length| self.pending.split_to(length).freeze())
        };
        let Some(whole) = whole else {
            if earlier == 0 {
                self.pending.extend_from_slice(bytes);
            }
            return Ok((bytes.len(), Came::More));
        };
        // What follows the head stays with the stream.
        self.pending = BytesMut::new();
        self.scanner = Scanner::response();
        let taken = whole.len() - earlier;
        Ok((taken, self.read_head(&whole, fields)?))
    }

    fn read_head(&mut self, whole: &Bytes, fields: &mut HeaderMap) -> Result<Came, Violation> {
        fields.clear();
        let head = head::response(whole, |name, value| append(fields, whole, name, value))?;
        if head.status >= 200 || (head.status == 101 && self.asked.upgrade) {
            self.head = Some(head);
            self.begin_body(head.status);
            return Ok(Came::Head(response(whole, &head, std::mem::take(fields))?));
        }
        self.interim += 1;
        match head.status {
            101 => Err(Violation::UnaskedUpgrade),
            _ if self.interim > limits::INTERIM_MAX => Err(Violation::TooManyInterim),
            status => Ok(Came::Interim(status)),
        }
    }

    /// How the response ends: a response to HEAD, and some others, have no body whatever their
    /// fields say (RFC 9112 §6.3).
    pub(super) fn framing(&self) -> Framing {
        match &self.head {
            Some(head) if !self.asked.head && !matches!(head.status, 101 | 204 | 304) => {
                head.framing
            }
            _ => Framing::None,
        }
    }

    fn begin_body(&mut self, status: u16) {
        self.phase = match BodyReader::new(self.framing()) {
            _ if status == 101 => Phase::Switched,
            Some(reader) => Phase::Body(reader),
            None => Phase::Idle,
        };
    }

    /// Takes bytes of the body from the front of `bytes`, of which there are some: how many, and
    /// what came with them.
    pub(super) fn take_body(&mut self, bytes: &[u8]) -> Result<(usize, Came), Violation> {
        match &mut self.phase {
            Phase::Body(BodyReader::Chunked(chunks)) => {
                let (taken, data) = content::take_chunks(chunks, bytes, &mut self.pending)?;
                if chunks.is_over() {
                    self.end_chunks()?;
                }
                let came = match data.is_empty() {
                    true => Came::More,
                    false => Came::Piece(data),
                };
                Ok((taken, came))
            }
            Phase::Body(reader) => {
                let (taken, ended) = reader.feed(bytes)?;
                if ended {
                    self.phase = Phase::Idle;
                }
                let piece = Bytes::copy_from_slice(&bytes[..taken]);
                Ok((taken, Came::Piece(piece)))
            }
            _ => Err(Violation::Framing),
        }
    }

    fn end_chunks(&mut self) -> Result<(), Violation> {
        let section = std::mem::take(&mut self.pending).freeze();
        let fields = content::trailers(&section)?;
        self.phase = match fields.is_empty() {
            true => Phase::Idle,
            false => Phase::Trailers(fields),
        };
        Ok(())
    }

    /// The connection ended: whether the body ends with it.
    pub(super) fn end_with_connection(&mut self) -> bool {
        let ends = matches!(self.phase, Phase::Body(BodyReader::UntilClose));
        if ends {
            self.phase = Phase::Idle;
        }
        ends
    }

    /// The fields that came after the body, once.
    pub(super) fn take_trailers(&mut self) -> Option<Piece> {
        match std::mem::replace(&mut self.phase, Phase::Idle) {
            Phase::Trailers(fields) => Some(Piece::Trailers(fields)),
            other => {
                self.phase = other;
                None
            }
        }
    }
}

/// The response whose head is `whole`.
fn response(
    whole: &Bytes,
    head: &ResponseHead,
    fields: HeaderMap,
) -> Result<Response<()>, Violation> {
    let mut response = Response::new(());
    *response.headers_mut() = fields;
    *response.status_mut() =
        StatusCode::from_u16(head.status).map_err(|_| Violation::StatusCode)?;
    *response.version_mut() = match head.version {
        Version::Http10 => http::Version::HTTP_10,
        Version::Http11 => http::Version::HTTP_11,
    };
    let reason = head::reason(whole);
    let usual = response.status().canonical_reason();
    if usual.map(str::as_bytes) != Some(reason) {
        let reason = Reason(whole.slice_ref(reason));
        response.extensions_mut().insert(reason);
    }
    Ok(response)
}

#[cfg(test)]
mod tests;
