//! HTTP on a stream. hyper's side of it exists while requests follow each other; a connection that
//! lies idle is watched without it, and without its buffers.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, Connection, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWrite;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::Stream;
use crate::error::Cause;
use crate::limits;
use crate::task;
use crate::upstream::body::RequestBody;
use crate::wire::{Outbound, OutboundIo};

/// hyper's side of a stream.
type Http = Connection<TokioIo<OutboundIo<Stream>>, RequestBody>;

/// A stream and who speaks HTTP on it: shared by the connection's owner and its task.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) outbound: Rc<Outbound<Stream>>,
    /// `None` while the connection is parked.
    sender: RefCell<Option<SendRequest<RequestBody>>>,
    stage: Cell<Stage>,
    /// The owner of a parked connection wants it no more.
    left: Notify,
}

/// What a connection is for at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Its owner is about to use it.
    Taken,
    /// A request is under way.
    Busy,
    /// Nothing, since then.
    Idle(Instant),
}

/// hyper gave the exchange up; the connection knows why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoResponse;

impl Line {
    pub(super) fn new(stream: Stream) -> Rc<Self> {
        Rc::new(Self {
            outbound: Outbound::new(stream, Instant::now()),
            sender: RefCell::new(None),
            stage: Cell::new(Stage::Taken),
            left: Notify::new(),
        })
    }

    /// Puts HTTP on the stream. hyper's side of it runs as the task that is returned.
    pub(super) async fn speak(self: &Rc<Self>) -> Result<JoinHandle<()>, Cause> {
        let io = TokioIo::new(OutboundIo(Rc::clone(&self.outbound)));
        let (sender, http) = Builder::new()
            .max_buf_size(limits::BUFFER_MAX)
            .handshake(io)
            .await
            .map_err(|_| Cause::Terminated)?;
        *self.sender.borrow_mut() = Some(sender);
        Ok(task::spawn(Rc::clone(self).run(http)))
    }

    /// Whether nobody speaks HTTP on it.
    pub(super) fn is_parked(&self) -> bool {
        self.sender.borrow().is_none()
    }

    pub(super) fn is_busy(&self) -> bool {
        self.stage.get() == Stage::Busy
    }

    /// Its owner is about to use it: it stays as it is.
    pub(super) fn take(&self) {
        self.stage.set(Stage::Taken);
    }

    pub(super) fn begin(&self) {
        self.stage.set(Stage::Busy);
    }

    pub(super) fn rest(&self) {
        self.stage.set(Stage::Idle(Instant::now()));
    }

    /// Whether hyper is done with the former exchange and takes another.
    pub(super) fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<bool> {
        match &mut *self.sender.borrow_mut() {
            Some(sender) => sender.poll_ready(cx).map(|ready| ready.is_ok()),
            None => Poll::Ready(false),
        }
    }

    pub(super) fn send(
        &self,
        request: Request<RequestBody>,
    ) -> impl Future<Output = Result<Response<Incoming>, NoResponse>> + use<> {
        let mut sender = self.sender.borrow_mut();
        let sending = sender.as_mut().map(|one| one.try_send_request(request));
        async move {
            let sending = sending.ok_or(NoResponse)?;
            sending.await.map_err(|_| NoResponse)
        }
    }

    /// Its owner wants it no more: it ends in good order.
    pub(super) fn leave(&self) {
        if self.sender.borrow_mut().take().is_none() {
            self.left.notify_one();
        }
    }

    async fn run(self: Rc<Self>, http: Http) {
        // In a box of its own: a connection that lies idle is to cost little.
        if Box::pin(self.until_silent(http)).await {
            self.watch().await;
        }
        // A pooled connection that ended lies in its table until somebody looks at it: the
        // upstream must not wait for that.
        if !self.outbound.is_switched() {
            let _gone = self.outbound.with_stream(|tls| {
                socket2::SockRef::from(tls.get_ref().0).shutdown(std::net::Shutdown::Both)
            });
        }
    }

    /// Carries requests until the connection ends, or was idle for so long that it is parked:
    /// tells which.
    async fn until_silent(&self, http: Http) -> bool {
        let mut http = pin!(http);
        let mut timer = pin!(sleep_until(self.park_at()));
        let mut is_set = false;
        poll_fn(|cx| {
            // The request in hand learns of an error through its own future and `outbound`.
            if http.as_mut().poll(cx).is_ready() {
                return Poll::Ready(false);
            }
            // A timer that is set wakes this task: requests need not look at it.
            while !is_set || timer.is_elapsed() {
                is_set = timer.as_mut().poll(cx).is_pending();
                if !is_set && self.is_silent() {
                    self.sender.take();
                    return Poll::Ready(true);
                }
                if !is_set {
                    timer.as_mut().reset(self.park_at());
                }
            }
            Poll::Pending
        })
        .await
    }

    /// When to look whether the connection was idle for so long that it is parked.
    fn park_at(&self) -> Instant {
        self.idle_since().unwrap_or_else(Instant::now) + limits::PARK_AFTER
    }

    fn is_silent(&self) -> bool {
        let is_long = |since: Instant| since + limits::PARK_AFTER <= Instant::now();
        self.idle_since().is_some_and(is_long)
    }

    /// Since when nothing was asked of a connection of which something could be.
    fn idle_since(&self) -> Option<Instant> {
        match self.stage.get() {
            Stage::Idle(since) if self.outbound.reusable().is_ok() => Some(since),
            _ => None,
        }
    }

    /// Waits until the upstream ends the parked connection, or its owner wants it no more, and ends
    /// it in good order.
    async fn watch(&self) {
        tokio::select! {
            () = poll_fn(|cx| self.outbound.poll_stirs(cx)) => {}
            () = self.left.notified() => {}
        }
        let mut io = OutboundIo(Rc::clone(&self.outbound));
        let _told = poll_fn(|cx| Pin::new(&mut io).poll_shutdown(cx)).await;
    }
}
