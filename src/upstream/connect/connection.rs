//! A connection that speaks HTTP/1.1, and why it ended.

use std::io;
use std::mem::MaybeUninit;
use std::rc::Rc;
use std::task::{Context, Poll};

use http::{HeaderMap, Response};
use tokio::io::Interest;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::Stream;
use super::ending::{Ending, ending, last_words};
use super::facts::Facts;
use super::line::Line;
use crate::error::{Cause, TlsFault};
use crate::limits;
use crate::upstream::send::{SendError, Sending};
use crate::wire::{Asked, Broken, Outbound};

/// An open connection that speaks HTTP/1.1.
#[derive(Debug)]
pub struct Connection {
    line: Rc<Line>,
    facts: Rc<Facts>,
    /// Who watches the line; `None` once it is being waited for.
    task: Option<JoinHandle<()>>,
}

/// Who must know that nothing came on an idle connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// The event loop, when it last turned: enough where a dead connection does no harm.
    ByLoop,
    /// The kernel, at this moment.
    ByKernel,
}

/// Whether a pooled connection may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Peek {
    Quiet,
    Data,
    Ended,
}

impl Connection {
    /// Puts HTTP on a TLS stream.
    pub fn new(stream: Stream, facts: Facts) -> Self {
        let (line, task) = Line::new(stream);
        Self {
            line,
            facts: Rc::new(facts),
            task: Some(task),
        }
    }

    /// The handshake's facts.
    pub fn facts(&self) -> &Rc<Facts> {
        &self.facts
    }

    /// How far the current exchange has come.
    pub fn outbound(&self) -> &Rc<Outbound<Stream>> {
        &self.line.outbound
    }

    /// How the stream ended. A server that refuses says why in an alert and closes; our write may
    /// fail before that is read, and the event loop need not know yet that it lies in the socket.
    fn ending(&self) -> Ending {
        let error = self.outbound().take_error();
        let ending = error.map_or(Ending::Closed, |error| ending(&error));
        if ending != Ending::Closed {
            return ending;
        }
        let last = self.outbound().with_stream(last_words);
        if last.responded {
            self.outbound().note_response();
        }
        last.ending
    }

    /// Why an exchange brought no response. In TLS 1.3 the server says only in the first one what it
    /// thinks of our certificate.
    pub fn failure(&self) -> Cause {
        if let Some(violation) = self.outbound().violation() {
            return Cause::BadResponse(violation);
        }
        let ending = self.ending();
        let responded = self.outbound().responded();
        let judgement = match !self.outbound().is_proven() && self.facts.is_tls13() && !responded {
            true => self.facts.certificate.judged_by(&ending),
            false => None,
        };
        judgement.unwrap_or(match ending {
            Ending::Alert(alert) => Cause::Alert(alert),
            Ending::Tls(fault) => Cause::Tls(fault),
            Ending::Certificate(why) => Cause::Tls(TlsFault::Other(why)),
            Ending::NoTime => Cause::ClockNotSet,
            Ending::Closed if responded => Cause::Incomplete,
            Ending::Closed => Cause::Terminated,
        })
    }

    /// Sends a request, and waits for the head of its response. It may come before the request's
    /// end; `fields` lends its room to the response's.
    ///
    /// # Errors
    /// [`Broken`]; [`Connection::failure`] knows why, unless it was the client's side.
    pub fn poll_response(
        &self,
        sending: &mut Sending,
        fields: &mut HeaderMap,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Response<()>, Broken>> {
        let failed = match sending.poll(cx) {
            Poll::Ready(Err(SendError::Body)) => return Poll::Ready(Err(Broken)),
            Poll::Ready(Err(SendError::Stream(error))) => Some(error),
            Poll::Ready(Ok(())) | Poll::Pending => None,
        };
        // A server that takes no more may have said why before; where it took nothing, what it says
        // is no answer.
        let response = match failed.is_some() && self.outbound().written() == 0 {
            true => Poll::Pending,
            false => self.outbound().poll_head(fields, cx),
        };
        match failed {
            Some(error) if response.is_pending() => {
                self.outbound().keep_error(error);
                Poll::Ready(Err(Broken))
            }
            _ => response,
        }
    }

    /// A request begins: from now on dropping the connection cuts it off.
    pub fn begin(&mut self, asked: Asked) {
        self.line.begin();
        self.outbound().begin(asked, Instant::now());
    }

    /// The exchange is over, and another may follow.
    pub fn rest(&mut self, now: Instant) {
        self.line.rest(now);
    }

    /// Ends the connection, and waits until the upstream was told so.
    pub async fn close(mut self) {
        if self.outbound().reusable().is_ok() {
            self.rest(Instant::now());
        }
        let task = match self.line.is_busy() {
            true => None,
            false => self.task.take(),
        };
        drop(self);
        if let Some(task) = task {
            let _told = timeout(limits::LINGER, task).await;
        }
    }

    /// Whether a connection from the pool can take a request: nothing unread lies in its socket,
    /// and it has not ended.
    pub fn is_usable(&self, known: Known) -> bool {
        self.line.take();
        let mut peeked = self.peek(known);
        if peeked == Peek::Data {
            // A ticket or a key update is fine, a response nobody asked for is not.
            let last = self.outbound().with_stream(last_words);
            if last.responded || last.ending != Ending::Closed {
                return false;
            }
            peeked = self.peek(Known::ByKernel);
        }
        peeked == Peek::Quiet && self.outbound().reusable().is_ok()
    }

    fn peek(&self, known: Known) -> Peek {
        let mut byte = [MaybeUninit::uninit()];
        let peeked = self.outbound().with_stream(|stream| {
            let socket = stream.get_ref().0;
            let mut ask = || socket2::SockRef::from(socket).peek(&mut byte);
            match known {
                Known::ByLoop => socket.try_io(Interest::READABLE, ask),
                Known::ByKernel => ask(),
            }
        });
        match peeked {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Peek::Quiet,
            Ok(0) | Err(_) => Peek::Ended,
            Ok(_) => Peek::Data,
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // An idle connection ends with a close_notify; one in the middle of an exchange must not
        // wait for its peer.
        match &self.task {
            Some(task) if self.line.is_busy() => task.abort(),
            _ => self.line.leave(),
        }
    }
}
