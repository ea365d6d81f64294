//! Under hyper's client side: an upstream's bytes, checked before hyper reads them.

use std::cell::{Cell, RefCell};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::head::{Framing, ResponseHead, Scanner, Version};
use super::response::{Asked, Next, Phase, State};
use super::{Alarm, BodyReader};
use crate::error::Violation;
use crate::metrics::NotKept;

/// A stream that knows without a read whether one would bring something.
pub trait News {
    /// Pending while nothing came since a read last found nothing; wakes as a read does.
    fn poll_news(&self, cx: &mut Context<'_>) -> Poll<()>;
}

/// One upstream connection: its stream, and how far the current exchange has come.
///
/// hyper's connection holds it through [`OutboundIo`]; the request in hand and the pool share it.
#[derive(Debug)]
pub struct Outbound<S> {
    io: RefCell<S>,
    state: RefCell<State>,
    /// Bytes of the current request that were handed to `io`.
    written: Cell<u64>,
    last_write: Cell<Instant>,
    /// hyper has taken the last byte of the request.
    taken: Cell<bool>,
    /// The last byte of the request was handed to `io` and flushed.
    sent: Cell<bool>,
    /// A byte of the current response came.
    responded: Cell<bool>,
    /// A response came at some time.
    proven: Cell<bool>,
    continued: Cell<bool>,
    /// Who waits for the 100 (Continue).
    waker: RefCell<Option<Waker>>,
    /// The next piece of the body will be taken; if not, it stays with the upstream.
    wanted: Cell<bool>,
    /// hyper, while no piece is wanted.
    reader: RefCell<Option<Waker>>,
    violation: Cell<Option<Violation>>,
    error: RefCell<Option<io::Error>>,
    ended: Cell<bool>,
    /// The last read found nothing.
    drained: Cell<bool>,
    /// Something was written after the last flush.
    unflushed: Cell<bool>,
    /// When the upstream, or whoever fills the request, will have been silent for too long.
    pub patience: Alarm,
}

impl<S: AsyncRead + AsyncWrite + News + Unpin> Outbound<S> {
    /// Wraps a connected stream.
    pub fn new(io: S, now: Instant) -> Rc<Self> {
        Rc::new(Self {
            io: RefCell::new(io),
            state: RefCell::new(State::new()),
            written: Cell::new(0),
            last_write: Cell::new(now),
            taken: Cell::new(false),
            sent: Cell::new(false),
            responded: Cell::new(false),
            proven: Cell::new(false),
            continued: Cell::new(false),
            waker: RefCell::new(None),
            wanted: Cell::new(true),
            reader: RefCell::new(None),
            violation: Cell::new(None),
            error: RefCell::new(None),
            ended: Cell::new(false),
            drained: Cell::new(false),
            unflushed: Cell::new(false),
            patience: Alarm::default(),
        })
    }

    /// A request is about to be sent: its response is due.
    pub fn begin(&self, asked: Asked, now: Instant) {
        let mut state = self.state.borrow_mut();
        state.scanner = Scanner::response();
        state.phase = Phase::Head;
        state.head = None;
        state.asked = asked;
        state.interim = 0;
        self.written.set(0);
        self.last_write.set(now);
        self.taken.set(false);
        self.sent.set(false);
        self.responded.set(false);
        self.continued.set(false);
        self.wanted.set(true);
    }

    /// A piece of the body was taken, and nobody knows yet what to do with another: none is read.
    pub fn hold(&self) {
        self.wanted.set(false);
    }

    /// The next piece of the body will be taken.
    pub fn want(&self) {
        self.wanted.set(true);
        if let Some(reader) = self.reader.borrow_mut().take() {
            reader.wake();
        }
    }

    /// The last byte of the request's body was taken by hyper: the next flush sends it.
    pub fn request_taken(&self) {
        self.taken.set(true);
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
        let state = self.state.borrow();
        match state.framing() {
            Framing::None => Some(0),
            Framing::Length(length) => Some(length),
            Framing::Chunked | Framing::UntilClose => None,
        }
    }

    /// Whether the upstream left HTTP.
    pub fn is_switched(&self) -> bool {
        matches!(self.state.borrow().phase, Phase::Switched | Phase::Tunnel)
    }

    /// hyper has let go: from now on [`OutboundIo`] carries bytes as they come, those first that
    /// were read already.
    pub fn become_tunnel(&self) {
        self.state.borrow_mut().phase = Phase::Tunnel;
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

    /// Ready when the upstream ends a connection on which no response is due, or says something.
    pub fn poll_stirs(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut byte = [0];
        self.poll_read(cx, &mut ReadBuf::new(&mut byte)).map(drop)
    }

    /// Whether another request may follow on this connection.
    ///
    /// # Errors
    /// Why not.
    pub fn reusable(&self) -> Result<(), NotKept> {
        let state = self.state.borrow();
        if state.excess {
            return Err(NotKept::Excess);
        }
        match (&state.phase, &state.head) {
            (Phase::Switched | Phase::Tunnel, _) => Err(NotKept::Switched),
            (Phase::Body(BodyReader::UntilClose), _) => Err(NotKept::NoLength),
            (Phase::Idle, _) if self.ended.get() || self.violation.get().is_some() => {
                Err(NotKept::Ended)
            }
            // No request went on it yet.
            (Phase::Idle, None) => Ok(()),
            (Phase::Idle, Some(head)) => {
                if !self.sent.get() {
                    Err(NotKept::EarlyResponse)
                } else if head.close || head.version != Version::Http11 {
                    Err(NotKept::UpstreamCloses)
                } else {
                    Ok(())
                }
            }
            _ => Err(NotKept::Unfinished),
        }
    }

    fn break_off(&self, violation: Violation) -> Poll<io::Result<()>> {
        self.violation.set(Some(violation));
        self.ended.set(true);
        Poll::Ready(Err(io::ErrorKind::InvalidData.into()))
    }

    /// Reads into the free part of `out`. The bytes read are returned; zero is the end.
    fn poll_fill(&self, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<usize>> {
        // hyper reads several times for each message, and TLS takes long to say no.
        if self.drained.get() {
            ready!(self.io.borrow().poll_news(cx));
        }
        let before = out.filled().len();
        let polled = Pin::new(&mut *self.io.borrow_mut()).poll_read(cx, out);
        self.drained.set(polled.is_pending());
        match ready!(polled) {
            Ok(()) => {
                let read = out.filled().len() - before;
                if read == 0 {
                    self.ended.set(true);
                }
                Poll::Ready(Ok(read))
            }
            Err(error) => Poll::Ready(Err(self.keep_error(error))),
        }
    }

    /// Keeps the stream's own error for the one who asks why, and gives hyper its kind.
    fn keep_error(&self, error: io::Error) -> io::Error {
        let kind = error.kind();
        self.ended.set(true);
        self.error.borrow_mut().get_or_insert(error);
        kind.into()
    }

    fn poll_read(&self, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.violation.get().is_some() {
            return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
        }
        let mut state = self.state.borrow_mut();
        let state = &mut *state;
        loop {
            match &mut state.phase {
                Phase::Idle => {
                    let start = out.filled().len();
                    let read = match ready!(self.poll_fill(cx, out)) {
                        Ok(read) => read,
                        Err(error) => return Poll::Ready(Err(error)),
                    };
                    out.set_filled(start);
                    if read > 0 {
                        state.excess = true;
                        return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
                    }
                    return Poll::Ready(Ok(()));
                }
                Phase::Head => {
                    if !state.pending.is_empty() {
                        match state.next_head() {
                            Err(violation) => return self.break_off(violation),
                            Ok(Next::Final) => {
                                self.proven.set(true);
                                continue;
                            }
                            Ok(Next::Interim(status)) => {
                                self.interim(status);
                                continue;
                            }
                            Ok(Next::More) => {}
                        }
                    }
                    let start = out.filled().len();
                    let read = match ready!(self.poll_fill(cx, out)) {
                        Ok(read) => read,
                        Err(error) => return Poll::Ready(Err(error)),
                    };
                    if read == 0 {
                        return Poll::Ready(Ok(()));
                    }
                    self.responded.set(true);
                    state.pending.extend_from_slice(&out.filled()[start..]);
                    out.set_filled(start);
                }
                Phase::Deliver(left) => {
                    let given = (*left).min(out.remaining());
                    out.put_slice(&state.pending[..given]);
                    state.pending.advance(given);
                    *left -= given;
                    if *left == 0 {
                        state.begin_body();
                    }
                    return Poll::Ready(Ok(()));
                }
                Phase::Body(_) => return self.poll_body(cx, state, out),
                Phase::Switched => return Poll::Pending,
                Phase::Tunnel if state.pending.is_empty() => {
                    return self.poll_fill(cx, out).map_ok(|_| ());
                }
                Phase::Tunnel => {
                    let given = state.pending.len().min(out.remaining());
                    out.put_slice(&state.pending.split_to(given));
                    return Poll::Ready(Ok(()));
                }
            }
        }
    }

    fn poll_body(
        &self,
        cx: &mut Context<'_>,
        state: &mut State,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Phase::Body(reader) = &mut state.phase else {
            return Poll::Pending;
        };
        if !self.wanted.get() {
            *self.reader.borrow_mut() = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let start = out.filled().len();
        if state.pending.is_empty() {
            if let Err(error) = ready!(self.poll_fill(cx, out)) {
                return Poll::Ready(Err(error));
            }
        } else {
            let offered = state.pending.len().min(out.remaining());
            out.put_slice(&state.pending[..offered]);
            state.pending.advance(offered);
            if state.pending.is_empty() {
                state.pending = BytesMut::new();
            }
        }
        let fresh = &out.filled()[start..];
        if fresh.is_empty() {
            if matches!(reader, BodyReader::UntilClose) {
                state.phase = Phase::Idle;
            }
            return Poll::Ready(Ok(()));
        }
        match reader.feed(fresh) {
            Ok((taken, done)) => {
                state.excess |= taken < fresh.len() || (done && !state.pending.is_empty());
                out.set_filled(start + taken);
                if done {
                    state.end();
                }
                Poll::Ready(Ok(()))
            }
            Err(violation) => {
                out.set_filled(start);
                self.break_off(violation)
            }
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

    fn poll_written(&self, written: io::Result<usize>) -> Poll<io::Result<usize>> {
        match written {
            Ok(count) => {
                self.written.set(self.written.get() + count as u64);
                self.unflushed.set(true);
                self.last_write.set(Instant::now());
                Poll::Ready(Ok(count))
            }
            Err(error) => Poll::Ready(Err(self.keep_error(error))),
        }
    }
}

/// What hyper reads from and writes to.
#[derive(Debug)]
pub struct OutboundIo<S>(pub Rc<Outbound<S>>);

impl<S: AsyncRead + AsyncWrite + News + Unpin> AsyncRead for OutboundIo<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.0.poll_read(cx, out)
    }
}

impl<S: AsyncRead + AsyncWrite + News + Unpin> AsyncWrite for OutboundIo<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut *self.0.io.borrow_mut()).poll_write(cx, bytes));
        self.0.poll_written(written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written =
            ready!(Pin::new(&mut *self.0.io.borrow_mut()).poll_write_vectored(cx, slices));
        self.0.poll_written(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.io.borrow().is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.0.unflushed.get() {
            let flushed = ready!(Pin::new(&mut *self.0.io.borrow_mut()).poll_flush(cx));
            flushed.map_err(|error| self.0.keep_error(error))?;
            self.0.unflushed.set(false);
        }
        if self.0.taken.get() && self.0.written.get() > 0 {
            self.0.sent.set(true);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.io.borrow_mut()).poll_shutdown(cx)
    }
}
