//! The way back: what is written to the client.

use std::io::{self, IoSlice};
use std::task::{Context, Poll, ready};

use tokio::time::Instant;

use super::{Inbound, Waiting};

/// What a client waits for that sends `Expect: 100-continue` (RFC 9110 §15.2.1).
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

impl Inbound {
    /// Hands bytes to the socket: as many as it takes.
    ///
    /// # Errors
    /// The client is gone.
    pub fn poll_write(
        &self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        loop {
            match self.socket.try_write_vectored(slices) {
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

    /// The client is to hear that its body is wanted, before anything of it is waited for.
    pub(super) fn owe_continue(&self) {
        self.owed.set(CONTINUE);
    }

    /// Ready once nothing of a 100 (Continue) is left to be written.
    pub(super) fn poll_continued(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let owed @ [_, ..] = self.owed.get() {
            let written = ready!(self.poll_write(cx, &[IoSlice::new(owed)]))?;
            self.owed.set(owed.get(written..).unwrap_or_default());
        }
        Poll::Ready(Ok(()))
    }

    /// Whether the client waits to hear that its body is wanted, and nobody asked for it.
    pub fn holds_back_body(&self) -> bool {
        self.owed.get() == CONTINUE && self.state.borrow().pending.is_empty()
    }

    /// The answer begins: what is left of a 100 (Continue) goes before it, unless nothing of one was
    /// written.
    pub fn begin_answer(&self) -> &'static [u8] {
        match self.owed.replace(b"") {
            CONTINUE => b"",
            rest => rest,
        }
    }

    /// The answer is out, and another request may follow.
    pub fn answered(&self, now: Instant) {
        self.busy.set(false);
        self.reading
            .set(Some(match self.state.borrow().pending.is_empty() {
                true => Waiting::Idle(now),
                false => Waiting::Head(now),
            }));
    }

    /// Only the connection's end will tell the client where the answer ends.
    pub fn answer_until_close(&self) {
        self.ends_answer.set(true);
    }

    /// Whether the client would take an orderly end for the end of the answer.
    pub fn is_until_close(&self) -> bool {
        self.ends_answer.get()
    }
}
