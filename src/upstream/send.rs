//! A request on its way out.

use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use http::{HeaderMap, Method, Uri};
use tokio::time::Sleep;

use super::body::{BodyError, Upload};
use super::connect::Stream;
use crate::error::Cause;
use crate::limits;
use crate::wire::{self, Out, Outbound, Piece, Turn};

/// A request, and how much of it was handed to its connection.
#[derive(Debug)]
pub struct Sending {
    outbound: Rc<Outbound<Stream>>,
    out: Out,
    /// What is not in `out` yet; `None`: everything is.
    rest: Option<Rest>,
    turn: Turn,
    /// The stream failed: nobody knows what of `out` it took.
    failed: bool,
}

/// A body that was not taken to its end.
#[derive(Debug)]
struct Rest {
    upload: Rc<Upload>,
    /// Bytes that are left of a body that said its length; `None`: it goes out in chunks.
    left: Option<u64>,
    gate: Gate,
}

/// What a body waits for whose client asked for 100 (Continue): the upstream's word, but not for
/// ever (RFC 9110 §10.1.1).
#[derive(Debug)]
enum Gate {
    Open,
    /// The timer runs from the moment when the body's turn has come.
    Closed(Option<Pin<Box<Sleep>>>),
}

/// Why a request could not be sent to its end.
#[derive(Debug)]
pub enum SendError {
    /// The client's side; the upload knows why.
    Body,
    /// The stream's.
    Stream(io::Error),
}

impl From<io::Error> for SendError {
    fn from(error: io::Error) -> Self {
        Self::Stream(error)
    }
}

impl From<BodyError> for SendError {
    fn from(BodyError: BodyError) -> Self {
        Self::Body
    }
}

impl Sending {
    /// A request that goes out on `outbound`.
    pub fn new(
        outbound: &Rc<Outbound<Stream>>,
        method: &Method,
        target: &Uri,
        headers: &HeaderMap,
        upload: Option<&Rc<Upload>>,
    ) -> Self {
        Self {
            outbound: Rc::clone(outbound),
            out: Out::new(wire::request_head(method, target, headers)),
            rest: upload.map(|upload| Rest {
                left: upload.left(),
                gate: match upload.expects() {
                    true => Gate::Closed(None),
                    false => Gate::Open,
                },
                upload: Rc::clone(upload),
            }),
            turn: Turn::default(),
            failed: false,
        }
    }

    /// Whether there is something left that may go out once the response has begun: a body that
    /// waited for 100 (Continue) then stays where it is.
    pub fn may_go_on(&self) -> bool {
        let is_held_back = |rest: &Rest| matches!(rest.gate, Gate::Closed(_));
        !self.failed
            && !self.outbound.is_request_sent()
            && !self.rest.as_ref().is_some_and(is_held_back)
    }

    /// Why the client's side failed, if the fault is the client's.
    pub fn failure(&self) -> Option<Cause> {
        self.rest.as_ref().and_then(|rest| rest.upload.failure())
    }

    /// Ready when the request was handed over to its last byte. What is at hand of its body goes out
    /// together with the head.
    ///
    /// # Errors
    /// [`SendError`].
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        if self.outbound.is_request_sent() {
            return Poll::Ready(Ok(()));
        }
        let polled = self.poll_sent(cx);
        self.failed |= matches!(polled, Poll::Ready(Err(_)));
        polled
    }

    fn poll_sent(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        loop {
            ready!(self.turn.poll_next(cx));
            let starved = self.poll_fill(cx)?.is_pending();
            if self.out.is_empty() {
                ready!(self.outbound.poll_flush(cx))?;
                if starved {
                    self.turn = Turn::default();
                    return Poll::Pending;
                }
                self.outbound.request_sent();
                return Poll::Ready(Ok(()));
            }
            while !self.out.is_empty() {
                let outbound = &self.outbound;
                ready!(
                    self.out
                        .poll_write(|slices| outbound.poll_write(slices, cx))
                )?;
            }
        }
    }

    /// Ready when there is no room for more, or no more.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BodyError>> {
        while let Some(rest) = &mut self.rest
            && !self.out.has_large()
            && self.out.len() < limits::SEND_TOGETHER
        {
            ready!(rest.gate.poll_open(&self.outbound, cx));
            let piece = ready!(rest.upload.poll_piece(cx)).transpose()?;
            if rest.put(piece, &mut self.out)? {
                self.rest = None;
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl Gate {
    fn poll_open(&mut self, outbound: &Outbound<Stream>, cx: &mut Context<'_>) -> Poll<()> {
        if let Self::Closed(timer) = self {
            let timer =
                timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(limits::CONTINUE_WAIT)));
            if outbound.poll_continue(cx).is_pending() {
                ready!(timer.as_mut().poll(cx));
            }
            *self = Self::Open;
        }
        Poll::Ready(())
    }
}

impl Rest {
    /// Puts a piece of the body to what goes out, `None` for its end; true when it was the last.
    fn put(&mut self, piece: Option<Piece>, out: &mut Out) -> Result<bool, BodyError> {
        match (piece, &mut self.left) {
            (Some(Piece::Data(data)), Some(left)) => {
                // The strict reader lets no more through than was said.
                *left = left.checked_sub(data.len() as u64).ok_or(BodyError)?;
                out.put(data);
                Ok(*left == 0)
            }
            (None | Some(Piece::Trailers(_)), Some(left)) => match left {
                0 => Ok(true),
                _ => Err(BodyError),
            },
            (Some(Piece::Data(data)), None) => {
                out.put_chunk(data);
                Ok(false)
            }
            (Some(Piece::Trailers(trailers)), None) => {
                let announced = self.upload.announced();
                out.put_last_chunk(&trailers, |name| announced.contains(name));
                Ok(true)
            }
            (None, None) => {
                out.put_last_chunk(&HeaderMap::new(), |_| false);
                Ok(true)
            }
        }
    }
}
