//! A deadline that moves on more often than it is reached.

use std::cell::RefCell;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tokio::time::{Instant, Sleep, sleep_until};

/// A timer that stays where it is while its deadline moves on, and is set again only when it
/// fires: to start and stop one for each wait costs more than the wait's own work.
#[derive(Debug, Default)]
pub struct Alarm(RefCell<Option<Pin<Box<Sleep>>>>);

impl Alarm {
    /// Ready once `deadline` has passed.
    pub fn poll_passed(&self, deadline: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let mut timer = self.0.borrow_mut();
        let timer = timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if deadline < timer.deadline() {
            timer.as_mut().reset(deadline);
        }
        while timer.as_mut().poll(cx).is_ready() {
            if deadline <= Instant::now() {
                return Poll::Ready(());
            }
            timer.as_mut().reset(deadline);
        }
        Poll::Pending
    }

    /// Nobody waits any more: whoever did is let go of.
    pub fn rest(&self) {
        if let Some(timer) = &mut *self.0.borrow_mut() {
            let mut nobody = Context::from_waker(Waker::noop());
            // Fired or not, it is asked again before it counts.
            let _fired = timer.as_mut().poll(&mut nobody);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use super::*;

    const MOMENT: Duration = Duration::from_millis(20);

    async fn passes(alarm: &Alarm, deadline: Instant) {
        poll_fn(|cx| alarm.poll_passed(deadline, cx)).await;
        assert!(deadline <= Instant::now());
    }

    #[tokio::test(flavor = "local")]
    async fn a_deadline_is_heeded_whether_it_moved_on_or_back() {
        let alarm = Alarm::default();
        let start = Instant::now();
        let mut nobody = Context::from_waker(Waker::noop());
        for moments in [1, 100_000, 2, 3] {
            let deadline = start + MOMENT * moments;
            assert!(alarm.poll_passed(deadline, &mut nobody).is_pending());
        }
        passes(&alarm, start + MOMENT * 3).await;
        passes(&alarm, start + MOMENT * 4).await;
    }

    #[tokio::test(flavor = "local")]
    async fn a_deadline_is_heeded_after_a_rest() {
        let alarm = Alarm::default();
        let deadline = Instant::now() + MOMENT;
        let mut nobody = Context::from_waker(Waker::noop());
        assert!(alarm.poll_passed(deadline, &mut nobody).is_pending());
        alarm.rest();
        passes(&alarm, deadline).await;
        alarm.rest();
        passes(&alarm, Instant::now() + MOMENT).await;
    }
}
