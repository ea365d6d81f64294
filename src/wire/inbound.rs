//! A client connection: the strict reading of its requests, and what is written to it.

mod answer;
mod handle;
mod message;

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};

use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderMap, Method};
use tokio::time::Instant;

use super::head::RequestHead;
use super::socket::Socket;
use super::{BodyReader, Piece};
use crate::error::Cause;
use crate::limits;
use message::{Phase, State};

pub use handle::InboundIo;
pub use message::Refused;

/// One client connection: the socket, and how far its current message has been read.
///
/// The request in hand and the server's deadlines share it.
#[derive(Debug)]
pub struct Inbound {
    socket: Socket,
    head_max: usize,
    state: RefCell<State>,
    /// What a silent client owes us while we wait to read.
    reading: Cell<Option<Waiting>>,
    /// Since when the client has not taken what is to be written.
    stalled: Cell<Option<Instant>>,
    /// A request is being answered, or its answer not out yet.
    busy: Cell<bool>,
    /// The client's side has ended.
    ended: Cell<bool>,
    /// The client wants the connection to end with the answer.
    closes: Cell<bool>,
    /// The client takes the connection's end for the end of the answer.
    ends_answer: Cell<bool>,
    /// What is left of a 100 (Continue) that the client waits for.
    owed: Cell<&'static [u8]>,
    /// Why reading the body ended, where it was not the client's own end.
    fault: RefCell<Option<Cause>>,
}

/// What a silent client owes us, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// The first byte of a request.
    Idle(Instant),
    /// The rest of a head.
    Head(Instant),
    /// More of a body.
    Body(Instant),
    /// To take more of our answer.
    Write(Instant),
}

impl Waiting {
    fn since(self) -> Instant {
        match self {
            Self::Idle(since) | Self::Head(since) | Self::Body(since) | Self::Write(since) => since,
        }
    }
}

/// A request, without its body.
#[derive(Debug)]
pub struct Request {
    /// The strict reader's view of it.
    pub head: RequestHead,
    /// Its first line, up to the end of the target, as the client wrote it.
    pub line: Bytes,
    /// The method.
    pub method: Method,
    /// Its fields.
    pub fields: HeaderMap,
}

impl Request {
    /// The target, as the client wrote it.
    pub fn target(&self) -> &[u8] {
        self.line.get(self.head.target.clone()).unwrap_or_default()
    }
}

/// The body will not be read to its end: [`Inbound::fault`] says why, or the client is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyCut;

/// Why there is no request.
#[derive(Debug)]
pub enum NoRequest {
    /// The client sends no more.
    Over,
    /// The connection failed.
    Gone,
    /// What the client sent is refused.
    Refused(Refused),
}

impl Inbound {
    /// Wraps an accepted socket; a head may have `head_max` bytes.
    pub fn new(socket: Socket, head_max: usize, now: Instant) -> Rc<Self> {
        Rc::new(Self {
            socket,
            head_max,
            state: RefCell::new(State::new()),
            reading: Cell::new(Some(Waiting::Idle(now))),
            stalled: Cell::new(None),
            busy: Cell::new(false),
            ended: Cell::new(false),
            closes: Cell::new(false),
            ends_answer: Cell::new(false),
            owed: Cell::new(b""),
            fault: RefCell::new(None),
        })
    }

    /// The socket.
    pub fn socket(&self) -> &Socket {
        &self.socket
    }

    /// HTTP is over on this connection: from now on [`InboundIo`] carries bytes as they come,
    /// those first that were read already.
    pub fn become_tunnel(&self) {
        self.state.borrow_mut().phase = Phase::Tunnel;
        // It will never be between requests again.
        self.busy.set(true);
    }

    /// Why reading the body ended, for the answer.
    pub fn fault(&self) -> Option<Cause> {
        self.fault.borrow().clone()
    }

    /// Ends reading the body with `cause`: nothing more is waited for.
    pub fn fail(&self, cause: Cause) {
        self.reading.set(None);
        self.fault.borrow_mut().get_or_insert(cause);
    }

    /// What the client owes us, if we wait for it.
    pub fn waiting(&self) -> Option<Waiting> {
        match self.stalled.get() {
            Some(since) => Some(Waiting::Write(since)),
            None => self.reading.get(),
        }
    }

    /// Since when the connection has been between requests, if it is.
    pub fn idle_since(&self) -> Option<Instant> {
        match self.reading.get() {
            Some(Waiting::Idle(since)) if !self.busy.get() => Some(since),
            _ => None,
        }
    }

    /// Takes what the client sent of a head and the event loop was perhaps not told of yet, for
    /// [`Inbound::poll_request`]; whether there is anything.
    pub fn take_unannounced(&self) -> bool {
        let mut bytes = [0; limits::READ_STEP];
        // An end or a failure shows when the connection is parted with.
        let read = self.socket.read_unannounced(&mut bytes).unwrap_or_default();
        let pending = &mut self.state.borrow_mut().pending;
        pending.extend_from_slice(bytes.get(..read).unwrap_or_default());
        read > 0
    }

    /// Nothing more will be asked or answered here: whoever needs the place may have it.
    pub fn done(&self, now: Instant) {
        self.busy.set(false);
        self.reading.set(Some(Waiting::Idle(now)));
    }

    /// Whether the client sends nothing more, and nothing it sent is unread: then the connection can
    /// be closed without resetting it.
    pub fn is_over(&self) -> bool {
        let state = self.state.borrow();
        let is_read = matches!(state.phase, Phase::Head) && state.pending.is_empty();
        self.ended.get() || (self.closes.get() && is_read && self.socket.is_empty())
    }

    /// Whether a request is being answered.
    pub fn is_busy(&self) -> bool {
        self.busy.get()
    }

    /// Whether something of the request's body was not read.
    pub fn is_in_body(&self) -> bool {
        matches!(
            self.state.borrow().phase,
            Phase::Body(..) | Phase::Trailers(_)
        )
    }

    /// Whether bytes were read that belong to no request yet.
    pub fn has_pending(&self) -> bool {
        !self.state.borrow().pending.is_empty()
    }

    /// How many bytes of the body were not read, where the client said how many there are.
    pub fn body_left(&self) -> Option<u64> {
        match &self.state.borrow().phase {
            Phase::Body(BodyReader::Length(left), _) => Some(*left),
            Phase::Body(..) | Phase::Trailers(_) => None,
            Phase::Head | Phase::Tunnel => Some(0),
        }
    }

    /// The next request: its head. Its body is next, and until [`Inbound::answered`] it is being
    /// answered.
    ///
    /// # Errors
    /// Why there is none.
    pub fn poll_request(&self, cx: &mut Context<'_>) -> Poll<Result<Request, NoRequest>> {
        let state = &mut *self.state.borrow_mut();
        loop {
            match state.take_head(self.head_max) {
                Ok(Some(request)) => {
                    self.begin(&request);
                    return Poll::Ready(Ok(request));
                }
                Ok(None) => {}
                Err(refused) => {
                    // It is not idle while it is told so.
                    self.reading.set(None);
                    return Poll::Ready(Err(NoRequest::Refused(refused)));
                }
            }
            match self.poll_more(cx, &mut state.pending, limits::READ_STEP) {
                Poll::Ready(Ok(0)) => {
                    self.ended.set(true);
                    return Poll::Ready(Err(NoRequest::Over));
                }
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(_)) => return Poll::Ready(Err(NoRequest::Gone)),
                Poll::Pending => {
                    self.wait(match state.pending.is_empty() {
                        true => Waiting::Idle,
                        false => Waiting::Head,
                    });
                    return Poll::Pending;
                }
            }
        }
    }

    fn begin(&self, request: &Request) {
        self.busy.set(true);
        self.reading.set(None);
        self.closes.set(request.head.close);
        if request.head.expect_continue && request.head.has_body() {
            self.owe_continue();
        }
    }

    /// The next piece of the request's body; `None` when it is over. A client that waits to hear that
    /// it is wanted is told so.
    ///
    /// # Errors
    /// It will not come to its end.
    pub fn poll_body(&self, cx: &mut Context<'_>) -> Poll<Option<Result<Piece, BodyCut>>> {
        if self.fault.borrow().is_some() || ready!(self.poll_continued(cx)).is_err() {
            return Poll::Ready(Some(Err(BodyCut)));
        }
        let state = &mut *self.state.borrow_mut();
        loop {
            if let Some(trailers) = state.take_trailers() {
                return Poll::Ready(Some(Ok(trailers)));
            }
            let Phase::Body(reader, _) = &state.phase else {
                return Poll::Ready(None);
            };
            if state.pending.is_empty() {
                let room = reader.room(limits::BODY_STEP);
                match self.poll_more(cx, &mut state.pending, room) {
                    Poll::Ready(Ok(0)) => {
                        self.ended.set(true);
                        return Poll::Ready(Some(Err(BodyCut)));
                    }
                    Poll::Ready(Ok(_)) => {}
                    Poll::Ready(Err(_)) => return Poll::Ready(Some(Err(BodyCut))),
                    Poll::Pending => {
                        self.wait(Waiting::Body);
                        return Poll::Pending;
                    }
                }
            }
            self.reading.set(None);
            match state.take_body() {
                Ok(Some(piece)) => return Poll::Ready(Some(Ok(piece))),
                Ok(None) => {}
                Err(violation) => {
                    self.fail(violation.into());
                    return Poll::Ready(Some(Err(BodyCut)));
                }
            }
        }
    }

    /// The request is answered: whether nothing of its body is left to be read, as far as it came.
    pub fn pass_over_body(&self) -> bool {
        if self.is_in_body() {
            let mut nobody = Context::from_waker(Waker::noop());
            // The last of it, and its trailers.
            for _ in 0..2 {
                let _unread = self.poll_body(&mut nobody);
            }
        }
        !self.is_in_body()
    }

    /// While a request is being answered: ready when the client is gone. What is pipelined behind the
    /// request is gathered, up to one head.
    pub fn poll_vanished(&self, cx: &mut Context<'_>) -> Poll<()> {
        let state = &mut *self.state.borrow_mut();
        if !matches!(state.phase, Phase::Head) {
            return self.poll_gone(cx);
        }
        while state.pending.len() < self.head_max {
            match ready!(self.poll_more(cx, &mut state.pending, limits::READ_STEP)) {
                Ok(1..) => {}
                Ok(0) | Err(_) => {
                    self.ended.set(true);
                    return Poll::Ready(());
                }
            }
        }
        Poll::Pending
    }

    /// Ready when the client is gone and nothing of its body lies unread.
    fn poll_gone(&self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if ready!(self.socket.poll_read_ready(cx)).is_err() {
                return Poll::Ready(());
            }
            match self.socket.peek() {
                Ok(0) => return Poll::Ready(()),
                Ok(_) => return Poll::Pending,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return Poll::Ready(()),
            }
        }
    }

    fn poll_fill(&self, cx: &mut Context<'_>, into: &mut impl BufMut) -> Poll<io::Result<usize>> {
        loop {
            match self.socket.try_read_buf(into) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    ready!(self.socket.poll_read_ready(cx))?;
                }
                result => return Poll::Ready(result),
            }
        }
    }

    /// Reads more into `pending`, so many bytes at most. `Ready(0)` is the end. While nothing comes
    /// there is no buffer.
    fn poll_more(
        &self,
        cx: &mut Context<'_>,
        pending: &mut BytesMut,
        room: usize,
    ) -> Poll<io::Result<usize>> {
        let mut read = self.socket.poll_read_ready(cx)?.map(|()| Ok(0));
        if read.is_ready() {
            pending.reserve(room);
            read = self.poll_fill(cx, &mut (&mut *pending).limit(room));
        }
        if pending.is_empty() {
            *pending = BytesMut::new();
        }
        read
    }

    /// The client owes us something; the first moment of one silence counts.
    fn wait(&self, owes: fn(Instant) -> Waiting) {
        let is_same = |former: Waiting| owes(former.since()) == former;
        if !self.reading.get().is_some_and(is_same) {
            self.reading.set(Some(owes(Instant::now())));
        }
    }
}
