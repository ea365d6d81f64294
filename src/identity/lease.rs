//! A connection in use: the right to have it, and how it is given back.

use std::rc::Rc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::Instant;

use super::{Epoch, Identity, Offered, Permit, Pooled, Wanted};
use crate::metrics::NotKept;
use crate::upstream::Upstream;
use crate::upstream::connect::Connection;
use crate::upstream::pool::Slots;

/// A connection in use for one request. Dropping it closes the connection; [`Lease::settle`]
/// gives it back.
#[derive(Debug)]
pub struct Lease {
    /// The connection.
    pub connection: Connection,
    /// It was used before.
    pub reused: bool,
    /// How long the request stood in line for it.
    pub waited: Duration,
    pub(super) permit: Permit,
    pub(super) epoch: Rc<Epoch>,
    pub(super) upstream: Rc<Upstream>,
    pub(super) identity: Rc<Identity>,
}

/// A connection of a tunnel and its place among the identity's connections.
#[derive(Debug)]
pub struct PlainLease {
    /// The connection.
    pub stream: TcpStream,
    pub(super) _permit: Permit,
}

/// How long a connection may lie idle, and what it is that allows no more.
struct Rest {
    time: Duration,
    limit: NotKept,
}

impl Lease {
    /// The identity that the connection was made as.
    pub fn identity(&self) -> &Rc<Identity> {
        &self.identity
    }

    /// The number of the epoch that it was made in.
    pub fn epoch_number(&self) -> u32 {
        self.epoch.number
    }

    /// Gives the connection back: to the request that waits for one like it, else to the pool of
    /// its own epoch, else it is closed and the reason counted.
    pub fn settle(mut self, upstream_idle: Duration) {
        self.connection.outbound().patience.rest();
        let now = Instant::now();
        match self.rest_for(upstream_idle) {
            Ok(rest) => {
                self.connection.rest(now);
                self.keep(&rest, now);
            }
            Err(reason) => {
                // A connection that may go on has nothing under way: it ends in good order.
                if self.connection.outbound().reusable().is_ok() {
                    self.connection.rest(now);
                }
                self.identity.counters.not_kept(reason);
            }
        }
    }

    /// For how long the connection may lie idle.
    fn rest_for(&self, upstream_idle: Duration) -> Result<Rest, NotKept> {
        let outbound = self.connection.outbound();
        outbound.reusable()?;
        if self.epoch.retired.get() {
            return Err(NotKept::EpochEnded);
        }
        if upstream_idle.is_zero() {
            return Err(NotKept::PoolOff);
        }
        let allowed = outbound
            .response()
            .and_then(|head| head.keep_alive_timeout)
            .map(|seconds| Duration::from_secs(seconds.saturating_sub(1)));
        let idle = allowed.map_or(upstream_idle, |allowed| allowed.min(upstream_idle));
        if idle.is_zero() {
            return Err(NotKept::UpstreamCloses);
        }
        match self.epoch.left(&self.connection) {
            Some(left) if left < idle => Ok(Rest {
                time: left,
                limit: NotKept::CertificateEnded,
            }),
            Some(_) => Ok(Rest {
                time: idle,
                limit: NotKept::IdleTooLong,
            }),
            None => Err(NotKept::CertificateEnded),
        }
    }

    fn keep(self, rest: &Rest, now: Instant) {
        let until = now + rest.time;
        let suits = |Wanted(wanted): &Wanted, (epoch, upstream, _): &Offered| {
            wanted.as_ref().is_some_and(|(same_epoch, same_upstream)| {
                Rc::ptr_eq(same_epoch, epoch) && same_upstream == upstream
            })
        };
        let offer = (self.epoch, self.upstream, self.connection);
        match Slots::pass_on(self.permit, offer, suits) {
            Ok(None) => {}
            Ok(Some(_closed)) => self.identity.counters.not_kept(NotKept::PlaceNeeded),
            Err((permit, (epoch, upstream, connection))) => {
                let pooled = Pooled {
                    connection,
                    permit,
                    limit: rest.limit,
                };
                // There are never more connections than the table has places.
                let _full = epoch.idle.borrow_mut().put(upstream, pooled, until);
                epoch.freed.notify_waiters();
                let next = self.identity.next_sweep.get();
                if next.is_none_or(|next| until < next) {
                    self.identity.rested.notify_one();
                }
            }
        }
    }
}
