//! Lines for a reader that may not keep up, and is not waited for.

use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use log::{Level, Record};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{retry_on_intr, write};
use rustix::stdio::stderr;

use super::{OWN, Style, format};
use crate::limits::LOG_LINE_MAX;

/// Whether somebody took the line. A pipe that is ready takes [`LOG_LINE_MAX`] bytes whole, and at
/// once (pipe(7)).
pub(super) fn put(stream: BorrowedFd<'_>, line: &[u8]) -> bool {
    let mut ready = [PollFd::new(&stream, PollFlags::OUT)];
    let at_once = Timespec::default();
    let is_ready = poll(&mut ready, Some(&at_once)).is_ok_and(|count| count > 0)
        && ready[0].revents().contains(PollFlags::OUT);
    is_ready && retry_on_intr(|| write(stream, line)) == Ok(line.len())
}

/// Ends the line, within what a pipe takes whole.
pub(super) fn end(line: &mut String) {
    super::cut(line, LOG_LINE_MAX - 1);
    line.push('\n');
}

/// The log on standard error.
#[derive(Debug)]
pub(super) struct Stderr {
    style: Style,
    /// Lines that nobody took, since the last one that somebody did.
    lost: AtomicUsize,
}

impl Stderr {
    pub(super) fn new() -> Self {
        Self {
            style: Style::of_stderr(),
            lost: AtomicUsize::new(0),
        }
    }

    /// Writes one line, and before it how many were lost.
    pub(super) fn write(&self, now: SystemTime, record: &Record<'_>) {
        let lost = self.lost.swap(0, Ordering::Relaxed);
        let taken = (lost == 0 || self.tell_of(lost, now)) && self.line(now, record);
        if !taken {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Whether somebody heard of the lost lines; they stay counted otherwise.
    fn tell_of(&self, lost: usize, now: SystemTime) -> bool {
        let heard = self.line(
            now,
            &Record::builder()
                .level(Level::Warn)
                .target(OWN)
                .args(format_args!(
                    "log: {lost} lines were lost, its reader was too slow"
                ))
                .build(),
        );
        if !heard {
            self.lost.fetch_add(lost, Ordering::Relaxed);
        }
        heard
    }

    fn line(&self, now: SystemTime, record: &Record<'_>) -> bool {
        let mut line = format(self.style, now, record);
        end(&mut line);
        put(stderr(), line.as_bytes())
    }
}
