//! How far a response has been read: its head checked, its body followed to the end.

use bytes::{Buf, BytesMut};

use super::BodyReader;
use super::head::{self, Framing, ResponseHead, Scanner};
use crate::error::Violation;
use crate::limits;

#[derive(Debug)]
pub(super) struct State {
    /// Read from the stream and not yet given to hyper.
    pub(super) pending: BytesMut,
    pub(super) scanner: Scanner,
    pub(super) phase: Phase,
    pub(super) head: Option<ResponseHead>,
    pub(super) asked: Asked,
    pub(super) interim: usize,
    pub(super) excess: bool,
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
    /// Giving hyper the head: the first so many bytes of `pending`.
    Deliver(usize),
    /// Following a body.
    Body(BodyReader),
    /// The upstream left HTTP, and hyper has not let go yet.
    Switched,
    /// Bytes as they come.
    Tunnel,
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
            excess: false,
        }
    }
}

pub(super) enum Next {
    More,
    Interim(u16),
    Final,
}

impl State {
    /// Looks for a whole head at the front of `pending`. An interim one is taken off.
    pub(super) fn next_head(&mut self) -> Result<Next, Violation> {
        let Some(length) = self
            .scanner
            .scan(&self.pending, limits::UPSTREAM_HEAD_MAX)?
        else {
            return Ok(Next::More);
        };
        let head = head::response(&self.pending[..length])?;
        self.scanner = Scanner::response();
        if head.status >= 200 || (head.status == 101 && self.asked.upgrade) {
            self.head = Some(head);
            self.phase = Phase::Deliver(length);
            return Ok(Next::Final);
        }
        self.interim += 1;
        if head.status == 101 || self.interim > limits::INTERIM_MAX {
            return Err(match head.status {
                101 => Violation::UnaskedUpgrade,
                _ => Violation::TooManyInterim,
            });
        }
        self.pending.advance(length);
        Ok(Next::Interim(head.status))
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

    pub(super) fn begin_body(&mut self) {
        if self.head.is_some_and(|head| head.status == 101) {
            self.phase = Phase::Switched;
            return;
        }
        match BodyReader::new(self.framing()) {
            Some(reader) => self.phase = Phase::Body(reader),
            None => {
                self.excess |= !self.pending.is_empty();
                self.end();
            }
        }
    }

    pub(super) fn end(&mut self) {
        self.phase = Phase::Idle;
        // An idle connection holds no buffer.
        self.pending = BytesMut::new();
    }
}
