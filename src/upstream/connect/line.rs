//! A stream between exchanges: who is told when the upstream ends it, and how it is ended in good
//! order. In an exchange the request's own task reads and writes it.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::net::Shutdown;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};

use tokio::io::AsyncWrite;
use tokio::task::JoinHandle;
use tokio::time::{Instant, Sleep, sleep_until};

use super::Stream;
use crate::limits;
use crate::task;
use crate::wire::{Outbound, OutboundIo};

/// A stream, shared by the connection's owner and the task that watches it.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) outbound: Rc<Outbound<Stream>>,
    stage: Cell<Stage>,
    /// The task that watches has no timer: the next rest wakes it.
    asleep: Cell<bool>,
    /// The owner wants it no more.
    left: Cell<bool>,
    watcher: RefCell<Option<Waker>>,
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

impl Line {
    /// A stream that its owner is about to use, and the task that watches it.
    pub(super) fn new(stream: Stream) -> (Rc<Self>, JoinHandle<()>) {
        let line = Rc::new(Self {
            outbound: Outbound::new(stream, Instant::now()),
            stage: Cell::new(Stage::Taken),
            asleep: Cell::new(false),
            left: Cell::new(false),
            watcher: RefCell::new(None),
        });
        let task = task::spawn(Rc::clone(&line).watch());
        (line, task)
    }

    pub(super) fn is_busy(&self) -> bool {
        self.stage.get() == Stage::Busy
    }

    /// Its owner is about to use it.
    pub(super) fn take(&self) {
        self.stage.set(Stage::Taken);
    }

    pub(super) fn begin(&self) {
        self.stage.set(Stage::Busy);
    }

    pub(super) fn rest(&self, now: Instant) {
        self.stage.set(Stage::Idle(now));
        if self.asleep.take() {
            self.wake();
        }
    }

    /// Its owner wants it no more: it ends in good order.
    pub(super) fn leave(&self) {
        self.left.set(true);
        self.wake();
    }

    /// Nobody reads or writes any more, on either side.
    pub(super) fn cut(&self) {
        let _gone = self
            .outbound
            .with_stream(|tls| socket2::SockRef::from(tls.get_ref().0).shutdown(Shutdown::Both));
    }

    fn wake(&self) {
        if let Some(watcher) = &*self.watcher.borrow() {
            watcher.wake_by_ref();
        }
    }

    /// Waits until the upstream ends the idle connection, or its owner wants it no more. A pooled
    /// connection that ended lies in its table until somebody looks at it: the upstream must not
    /// wait for that.
    async fn watch(self: Rc<Self>) {
        let mut timer = pin!(sleep_until(Instant::now() + limits::WATCH_AFTER));
        poll_fn(|cx| self.poll_over(timer.as_mut(), cx)).await;
        let mut io = OutboundIo(Rc::clone(&self.outbound));
        let _told = poll_fn(|cx| Pin::new(&mut io).poll_shutdown(cx)).await;
        self.cut();
    }

    fn poll_over(&self, mut timer: Pin<&mut Sleep>, cx: &mut Context<'_>) -> Poll<()> {
        if self.watcher.borrow().is_none() {
            *self.watcher.borrow_mut() = Some(cx.waker().clone());
        }
        if self.left.get() {
            return Poll::Ready(());
        }
        let Stage::Idle(since) = self.stage.get() else {
            // When the timer has fired, the next rest tells.
            if timer.as_mut().poll(cx).is_ready() {
                self.asleep.set(true);
            }
            return Poll::Pending;
        };
        // Most connections are used again soon: nothing is set up for those.
        let from = since + limits::WATCH_AFTER;
        while Instant::now() < from {
            if timer.deadline() != from {
                timer.as_mut().reset(from);
            }
            ready!(timer.as_mut().poll(cx));
        }
        self.asleep.set(true);
        if self.outbound.reusable().is_err() {
            return Poll::Ready(());
        }
        self.outbound.poll_stirs(cx)
    }
}
