//! What was asked, what was seen of it, which faults there were meanwhile, and what is wrong.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::support::upstream::State;
use crate::support::wait_until;

/// A fault that lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The upstream restarts, or is away for a while.
    Down,
    /// It refuses every client certificate, and those who have none.
    Refuses,
    /// It does all kinds of things with connections in place of serving them.
    Accepts,
    /// Names are not found, or nobody answers.
    Dns,
}

impl Fault {
    /// For how long after its end it may still be the reason: a connection that was taken and not
    /// served is waited for.
    fn echo(self) -> Duration {
        match self {
            Self::Accepts => crate::CONNECT_TIMEOUT + crate::RESPONSE_TIMEOUT,
            Self::Dns => crate::CONNECT_TIMEOUT,
            Self::Down | Self::Refuses => Duration::ZERO,
        }
    }

    /// Whether it is why egret answered with this error type (RFC 9209).
    pub fn explains(self, error: &str) -> bool {
        match self {
            Self::Down => matches!(
                error,
                "connection_refused"
                    | "connection_terminated"
                    | "http_response_incomplete"
                    | "tls_protocol_error"
            ),
            Self::Refuses => matches!(error, "tls_alert_received" | "connection_terminated"),
            // A reset at once is as a refusal.
            Self::Accepts => matches!(
                error,
                "connection_refused"
                    | "connection_terminated"
                    | "connection_timeout"
                    | "tls_protocol_error"
                    | "http_response_timeout"
                    | "connection_write_timeout"
            ),
            Self::Dns => matches!(
                error,
                "dns_error" | "dns_timeout" | "connection_limit_reached"
            ),
        }
    }
}

/// Of egret's logs, for when something is wrong.
const LINES_KEPT: usize = 400;

struct Lasting {
    at: usize,
    fault: Fault,
    from: Instant,
    to: Option<Instant>,
}

/// What egret tells of its heap.
#[derive(Default)]
struct Heap {
    least: usize,
    /// How many times since.
    told: u32,
}

impl Heap {
    fn new(least: usize) -> Self {
        Self { least, told: 0 }
    }
}

/// Shared by all threads.
#[derive(Default)]
pub struct Ledger {
    faults: Mutex<Vec<Lasting>>,
    posts: Mutex<HashMap<String, u8>>,
    wrong: Mutex<Vec<String>>,
    counts: Mutex<BTreeMap<String, u64>>,
    epochs: Mutex<HashMap<String, u32>>,
    log: Mutex<VecDeque<String>>,
    next: AtomicU64,
    heap: Mutex<Heap>,
    /// Requests that upstreams saw.
    pub seen: AtomicU32,
    over: Mutex<bool>,
    ended: Condvar,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Ledger {
    /// A number that no other request has.
    pub fn id(&self) -> String {
        self.next.fetch_add(1, Ordering::Relaxed).to_string()
    }

    /// Requests made so far.
    pub fn requests(&self) -> u64 {
        self.next.load(Ordering::Relaxed)
    }

    /// Something that must not be; the soak ends.
    pub fn wrong(&self, what: String) {
        lock(&self.wrong).push(what);
        self.end();
    }

    /// All that must not be.
    pub fn all_wrong(&self) -> Vec<String> {
        lock(&self.wrong).clone()
    }

    /// Keeps a line of egret's logs, as one of the last.
    pub fn logged(&self, line: String) {
        let mut log = lock(&self.log);
        if log.len() == LINES_KEPT {
            log.pop_front();
        }
        log.push_back(line);
    }

    /// The last lines of egret's logs.
    pub fn log(&self) -> String {
        let log = lock(&self.log);
        log.iter().map(|line| format!("{line}\n")).collect()
    }

    /// One more of these.
    pub fn count(&self, what: &str) {
        *lock(&self.counts).entry(what.to_owned()).or_default() += 1;
    }

    /// How many there were of each.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        lock(&self.counts).clone()
    }

    /// It goes on, unless something is wrong.
    pub fn begin(&self) {
        *lock(&self.over) = !lock(&self.wrong).is_empty();
    }

    /// Nobody begins anything any more.
    pub fn end(&self) {
        *lock(&self.over) = true;
        self.ended.notify_all();
    }

    /// Whether it is over.
    pub fn is_over(&self) -> bool {
        *lock(&self.over)
    }

    /// Waits for so long, and not beyond the end; whether it goes on.
    pub fn pause(&self, time: Duration) -> bool {
        let waited = self
            .ended
            .wait_timeout_while(lock(&self.over), time, |over| !*over);
        !*waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// A fault at that upstream while `act` goes on.
    pub fn during(&self, at: usize, fault: Fault, act: impl FnOnce()) {
        let from = Instant::now();
        self.count(&format!("fault {fault:?}"));
        let lasting = Lasting {
            at,
            fault,
            from,
            to: None,
        };
        lock(&self.faults).push(lasting);
        act();
        let mut faults = lock(&self.faults);
        let this = faults
            .iter_mut()
            .find(|one| (one.at, one.fault, one.from) == (at, fault, from));
        this.expect("what was pushed").to = Some(Instant::now());
        let old = |to: Instant| to.elapsed() > Duration::from_secs(60);
        faults.retain(|one| !one.to.is_some_and(old));
    }

    /// Whether one of the faults there since `from` satisfies this.
    pub fn any_fault(&self, at: usize, from: Instant, so: impl Fn(Fault) -> bool) -> bool {
        self.any_fault_anywhere(from, |there, fault| there == at && so(fault))
    }

    /// Whether one of the faults since `from`, with its place, satisfies this.
    pub fn any_fault_anywhere(&self, from: Instant, so: impl Fn(usize, Fault) -> bool) -> bool {
        lock(&self.faults).iter().any(|one| {
            let over = one.to.is_some_and(|to| to + one.fault.echo() < from);
            !over && so(one.at, one.fault)
        })
    }

    /// The last faults there, for a person.
    pub fn faults_at(&self, at: usize, from: Instant) -> String {
        let ago = |when: Instant| match from.checked_duration_since(when) {
            Some(before) => format!("{before:?} before"),
            None => format!("{:?} after", when - from),
        };
        let faults = lock(&self.faults);
        let last = faults.iter().rev().filter(|one| one.at == at).take(3);
        let told =
            last.map(|one| format!("{:?} {} to {:?}", one.fault, ago(one.from), one.to.map(ago)));
        format!("faults there: {:?}", told.collect::<Vec<_>>())
    }

    /// The epoch of an identity that requests have from now on.
    pub fn epoch(&self, identity: &str) -> u32 {
        lock(&self.epochs).get(identity).copied().unwrap_or(1)
    }

    /// egret held so many bytes of heap just now.
    pub fn held(&self, bytes: usize) {
        let mut heap = lock(&self.heap);
        if bytes < heap.least {
            *heap = Heap::new(bytes);
        }
        heap.told += 1;
    }

    /// The least it held since this was called, once it told so many times of no less.
    pub fn heap_at_rest(&self, times: u32, mut read: impl FnMut()) -> usize {
        *lock(&self.heap) = Heap::new(usize::MAX);
        wait_until("the heap comes to rest", || {
            read();
            lock(&self.heap).told > times
        });
        lock(&self.heap).least
    }

    /// A reload came to its end.
    pub fn reloaded(&self, identity: &str, epoch: u32) {
        let mut epochs = lock(&self.epochs);
        let last = epochs.entry(identity.to_owned()).or_default();
        *last = epoch.max(*last);
    }

    /// Whether that subject is the identity's, of this epoch or a later one.
    pub fn is_subject(identity: &str, least: u32, subject: Option<&str>) -> bool {
        match subject {
            None | Some("none") => identity == "none",
            Some(subject) => {
                let number = subject.strip_prefix("CN=").and_then(|name| {
                    let (name, number) = name.rsplit_once('.')?;
                    (name == identity).then_some(number)?.parse::<u32>().ok()
                });
                number.is_some_and(|number| number >= least)
            }
        }
    }

    /// Looks at every request that an upstream saw since it last forgot.
    pub fn audit(&self, state: &State) {
        for seen in &state.seen {
            self.seen.fetch_add(1, Ordering::Relaxed);
            let Some(id) = seen.header("x-id") else {
                let head = seen.raw_head.escape_ascii();
                self.wrong(format!("a request that nobody made went out: {head}"));
                continue;
            };
            let identity = seen.header("x-identity").unwrap_or_default();
            let least = seen.header("x-epoch").and_then(|text| text.parse().ok());
            let subject = seen.client_subject.as_deref();
            if !Self::is_subject(identity, least.unwrap_or(u32::MAX), subject) {
                self.wrong(format!(
                    "request {id} of {identity:?} went out as {subject:?}"
                ));
            }
            let mut times = lock(&self.posts);
            let time = times.entry(id.to_owned()).or_default();
            *time += 1;
            let most = if seen.method == "POST" { 1 } else { 2 };
            if *time > most {
                self.wrong(format!("{} {id} was seen {time} times", seen.method));
            }
        }
    }
}
