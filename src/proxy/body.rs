//! A response's body on its way to the client, with the connection that it comes from.

use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderName;
use tokio::time::Instant;

use super::Record;
use super::destination::Blame;
use crate::error::{Cause, Failure};
use crate::identity::Lease;
use crate::upstream::send::{SendError, Sending};
use crate::wire::{Broken, Piece};

/// What the client is sent: a text of ours, or what the upstream sends.
#[derive(Debug)]
pub struct ResponseBody {
    kind: Kind,
    /// What became of the request; told when the body is through.
    record: Option<Box<Record>>,
}

#[derive(Debug)]
enum Kind {
    Text(Bytes),
    Relay(Box<Relay>),
}

/// A body under way, and the lease that it carries to its end.
#[derive(Debug)]
struct Relay {
    /// `None` once the body is through.
    lease: Option<Lease>,
    /// What is left of a request that was answered before its end.
    rest: Option<Box<Sending>>,
    /// Trailer fields that may go on.
    announced: Vec<HeaderName>,
    upstream_idle: Duration,
    patience: Duration,
    /// Since when the upstream owes a piece that the client would take.
    owing: Option<Instant>,
    blame: Blame,
}

/// The body will not come to its end: the client is cut off, and must see that.
#[derive(Debug, Clone, Copy)]
pub struct CutOff;

/// Why the rest of a request is not sent.
enum Unsent {
    /// The client broke off.
    Gone,
    /// It is told of.
    Failed(Failure),
}

impl ResponseBody {
    /// A text of ours.
    pub fn text(text: String) -> Self {
        Self {
            kind: Kind::Text(Bytes::from(text)),
            record: None,
        }
    }

    /// The body that comes on `lease`, beside which the `rest` of its request is sent. Of its trailer
    /// fields only those `announced` go on. `blame` says whom a failure concerns.
    pub(super) fn relay(
        lease: Lease,
        rest: Option<Box<Sending>>,
        announced: Vec<HeaderName>,
        upstream_idle: Duration,
        patience: Duration,
        blame: Blame,
    ) -> Self {
        let mut relay = Relay {
            lease: Some(lease),
            rest,
            announced,
            upstream_idle,
            patience,
            owing: None,
            blame,
        };
        relay.settle_if_over();
        Self {
            kind: Kind::Relay(Box::new(relay)),
            record: None,
        }
    }

    /// Takes the record along to its end.
    pub fn record(&mut self, record: Record) {
        self.record = Some(Box::new(record));
    }

    /// How many bytes it has altogether, where that is known before any is taken.
    pub fn length(&self) -> Option<u64> {
        match &self.kind {
            Kind::Text(text) => Some(text.len() as u64),
            Kind::Relay(relay) => match &relay.lease {
                Some(lease) => lease.connection.outbound().body_length(),
                None => Some(0),
            },
        }
    }

    /// Whether this field may go on after the body.
    pub fn announces(&self, name: &HeaderName) -> bool {
        match &self.kind {
            Kind::Text(_) => false,
            Kind::Relay(relay) => relay.announced.contains(name),
        }
    }

    /// Sends what is left of the request, whether or not the client takes the answer.
    ///
    /// # Errors
    /// The client's side of it failed.
    pub fn send_rest(&mut self, cx: &mut Context<'_>) -> Result<(), CutOff> {
        match &mut self.kind {
            Kind::Relay(relay) => match relay.send_rest(cx) {
                Some(Unsent::Failed(failure)) => Err(self.cut_off(&failure)),
                Some(Unsent::Gone) => Err(CutOff),
                None => Ok(()),
            },
            Kind::Text(_) => Ok(()),
        }
    }

    /// The next piece; `None` when it is over. While the client has to take something (`is_out` is
    /// false), the upstream owes nothing.
    ///
    /// # Errors
    /// It will not come to its end.
    pub fn poll_piece(
        &mut self,
        cx: &mut Context<'_>,
        is_out: bool,
    ) -> Poll<Option<Result<Piece, CutOff>>> {
        let piece = match &mut self.kind {
            Kind::Text(text) if text.is_empty() => None,
            Kind::Text(text) => Some(Ok(Piece::Data(std::mem::take(text)))),
            Kind::Relay(relay) => ready!(relay.poll_piece(cx, is_out)),
        };
        Poll::Ready(piece.map(|piece| match piece {
            Ok(piece) => {
                if let Some(record) = &mut self.record {
                    record.sent(piece.size() as u64);
                }
                Ok(piece)
            }
            Err(failure) => Err(self.cut_off(&failure)),
        }))
    }

    fn cut_off(&mut self, failure: &Failure) -> CutOff {
        if let Some(record) = &mut self.record {
            record.cut_off(failure);
        }
        CutOff
    }
}

impl Relay {
    fn settle(&mut self) {
        self.rest = None;
        if let Some(lease) = self.lease.take() {
            lease.settle(self.upstream_idle);
        }
    }

    fn settle_if_over(&mut self) {
        let outbound = self.lease.as_ref().map(|lease| lease.connection.outbound());
        if outbound.is_some_and(|outbound| outbound.is_response_over()) {
            self.settle();
        }
    }

    /// Sends on; tells what ends the exchange.
    fn send_rest(&mut self, cx: &mut Context<'_>) -> Option<Unsent> {
        let rest = self.rest.as_mut()?;
        match rest.poll(cx) {
            Poll::Pending => {}
            // A stream that takes no more tells its reader, too.
            Poll::Ready(Ok(()) | Err(SendError::Stream(_))) => self.rest = None,
            Poll::Ready(Err(SendError::Body)) => {
                let failed = rest.failure();
                self.settle();
                return Some(match failed {
                    Some(cause) => Unsent::Failed(self.blame.failure(cause)),
                    None => Unsent::Gone,
                });
            }
        }
        None
    }

    fn poll_piece(
        &mut self,
        cx: &mut Context<'_>,
        is_out: bool,
    ) -> Poll<Option<Result<Piece, Failure>>> {
        let Some(lease) = &self.lease else {
            return Poll::Ready(None);
        };
        let outbound = lease.connection.outbound();
        match outbound.poll_piece(cx) {
            Poll::Ready(Some(Ok(piece))) => {
                self.owing = None;
                self.settle_if_over();
                Poll::Ready(Some(Ok(piece)))
            }
            Poll::Ready(None) => {
                self.settle();
                Poll::Ready(None)
            }
            Poll::Ready(Some(Err(Broken))) => {
                let violation = outbound.violation();
                let failure = self.end(violation.map_or(Cause::Incomplete, Cause::BadResponse));
                Poll::Ready(Some(Err(failure)))
            }
            Poll::Pending if !is_out => {
                self.owing = None;
                Poll::Pending
            }
            Poll::Pending => {
                let owing = self.owing.get_or_insert_with(Instant::now);
                ready!(outbound.patience.poll_passed(*owing + self.patience, cx));
                let failure = self.end(Cause::ResponseTimeout(self.patience));
                Poll::Ready(Some(Err(failure)))
            }
        }
    }

    fn end(&mut self, cause: Cause) -> Failure {
        self.settle();
        self.blame.failure(cause)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.settle();
    }
}
