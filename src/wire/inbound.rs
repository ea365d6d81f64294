//! Under hyper's server side: a client's bytes, checked before hyper reads them.

mod answer;
mod handle;

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio::io::ReadBuf;
use tokio::time::Instant;

use super::head::{self, Framing, RequestHead, Scanner};
use super::socket::Socket;
use super::{BodyReader, Framed};
use crate::error::{Cause, Violation};
use crate::limits;

pub use handle::InboundIo;

/// One client connection: the socket, and how far its current message has been read.
///
/// hyper holds it through [`InboundIo`]; the service and the server's deadlines share it.
#[derive(Debug)]
pub struct Inbound {
    socket: Socket,
    head_max: usize,
    state: RefCell<State>,
    /// What a silent client owes us while hyper waits to read.
    reading: Cell<Option<Waiting>>,
    /// Since when the client has not taken what hyper wants to write.
    stalled: Cell<Option<Instant>>,
    /// A request is with the service, or its answer is not flushed yet.
    busy: Cell<bool>,
    /// The service has handed the last byte of its answer to hyper.
    answered: Cell<bool>,
    /// hyper believes that a read is under way, and nobody will wake it.
    unheard: Cell<bool>,
    /// The client's side has ended.
    ended: Cell<bool>,
    /// The client wants the connection to end with the answer.
    closes: Cell<bool>,
    /// Bytes of the answer that were handed to hyper and may not be out yet.
    unflushed: Cell<usize>,
    /// hyper is to be woken when they are.
    wakes: Cell<bool>,
    /// The client takes the connection's end for the end of the answer.
    ends_answer: Cell<bool>,
    /// The service has not read the body's last chunk, whether or not hyper has.
    chunks_left: Cell<bool>,
    /// Why the head was refused before the service saw it: the server answers.
    refusal: RefCell<Option<Cause>>,
    /// Why reading the body ended, where it was not the client's own end: the service answers.
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

#[derive(Debug)]
struct State {
    /// Read from the socket and not yet given to hyper.
    pending: BytesMut,
    scanner: Scanner,
    /// The empty line that may stand before a request was looked for.
    started: bool,
    phase: Phase,
    /// The head that hyper is reading, until the service takes it.
    head: Option<(RequestHead, Bytes)>,
}

#[derive(Debug)]
enum Phase {
    /// Gathering a head.
    Head,
    /// Giving hyper the head: the first so many bytes of `pending`.
    Deliver(usize),
    /// hyper has the head; the service has not said how the body is framed.
    Called,
    /// Following a body.
    Body(BodyReader),
    /// No longer HTTP.
    Tunnel,
}

impl Inbound {
    /// Wraps an accepted socket; a head may have `head_max` bytes.
    pub fn new(socket: Socket, head_max: usize, now: Instant) -> Rc<Self> {
        Rc::new(Self {
            socket,
            head_max,
            state: RefCell::new(State {
                pending: BytesMut::new(),
                scanner: Scanner::request(),
                started: false,
                phase: Phase::Head,
                head: None,
            }),
            reading: Cell::new(Some(Waiting::Idle(now))),
            stalled: Cell::new(None),
            busy: Cell::new(false),
            answered: Cell::new(false),
            unheard: Cell::new(false),
            ended: Cell::new(false),
            closes: Cell::new(false),
            unflushed: Cell::new(0),
            wakes: Cell::new(false),
            ends_answer: Cell::new(false),
            chunks_left: Cell::new(false),
            refusal: RefCell::new(None),
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
        self.answered.set(false);
    }

    /// The service took the request: the strict reader's view of the head, and the raw bytes of
    /// its first line up to the end of the target.
    /// `framing` is how hyper will read the body, and the adapter follows that.
    ///
    /// # Errors
    /// [`Violation::Framing`] when hyper reads the body in another way than the strict reader.
    pub fn take_request(&self, framing: Framed) -> Result<(RequestHead, Bytes), Violation> {
        self.busy.set(true);
        self.answered.set(false);
        let mut state = self.state.borrow_mut();
        let (head, line) = state.head.take().ok_or(Violation::Framing)?;
        let ours = match head.framing {
            Framing::Length(0) | Framing::None | Framing::UntilClose => Framed::None,
            Framing::Length(length) => Framed::Length(length),
            Framing::Chunked => Framed::Chunked,
        };
        if ours != framing {
            return Err(Violation::Framing);
        }
        self.chunks_left.set(framing == Framed::Chunked);
        self.closes.set(head.close);
        state.phase = match BodyReader::new(head.framing) {
            Some(reader) => Phase::Body(reader),
            None => Phase::Head,
        };
        Ok((head, line))
    }

    /// Why the head was refused, for the server's answer. The service never saw it.
    pub fn take_refusal(&self) -> Option<Cause> {
        self.refusal.borrow_mut().take()
    }

    /// Whether the request that was refused is HEAD, as far as it was read.
    pub fn begins_with_head(&self) -> bool {
        self.state.borrow().pending.starts_with(b"HEAD ")
    }

    /// Why reading the body ended, for the service's answer.
    pub fn fault(&self) -> Option<Cause> {
        self.fault.borrow().clone()
    }

    /// Ends reading the body with `cause`: hyper's next read fails, and nothing more is waited for.
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

    /// Whether a request is with the service, or its answer not flushed.
    pub fn is_busy(&self) -> bool {
        self.busy.get()
    }

    /// The service has read the body to its end.
    pub fn body_taken(&self) {
        self.chunks_left.set(false);
    }

    /// Whether hyper may close the connection for what is left of the request's body. What was not
    /// read of it is too much; and of chunks that it has read already it passes over one at most.
    pub fn is_in_body(&self) -> bool {
        self.chunks_left.get() || matches!(self.state.borrow().phase, Phase::Body(_))
    }

    /// Ready when the client is gone while its request waits and hyper does not read.
    pub fn poll_vanished(&self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.busy.get() {
            return Poll::Pending;
        }
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

    /// Reads more into `pending`. `Ready(0)` is the end. While nothing comes there is no buffer.
    fn poll_more(&self, cx: &mut Context<'_>, state: &mut State) -> Poll<io::Result<usize>> {
        let mut read = self.socket.poll_read_ready(cx)?.map(|()| Ok(0));
        if read.is_ready() {
            state.pending.reserve(limits::READ_STEP);
            let mut room = (&mut state.pending).limit(limits::READ_STEP);
            read = self.poll_fill(cx, &mut room);
        }
        if state.pending.is_empty() {
            state.pending = BytesMut::new();
        }
        read
    }

    fn wait(&self, waiting: Waiting) {
        let former = self.reading.get().as_ref().map(std::mem::discriminant);
        // The first moment of one silence counts.
        if former != Some(std::mem::discriminant(&waiting)) {
            self.reading.set(Some(waiting));
        }
    }

    fn poll_read(&self, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.fault.borrow().is_some() {
            return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
        }
        self.unheard.set(false);
        let mut state = self.state.borrow_mut();
        let state = &mut *state;
        loop {
            match &mut state.phase {
                Phase::Head if self.busy.get() => return self.poll_watch(cx, state),
                Phase::Head => {
                    if !ready!(self.poll_gather(cx, state))? {
                        return Poll::Ready(Ok(()));
                    }
                }
                Phase::Deliver(left) => {
                    self.reading.set(None);
                    let given = (*left).min(out.remaining());
                    out.put_slice(&state.pending[..given]);
                    state.pending.advance(given);
                    *left -= given;
                    if *left == 0 {
                        state.phase = Phase::Called;
                    }
                    return Poll::Ready(Ok(()));
                }
                Phase::Called => {
                    // The service is asked next. hyper must then read again: at once for a body,
                    // and for the next head when the answer is out, unless it did so meanwhile.
                    match &state.head {
                        Some((head, _)) if head.has_body() => cx.waker().wake_by_ref(),
                        _ => self.unheard.set(true),
                    }
                    return Poll::Pending;
                }
                Phase::Body(_) => return self.poll_body(cx, state, out),
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

    /// Gathers a head, without hyper: true when one is there to be delivered, false at the end.
    ///
    /// # Errors
    /// The client is gone, or what it sent is refused: then there is a refusal to take.
    pub fn poll_head(&self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        self.poll_gather(cx, &mut self.state.borrow_mut())
    }

    fn poll_gather(&self, cx: &mut Context<'_>, state: &mut State) -> Poll<io::Result<bool>> {
        loop {
            match state.next_head(self.head_max) {
                Ok(true) => return Poll::Ready(Ok(true)),
                Ok(false) => {}
                Err(cause) => {
                    *self.refusal.borrow_mut() = Some(cause);
                    return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
                }
            }
            let read = self.poll_more(cx, state);
            if read.is_pending() {
                let now = Instant::now();
                self.wait(match state.pending.is_empty() {
                    true => Waiting::Idle(now),
                    false => Waiting::Head(now),
                });
                return Poll::Pending;
            }
            if ready!(read)? == 0 {
                self.ended.set(true);
                return Poll::Ready(Ok(false));
            }
        }
    }

    /// While a request is being answered: gathers what is pipelined behind it, up to one head,
    /// and notices a client that went away.
    fn poll_watch(&self, cx: &mut Context<'_>, state: &mut State) -> Poll<io::Result<()>> {
        self.reading.set(None);
        while state.pending.len() < self.head_max {
            if ready!(self.poll_more(cx, state))? == 0 {
                return Poll::Ready(Ok(()));
            }
        }
        Poll::Pending
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
        if state.pending.is_empty() {
            let start = out.filled().len();
            match self.poll_fill(cx, out) {
                Poll::Pending => {
                    self.wait(Waiting::Body(Instant::now()));
                    return Poll::Pending;
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Ready(Ok(_)) => {}
            }
            self.reading.set(None);
            let fresh = &out.filled()[start..];
            if fresh.is_empty() {
                return Poll::Ready(Ok(()));
            }
            let (taken, ended) = match reader.feed(fresh) {
                Ok(fed) => fed,
                Err(violation) => {
                    out.set_filled(start);
                    self.fail(violation.into());
                    return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
                }
            };
            state.pending.extend_from_slice(&fresh[taken..]);
            out.set_filled(start + taken);
            if ended {
                state.phase = Phase::Head;
            }
            return Poll::Ready(Ok(()));
        }
        self.reading.set(None);
        let offered = state.pending.len().min(out.remaining());
        match reader.feed(&state.pending[..offered]) {
            Ok((taken, ended)) => {
                out.put_slice(&state.pending[..taken]);
                state.pending.advance(taken);
                if ended {
                    state.phase = Phase::Head;
                }
                Poll::Ready(Ok(()))
            }
            Err(violation) => {
                self.fail(violation.into());
                Poll::Ready(Err(io::ErrorKind::InvalidData.into()))
            }
        }
    }
}

impl State {
    /// Looks for a whole head in `pending`; true when there is one to deliver.
    fn next_head(&mut self, max: usize) -> Result<bool, Cause> {
        if !self.started {
            let Some(empty) = head::skip_empty_line(&self.pending) else {
                return Ok(false);
            };
            self.pending.advance(empty);
            self.started = true;
        }
        let Some(length) = self.scanner.scan(&self.pending, max)? else {
            return Ok(false);
        };
        self.scanner = Scanner::request();
        self.started = false;
        // hyper gets these very bytes.
        let head = head::request(&self.pending[..length])?;
        if head.refused_by_uri {
            // hyper would answer this itself, without a word of explanation.
            return Err(Cause::TargetRefused);
        }
        // The copy keeps the target as the client wrote it.
        let line = Bytes::copy_from_slice(&self.pending[..head.target.end]);
        self.head = Some((head, line));
        self.phase = Phase::Deliver(length);
        Ok(true)
    }
}
