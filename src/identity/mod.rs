//! Who we are to the cloud and whom we trust there, with everything that may never be mixed:
//! certificates, sessions and connections.

pub mod clock;
mod epoch;
mod fault;
mod files;
mod keylog;
mod lease;
mod material;
pub mod pem;
mod reload;
mod sessions;
mod usage;
mod verify;
pub mod x509;

pub use epoch::Epoch;
pub use fault::pin_of;
pub use keylog::{KeyLogError, KeyLogFile};
pub use lease::{Lease, PlainLease};
pub use material::{DefaultRoots, LoadError, Material};
pub use reload::Reload;
pub use sessions::Slot;
pub use usage::Usage;

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout};

use crate::config::{Host, IdentityConfig};
use crate::error::Cause;
use crate::metrics::{IdentityCounters, NotKept};
use crate::task;
use crate::upstream::Upstream;
use crate::upstream::connect::{self, Connection, Dialer, Gathering, Handshakes, Known};
use crate::upstream::pool::{self, Slots};
use reload::State;

/// What a waiting request wants, and what a finished one may pass on: a connection of the same
/// epoch to the same upstream. A tunnel wants nothing but the place, nor does a request whose
/// pooled connection turned out dead.
#[derive(Debug)]
pub(crate) struct Wanted(Option<(Rc<Epoch>, Rc<Upstream>)>);

type Permit = pool::Permit<Wanted, Offered>;
type Offered = (Rc<Epoch>, Rc<Upstream>, Connection);

type Opening = Pin<Box<dyn Future<Output = Result<Lease, Cause>>>>;

/// An idle connection and its place among the identity's connections.
#[derive(Debug)]
pub(crate) struct Pooled {
    connection: Connection,
    permit: Permit,
    /// Why it is closed when its time is over.
    limit: NotKept,
}

/// What a request needs of its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// One that is open, as far as the event loop knows: if it is dead the request goes out twice.
    Open,
    /// The same, but the kernel is asked as well: the request cannot go out twice.
    Certain,
    /// A new one.
    Fresh,
}

/// One identity.
#[derive(Debug)]
pub struct Identity {
    /// Its options.
    pub config: IdentityConfig,
    /// What it did.
    pub counters: IdentityCounters,
    /// `--keylog`.
    key_log: Option<Arc<KeyLogFile>>,
    state: RefCell<State>,
    slots: Rc<Slots<Wanted, Offered>>,
    handshakes: Handshakes,
    /// When the sweep looks next; `None` while nothing is idle.
    next_sweep: Cell<Option<Instant>>,
    /// A connection became idle that ends before that.
    rested: Notify,
}

impl Identity {
    /// An identity whose files have not been read.
    pub fn new(config: IdentityConfig) -> Rc<Self> {
        Self::with_key_log(config, None)
    }

    /// The same, with the secrets of its connections written down.
    pub fn with_key_log(config: IdentityConfig, key_log: Option<Arc<KeyLogFile>>) -> Rc<Self> {
        Rc::new(Self {
            key_log,
            slots: Slots::new(config.connections, config.waiting),
            config,
            counters: IdentityCounters::default(),
            state: RefCell::default(),
            handshakes: Handshakes::default(),
            next_sweep: Cell::new(None),
            rested: Notify::new(),
        })
    }

    /// A connection to `upstream`: from the pool if that is what it `needs`, else a new one, else
    /// the next that comes free.
    ///
    /// # Errors
    /// The tables are full, or the upstream cannot be reached.
    pub async fn connect(
        self: &Rc<Self>,
        upstream: &Rc<Upstream>,
        dialer: &Rc<Dialer>,
        needs: Need,
    ) -> Result<Lease, Cause> {
        let epoch = self.current()?;
        let known = match needs {
            Need::Open => Some(Known::ByLoop),
            Need::Certain => Some(Known::ByKernel),
            Need::Fresh => None,
        };
        if let Some(known) = known
            && let Some(pooled) = self.take_usable(&epoch, upstream, known)
        {
            return Ok(self.reuse(epoch, upstream, pooled.permit, pooled.connection));
        }
        if let Some(permit) = self.permit(&epoch) {
            let opening = self.opening(&epoch, upstream, permit, dialer);
            return match needs {
                Need::Fresh => self.opened(opening.await),
                Need::Open | Need::Certain => {
                    let idle = dialer.upstream_idle;
                    self.opened_or_freed(opening, &epoch, upstream, idle).await
                }
            };
        }
        let wanted = (needs != Need::Fresh).then(|| (epoch, Rc::clone(upstream)));
        let began = Instant::now();
        let grant = self.stand_in_line(Wanted(wanted), dialer.wait_timeout);
        let grant = grant.await?;
        let waited = began.elapsed();
        let lease = self.take_grant(grant, upstream, dialer, known).await?;
        Ok(Lease { waited, ..lease })
    }

    /// What `opening` brings, or a connection that comes free before it does: then the new one is
    /// kept for another request.
    async fn opened_or_freed(
        self: &Rc<Self>,
        mut opening: Opening,
        epoch: &Rc<Epoch>,
        upstream: &Rc<Upstream>,
        upstream_idle: Duration,
    ) -> Result<Lease, Cause> {
        loop {
            let freed = epoch.freed.notified();
            tokio::select! {
                biased;
                opened = &mut opening => return self.opened(opened),
                () = freed => {}
            }
            if epoch.retired.get() {
                // Nothing of it comes free any more, and what is opened may be of the next.
                return self.opened(opening.await);
            }
            // It was in use a moment ago: the event loop has not turned since.
            if let Some(pooled) = self.take_usable(epoch, upstream, Known::ByKernel) {
                task::spawn(async move {
                    match opening.await {
                        Ok(lease) => lease.settle(upstream_idle),
                        Err(cause) => ::log::debug!("a spare connection: {}", cause.label()),
                    }
                });
                let epoch = Rc::clone(epoch);
                return Ok(self.reuse(epoch, upstream, pooled.permit, pooled.connection));
            }
        }
    }

    /// A new connection under way. Apart, for a client's task should not have room for a handshake
    /// all the time, and it may outlive the request.
    fn opening(
        self: &Rc<Self>,
        epoch: &Rc<Epoch>,
        upstream: &Rc<Upstream>,
        permit: Permit,
        dialer: &Rc<Dialer>,
    ) -> Opening {
        let (epoch, upstream) = (Rc::clone(epoch), Rc::clone(upstream));
        Box::pin(Rc::clone(self).open(epoch, upstream, permit, Rc::clone(dialer)))
    }

    /// Counts a connection that was made for the request in hand.
    fn opened(&self, opened: Result<Lease, Cause>) -> Result<Lease, Cause> {
        if opened.is_ok() {
            self.counters.new.add_one();
        }
        opened
    }

    fn take_usable(&self, epoch: &Epoch, upstream: &Rc<Upstream>, known: Known) -> Option<Pooled> {
        loop {
            let pooled = epoch.idle.borrow_mut().take(upstream, Instant::now())?;
            let reason = match epoch.left(&pooled.connection) {
                Some(_) if pooled.connection.is_usable(known) => return Some(pooled),
                Some(_) => NotKept::DeadInPool,
                None => NotKept::CertificateEnded,
            };
            self.counters.not_kept(reason);
        }
    }

    /// A place for a new connection, if need be that of the one that is idle longest.
    fn permit(&self, epoch: &Epoch) -> Option<Permit> {
        self.slots.try_acquire().or_else(|| {
            let oldest = epoch.take_oldest()?;
            self.counters.not_kept(NotKept::PlaceNeeded);
            Some(oldest.permit)
        })
    }

    async fn take_grant(
        self: &Rc<Self>,
        grant: pool::Grant<Wanted, Offered>,
        upstream: &Rc<Upstream>,
        dialer: &Rc<Dialer>,
        known: Option<Known>,
    ) -> Result<Lease, Cause> {
        if let Some((epoch, _, connection)) = grant.offer {
            // It was in use a moment ago, and the event loop has not turned since: where a dead
            // connection does harm, the kernel is asked.
            let usable = connection.is_usable(known.unwrap_or(Known::ByKernel));
            if usable && !epoch.retired.get() {
                return Ok(self.reuse(epoch, upstream, grant.permit, connection));
            }
            self.counters.not_kept(match usable {
                true => NotKept::EpochEnded,
                false => NotKept::DeadInPool,
            });
        }
        let epoch = self.current()?;
        let opening = self.opening(&epoch, upstream, grant.permit, dialer);
        self.opened(opening.await)
    }

    async fn stand_in_line(
        &self,
        wanted: Wanted,
        after: Duration,
    ) -> Result<pool::Grant<Wanted, Offered>, Cause> {
        let connections = self.config.connections;
        let wait = self.slots.wait(wanted).map_err(|pool::Full| Cause::Busy {
            connections,
            waiting: self.config.waiting,
        })?;
        timeout(after, wait)
            .await
            .map_err(|_| Cause::WaitTimeout { connections, after })
    }

    /// A connection without TLS, for a tunnel: it counts among the identity's, and nothing of
    /// the identity is in it.
    ///
    /// # Errors
    /// As [`Identity::connect`].
    pub async fn connect_plain(
        &self,
        host: &Host,
        port: u16,
        dialer: &Dialer,
    ) -> Result<PlainLease, Cause> {
        let free = match self.current() {
            Ok(epoch) => self.permit(&epoch),
            Err(_) => self.slots.try_acquire(),
        };
        let permit = match free {
            Some(permit) => permit,
            None => {
                let grant = self.stand_in_line(Wanted(None), dialer.wait_timeout);
                grant.await?.permit
            }
        };
        let stream = connect::open_plain(host, port, dialer).await?;
        Ok(PlainLease {
            stream,
            _permit: permit,
        })
    }

    fn reuse(
        self: &Rc<Self>,
        epoch: Rc<Epoch>,
        upstream: &Rc<Upstream>,
        permit: Permit,
        connection: Connection,
    ) -> Lease {
        self.counters.reused.add_one();
        Lease {
            connection,
            reused: true,
            waited: Duration::ZERO,
            permit,
            epoch,
            upstream: Rc::clone(upstream),
            identity: Rc::clone(self),
        }
    }

    /// A new connection. New files that come while hands are shaken make another one of it, once:
    /// what begins after a reload is of the new epoch, and what is older may end as it began.
    async fn open(
        self: Rc<Self>,
        epoch: Rc<Epoch>,
        upstream: Rc<Upstream>,
        permit: Permit,
        dialer: Rc<Dialer>,
    ) -> Result<Lease, Cause> {
        let mut epoch = epoch;
        let mut opened = self.open_as(&epoch, &upstream, &dialer).await;
        if epoch.retired.get()
            && let Ok(current) = self.current()
            && !Rc::ptr_eq(&current, &epoch)
        {
            epoch = current;
            opened = self.open_as(&epoch, &upstream, &dialer).await;
        }
        let connection = opened?;
        Ok(Lease {
            connection,
            reused: false,
            waited: Duration::ZERO,
            permit,
            epoch,
            upstream,
            identity: self,
        })
    }

    async fn open_as(
        &self,
        epoch: &Epoch,
        upstream: &Upstream,
        dialer: &Dialer,
    ) -> Result<Connection, Cause> {
        let slot = epoch.sessions.slot(upstream, Instant::now(), epoch.time()?);
        let config = Arc::clone(&slot.config);
        let facts = Gathering::default();
        let stream = connect::open(upstream, config, dialer, &self.handshakes, &facts).await?;
        let mut facts = facts.take();
        match facts.resumed {
            true => self.counters.resumed.add_one(),
            false => self.counters.full.add_one(),
        }
        let took = facts.took.handshake.unwrap_or_default();
        self.counters.handshakes.observe(took);
        slot.remember(&mut facts, epoch.valid(), Instant::now());
        Ok(Connection::new(stream, facts))
    }

    /// Closes connections that have been idle for too long, for ever.
    pub async fn sweep(self: Rc<Self>) {
        loop {
            let epoch = self.current().ok();
            let next = epoch.as_ref().and_then(|epoch| epoch.next_expiry());
            self.next_sweep.set(next);
            let Some((epoch, next)) = epoch.zip(next) else {
                self.rested.notified().await;
                continue;
            };
            tokio::select! {
                () = self.rested.notified() => {}
                () = sleep_until(next) => {
                    while let Some(pooled) = epoch.take_expired(Instant::now()) {
                        self.counters.not_kept(pooled.limit);
                        drop(pooled);
                    }
                }
            }
        }
    }

    /// Closes idle connections that ended with a certificate before their time: the wall clock may
    /// have jumped since they were put aside.
    pub fn close_ended(&self) {
        if let Ok(epoch) = self.current() {
            while let Some(pooled) = epoch.take_ended() {
                self.counters.not_kept(NotKept::CertificateEnded);
                drop(pooled);
            }
        }
    }

    /// Closes all idle connections, and keeps none from now on.
    pub fn stop_keeping(&self) {
        if let Ok(epoch) = self.current() {
            epoch.retire();
        }
    }
}
