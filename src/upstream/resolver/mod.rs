//! Names become addresses: the system's resolver behind a queue of our own.
//!
//! A name has at most one lookup under way, which all who ask for it share, and at most
//! [`limits::DNS_THREADS`] run at a time: a name that hangs takes one thread and delays nobody
//! else. Who gives up waiting changes nothing for a lookup that runs: it goes on, and its answer is
//! kept. One that still waits for a thread is not begun for nobody.

mod addresses;
mod error;
mod lookup;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::mem;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::SetOnce;
use tokio::time::{Instant, timeout_at};

pub use addresses::Addresses;
pub use error::DnsError;
pub use lookup::{Lookup, System};

use crate::limits;
use crate::metrics::DnsCounters;
use crate::table::Lru;
use crate::task;

/// The process's resolver; a clone is the same one.
#[derive(Clone)]
pub struct Resolver {
    shared: Rc<Shared>,
}

/// What the resolver holds now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Names whose addresses are remembered.
    pub names: usize,
    /// Lookups on a thread now.
    pub running: usize,
    /// Lookups waiting for a thread now.
    pub queued: usize,
}

struct Shared {
    lookup: Arc<dyn Lookup>,
    periods: Periods,
    counters: DnsCounters,
    tables: RefCell<Tables>,
}

#[derive(Clone, Copy)]
struct Periods {
    fresh: Duration,
    stale: Duration,
    patience: Duration,
}

struct Tables {
    answers: Lru<String, Answer, { limits::DNS_NAMES }>,
    /// Names whose answers never make room for others.
    kept: Vec<String>,
    running: Vec<Rc<Flight>>,
    queue: VecDeque<Rc<Flight>>,
}

/// The last good answer for a name.
struct Answer {
    addresses: Addresses,
    at: Instant,
    stands_in: bool,
    /// It makes no room for others.
    kept: bool,
    /// The lookup that may renew it; while there is one, the table holds on to the answer.
    renewal: Weak<Flight>,
}

/// One lookup, queued or running, which all who ask for the name share.
struct Flight {
    name: String,
    began: Instant,
    outcome: SetOnce<Result<Addresses, DnsError>>,
}

impl Flight {
    /// Whether somebody waits for it while it is in the queue.
    fn is_awaited(self: &Rc<Self>) -> bool {
        Rc::strong_count(self) > 1
    }
}

impl Resolver {
    /// A resolver that asks `lookup`. When an older answer is at hand, a new one is waited for no
    /// longer than a share of `connect_timeout`, so that time is left to connect.
    pub fn new(lookup: Arc<dyn Lookup>, connect_timeout: Duration) -> Self {
        Self::with_periods(
            lookup,
            Periods {
                fresh: limits::DNS_FRESH,
                stale: limits::DNS_STALE,
                patience: connect_timeout / limits::DNS_PATIENCE_SHARE,
            },
        )
    }

    /// Holds on to the answers for these names: who asks for many others, of his own choice, does
    /// not take from a route what it falls back on.
    pub fn keeping(self, names: impl IntoIterator<Item = String>) -> Self {
        self.shared.tables.borrow_mut().kept.extend(names);
        self
    }

    fn with_periods(lookup: Arc<dyn Lookup>, periods: Periods) -> Self {
        let tables = Tables {
            answers: Lru::new(limits::DNS_NAMES),
            kept: Vec::new(),
            running: Vec::with_capacity(limits::DNS_THREADS),
            queue: VecDeque::with_capacity(limits::DNS_QUEUE),
        };
        Self {
            shared: Rc::new(Shared {
                lookup,
                periods,
                counters: DnsCounters::default(),
                tables: RefCell::new(tables),
            }),
        }
    }

    /// The addresses of `host`, a DNS name in lower case (an address needs no resolver:
    /// [`Addresses::from`]). Waits for as long as the lookup takes
    /// (the caller has the deadline; dropping the future is safe at any time) unless an older
    /// answer can stand in. To be called on a `LocalRuntime`.
    pub async fn resolve(&self, host: &str) -> Result<Addresses, DnsError> {
        let known = self.known(host);
        if let Some((addresses, age)) = known
            && age < self.shared.periods.fresh
        {
            return Ok(addresses);
        }
        let flight = self.join(host);
        let Some((last, age)) = known.filter(|(_, age)| *age <= self.shared.periods.stale) else {
            return flight?.outcome.wait().await.clone();
        };
        match self.renewed(flight).await {
            Some(Err(error)) if !error.is_answer() => self.stand_in(host, age, &error),
            Some(outcome) => return outcome,
            None => self.stand_in(host, age, &"DNS does not answer"),
        }
        Ok(last)
    }

    /// What it holds now.
    pub fn usage(&self) -> Usage {
        let tables = self.shared.tables.borrow();
        Usage {
            names: tables.answers.len(),
            running: tables.running.len(),
            queued: tables.queue.len(),
        }
    }

    /// What it did since the start.
    pub fn counters(&self) -> &DnsCounters {
        &self.shared.counters
    }

    fn known(&self, host: &str) -> Option<(Addresses, Duration)> {
        let mut tables = self.shared.tables.borrow_mut();
        let answer = tables.answers.get(host)?;
        Some((answer.addresses, answer.at.elapsed()))
    }

    /// The outcome of `flight`, or `None` when it does not come in time. Time counts from the
    /// beginning of the lookup: while one hangs, only those who were there at first wait.
    async fn renewed(
        &self,
        flight: Result<Rc<Flight>, DnsError>,
    ) -> Option<Result<Addresses, DnsError>> {
        let flight = match flight {
            Ok(flight) => flight,
            Err(error) => return Some(Err(error)),
        };
        let deadline = flight.began + self.shared.periods.patience;
        let outcome = timeout_at(deadline, flight.outcome.wait()).await.ok()?;
        Some(outcome.clone())
    }

    /// Counts, and says once, that an older answer is used.
    fn stand_in(&self, host: &str, age: Duration, why: &dyn std::fmt::Display) {
        self.shared.counters.stale.add_one();
        let mut tables = self.shared.tables.borrow_mut();
        if let Some(answer) = tables.answers.get(host)
            && !mem::replace(&mut answer.stands_in, true)
        {
            log::warn!(
                "{host}: {why}; using its addresses of {} s ago",
                age.as_secs()
            );
        }
    }

    /// The lookup under way for `host`, or a new one.
    fn join(&self, host: &str) -> Result<Rc<Flight>, DnsError> {
        let mut tables = self.shared.tables.borrow_mut();
        if let Some(flight) = tables.under_way(host) {
            return Ok(flight);
        }
        let flight = Rc::new(Flight {
            name: host.to_owned(),
            began: Instant::now(),
            outcome: SetOnce::new(),
        });
        if tables.running.len() < limits::DNS_THREADS {
            tables.running.push(flight.clone());
            task::spawn(fly(self.shared.clone(), flight.clone()));
        } else {
            let queued = tables.enqueue(flight.clone());
            queued.inspect_err(|_| self.shared.counters.queue_full.add_one())?;
        }
        if let Some(answer) = tables.answers.get(host) {
            answer.renewal = Rc::downgrade(&flight);
        }
        Ok(flight)
    }
}

/// Runs a lookup, and then those that wait, one after the other.
async fn fly(shared: Rc<Shared>, first: Rc<Flight>) {
    let mut next = Some(first);
    while let Some(flight) = next {
        let outcome = lookup::ask(shared.lookup.clone(), flight.name.clone()).await;
        shared.counters.lookups.add_one();
        if outcome.as_ref().is_err_and(|error| !error.is_answer()) {
            shared.counters.failures.add_one();
        }
        let mut tables = shared.tables.borrow_mut();
        tables.keep(&flight, &outcome);
        // It is set here only, once.
        let _ = flight.outcome.set(outcome);
        next = tables.land(&flight);
    }
}

impl Tables {
    fn under_way(&self, host: &str) -> Option<Rc<Flight>> {
        let mut all = self.running.iter().chain(&self.queue);
        all.find(|flight| flight.name == host).cloned()
    }

    /// Puts a lookup in the queue; in a full one, those that nobody waits for any more make room.
    fn enqueue(&mut self, flight: Rc<Flight>) -> Result<(), DnsError> {
        if self.queue.len() >= limits::DNS_QUEUE {
            self.queue.retain(Flight::is_awaited);
        }
        if self.queue.len() >= limits::DNS_QUEUE {
            return Err(DnsError::QueueFull);
        }
        self.queue.push_back(flight);
        Ok(())
    }

    /// Remembers what came out of a lookup.
    fn keep(&mut self, flight: &Flight, outcome: &Result<Addresses, DnsError>) {
        match outcome {
            Ok(addresses) => self.keep_answer(&flight.name, *addresses),
            Err(error) if error.is_answer() => {
                self.answers.remove(flight.name.as_str());
            }
            Err(_) => {}
        }
    }

    fn keep_answer(&mut self, name: &str, addresses: Addresses) {
        let answer = Answer {
            addresses,
            at: Instant::now(),
            stands_in: false,
            kept: self.kept.iter().any(|kept| kept == name),
            renewal: Weak::new(),
        };
        if let Some(former) = self.answers.get(name) {
            if former.stands_in {
                log::info!("{name}: DNS answers again");
            }
            *former = answer;
            return;
        }
        let stays = |answer: &Answer| answer.kept || answer.renewal.strong_count() > 0;
        // Where no other may go, this one is used and not remembered.
        let _unkept = self.answers.insert(name.to_owned(), answer, stays);
    }

    /// Takes a lookup that ended off its thread; the next one to run, if any waits.
    fn land(&mut self, flight: &Rc<Flight>) -> Option<Rc<Flight>> {
        self.running.retain(|running| !Rc::ptr_eq(running, flight));
        self.queue.retain(Flight::is_awaited);
        let next = self.queue.pop_front()?;
        self.running.push(next.clone());
        Some(next)
    }
}
