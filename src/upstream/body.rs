//! A request's body on its way to the upstream.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderName;
use hyper::body::{Body, Frame, Incoming};
use tokio::time::Instant;

use crate::error::Cause;
use crate::wire::Inbound;

/// A client's body, shared by the request in hand and whichever upstream connection sends it: a
/// request that may be sent again keeps its body as long as no byte of it was taken.
#[derive(Debug)]
pub struct Upload {
    incoming: RefCell<Incoming>,
    inbound: Rc<Inbound>,
    /// Most bytes (`--max-body`).
    limit: Option<u64>,
    taken: Cell<u64>,
    frames: Cell<u32>,
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
    last_frame: Cell<Instant>,
    failure: RefCell<Option<Cause>>,
    /// The client's side broke off.
    cut: Cell<bool>,
}

impl Upload {
    /// The body of one request. Of its trailer fields only those `announced` go on.
    pub fn new(
        incoming: Incoming,
        inbound: Rc<Inbound>,
        limit: Option<u64>,
        expects: bool,
        announced: Vec<HeaderName>,
        now: Instant,
    ) -> Rc<Self> {
        Rc::new(Self {
            incoming: RefCell::new(incoming),
            inbound,
            limit,
            taken: Cell::new(0),
            frames: Cell::new(0),
            first: RefCell::new(None),
            replay: RefCell::new(None),
            expects,
            announced,
            starved: Cell::new(false),
            last_frame: Cell::new(now),
            failure: RefCell::new(None),
            cut: Cell::new(false),
        })
    }

    /// Bytes of it that were taken from the client.
    pub fn taken(&self) -> u64 {
        self.taken.get()
    }

    /// Whether a byte of it was taken from the client.
    pub fn is_touched(&self) -> bool {
        self.taken.get() > 0
    }

    /// Whether all that was taken is still here.
    pub fn can_rewind(&self) -> bool {
        self.frames.get() == 0 || self.first.borrow().is_some()
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
    pub fn last_frame(&self) -> Instant {
        self.last_frame.get()
    }

    /// Bytes that are still to be sent, if the client said how many there are.
    pub fn left(&self) -> Option<u64> {
        let again = self.replay.borrow().as_ref().map_or(0, Bytes::len) as u64;
        let rest = self.incoming.borrow().size_hint().exact()?;
        Some(rest + again)
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
    pub fn poll_frame(
        &self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Some(first) = self.replay.borrow_mut().take() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        let polled = Pin::new(&mut *self.incoming.borrow_mut()).poll_frame(cx);
        self.starved.set(polled.is_pending());
        if self.incoming.borrow().is_end_stream() || matches!(polled, Poll::Ready(None)) {
            self.inbound.body_taken();
        }
        match polled {
            Poll::Pending => Poll::Pending,
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Ready(Some(Ok(frame))) => Poll::Ready(Some(self.admit(frame))),
            Poll::Ready(Some(Err(_))) => {
                match self.inbound.fault() {
                    Some(cause) => *self.failure.borrow_mut() = Some(cause),
                    None => self.cut.set(true),
                }
                Poll::Ready(Some(Err(BodyError)))
            }
        }
    }

    fn admit(&self, frame: Frame<Bytes>) -> Result<Frame<Bytes>, BodyError> {
        self.last_frame.set(Instant::now());
        let length = frame.data_ref().map_or(0, Bytes::len) as u64;
        self.taken.set(self.taken.get() + length);
        self.frames.set(self.frames.get().saturating_add(1));
        *self.first.borrow_mut() = match self.frames.get() {
            1 => frame.data_ref().cloned(),
            _ => None,
        };
        match self.limit {
            Some(limit) if self.taken.get() > limit => {
                *self.failure.borrow_mut() = Some(Cause::BodyTooLarge(limit));
                Err(BodyError)
            }
            _ => Ok(frame),
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
