//! The way back: what is written to the client, and when an answer is out.

use std::io;
use std::task::{Context, Poll};

use tokio::time::Instant;

use super::{Inbound, Phase, Waiting};
use crate::limits;

impl Inbound {
    /// The service has handed over the last byte of its answer.
    pub fn answered(&self) {
        self.answered.set(true);
    }

    /// The service has handed over a piece of its answer, of so many bytes.
    pub fn answers(&self, bytes: usize) {
        self.unflushed.set(self.unflushed.get() + bytes);
    }

    /// Whether all that was handed over of the answer is out. If not, hyper is woken when it is.
    pub fn is_out(&self) -> bool {
        self.wakes.set(self.unflushed.get() > 0);
        self.unflushed.get() == 0
    }

    /// Whether there may be another piece of the answer before what was handed over is out. If not,
    /// hyper is woken when it is.
    pub fn takes_more(&self) -> bool {
        let takes_more = self.unflushed.get() < limits::RELAY_TOGETHER;
        self.wakes.set(!takes_more);
        takes_more
    }

    /// Only the connection's end will tell the client where the answer ends.
    pub fn answer_until_close(&self) {
        self.ends_answer.set(true);
    }

    /// Whether the client would take an orderly end for the end of the answer.
    pub fn is_until_close(&self) -> bool {
        self.ends_answer.get()
    }

    pub(super) fn poll_written(
        &self,
        cx: &mut Context<'_>,
        write: impl Fn() -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            match write() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if self.socket.poll_write_ready(cx)?.is_pending() {
                        if self.stalled.get().is_none() {
                            self.stalled.set(Some(Instant::now()));
                        }
                        return Poll::Pending;
                    }
                }
                result => {
                    self.stalled.set(None);
                    return Poll::Ready(result);
                }
            }
        }
    }

    /// hyper calls this when its own buffer is empty: an answer that was handed over is out.
    pub(super) fn flushed(&self, cx: &Context<'_>) {
        self.unflushed.set(0);
        if self.wakes.take() {
            cx.waker().wake_by_ref();
        }
        if self.busy.get() && self.answered.get() {
            self.busy.set(false);
            if self.unheard.take() {
                cx.waker().wake_by_ref();
            }
            let state = self.state.borrow();
            if let Phase::Head = state.phase {
                let now = Instant::now();
                if state.pending.is_empty() {
                    self.reading.set(Some(Waiting::Idle(now)));
                } else {
                    self.reading.set(Some(Waiting::Head(now)));
                    // hyper may believe that it waits for the socket; the next head is here.
                    cx.waker().wake_by_ref();
                }
            }
        }
    }
}
