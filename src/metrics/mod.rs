//! Counters. One thread counts, so they are plain cells.

mod histogram;

pub use histogram::{BOUNDS, Histogram};

use std::cell::{Cell, RefCell};

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(Cell<u64>);

impl Counter {
    /// One more.
    pub fn add_one(&self) {
        self.add(1);
    }

    /// So many more.
    pub fn add(&self, count: u64) {
        self.0.set(self.0.get().wrapping_add(count));
    }

    /// The number.
    pub fn get(&self) -> u64 {
        self.0.get()
    }
}

/// Why a connection to an upstream was closed instead of kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotKept {
    /// The response did not come to its end.
    Unfinished,
    /// The response came before the whole request was sent.
    EarlyResponse,
    /// The upstream said `Connection: close`, or speaks HTTP/1.0.
    UpstreamCloses,
    /// The response had no length and ended with the connection.
    NoLength,
    /// More bytes came than the response has.
    Excess,
    /// The connection ended or failed.
    Ended,
    /// It left HTTP for another protocol.
    Switched,
    /// `--upstream-idle 0`.
    PoolOff,
    /// Its identity has new files.
    EpochEnded,
    /// A certificate that it was made with has ended.
    CertificateEnded,
    /// Another request needed its place.
    PlaceNeeded,
    /// It was idle for too long.
    IdleTooLong,
    /// It had ended when it was taken from the pool.
    DeadInPool,
}

impl NotKept {
    /// All reasons, in the order of their counters.
    pub const ALL: [Self; 13] = [
        Self::Unfinished,
        Self::EarlyResponse,
        Self::UpstreamCloses,
        Self::NoLength,
        Self::Excess,
        Self::Ended,
        Self::Switched,
        Self::PoolOff,
        Self::EpochEnded,
        Self::CertificateEnded,
        Self::PlaceNeeded,
        Self::IdleTooLong,
        Self::DeadInPool,
    ];

    /// A name for logs and metrics that never changes.
    pub fn label(self) -> &'static str {
        match self {
            Self::Unfinished => "unfinished",
            Self::EarlyResponse => "early_response",
            Self::UpstreamCloses => "upstream_closes",
            Self::NoLength => "no_length",
            Self::Excess => "excess",
            Self::Ended => "ended",
            Self::Switched => "switched",
            Self::PoolOff => "pool_off",
            Self::EpochEnded => "epoch_ended",
            Self::CertificateEnded => "certificate_ended",
            Self::PlaceNeeded => "place_needed",
            Self::IdleTooLong => "idle_too_long",
            Self::DeadInPool => "dead_in_pool",
        }
    }
}

/// What one identity did.
#[derive(Debug, Default)]
pub struct IdentityCounters {
    /// Requests sent upstream.
    pub requests: Counter,
    /// Requests that got an answer of ours instead.
    pub failures: Counter,
    /// Full TLS handshakes.
    pub full: Counter,
    /// Resumed TLS handshakes.
    pub resumed: Counter,
    /// Requests on a connection made for them.
    pub new: Counter,
    /// Requests on a connection from the pool.
    pub reused: Counter,
    /// Requests sent a second time because a pooled connection turned out dead.
    pub retried: Counter,
    /// New files that took the place of others.
    pub reloads: Counter,
    /// Changes of its files that could not be used.
    pub failed_reloads: Counter,
    /// How long TLS handshakes took that succeeded.
    pub handshakes: Histogram,
    not_kept: [Counter; NotKept::ALL.len()],
}

/// What one route or forward rule did; and, once, all requests that reached none.
#[derive(Debug, Default)]
pub struct RouteCounters {
    /// Answers by the first digit of their status, from 1 to 5.
    classes: [Counter; 5],
    /// Requests whose clients went away before there was an answer.
    pub gone: Counter,
    /// Bytes of request bodies.
    pub received: Counter,
    /// Bytes of response bodies.
    pub sent: Counter,
    /// How long requests took, to the last byte of the answer.
    pub requests: Histogram,
    causes: RefCell<Vec<(&'static str, u64)>>,
}

impl RouteCounters {
    /// Counts an answer.
    pub fn answered(&self, status: u16) {
        if let Some(class) = self.classes.get(usize::from(status / 100).wrapping_sub(1)) {
            class.add_one();
        }
    }

    /// The first digit of statuses, and how many answers had it.
    pub fn classes(&self) -> impl Iterator<Item = (usize, u64)> {
        (1..).zip(self.classes.iter().map(Counter::get))
    }

    /// Counts a failure by the label of its cause. There are as many as causes have labels.
    pub fn failed(&self, label: &'static str) {
        let mut causes = self.causes.borrow_mut();
        match causes.iter_mut().find(|(known, _)| *known == label) {
            Some((_, count)) => *count += 1,
            None => causes.push((label, 1)),
        }
    }

    /// Labels of causes, and how many failures had them.
    pub fn causes(&self) -> Vec<(&'static str, u64)> {
        self.causes.borrow().clone()
    }
}

impl IdentityCounters {
    /// Counts a connection that was not kept.
    pub fn not_kept(&self, reason: NotKept) {
        self.counter(reason).add_one();
    }

    /// Connections not kept for `reason`.
    pub fn count_of(&self, reason: NotKept) -> u64 {
        self.counter(reason).get()
    }

    fn counter(&self, reason: NotKept) -> &Counter {
        &self.not_kept[reason as usize]
    }
}

impl std::fmt::Display for IdentityCounters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} requests, {} failures, {} retried; connections {} new, {} reused; handshakes {} full, {} resumed; not kept",
            self.requests.get(),
            self.failures.get(),
            self.retried.get(),
            self.new.get(),
            self.reused.get(),
            self.full.get(),
            self.resumed.get(),
        )?;
        let mut none = true;
        for reason in NotKept::ALL {
            let count = self.count_of(reason);
            if count > 0 {
                write!(f, " {}={count}", reason.label())?;
                none = false;
            }
        }
        if none {
            f.write_str(" none")?;
        }
        Ok(())
    }
}

/// What the resolver did.
#[derive(Debug, Default)]
pub struct DnsCounters {
    /// Lookups that ended.
    pub lookups: Counter,
    /// Those of them that failed; an answer of "no such name" is not a failure.
    pub failures: Counter,
    /// Times an older answer stood in for one that failed or did not come.
    pub stale: Counter,
    /// Times the queue was full.
    pub queue_full: Counter,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_counter_of_its_own() {
        let counters = IdentityCounters::default();
        for (index, reason) in NotKept::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, index);
            for _ in 0..=index {
                counters.not_kept(reason);
            }
        }
        for (index, reason) in NotKept::ALL.into_iter().enumerate() {
            assert_eq!(counters.count_of(reason), index as u64 + 1);
        }
    }
}
