//! A request's body on its way to the upstream.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderName;
use tokio::time::Instant;

use crate::error::Cause;
use crate::wire::{BodyCut, Inbound, Piece};

/// A client's body, shared by the request in hand and whichever upstream connection sends it: a
/// request that may be sent again keeps its body as long as no byte of it was taken.
#[derive(Debug)]
pub struct Upload {
    inbound: Rc<Inbound>,
    /// Most bytes (`--max-body`).
    limit: Option<u64>,
    /// The client did not say how long it is.
    is_chunked: bool,
    taken: Cell<u64>,
    pieces: Cell<u32>,
    /// The first piece, as long as it is the only one: it can be sent again.
    first: RefCell<Option<Bytes>>,
    /// The first piece, to be sent again.
    replay: RefCell<Option<Bytes>>,
    /// The client asked for 100 (Continue) first.
    expects: bool,
    /// Trailer fields that may go on.
    announced: Vec<HeaderName>,
    /// The upstream waits for the client.
    starved: Cell<bool>,
    last_piece: Cell<Instant>,
    failure: RefCell<Option<Cause>>,
    /// The client's side broke off.
    cut: Cell<bool>,
}

impl Upload {
    /// The body of one request. Of its trailer fields only those `announced` go on.
    pub fn new(
        inbound: Rc<Inbound>,
        limit: Option<u64>,
        expects: bool,
        announced: Vec<HeaderName>,
        now: Instant,
    ) -> Rc<Self> {
        Rc::new(Self {
            is_chunked: inbound.body_left().is_none(),
            inbound,
            limit,
            taken: Cell::new(0),
            pieces: Cell::new(0),
            first: RefCell::new(None),
            replay: RefCell::new(None),
            expects,
            announced,
            starved: Cell::new(false),
            last_piece: Cell::new(now),
            failure: RefCell::new(None),
            cut: Cell::new(false),
        })
    }

    /// Bytes of it that were taken from the client.
    pub fn taken(&self) -> u64 {
        self.taken.get()
    }

    /// Whether a piece of it was taken from the client.
    pub fn is_touched(&self) -> bool {
        self.pieces.get() > 0
    }

    /// Whether all that was taken is still here.
    pub fn can_rewind(&self) -> bool {
        self.pieces.get() == 0 || self.first.borrow().is_some()
    }

    /// The body will be read from its start again.
    pub fn rewind(&self) {
        *self.replay.borrow_mut() = self.first.borrow().clone();
    }

    /// Whether the upstream would take more and the client has not sent it.
    pub fn is_starved(&self) -> bool {
        self.starved.get()
    }

    /// When the client last sent a piece.
    pub fn last_piece(&self) -> Instant {
        self.last_piece.get()
    }

    /// Bytes that are still to be sent, if the client said how many there are.
    pub fn left(&self) -> Option<u64> {
        if self.is_chunked {
            return None;
        }
        let again = self.replay.borrow().as_ref().map_or(0, Bytes::len) as u64;
        Some(self.inbound.body_left()? + again)
    }

    /// Whether the client asked for 100 (Continue) first.
    pub fn expects(&self) -> bool {
        self.expects
    }

    /// Trailer fields that may go on.
    pub fn announced(&self) -> &[HeaderName] {
        &self.announced
    }

    /// Why it could not be sent, where the fault is the client's.
    pub fn failure(&self) -> Option<Cause> {
        self.failure.borrow().clone()
    }

    /// Whether the client broke off in the middle of it.
    pub fn is_cut(&self) -> bool {
        self.cut.get()
    }

    /// The next piece, or the trailers; `None` when it is over.
    ///
    /// # Errors
    /// The client's side; [`Upload::failure`] and [`Upload::is_cut`] know why.
    pub fn poll_piece(&self, cx: &mut Context<'_>) -> Poll<Option<Result<Piece, BodyError>>> {
        if let Some(first) = self.replay.borrow_mut().take() {
            return Poll::Ready(Some(Ok(Piece::Data(first))));
        }
        let polled = self.inbound.poll_body(cx);
        self.starved.set(polled.is_pending());
        polled.map(|piece| {
            Some(match piece? {
                Ok(piece) => self.admit(piece),
                Err(BodyCut) => {
                    match self.inbound.fault() {
                        Some(cause) => *self.failure.borrow_mut() = Some(cause),
                        None => self.cut.set(true),
                    }
                    Err(BodyError)
                }
            })
        })
    }

    fn admit(&self, piece: Piece) -> Result<Piece, BodyError> {
        self.last_piece.set(Instant::now());
        self.taken.set(self.taken.get() + piece.size() as u64);
        self.pieces.set(self.pieces.get().saturating_add(1));
        *self.first.borrow_mut() = match &piece {
            Piece::Data(data) if self.pieces.get() == 1 => Some(data.clone()),
            _ => None,
        };
        match self.limit {
            Some(limit) if self.taken.get() > limit => {
                *self.failure.borrow_mut() = Some(Cause::BodyTooLarge(limit));
                Err(BodyError)
            }
            _ => Ok(piece),
        }
    }
}

/// The body could not be read to its end; [`Upload`] knows why.
#[derive(Debug, Clone, Copy)]
pub struct BodyError;

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the client's body ended early")
    }
}

impl std::error::Error for BodyError {}
