//! One client connection, from its first byte to its end.

use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::Response;
use tokio::task::yield_now;
use tokio::time::{Instant, timeout};

use super::answer::Answer;
use super::clients::Member;
use super::{Listener, Patience};
use crate::error::Cause;
use crate::limits;
use crate::proxy::{Client, Gone, ResponseBody, raw_answer};
use crate::wire::{Alarm, Inbound, NoRequest, Refused, Request, Socket, Terms, Waiting};

impl Listener {
    /// Serves one client. What it takes to answer, and to part, is in boxes of its own: an idle
    /// client is to cost little.
    pub(super) async fn serve(self: Rc<Self>, client: Client, member: Member) {
        let alarm = Alarm::default();
        let mut answers = 0_u8;
        let end = loop {
            let next = |cx: &mut Context<'_>| self.poll_next(&client.inbound, &member, &alarm, cx);
            let answered = match poll_fn(next).await {
                Ok(request) => Box::pin(self.answer(request, &client, &member, &alarm)),
                Err(end) => break end,
            };
            if let Err(end) = answered.await {
                break end;
            }
            answers = answers.wrapping_add(1);
            if answers.is_multiple_of(limits::ANSWERS_TOGETHER) && client.inbound.has_pending() {
                yield_now().await;
            }
        };
        Box::pin(self.finish(end, &client, &member)).await;
    }

    /// The next request.
    ///
    /// # Errors
    /// The connection is to end.
    fn poll_next(
        &self,
        inbound: &Inbound,
        member: &Member,
        alarm: &Alarm,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Request, End>> {
        loop {
            if let Poll::Ready(request) = inbound.poll_request(cx) {
                if request.is_ok() {
                    member.keeps_place();
                }
                return Poll::Ready(request.map_err(End::from));
            }
            member.polled(cx);
            if !member.must_leave() || !inbound.take_unannounced() {
                break;
            }
        }
        if member.must_leave() {
            // At a stop nobody waits for the rest of a head.
            if member.is_draining() || inbound.idle_since().is_some() {
                return Poll::Ready(Err(End::Done));
            }
            member.keeps_place();
        }
        Poll::Ready(Err(
            match ready!(self.patience.poll_expired(inbound.waiting(), alarm, cx)) {
                Expired::Head(after) => End::refused(Cause::HeaderTimeout(after)),
                Expired::Idle | Expired::Body(_) | Expired::Writing => End::Done,
            },
        ))
    }

    /// Answers one request.
    ///
    /// # Errors
    /// The connection is to end.
    async fn answer(
        &self,
        request: Request,
        client: &Client,
        member: &Member,
        alarm: &Alarm,
    ) -> Result<(), End> {
        let inbound = &client.inbound;
        let mut terms = Terms {
            version: request.head.version,
            method: request.method.clone(),
            stays: !request.head.close,
        };
        let response = self.response(request, client, member, alarm).await?;
        // A tunnel begins with its answer.
        terms.stays &= !member.must_leave() || client.tunnel.borrow().is_some();
        // A client whose body was not asked for may send it all the same, or another request.
        terms.stays &= !inbound.holds_back_body();
        let mut answer = Answer::new(response, terms, inbound);
        poll_fn(|cx| {
            loop {
                if let Poll::Ready(written) = answer.poll(cx, inbound) {
                    return Poll::Ready(written);
                }
                ready!(self.poll_client(inbound, member, alarm, cx))?;
            }
        })
        .await?;
        // A client that sends more than was read of its body cannot be followed any further.
        match answer.stays && client.tunnel.borrow().is_none() && inbound.pass_over_body() {
            true => {
                inbound.answered(Instant::now());
                Ok(())
            }
            false => Err(End::Done),
        }
    }

    async fn response(
        &self,
        request: Request,
        client: &Client,
        member: &Member,
        alarm: &Alarm,
    ) -> Result<Response<ResponseBody>, End> {
        let mut service = pin!(self.service.answer(client, request));
        poll_fn(|cx| {
            loop {
                if let Poll::Ready(response) = service.as_mut().poll(cx) {
                    return Poll::Ready(response.map_err(|Gone| End::Gone));
                }
                ready!(self.poll_client(&client.inbound, member, alarm, cx))?;
            }
        })
        .await
    }

    /// Ready when the client, whose request is being answered, did not send its body in time: who
    /// reads that finds out.
    ///
    /// # Errors
    /// The connection is to end.
    fn poll_client(
        &self,
        inbound: &Inbound,
        member: &Member,
        alarm: &Alarm,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), End>> {
        member.polled(cx);
        if inbound.poll_vanished(cx).is_ready() {
            return Poll::Ready(Err(End::Gone));
        }
        match ready!(self.patience.poll_expired(inbound.waiting(), alarm, cx)) {
            Expired::Body(after) => {
                inbound.fail(Cause::BodyTimeout(after));
                Poll::Ready(Ok(()))
            }
            Expired::Writing => Poll::Ready(Err(End::Stalled)),
            Expired::Head(_) | Expired::Idle => Poll::Ready(Err(End::Done)),
        }
    }

    async fn finish(&self, end: End, client: &Client, member: &Member) {
        let inbound = &client.inbound;
        let tunnel = client.tunnel.take();
        match end {
            End::Refused(Refused { cause, to_head }) => {
                ::log::debug!("a request was refused: {}", cause.label());
                self.service.refused(client, &cause);
                let bytes = raw_answer(cause, to_head);
                let written = inbound.socket().write_all(&bytes);
                if let Ok(Ok(())) = timeout(limits::LINGER, written).await {
                    inbound.done(Instant::now());
                    part(inbound.socket(), member).await;
                }
            }
            End::Done => match tunnel {
                Some(tunnel) => tunnel.run(inbound).await,
                None if inbound.is_over() => {}
                None => {
                    inbound.done(Instant::now());
                    part(inbound.socket(), member).await;
                }
            },
            // A client that reads until the end must not take the cut for one. Any other sees it, and
            // a reset would take with it what it has not read yet of the answers before.
            End::Cut if !inbound.is_until_close() => {
                inbound.done(Instant::now());
                part(inbound.socket(), member).await;
            }
            End::Cut | End::Stalled => inbound.socket().reset_on_close(),
            // It may have ended its own side only.
            End::Gone if inbound.is_until_close() => inbound.socket().reset_on_close(),
            End::Gone => {}
        }
    }
}

/// How a client connection ended.
pub(super) enum End {
    /// In good order.
    Done,
    /// With a head that nobody was asked about: we answer and close.
    Refused(Refused),
    /// In the middle of an answer.
    Cut,
    /// The client does not take its answer.
    Stalled,
    /// By the client.
    Gone,
}

impl End {
    fn refused(cause: Cause) -> Self {
        Self::Refused(Refused {
            cause,
            to_head: false,
        })
    }
}

impl From<NoRequest> for End {
    fn from(why: NoRequest) -> Self {
        match why {
            NoRequest::Over => Self::Done,
            NoRequest::Gone => Self::Gone,
            NoRequest::Refused(refused) => Self::Refused(refused),
        }
    }
}

/// Whose time is over.
enum Expired {
    Idle,
    Head(Duration),
    Body(Duration),
    Writing,
}

impl Patience {
    /// Ready when a silent client's time is over.
    fn poll_expired(
        &self,
        waiting: Option<Waiting>,
        alarm: &Alarm,
        cx: &mut Context<'_>,
    ) -> Poll<Expired> {
        let Some(waiting) = waiting else {
            return Poll::Pending;
        };
        let (deadline, expired) = match waiting {
            Waiting::Idle(since) => (since + self.idle, Expired::Idle),
            Waiting::Head(since) => (since + self.header, Expired::Head(self.header)),
            Waiting::Body(since) => (since + self.idle, Expired::Body(self.idle)),
            Waiting::Write(since) => (since + self.idle, Expired::Writing),
        };
        alarm.poll_passed(deadline, cx).map(|()| expired)
    }
}

/// Closes our side, then reads on for a while: closing with unread bytes would reset the
/// connection, and our last answer could be lost with it (RFC 9112 §9.6).
async fn part(socket: &Socket, member: &Member) {
    if socket.shutdown_write().is_ok() {
        tokio::select! {
            // A client that goes on sending is not waited for longer than this.
            _ = timeout(limits::LINGER, socket.discard()) => {}
            () = member.place_needed() => {}
        }
    }
}
