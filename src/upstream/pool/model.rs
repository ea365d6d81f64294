//! Permits, line and idle connections beside models so plain that they can be believed.

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Wake;
use std::time::Duration;

use super::*;
use crate::testing::{Random, seed};

const STEPS: u32 = 1_000_000;
const PERMITS: usize = 3;
const PLACES: usize = 4;
const KEYS: u64 = 3;

/// A connection for one key, which counts those that are there.
#[derive(Debug)]
struct Offer {
    key: u64,
    living: Rc<Cell<usize>>,
}

impl Offer {
    fn new(key: u64, living: &Rc<Cell<usize>>) -> Self {
        living.set(living.get() + 1);
        Self {
            key,
            living: Rc::clone(living),
        }
    }
}

impl Drop for Offer {
    fn drop(&mut self) {
        self.living.set(self.living.get() - 1);
    }
}

#[derive(Default)]
struct Bell(AtomicBool);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// One who waits, and all that the model knows of it.
struct Waiting {
    number: u32,
    wants: u64,
    wait: Wait<u64, Offer>,
    bell: Arc<Bell>,
    has_polled: bool,
    /// Whether it was granted a permit, and whether a connection came with it.
    granted: Option<bool>,
}

/// The line and the permits as lists that are searched.
struct Line {
    slots: Rc<Slots<u64, Offer>>,
    living: Rc<Cell<usize>>,
    /// Permits that are held, each with the connection that came with it.
    held: std::vec::Vec<(Permit<u64, Offer>, Option<Offer>)>,
    waiting: std::vec::Vec<Waiting>,
    /// Who is in line, by number.
    line: VecDeque<u32>,
}

impl Line {
    fn new() -> Self {
        Self {
            slots: Slots::new(PERMITS, PLACES),
            living: Rc::default(),
            held: std::vec::Vec::new(),
            waiting: std::vec::Vec::new(),
            line: VecDeque::new(),
        }
    }

    fn used(&self) -> usize {
        let granted = self.waiting.iter().filter(|one| one.granted.is_some());
        self.held.len() + granted.count()
    }

    fn acquire(&mut self) {
        let is_free = self.used() < PERMITS && self.line.is_empty();
        let permit = self.slots.try_acquire();
        assert_eq!(permit.is_some(), is_free);
        self.held.extend(permit.map(|permit| (permit, None)));
    }

    fn join(&mut self, number: u32, wants: u64) {
        let wait = self.slots.wait(wants);
        assert_eq!(wait.is_ok(), self.line.len() < PLACES);
        if let Ok(wait) = wait {
            self.line.push_back(number);
            self.waiting.push(Waiting {
                number,
                wants,
                wait,
                bell: Arc::default(),
                has_polled: false,
                granted: None,
            });
        }
    }

    /// The model's part when a permit is free: the first in line has it, and is woken.
    fn grant(&mut self, key: Option<u64>) {
        let Some(number) = self.line.pop_front() else {
            return;
        };
        let first = self.waiting.iter_mut().find(|one| one.number == number);
        let first = first.expect("one who is in line waits");
        first.granted = Some(key == Some(first.wants));
        assert_eq!(first.bell.0.load(Ordering::Relaxed), first.has_polled);
    }

    fn give_back(&mut self, random: &mut Random) {
        if !self.held.is_empty() {
            drop(
                self.held
                    .swap_remove(random.below(self.held.len() as u64) as usize),
            );
            self.grant(None);
        }
    }

    fn pass_on(&mut self, random: &mut Random) {
        if self.held.is_empty() {
            return;
        }
        let index = random.below(self.held.len() as u64) as usize;
        let (permit, offer) = self.held.swap_remove(index);
        let key = offer.as_ref().map_or(random.below(KEYS), |offer| offer.key);
        let offer = offer.unwrap_or_else(|| Offer::new(key, &self.living));
        let first = self.line.front();
        let first = self.waiting.iter().find(|one| Some(&one.number) == first);
        let wanted = first.map(|first| first.wants);
        match Slots::pass_on(permit, offer, |wants, offer| *wants == offer.key) {
            Ok(rest) => {
                assert_eq!(rest.is_none(), wanted == Some(key));
                self.grant(Some(key));
            }
            Err((permit, offer)) => {
                assert_eq!(wanted, None);
                self.held.push((permit, Some(offer)));
            }
        }
    }

    fn poll(&mut self, random: &mut Random) {
        if self.waiting.is_empty() {
            return;
        }
        let index = random.below(self.waiting.len() as u64) as usize;
        let one = &mut self.waiting[index];
        let waker = Waker::from(Arc::clone(&one.bell));
        match Pin::new(&mut one.wait).poll(&mut Context::from_waker(&waker)) {
            Poll::Pending => {
                assert_eq!(one.granted, None);
                one.has_polled = true;
            }
            Poll::Ready(Grant { permit, offer }) => {
                assert_eq!(one.granted, Some(offer.is_some()));
                assert!(offer.iter().all(|offer| offer.key == one.wants));
                self.held.push((permit, offer));
                drop(self.waiting.swap_remove(index));
            }
        }
    }

    fn leave(&mut self, random: &mut Random) {
        if self.waiting.is_empty() {
            return;
        }
        let index = random.below(self.waiting.len() as u64) as usize;
        let gone = self.waiting.swap_remove(index);
        let (number, granted) = (gone.number, gone.granted);
        drop(gone);
        self.line.retain(|other| *other != number);
        if granted.is_some() {
            self.grant(None);
        }
    }

    fn check(&self) {
        assert_eq!(self.slots.used(), self.used());
        assert_eq!(self.slots.waiting(), self.line.len());
        let with_offer = self.waiting.iter().filter(|one| one.granted == Some(true));
        let offers = self.held.iter().filter(|(_, offer)| offer.is_some());
        assert_eq!(self.living.get(), with_offer.count() + offers.count());
    }
}

/// Says where a run came to its end, for those that end too early.
struct Told(u64, Cell<u32>);

impl Drop for Told {
    fn drop(&mut self) {
        println!("EGRET_SEED={} step {}", self.0, self.1.get());
    }
}

#[test]
fn permits_line_and_offers_agree_with_a_naive_model_over_a_million_steps() {
    let told = Told(seed(), Cell::new(0));
    let mut random = Random::new(told.0);
    let mut line = Line::new();
    for step in 0..STEPS {
        told.1.set(step);
        match random.below(7) {
            0 => line.acquire(),
            1 => line.give_back(&mut random),
            2 => line.pass_on(&mut random),
            3 => line.leave(&mut random),
            4 => line.poll(&mut random),
            _ => line.join(step, random.below(KEYS)),
        }
        line.check();
    }
    let (slots, living) = (Rc::clone(&line.slots), Rc::clone(&line.living));
    drop(line);
    assert_eq!((slots.used(), slots.waiting(), living.get()), (0, 0, 0));
}

#[test]
fn idle_connections_agree_with_a_naive_model_over_a_million_steps() {
    let told = Told(seed(), Cell::new(0));
    let mut random = Random::new(told.0);
    let start = Instant::now();
    let at = |second: u64| start + Duration::from_secs(second);
    let mut idle: Idle<u64, u32> = Idle::default();
    // Key, connection and end, oldest first.
    let mut model: std::vec::Vec<(u64, u32, u64)> = std::vec::Vec::new();
    let mut now = 0;
    for step in 0..STEPS {
        told.1.set(step);
        let key = random.below(KEYS);
        match random.below(16) {
            0..8 => {
                let until = now + random.below(20);
                let fits = model.len() < CONNECTIONS_MAX;
                let put = idle.put(key, step, at(until));
                assert_eq!(put, if fits { Ok(()) } else { Err(step) });
                model.extend(fits.then_some((key, step, until)));
            }
            8..12 => {
                let own = |(k, _, until): &(u64, u32, u64)| *k == key && *until > now;
                let found = model.iter().rposition(own);
                let expected = found.map(|index| model.remove(index).1);
                assert_eq!(idle.take(&key, at(now)), expected);
            }
            12 => {
                let found = model.iter().position(|(_, _, until)| *until <= now);
                let expected = found.map(|index| model.remove(index).1);
                assert_eq!(idle.take_expired(at(now)), expected);
            }
            13 => {
                let expected = (!model.is_empty()).then(|| model.remove(0).1);
                assert_eq!(idle.take_oldest(), expected);
            }
            _ => now += random.below(2),
        }
        let next = model.iter().map(|(_, _, until)| at(*until)).min();
        assert_eq!((idle.len(), idle.next_expiry()), (model.len(), next));
    }
}
