//! A response's body on its way to the client, with the connection that it comes from.

use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::Instant;

use super::destination::Blame;
use super::{Record, headers};
use crate::error::{Cause, Failure};
use crate::identity::Lease;
use crate::wire::Inbound;

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
    incoming: Incoming,
    lease: Option<Lease>,
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
        incoming: Incoming,
        lease: Lease,
        upstream_idle: Duration,
        patience: Duration,
        blame: Blame,
        inbound: Rc<Inbound>,
    ) -> Self {
        let mut relay = Relay {
            incoming,
            lease: Some(lease),
            upstream_idle,
            patience,
            owing: None,
            blame,
        };
        if relay.incoming.is_end_stream() {
            relay.settle();
        }
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

    fn hold(&self) {
        if let Some(lease) = &self.lease {
            lease.connection.outbound().hold();
        }
    }

    fn want(&self) {
        if let Some(lease) = &self.lease {
            lease.connection.outbound().want();
        }
    }

    /// The next piece. Unless the last one `is_out`, none is read for it: what a client does not take
    /// stays with the upstream. hyper asks again when it is.
    fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
        is_out: bool,
    ) -> Poll<Option<Result<Frame<Bytes>, CutOff>>> {
        match Pin::new(&mut self.incoming).poll_frame(cx) {
            Poll::Ready(Some(Ok(mut frame))) => {
                self.owing = None;
                self.hold();
                if let Some(trailers) = frame.trailers_mut() {
                    headers::trailers(trailers);
                }
                if self.incoming.is_end_stream() {
                    self.settle();
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(None) => {
                self.settle();
                Poll::Ready(None)
            }
            Poll::Ready(Some(Err(_))) => {
                let violation = self
                    .lease
                    .as_ref()
                    .and_then(|lease| lease.connection.outbound().violation());
                self.cut_off(violation.map_or(Cause::Incomplete, Cause::BadResponse))
            }
            Poll::Pending => {
                if !is_out {
                    self.owing = None;
                    return Poll::Pending;
                }
                self.want();
                if let Some(lease) = &self.lease {
                    let owing = self.owing.get_or_insert_with(Instant::now);
                    let alarm = &lease.connection.outbound().patience;
                    ready!(alarm.poll_passed(*owing + self.patience, cx));
                    return self.cut_off(Cause::ResponseTimeout(self.patience));
                }
                Poll::Pending
            }
        }
    }

    fn cut_off(&mut self, cause: Cause) -> Poll<Option<Result<Frame<Bytes>, CutOff>>> {
        self.settle();
        Poll::Ready(Some(Err(CutOff(self.blame.failure(cause)))))
    }
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
        let is_out = !self.inbound.is_unflushed();
        let polled = match &mut self.kind {
            Kind::Text(text) if text.is_empty() => Poll::Ready(None),
            Kind::Text(text) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(text))))),
            Kind::Relay(relay) => relay.poll_frame(cx, is_out),
        };
        if let Poll::Ready(Some(Ok(_))) = &polled {
            self.inbound.answers();
        }
        if let Some(record) = &mut self.record {
            match &polled {
                Poll::Ready(Some(Ok(frame))) => {
                    record.sent(frame.data_ref().map_or(0, |data| data.len() as u64));
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
            Kind::Relay(relay) => relay.incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Text(text) => SizeHint::with_exact(text.len() as u64),
            Kind::Relay(relay) => relay.incoming.size_hint(),
        }
    }
}
