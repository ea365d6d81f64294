//! Sending one request upstream and getting the head of its response, once more if a pooled
//! connection turns out dead.

use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, ready};
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use tokio::time::Instant;

use super::destination::Hop;
use super::{Record, Refusal, headers};
use crate::error::{Cause, Violation};
use crate::identity::{Lease, Need};
use crate::upstream::body::Upload;
use crate::upstream::connect::Dialer;
use crate::upstream::send::Sending;
use crate::wire::{Asked, Broken};

/// A request that is ready to go.
pub(super) struct Exchange<'a> {
    pub record: &'a mut Record,
    pub dialer: &'a Rc<Dialer>,
    pub hop: &'a Hop<'a>,
    pub method: Method,
    pub headers: HeaderMap,
    pub upload: Option<Rc<Upload>>,
    /// The protocols for which the client offers to leave HTTP.
    pub upgrade: Option<HeaderValue>,
    /// `--response-timeout`.
    pub patience: Duration,
}

/// A response that has begun, perhaps before the request was sent to its end.
pub(super) type Begun = (Response<()>, Lease, Option<Box<Sending>>);

/// Why an attempt did not bring a response.
struct Miss {
    refusal: Refusal,
    /// Whether nothing speaks against sending the request once more.
    repeatable: bool,
}

impl Exchange<'_> {
    /// The head of the response, the connection that its body comes on, and what is left to be sent.
    pub async fn run(mut self) -> Result<Begun, Refusal> {
        let counters = &self.hop.identity.counters;
        counters.requests.add_one();
        let mut outcome = self.attempt(false).await;
        if let Err(Miss {
            repeatable: true, ..
        }) = outcome
        {
            counters.retried.add_one();
            if let Some(upload) = &self.upload {
                upload.rewind();
            }
            outcome = self.attempt(true).await;
        }
        outcome.map_err(|miss| {
            counters.failures.add_one();
            miss.refusal
        })
    }

    async fn attempt(&mut self, again: bool) -> Result<Begun, Miss> {
        let identity = self.hop.identity;
        let mut lease = identity
            .connect(self.hop.upstream, self.dialer, self.needs(again))
            .await
            .map_err(|cause| self.final_miss(cause))?;
        self.record.takes(&lease);
        let last = again || !lease.reused;
        lease.connection.begin(Asked {
            head: self.method == Method::HEAD,
            upgrade: self.upgrade.is_some(),
        });
        let outbound = lease.connection.outbound();
        let mut sending = Sending::new(
            outbound,
            &self.method,
            &self.hop.uri,
            &self.headers,
            self.upload.as_ref(),
        );
        let began = outbound.last_write();
        let miss = match self.response(&mut sending, &lease).await {
            Ok(Ok(response)) => match self.check(&response, &lease) {
                Ok(()) => {
                    self.record.responded(began);
                    let rest = sending.may_go_on().then(|| Box::new(sending));
                    return Ok((response, lease, rest));
                }
                Err(cause) => self.final_miss(cause),
            },
            Ok(Err(Broken)) => self.explain(&lease, last),
            Err(cause) => self.final_miss(cause),
        };
        lease.settle(self.dialer.upstream_idle);
        Err(miss)
    }

    /// A pooled connection that turns out dead does no harm to a request that may go out again.
    fn needs(&self, again: bool) -> Need {
        match again {
            true => Need::Fresh,
            false if self.upload.is_none() && self.method.is_idempotent() => Need::Open,
            false => Need::Certain,
        }
    }

    fn final_miss(&self, cause: Cause) -> Miss {
        Miss {
            refusal: Refusal::Failed(self.hop.blame().failure(cause)),
            repeatable: false,
        }
    }

    /// Sends the request, and waits for the head of the response: so long after the last byte that
    /// went out or came from the client, but not while the client owes us its body, which has a
    /// timer of its own.
    async fn response(
        &mut self,
        sending: &mut Sending,
        lease: &Lease,
    ) -> Result<Result<Response<()>, Broken>, Cause> {
        let outbound = lease.connection.outbound();
        let upload = self.upload.as_ref();
        // Untouched until something of a response came: the request may have to go out again.
        let fields = &mut self.headers;
        // Since when the client alone is waited for.
        let mut starved_at = None;
        poll_fn(|cx| {
            let response = lease.connection.poll_response(sending, fields, cx);
            if let Poll::Ready(response) = response {
                return Poll::Ready(Ok(response));
            }
            loop {
                let heard = upload.map(|upload| upload.last_piece());
                let since = Some(outbound.last_write()).max(heard).max(starved_at);
                let since = since.unwrap_or_else(Instant::now);
                ready!(outbound.patience.poll_passed(since + self.patience, cx));
                if !upload.is_some_and(|upload| upload.is_starved()) {
                    return Poll::Ready(Err(match outbound.is_request_sent() {
                        true => Cause::ResponseTimeout(self.patience),
                        false => Cause::WriteTimeout(self.patience),
                    }));
                }
                starved_at = Some(Instant::now());
            }
        })
        .await
    }

    /// A switch must be one that was offered, in a request that is out.
    fn check(&self, response: &Response<()>, lease: &Lease) -> Result<(), Cause> {
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Ok(());
        }
        let as_offered = |offered| headers::switches_as_offered(response.headers(), offered);
        match lease.connection.outbound().is_request_sent()
            && self.upgrade.as_ref().is_some_and(as_offered)
        {
            true => Ok(()),
            false => Err(Cause::BadResponse(Violation::UnaskedUpgrade)),
        }
    }

    fn explain(&self, lease: &Lease, last: bool) -> Miss {
        if let Some(upload) = &self.upload {
            if let Some(cause) = upload.failure() {
                return self.final_miss(cause);
            }
            if upload.is_cut() {
                return Miss {
                    refusal: Refusal::Gone,
                    repeatable: false,
                };
            }
        }
        // Asked before the rest of the socket is looked through for a reason.
        let is_answered = lease.connection.outbound().responded();
        let cause = lease.connection.failure();
        if let Cause::BadResponse(_) = cause {
            return self.final_miss(cause);
        }
        Miss {
            refusal: Refusal::Failed(self.hop.blame().failure(cause)),
            repeatable: !last && !is_answered && self.may_repeat(lease),
        }
    }

    /// A request may go out again when nothing of it was handed to TLS, or when it does no harm
    /// twice (RFC 9110 §9.2.2), its body is whole and no byte of an answer came.
    fn may_repeat(&self, lease: &Lease) -> bool {
        let outbound = lease.connection.outbound();
        let body = self.upload.as_ref();
        if outbound.written() == 0 {
            return body.is_none_or(|upload| upload.can_rewind());
        }
        self.method.is_idempotent()
            && !outbound.responded()
            && body.is_none_or(|upload| !upload.is_touched())
    }
}
