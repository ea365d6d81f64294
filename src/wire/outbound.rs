//! An upstream connection: what is written to it, and the strict reading of what comes back.

use std::cell::{Cell, RefCell};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};

use http::{HeaderMap, Response};
use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::head::{Framing, ResponseHead, Version};
use super::response::{Asked, Came, Phase, State};
use super::{Alarm, BodyReader, Piece};
use crate::error::Violation;
use crate::metrics::NotKept;

/// A stream that knows without a read whether one would bring something.
pub trait News: AsyncBufRead + AsyncWrite + Unpin {
    /// Whether bytes, or the stream's end, were read from the socket and not taken yet.
    fn holds_any(&self) -> bool;

    /// Pending while nothing came to the socket; wakes as a read does.
    fn poll_news(&self, cx: &mut Context<'_>) -> Poll<()>;
}

/// No response came, or not the whole of it; the connection knows why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken;

/// One upstream connection: its stream, and how far the current exchange has come.
#[derive(Debug)]
pub struct Outbound<S> {
    io: RefCell<S>,
    state: RefCell<State>,
    /// Bytes of the current request that were handed to `io`.
    written: Cell<u64>,
    last_write: Cell<Instant>,
    /// The last byte of the request was handed to `io` and flushed.
    sent: Cell<bool>,
    /// A byte of the current response came.
    responded: Cell<bool>,
    /// A response came at some time.
    proven: Cell<bool>,
    /// 100 (Continue) came.
    continued: Cell<bool>,
    /// Who waits for the 100.
    waker: RefCell<Option<Waker>>,
    /// More came than the response has.
    excess: Cell<bool>,
    violation: Cell<Option<Violation>>,
    error: RefCell<Option<io::Error>>,
    ended: Cell<bool>,
    /// When the upstream, or whoever fills the request, will have been silent for too long.
    pub patience: Alarm,
}

impl<S: News> Outbound<S> {
    /// Wraps a connected stream.
    pub fn new(io: S, now: Instant) -> Rc<Self> {
        Rc::new(Self {
            io: RefCell::new(io),
            state: RefCell::new(State::new()),
            written: Cell::new(0),
            last_write: Cell::new(now),
            sent: Cell::new(false),
            responded: Cell::new(false),
            proven: Cell::new(false),
            continued: Cell::new(false),
            waker: RefCell::new(None),
            excess: Cell::new(false),
            violation: Cell::new(None),
            error: RefCell::new(None),
            ended: Cell::new(false),
            patience: Alarm::default(),
        })
    }

    /// A request is about to be sent: its response is due.
    pub fn begin(&self, asked: Asked, now: Instant) {
        self.state.borrow_mut().begin(asked);
        self.written.set(0);
        self.last_write.set(now);
        self.sent.set(false);
        self.responded.set(false);
        self.continued.set(false);
    }

    /// The last byte of the request was handed over and flushed.
    pub fn request_sent(&self) {
        self.sent.set(true);
    }

    /// Whether the whole request was handed over.
    pub fn is_request_sent(&self) -> bool {
        self.sent.get()
    }

    /// Bytes of the current request handed to the stream.
    pub fn written(&self) -> u64 {
        self.written.get()
    }

    /// When the stream last took bytes.
    pub fn last_write(&self) -> Instant {
        self.last_write.get()
    }

    /// A byte of the current response came and was read by another way.
    pub fn note_response(&self) {
        self.responded.set(true);
    }

    /// Whether a byte of the current response came.
    pub fn responded(&self) -> bool {
        self.responded.get()
    }

    /// Whether a response came on this connection, to this request or one before.
    pub fn is_proven(&self) -> bool {
        self.proven.get()
    }

    /// Ready when the upstream sent 100 (Continue).
    pub fn poll_continue(&self, cx: &Context<'_>) -> Poll<()> {
        if self.continued.get() {
            return Poll::Ready(());
        }
        *self.waker.borrow_mut() = Some(cx.waker().clone());
        Poll::Pending
    }

    /// The head of the current response.
    pub fn response(&self) -> Option<ResponseHead> {
        self.state.borrow().head
    }

    /// How long the body of the current response is, if it says so.
    pub fn body_length(&self) -> Option<u64> {
        match self.state.borrow().framing() {
            Framing::None => Some(0),
            Framing::Length(length) => Some(length),
            Framing::Chunked | Framing::UntilClose => None,
        }
    }

    /// Whether nothing more of the current response will come.
    pub fn is_response_over(&self) -> bool {
        matches!(self.state.borrow().phase, Phase::Idle)
    }

    /// The rule of HTTP that the upstream broke.
    pub fn violation(&self) -> Option<Violation> {
        self.violation.get()
    }

    /// The stream's failure, once.
    pub fn take_error(&self) -> Option<io::Error> {
        self.error.borrow_mut().take()
    }

    /// Looks at the stream without waiting.
    pub fn with_stream<T>(&self, look: impl FnOnce(&mut S) -> T) -> T {
        look(&mut self.io.borrow_mut())
    }

    /// Whether another request may follow on this connection.
    ///
    /// # Errors
    /// Why not.
    pub fn reusable(&self) -> Result<(), NotKept> {
        self.look_behind();
        if self.excess.get() {
            return Err(NotKept::Excess);
        }
        let state = self.state.borrow();
        match (&state.phase, &state.head) {
            (Phase::Switched, _) => Err(NotKept::Switched),
            (Phase::Body(BodyReader::UntilClose), _) => Err(NotKept::NoLength),
            (Phase::Idle, _) if self.violation.get().is_some() => Err(NotKept::Ended),
            (Phase::Idle, Some(_)) if !self.sent.get() => Err(NotKept::EarlyResponse),
            (Phase::Idle, Some(head)) if head.close || head.version != Version::Http11 => {
                Err(NotKept::UpstreamCloses)
            }
            (Phase::Idle, _) if self.ended.get() => Err(NotKept::Ended),
            (Phase::Idle, _) => Ok(()),
            _ => Err(NotKept::Unfinished),
        }
    }

    /// The head of the response. Interim ones before it are taken and told of
    /// ([`Outbound::poll_continue`]). `fields` lends its room to the response's.
    ///
    /// # Errors
    /// The connection ended or failed, or what came is no HTTP.
    pub fn poll_head(
        &self,
        fields: &mut HeaderMap,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Response<()>, Broken>> {
        loop {
            let came = ready!(self.poll_came(cx, |state, bytes| state.take_head(bytes, fields)))?;
            match came {
                Some(Came::Head(response)) => {
                    self.proven.set(true);
                    return Poll::Ready(Ok(response));
                }
                Some(Came::Interim(status)) => self.interim(status),
                Some(_) => {}
                None => return Poll::Ready(Err(Broken)),
            }
        }
    }

    /// The next piece of the response's body; `None` when it is over.
    ///
    /// # Errors
    /// The connection ended or failed before, or what came is no HTTP.
    pub fn poll_piece(&self, cx: &mut Context<'_>) -> Poll<Option<Result<Piece, Broken>>> {
        while !self.is_response_over() {
            if let Some(trailers) = self.take_trailers() {
                return Poll::Ready(Some(Ok(trailers)));
            }
            match ready!(self.poll_came(cx, State::take_body)) {
                Ok(Some(Came::Piece(data))) => {
                    return Poll::Ready(Some(Ok(Piece::Data(data))));
                }
                Ok(Some(_)) => {}
                Ok(None) if self.state.borrow_mut().end_with_connection() => {}
                Ok(None) | Err(Broken) => return Poll::Ready(Some(Err(Broken))),
            }
        }
        Poll::Ready(None)
    }

    fn take_trailers(&self) -> Option<Piece> {
        self.state.borrow_mut().take_trailers()
    }

    /// Ready when the upstream ends a connection on which no response is due, or says something.
    pub fn poll_stirs(&self, cx: &mut Context<'_>) -> Poll<()> {
        // The end and a failure are noted below. That a read finds nothing lets TLS give back what
        // earlier ones took of memory.
        if let Ok(false) = ready!(self.poll_read(cx, |bytes| (0, bytes.is_empty()))) {
            self.excess.set(true);
        }
        Poll::Ready(())
    }

    /// Hands bytes to the stream: as many as it takes.
    ///
    /// # Errors
    /// The stream's: for whom it concerns to keep ([`Outbound::keep_error`]).
    pub fn poll_write(
        &self,
        slices: &[IoSlice<'_>],
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let count = ready!(Pin::new(&mut *self.io.borrow_mut()).poll_write_vectored(cx, slices))?;
        self.written.set(self.written.get() + count as u64);
        self.last_write.set(Instant::now());
        Poll::Ready(Ok(count))
    }

    /// Waits until the socket has what the stream took.
    ///
    /// # Errors
    /// The stream's.
    pub fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.io.borrow_mut()).poll_flush(cx)
    }

    /// Keeps the stream's own error for the one who asks why.
    pub fn keep_error(&self, error: io::Error) {
        self.ended.set(true);
        self.error.borrow_mut().get_or_insert(error);
    }

    /// Gives what came to `take`, and lets the stream forget what was taken of it. `None` is the
    /// stream's end.
    fn poll_came(
        &self,
        cx: &mut Context<'_>,
        take: impl FnOnce(&mut State, &[u8]) -> Result<(usize, Came), Violation>,
    ) -> Poll<Result<Option<Came>, Broken>> {
        if self.violation.get().is_some() {
            return Poll::Ready(Err(Broken));
        }
        // TLS takes long to say that nothing came.
        {
            let io = self.io.borrow();
            if !io.holds_any() {
                ready!(io.poll_news(cx));
            }
        }
        let came = ready!(self.poll_read(cx, |bytes| {
            if bytes.is_empty() {
                return (0, Ok(None));
            }
            self.responded.set(true);
            match take(&mut self.state.borrow_mut(), bytes) {
                Ok((taken, came)) => (taken, Ok(Some(came))),
                Err(violation) => (0, Err(violation)),
            }
        }));
        Poll::Ready(match came {
            Ok(Ok(came)) => Ok(came),
            Ok(Err(violation)) => {
                self.violation.set(Some(violation));
                self.ended.set(true);
                Err(Broken)
            }
            Err(Broken) => Err(Broken),
        })
    }

    /// Shows `look` what came, nothing at the stream's end; the stream forgets as many bytes as it
    /// says.
    fn poll_read<T>(
        &self,
        cx: &mut Context<'_>,
        look: impl FnOnce(&[u8]) -> (usize, T),
    ) -> Poll<Result<T, Broken>> {
        let mut io = self.io.borrow_mut();
        match ready!(Pin::new(&mut *io).poll_fill_buf(cx)) {
            Ok(bytes) => {
                if bytes.is_empty() {
                    self.ended.set(true);
                }
                let (taken, seen) = look(bytes);
                Pin::new(&mut *io).consume(taken);
                Poll::Ready(Ok(seen))
            }
            Err(error) => {
                self.keep_error(error);
                Poll::Ready(Err(Broken))
            }
        }
    }

    /// Once the response is over: notes whether the stream already holds more, or its end.
    fn look_behind(&self) {
        if self.is_response_over() && self.io.borrow().holds_any() {
            let mut nobody = Context::from_waker(Waker::noop());
            let _noted = self.poll_stirs(&mut nobody);
        }
    }

    fn interim(&self, status: u16) {
        if status == 100 {
            self.continued.set(true);
            if let Some(waker) = self.waker.borrow_mut().take() {
                waker.wake();
            }
        }
    }
}

/// A connection that left HTTP, as a stream.
#[derive(Debug)]
pub struct OutboundIo<S>(pub Rc<Outbound<S>>);

impl<S: News + AsyncRead> AsyncRead for OutboundIo<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.io.borrow_mut()).poll_read(cx, out)
    }
}

impl<S: News> AsyncWrite for OutboundIo<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0.io.borrow_mut()).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0.io.borrow_mut()).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.io.borrow().is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.io.borrow_mut()).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.io.borrow_mut()).poll_shutdown(cx)
    }
}
