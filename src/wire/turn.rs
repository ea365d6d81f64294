//! Who passes a body on between two fast sides lets others have their turn.

use std::pin::pin;
use std::task::{Context, Poll};

use tokio::task::yield_now;

use crate::limits;

/// What was passed on in a row.
#[derive(Debug, Default)]
pub struct Turn(u8);

impl Turn {
    /// Ready for the next piece. After so many ([`limits::PIECES_TOGETHER`]) it is pending once, and
    /// wakes when all others that can go on have had their turn.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.0 == limits::PIECES_TOGETHER {
            self.0 = 0;
            return pin!(yield_now()).poll(cx);
        }
        self.0 += 1;
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::poll_fn;
    use std::rc::Rc;

    use tokio::task::spawn_local;

    use super::*;

    #[tokio::test(flavor = "local")]
    async fn others_wait_for_so_many_pieces_at_most() {
        let passed = Rc::new(Cell::new(0));
        let counter = Rc::clone(&passed);
        spawn_local(async move {
            let mut turn = Turn::default();
            loop {
                poll_fn(|cx| turn.poll_next(cx)).await;
                counter.set(counter.get() + 1);
            }
        });
        for turns in 0..4_u32 {
            assert_eq!(passed.get(), turns * u32::from(limits::PIECES_TOGETHER));
            yield_now().await;
        }
    }
}
