//! Upstream connections of one identity: how many there may be, who waits for one, and which of
//! them lie idle. Knows no socket and no clock: time is an argument.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use heapless::Vec;
use tokio::time::Instant;

use crate::limits::{CONNECTIONS_MAX, WAITING_MAX};

/// The right to have a connection open. `O` is what its holder may offer to one who waits.
#[derive(Debug)]
pub struct Permit<W, O> {
    slots: Rc<Slots<W, O>>,
}

/// Permits of one identity, and the line of those who wait for one, oldest first.
#[derive(Debug)]
pub struct Slots<W, O> {
    capacity: usize,
    waiting_capacity: usize,
    inner: RefCell<Inner<W, O>>,
}

#[derive(Debug)]
struct Inner<W, O> {
    used: usize,
    line: VecDeque<Rc<Waiter<W, O>>>,
}

#[derive(Debug)]
struct Waiter<W, O> {
    wants: W,
    state: RefCell<WaiterState<W, O>>,
}

#[derive(Debug)]
enum WaiterState<W, O> {
    InLine(Option<Waker>),
    Granted(Grant<W, O>),
    Done,
}

/// A permit, and perhaps a connection that comes with it.
#[derive(Debug)]
pub struct Grant<W, O> {
    /// The right to have a connection.
    pub permit: Permit<W, O>,
    /// A connection that its former holder passed on.
    pub offer: Option<O>,
}

/// The line is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

impl<W, O> Slots<W, O> {
    /// `capacity` permits and a line of `waiting` places.
    pub fn new(capacity: usize, waiting: usize) -> Rc<Self> {
        let waiting_capacity = waiting.min(WAITING_MAX);
        Rc::new(Self {
            capacity: capacity.min(CONNECTIONS_MAX),
            waiting_capacity,
            inner: RefCell::new(Inner {
                used: 0,
                line: VecDeque::with_capacity(waiting_capacity),
            }),
        })
    }

    /// A permit, if one is free and nobody waits.
    pub fn try_acquire(self: &Rc<Self>) -> Option<Permit<W, O>> {
        let mut inner = self.inner.borrow_mut();
        if inner.used >= self.capacity || !inner.line.is_empty() {
            return None;
        }
        inner.used += 1;
        Some(Permit {
            slots: Rc::clone(self),
        })
    }

    /// A place in the line, for what `wants` describes.
    ///
    /// # Errors
    /// [`Full`] when the line has no place left.
    pub fn wait(self: &Rc<Self>, wants: W) -> Result<Wait<W, O>, Full> {
        let mut inner = self.inner.borrow_mut();
        if inner.line.len() >= self.waiting_capacity {
            return Err(Full);
        }
        let waiter = Rc::new(Waiter {
            wants,
            state: RefCell::new(WaiterState::InLine(None)),
        });
        inner.line.push_back(Rc::clone(&waiter));
        Ok(Wait {
            waiter,
            slots: Rc::clone(self),
        })
    }

    /// Permits handed out.
    pub fn used(&self) -> usize {
        self.inner.borrow().used
    }

    /// Requests waiting.
    pub fn waiting(&self) -> usize {
        self.inner.borrow().line.len()
    }

    /// Passes a permit to the one who waits longest, and with it `offer` when that `suits` what
    /// is wanted. The offer comes back when it does not, or nobody waits and the permit with it.
    pub fn pass_on(
        permit: Permit<W, O>,
        offer: O,
        suits: impl FnOnce(&W, &O) -> bool,
    ) -> Result<Option<O>, (Permit<W, O>, O)> {
        let Some(waiter) = permit.slots.inner.borrow_mut().line.pop_front() else {
            return Err((permit, offer));
        };
        if suits(&waiter.wants, &offer) {
            waiter.grant(permit, Some(offer));
            Ok(None)
        } else {
            waiter.grant(permit, None);
            Ok(Some(offer))
        }
    }
}

impl<W, O> Waiter<W, O> {
    fn grant(&self, permit: Permit<W, O>, offer: Option<O>) {
        let granted = WaiterState::Granted(Grant { permit, offer });
        if let WaiterState::InLine(Some(waker)) = self.state.replace(granted) {
            waker.wake();
        }
    }
}

impl<W, O> Drop for Permit<W, O> {
    fn drop(&mut self) {
        let next = self.slots.inner.borrow_mut().line.pop_front();
        match next {
            // The count stays: the permit changes hands.
            Some(waiter) => waiter.grant(
                Permit {
                    slots: Rc::clone(&self.slots),
                },
                None,
            ),
            None => self.slots.inner.borrow_mut().used -= 1,
        }
    }
}

/// A place in the line; dropping it leaves the line.
#[derive(Debug)]
pub struct Wait<W, O> {
    waiter: Rc<Waiter<W, O>>,
    slots: Rc<Slots<W, O>>,
}

impl<W, O> Future for Wait<W, O> {
    type Output = Grant<W, O>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.waiter.state.borrow_mut();
        match std::mem::replace(&mut *state, WaiterState::Done) {
            WaiterState::Granted(grant) => Poll::Ready(grant),
            WaiterState::InLine(_) | WaiterState::Done => {
                *state = WaiterState::InLine(Some(cx.waker().clone()));
                Poll::Pending
            }
        }
    }
}

impl<W, O> Drop for Wait<W, O> {
    fn drop(&mut self) {
        self.slots
            .inner
            .borrow_mut()
            .line
            .retain(|waiter| !Rc::ptr_eq(waiter, &self.waiter));
        // A grant that nobody took goes to the next in line.
        drop(self.waiter.state.replace(WaiterState::Done));
    }
}

/// Idle connections, oldest first.
#[derive(Debug)]
pub struct Idle<K, C> {
    entries: Vec<Entry<K, C>, CONNECTIONS_MAX>,
}

#[derive(Debug)]
struct Entry<K, C> {
    key: K,
    connection: C,
    until: Instant,
}

impl<K: PartialEq, C> Default for Idle<K, C> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
        }
    }
}

impl<K: PartialEq, C> Idle<K, C> {
    /// Keeps `connection` for `key` until then. It comes back when the table is full.
    pub fn put(&mut self, key: K, connection: C, until: Instant) -> Result<(), C> {
        self.entries
            .push(Entry {
                key,
                connection,
                until,
            })
            .map_err(|entry| entry.connection)
    }

    /// The connection of `key` that was used last.
    pub fn take(&mut self, key: &K, now: Instant) -> Option<C> {
        let index = self
            .entries
            .iter()
            .rposition(|entry| entry.until > now && entry.key == *key)?;
        Some(self.entries.remove(index).connection)
    }

    /// The connection that has been idle longest, of any key.
    pub fn take_oldest(&mut self) -> Option<C> {
        (!self.entries.is_empty()).then(|| self.entries.remove(0).connection)
    }

    /// One connection whose time is over.
    pub fn take_expired(&mut self, now: Instant) -> Option<C> {
        let index = self.entries.iter().position(|entry| entry.until <= now)?;
        Some(self.entries.remove(index).connection)
    }

    /// One connection of which this holds.
    pub fn take_where(&mut self, holds: impl Fn(&C) -> bool) -> Option<C> {
        let mut entries = self.entries.iter();
        let index = entries.position(|entry| holds(&entry.connection))?;
        Some(self.entries.remove(index).connection)
    }

    /// When the first connection's time is over.
    pub fn next_expiry(&self) -> Option<Instant> {
        self.entries.iter().map(|entry| entry.until).min()
    }

    /// Connections held.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

#[cfg(test)]
mod model;

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    type TestSlots = Slots<u8, u8>;

    fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
        Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn a_permit_that_is_dropped_can_be_acquired_again() {
        let slots = TestSlots::new(1, 0);
        let permit = slots.try_acquire().expect("free");
        assert!(slots.try_acquire().is_none());
        drop(permit);
        assert!(slots.try_acquire().is_some());
    }

    #[test]
    fn a_full_line_is_a_value() {
        let slots = TestSlots::new(1, 1);
        let _permit = slots.try_acquire().expect("free");
        let _wait = slots.wait(1).expect("a place");
        assert_eq!(slots.wait(2).err(), Some(Full));
    }

    #[test]
    fn the_one_who_waits_longest_is_served_first() {
        let slots = TestSlots::new(1, 2);
        let permit = slots.try_acquire().expect("free");
        let mut first = slots.wait(1).expect("a place");
        let mut second = slots.wait(2).expect("a place");
        drop(permit);
        assert!(poll(&mut second).is_pending());
        let Poll::Ready(grant) = poll(&mut first) else {
            panic!("the first was not served")
        };
        drop(grant);
        assert!(poll(&mut second).is_ready());
        assert_eq!(slots.used(), 0);
    }

    #[test]
    fn a_newcomer_does_not_overtake() {
        let slots = TestSlots::new(2, 1);
        let first = slots.try_acquire();
        let second = slots.try_acquire();
        let _wait = slots.wait(1).expect("a place");
        drop(first);
        // The freed permit belongs to the one in line although it has not been polled.
        assert!(slots.try_acquire().is_none());
        drop(second);
        assert!(slots.try_acquire().is_some());
    }

    #[test]
    fn a_connection_goes_only_to_one_whom_it_suits() {
        let slots = TestSlots::new(1, 2);
        let permit = slots.try_acquire().expect("free");
        let mut wants_two = slots.wait(2).expect("a place");
        let rest = TestSlots::pass_on(permit, 1, |wants, offer| wants == offer).expect("a waiter");
        assert_eq!(rest, Some(1));
        let Poll::Ready(grant) = poll(&mut wants_two) else {
            panic!("not served")
        };
        assert_eq!(grant.offer, None);
        let mut wants_one = slots.wait(1).expect("a place");
        assert_eq!(
            TestSlots::pass_on(grant.permit, 1, |wants, offer| wants == offer).expect("a waiter"),
            None
        );
        assert!(matches!(
            poll(&mut wants_one),
            Poll::Ready(Grant { offer: Some(1), .. })
        ));
    }

    #[test]
    fn a_waiter_that_leaves_passes_its_grant_on() {
        let slots = TestSlots::new(1, 2);
        let permit = slots.try_acquire().expect("free");
        let first = slots.wait(1).expect("a place");
        let mut second = slots.wait(2).expect("a place");
        drop(permit);
        drop(first);
        assert!(poll(&mut second).is_ready());
    }

    #[test]
    fn the_connection_used_last_is_taken_first_and_never_after_its_time() {
        let start = Instant::now();
        let second = Duration::from_secs(1);
        let mut idle = Idle::default();
        idle.put(1, "old", start + second).expect("room");
        idle.put(1, "new", start + second * 3).expect("room");
        idle.put(2, "other", start + second * 3).expect("room");
        assert_eq!(idle.next_expiry(), Some(start + second));
        assert_eq!(idle.take(&1, start), Some("new"));
        assert_eq!(idle.take(&1, start + second), None);
        assert_eq!(idle.take_expired(start + second), Some("old"));
        assert_eq!(idle.take_expired(start + second), None);
        assert_eq!(idle.take_where(|name| *name == "old"), None);
        idle.put(2, "ended", start + second * 3).expect("room");
        assert_eq!(idle.take_where(|name| *name == "ended"), Some("ended"));
        assert_eq!(idle.take_oldest(), Some("other"));
        assert!(idle.is_empty());
    }
}
