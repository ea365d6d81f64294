//! A response's body on its way to the client, with the connection that it comes from.

use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::Instant;

use super::destination::Blame;
use super::{Record, headers};
use crate::error::{Cause, Failure};
use crate::identity::Lease;
use crate::wire::{Broken, Inbound};

/// What hyper sends to the client: a text of ours, or what the upstream sends.
#[derive(Debug)]
pub struct ResponseBody {
    kind: Kind,
    inbound: Rc<Inbound>,
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
    /// Bytes that are still to come, if the upstream said how many there are.
    left: Option<u64>,
    upstream_idle: Duration,
    patience: Duration,
    /// Since when the upstream owes a piece that the client would take.
    owing: Option<Instant>,
    blame: Blame,
}

/// The upstream's body ended early: hyper cuts the client off, who must see that.
#[derive(Debug, Clone)]
pub struct CutOff(Failure);

impl fmt::Display for CutOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the upstream's body ended early ({})",
            self.0.cause.label()
        )
    }
}

impl std::error::Error for CutOff {}

impl ResponseBody {
    /// A text of ours.
    pub fn text(text: String, inbound: Rc<Inbound>) -> Self {
        Self {
            kind: Kind::Text(Bytes::from(text)),
            inbound,
            record: None,
        }
    }

    /// The body that comes on `lease`. `blame` says whom a failure concerns.
    pub fn relay(
        lease: Lease,
        upstream_idle: Duration,
        patience: Duration,
        blame: Blame,
        inbound: Rc<Inbound>,
    ) -> Self {
        let mut relay = Relay {
            left: lease.connection.outbound().body_length(),
            lease: Some(lease),
            upstream_idle,
            patience,
            owing: None,
            blame,
        };
        relay.settle_if_over();
        Self {
            kind: Kind::Relay(Box::new(relay)),
            inbound,
            record: None,
        }
    }

    /// Takes the record along to its end.
    pub fn record(&mut self, record: Record) {
        self.record = Some(Box::new(record));
    }
}

impl Relay {
    fn settle(&mut self) {
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

    /// The next piece. Little is read before earlier ones are out: what a client does not take stays
    /// with the upstream.
    fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
        inbound: &Inbound,
    ) -> Poll<Option<Result<Frame<Bytes>, CutOff>>> {
        let Some(lease) = &self.lease else {
            return Poll::Ready(None);
        };
        if !inbound.takes_more() {
            self.owing = None;
            return Poll::Pending;
        }
        let outbound = lease.connection.outbound();
        match outbound.poll_piece(cx) {
            Poll::Ready(Some(Ok(mut frame))) => {
                self.owing = None;
                if let (Some(left), Some(data)) = (&mut self.left, frame.data_ref()) {
                    *left = left.saturating_sub(data.len() as u64);
                }
                if let Some(trailers) = frame.trailers_mut() {
                    headers::trailers(trailers);
                }
                self.settle_if_over();
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(None) => {
                self.settle();
                Poll::Ready(None)
            }
            Poll::Ready(Some(Err(Broken))) => {
                let violation = outbound.violation();
                self.cut_off(violation.map_or(Cause::Incomplete, Cause::BadResponse))
            }
            // While the client has to take something, the upstream owes nothing.
            Poll::Pending if !inbound.is_out() => {
                self.owing = None;
                Poll::Pending
            }
            Poll::Pending => {
                let owing = self.owing.get_or_insert_with(Instant::now);
                ready!(outbound.patience.poll_passed(*owing + self.patience, cx));
                self.cut_off(Cause::ResponseTimeout(self.patience))
            }
        }
    }

    fn cut_off(&mut self, cause: Cause) -> Poll<Option<Result<Frame<Bytes>, CutOff>>> {
        self.settle();
        Poll::Ready(Some(Err(CutOff(self.blame.failure(cause)))))
    }
}

/// How much of the body it is.
fn length(frame: &Frame<Bytes>) -> usize {
    frame.data_ref().map_or(0, Bytes::len)
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.settle();
    }
}

impl Drop for ResponseBody {
    fn drop(&mut self) {
        self.inbound.answered();
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = CutOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CutOff>>> {
        let this = &mut *self;
        let polled = match &mut this.kind {
            Kind::Text(text) if text.is_empty() => Poll::Ready(None),
            Kind::Text(text) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(text))))),
            Kind::Relay(relay) => relay.poll_frame(cx, &this.inbound),
        };
        if let Poll::Ready(Some(Ok(frame))) = &polled {
            self.inbound.answers(length(frame));
        }
        if let Some(record) = &mut self.record {
            match &polled {
                Poll::Ready(Some(Ok(frame))) => {
                    record.sent(length(frame) as u64);
                }
                Poll::Ready(Some(Err(CutOff(failure)))) => record.cut_off(failure),
                Poll::Ready(None) | Poll::Pending => {}
            }
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Text(text) => text.is_empty(),
            Kind::Relay(relay) => relay.lease.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Text(text) => SizeHint::with_exact(text.len() as u64),
            Kind::Relay(relay) => relay
                .left
                .map_or_else(SizeHint::default, SizeHint::with_exact),
        }
    }
}
