//! One client connection, from its first byte to its end.
//!
//! hyper holds it only while a request is under way. Between requests it is parked: the task that
//! waits then is small, and has no buffers.

use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, timeout};

use super::clients::Member;
use super::{Listener, Patience};
use crate::error::Cause;
use crate::limits;
use crate::proxy::{Client, raw_answer};
use crate::wire::{Alarm, Inbound, InboundIo, Socket, Waiting};

impl Listener {
    /// Serves one client. What it takes to answer, and to part, is in boxes of its own: an idle
    /// client is to cost little.
    pub(super) async fn serve(self: Rc<Self>, client: Client, member: Member) {
        let alarm = Alarm::default();
        let end = loop {
            let parked =
                |cx: &mut Context<'_>| self.poll_parked(&client.inbound, &member, &alarm, cx);
            if let Parked::Over(end) = poll_fn(parked).await {
                break end;
            }
            let conversation = Box::pin(self.converse(&client, &member, &alarm));
            if let Some(end) = conversation.await {
                break end;
            }
        };
        Box::pin(self.finish(end, &client, &member)).await;
    }

    /// Ready when a whole head is there, or the connection is to end.
    fn poll_parked(
        &self,
        inbound: &Inbound,
        member: &Member,
        alarm: &Alarm,
        cx: &mut Context<'_>,
    ) -> Poll<Parked> {
        if let Poll::Ready(head) = inbound.poll_head(cx) {
            return Poll::Ready(match head {
                Ok(true) => Parked::Asked,
                Ok(false) => Parked::Over(End::Done),
                Err(_) => Parked::Over(inbound.take_refusal().map_or(End::Gone, End::Refused)),
            });
        }
        member.polled(cx);
        // At a stop nobody waits for the rest of a head.
        if member.must_leave() && (member.is_draining() || inbound.idle_since().is_some()) {
            return Poll::Ready(Parked::Over(End::Done));
        }
        let patience = &self.patience;
        Poll::Ready(Parked::Over(
            match ready!(patience.poll_expired(patience.idle, inbound.waiting(), alarm, cx)) {
                Expired::Head(after) => End::Refused(Cause::HeaderTimeout(after)),
                Expired::Idle | Expired::Body(_) | Expired::Writing => End::Done,
            },
        ))
    }

    /// Serves requests until the connection ends, one way or another, or falls silent: then there
    /// is no end.
    async fn converse(&self, client: &Client, member: &Member, alarm: &Alarm) -> Option<End> {
        let inbound = &client.inbound;
        // In a box: hyper would keep room for it while the answer's body is under way.
        let answer = |request| Box::pin(self.service.answer(client.clone(), request));
        let service = service_fn(answer);
        let io = TokioIo::new(InboundIo(Rc::clone(inbound)));
        let mut connection = pin!(
            http1::Builder::new()
                .half_close(false)
                .auto_date_header(false)
                .max_buf_size(limits::BUFFER_MAX)
                .serve_connection(io, service)
        );
        let awake = member.wake();
        let mut draining = false;
        poll_fn(|cx| {
            let mut again = true;
            loop {
                if let Poll::Ready(result) = connection.as_mut().poll(cx) {
                    return Poll::Ready(Some(ended(inbound, &result)));
                }
                member.polled(cx);
                if inbound.poll_vanished(cx).is_ready() {
                    return Poll::Ready(Some(End::Gone));
                }
                if member.must_leave() && inbound.idle_since().is_some() {
                    return Poll::Ready(Some(End::Done));
                }
                if member.is_draining() && !draining {
                    draining = true;
                    connection.as_mut().graceful_shutdown();
                    continue;
                }
                if awake.is_crowded() && inbound.idle_since().is_some() {
                    // hyper pauses now and then with work left: it has another chance.
                    match std::mem::take(&mut again) {
                        true => continue,
                        false => return Poll::Ready(None),
                    }
                }
                let waiting = inbound.waiting();
                let park = limits::PARK_AFTER.min(self.patience.idle);
                match ready!(self.patience.poll_expired(park, waiting, alarm, cx)) {
                    // The answer is out, and hyper has no byte of another request.
                    Expired::Idle => return Poll::Ready(None),
                    Expired::Writing => return Poll::Ready(Some(End::Stalled)),
                    Expired::Head(after) => {
                        return Poll::Ready(Some(End::Refused(Cause::HeaderTimeout(after))));
                    }
                    // hyper's next read fails, and the request in hand answers.
                    Expired::Body(after) => inbound.fail(Cause::BodyTimeout(after)),
                }
            }
        })
        .await
    }

    async fn finish(&self, end: End, client: &Client, member: &Member) {
        let inbound = &client.inbound;
        let tunnel = client.tunnel.take();
        match end {
            End::Refused(cause) => {
                ::log::debug!("a request was refused: {}", cause.label());
                self.service.refused(client, &cause);
                let bytes = raw_answer(cause, inbound.begins_with_head());
                let written = inbound.socket().write_all(&bytes);
                if let Ok(Ok(())) = timeout(limits::LINGER, written).await {
                    inbound.done(Instant::now());
                    part(inbound.socket(), member).await;
                }
            }
            End::Done => match tunnel {
                Some(tunnel) => tunnel.run(inbound).await,
                None if inbound.is_over() => {}
                None => part(inbound.socket(), member).await,
            },
            // A client that reads until the end must not take the cut for one. Any other sees it, and
            // a reset would take with it what it has not read yet of the answers before.
            End::Cut if !inbound.is_until_close() => {
                inbound.done(Instant::now());
                part(inbound.socket(), member).await;
            }
            End::Cut | End::Stalled => inbound.socket().reset_on_close(),
            End::Gone => {}
        }
    }
}

/// Why a client is no longer parked.
enum Parked {
    /// A head came.
    Asked,
    /// The connection is to end.
    Over(End),
}

/// How a client connection ended.
enum End {
    /// In good order.
    Done,
    /// With a head that nobody was asked about: we answer and close.
    Refused(Cause),
    /// In the middle of an answer.
    Cut,
    /// The client does not take its answer.
    Stalled,
    /// By the client.
    Gone,
}

fn ended(inbound: &Inbound, result: &hyper::Result<()>) -> End {
    if let Some(cause) = inbound.take_refusal() {
        return End::Refused(cause);
    }
    match result {
        Ok(()) => End::Done,
        // The body of an answer failed, or the service had nobody to answer.
        Err(error) if error.is_user() => End::Cut,
        Err(_) => End::Gone,
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
    /// Ready when a silent client's time is over, of which there is `idle` between requests.
    fn poll_expired(
        &self,
        idle: Duration,
        waiting: Option<Waiting>,
        alarm: &Alarm,
        cx: &mut Context<'_>,
    ) -> Poll<Expired> {
        let Some(waiting) = waiting else {
            return Poll::Pending;
        };
        let (deadline, expired) = match waiting {
            Waiting::Idle(since) => (since + idle, Expired::Idle),
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
