//! The client connections of one LISTEN: so many and no more.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use tokio::sync::Notify;

use crate::wire::Inbound;

/// The clients of one LISTEN.
#[derive(Debug)]
pub struct Clients {
    name: String,
    capacity: usize,
    members: RefCell<Vec<Rc<Entry>>>,
    /// It was logged that no client is idle.
    full: Cell<bool>,
    /// Accept loops that wait for a place: a LISTEN may have two addresses.
    waiting: Cell<usize>,
    /// A client left, or became idle while the table is full, or asks when it was to leave.
    changed: Notify,
    draining: Cell<bool>,
}

#[derive(Debug)]
struct Entry {
    inbound: Rc<Inbound>,
    must_leave: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Entry {
    fn wake(&self) {
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
    }
}

/// One client's place; dropping it leaves the table.
#[derive(Debug)]
pub struct Member {
    entry: Rc<Entry>,
    clients: Rc<Clients>,
}

impl Clients {
    /// An empty table for the LISTEN that the log calls `name`.
    pub fn new(name: String, capacity: usize) -> Rc<Self> {
        Rc::new(Self {
            name,
            capacity,
            members: RefCell::new(Vec::with_capacity(capacity)),
            full: Cell::new(false),
            waiting: Cell::new(0),
            changed: Notify::new(),
            draining: Cell::new(false),
        })
    }

    /// Clients connected.
    pub fn len(&self) -> usize {
        self.members.borrow().len()
    }

    /// Those of them that wait for nothing.
    pub fn idle(&self) -> usize {
        let members = self.members.borrow();
        let is_idle = |entry: &&Rc<Entry>| entry.inbound.idle_since().is_some();
        members.iter().filter(is_idle).count()
    }

    /// How many may be.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// What the log calls the LISTEN.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether no client is connected.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Waits until there is a place for one more: the client that has been idle longest makes
    /// room; if none is idle, nobody is accepted until one leaves.
    pub(super) async fn make_room(&self) {
        if self.len() < self.capacity {
            return;
        }
        self.waiting.set(self.waiting.get() + 1);
        while self.len() >= self.capacity {
            let idle = self.oldest_idle();
            if idle.is_none() && !self.full.replace(true) {
                ::log::warn!(
                    "{}: all {} clients busy; no more are accepted until one is done",
                    self.name,
                    self.capacity
                );
            }
            if let Some(idle) = idle {
                idle.must_leave.set(true);
                idle.wake();
            }
            self.changed.notified().await;
        }
        self.waiting.set(self.waiting.get() - 1);
        if self.waiting.get() > 0 {
            // Both may have been told to wait for the same client.
            self.changed.notify_one();
            return;
        }
        self.nobody_must_leave();
        if self.full.replace(false) {
            ::log::info!("{}: accepting clients again", self.name);
        }
    }

    fn nobody_must_leave(&self) {
        let draining = self.draining.get();
        for entry in self.members.borrow().iter() {
            entry.must_leave.set(draining);
        }
    }

    fn oldest_idle(&self) -> Option<Rc<Entry>> {
        let members = self.members.borrow();
        members
            .iter()
            .filter_map(|entry| Some((entry.inbound.idle_since()?, entry)))
            .min_by_key(|(since, _)| *since)
            .map(|(_, entry)| Rc::clone(entry))
    }

    /// A place for one more client; [`Clients::make_room`] went before.
    pub(super) fn enter(self: &Rc<Self>, inbound: Rc<Inbound>) -> Member {
        let entry = Rc::new(Entry {
            inbound,
            must_leave: Cell::new(self.draining.get()),
            waker: RefCell::new(None),
        });
        self.members.borrow_mut().push(Rc::clone(&entry));
        Member {
            entry,
            clients: Rc::clone(self),
        }
    }

    /// Idle clients leave now, the others with their answer: also one whose request has arrived and
    /// was not read yet.
    pub fn drain(&self) {
        self.draining.set(true);
        for entry in self.members.borrow().iter() {
            entry.must_leave.set(true);
            entry.wake();
        }
    }

    /// The process ends although clients wait for the rest of an answer: none of them may take
    /// that for a proper end.
    pub fn cut_off(&self) {
        for entry in self.members.borrow().iter() {
            if entry.inbound.is_busy() {
                entry.inbound.socket().reset_on_close();
            }
        }
    }

    /// Waits until all clients have left.
    pub async fn left(&self) {
        while !self.is_empty() {
            self.changed.notified().await;
        }
    }
}

impl Member {
    /// The connection was polled: remembers whom to wake, and tells the accept loop of an idle
    /// client that can make room.
    pub(super) fn polled(&self, cx: &Context<'_>) {
        self.remember(cx);
        if self.clients.waiting.get() > 0 && self.entry.inbound.idle_since().is_some() {
            self.clients.changed.notify_one();
        }
    }

    fn remember(&self, cx: &Context<'_>) {
        let mut waker = self.entry.waker.borrow_mut();
        match &*waker {
            Some(known) if known.will_wake(cx.waker()) => {}
            _ => *waker = Some(cx.waker().clone()),
        }
    }

    /// Waits until a newcomer needs the place.
    pub(super) async fn place_needed(&self) {
        poll_fn(|cx| {
            self.polled(cx);
            match self.must_leave() && !self.is_draining() {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        })
        .await;
    }

    /// The client asks for something: if it was to make room, another one may that is idle. Where
    /// none is, it still leaves with its answer.
    pub(super) fn keeps_place(&self) {
        if self.must_leave() && !self.is_draining() {
            let none_is_idle = self.clients.oldest_idle().is_none();
            self.entry.must_leave.set(none_is_idle);
            self.clients.changed.notify_one();
        }
    }

    /// Whether the client is to go once it is idle.
    pub(super) fn must_leave(&self) -> bool {
        self.entry.must_leave.get()
    }

    /// Whether the server stops.
    pub(super) fn is_draining(&self) -> bool {
        self.clients.draining.get()
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.clients
            .members
            .borrow_mut()
            .retain(|entry| !Rc::ptr_eq(entry, &self.entry));
        self.clients.changed.notify_one();
    }
}
