//! Who we are to the cloud and whom we trust there, with everything that may never be mixed:
//! certificates, sessions and connections.

pub mod clock;
mod epoch;
pub mod pem;
mod sessions;
mod verify;
pub mod x509;

pub use epoch::{DefaultRoots, Epoch, LoadError};

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout};

use crate::config::{Host, IdentityConfig};
use crate::error::Cause;
use crate::metrics::{IdentityCounters, NotKept};
use crate::upstream::Upstream;
use crate::upstream::connect::{self, Connection, Dialer, Handshakes, OurCertificate};
use crate::upstream::pool::{self, Slots};
use clock::Clock;

/// What a waiting request wants, and what a finished one may pass on: a connection of the same
/// epoch to the same upstream. A tunnel wants nothing but the place, nor does a request whose
/// pooled connection turned out dead.
#[derive(Debug)]
pub(crate) struct Wanted(Option<(Rc<Epoch>, Rc<Upstream>)>);

type Permit = pool::Permit<Wanted, Offered>;
type Offered = (Rc<Epoch>, Rc<Upstream>, Connection);

/// An idle connection and its place among the identity's connections.
#[derive(Debug)]
pub(crate) struct Pooled {
    connection: Connection,
    permit: Permit,
}

/// One identity.
#[derive(Debug)]
pub struct Identity {
    /// Its options.
    pub config: IdentityConfig,
    /// What it did.
    pub counters: IdentityCounters,
    state: RefCell<State>,
    slots: Rc<Slots<Wanted, Offered>>,
    handshakes: Handshakes,
    /// When the sweep looks next; `None` while nothing is idle.
    next_sweep: Cell<Option<Instant>>,
    /// A connection became idle that ends before that.
    rested: Notify,
}

#[derive(Debug)]
enum State {
    Ready(Rc<Epoch>),
    Unavailable(String),
}

/// A connection in use for one request. Dropping it closes the connection; [`Lease::settle`]
/// gives it back.
#[derive(Debug)]
pub struct Lease {
    /// The connection.
    pub connection: Connection,
    /// It was used before.
    pub reused: bool,
    /// What became of our certificate when this connection, or the session that it resumed, was
    /// made.
    pub certificate: OurCertificate,
    permit: Permit,
    epoch: Rc<Epoch>,
    upstream: Rc<Upstream>,
    identity: Rc<Identity>,
}

/// A connection of a tunnel and its place among the identity's connections.
#[derive(Debug)]
pub struct PlainLease {
    /// The connection.
    pub stream: TcpStream,
    _permit: Permit,
}

impl Identity {
    /// An identity whose files have not been read.
    pub fn new(config: IdentityConfig) -> Rc<Self> {
        Rc::new(Self {
            slots: Slots::new(config.connections, config.waiting),
            config,
            counters: IdentityCounters::default(),
            state: RefCell::new(State::Unavailable(String::from(
                "its files were not read yet",
            ))),
            handshakes: Handshakes::default(),
            next_sweep: Cell::new(None),
            rested: Notify::new(),
        })
    }

    /// Reads the identity's files and lets what follows from them take the place of what was.
    /// When they cannot be read, what was stays.
    ///
    /// # Errors
    /// Which file is missing or bad, and why.
    pub fn load(
        &self,
        roots: &DefaultRoots,
        clock: &Arc<dyn Clock>,
    ) -> Result<Rc<Epoch>, LoadError> {
        let number = match &*self.state.borrow() {
            State::Ready(epoch) => epoch.number + 1,
            State::Unavailable(_) => 1,
        };
        match Epoch::load(&self.config, roots, clock, number) {
            Ok(epoch) => {
                let former = self.state.replace(State::Ready(Rc::clone(&epoch)));
                if let State::Ready(former) = former {
                    former.retire();
                }
                Ok(epoch)
            }
            Err(error) => {
                let mut state = self.state.borrow_mut();
                if let State::Unavailable(why) = &mut *state {
                    *why = format!("not available: {error}");
                }
                Err(error)
            }
        }
    }

    /// The epoch that new requests belong to.
    ///
    /// # Errors
    /// Why there is none.
    pub fn current(&self) -> Result<Rc<Epoch>, Cause> {
        match &*self.state.borrow() {
            State::Ready(epoch) => Ok(Rc::clone(epoch)),
            State::Unavailable(why) => Err(Cause::IdentityUnavailable(why.clone())),
        }
    }

    /// A connection to `upstream`: from the pool unless it must be `fresh`, else a new one, else
    /// the next that comes free.
    ///
    /// # Errors
    /// The tables are full, or the upstream cannot be reached.
    pub async fn connect(
        self: &Rc<Self>,
        upstream: &Rc<Upstream>,
        dialer: &Dialer,
        fresh: bool,
    ) -> Result<Lease, Cause> {
        let epoch = self.current()?;
        if !fresh && let Some(pooled) = self.take_usable(&epoch, upstream).await {
            return Ok(self.reuse(epoch, upstream, pooled.permit, pooled.connection));
        }
        // The files may have changed meanwhile: what is opened now is of the present epoch.
        let epoch = self.current()?;
        if let Some(permit) = self.permit(&epoch) {
            return self.open(epoch, upstream, permit, dialer).await;
        }
        let wanted = (!fresh).then(|| (epoch, Rc::clone(upstream)));
        self.wait(Wanted(wanted), upstream, dialer).await
    }

    async fn take_usable(&self, epoch: &Epoch, upstream: &Rc<Upstream>) -> Option<Pooled> {
        loop {
            let mut pooled = epoch.idle.borrow_mut().take(upstream, Instant::now())?;
            if pooled.connection.is_usable().await {
                return Some(pooled);
            }
            self.counters.not_kept(NotKept::DeadInPool);
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

    async fn wait(
        self: &Rc<Self>,
        wanted: Wanted,
        upstream: &Rc<Upstream>,
        dialer: &Dialer,
    ) -> Result<Lease, Cause> {
        let grant = self.stand_in_line(wanted, dialer.wait_timeout).await?;
        if let Some((epoch, _, mut connection)) = grant.offer
            && !epoch.retired.get()
        {
            if connection.is_usable().await {
                return Ok(self.reuse(epoch, upstream, grant.permit, connection));
            }
            self.counters.not_kept(NotKept::DeadInPool);
        }
        let epoch = self.current()?;
        self.open(epoch, upstream, grant.permit, dialer).await
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
            certificate: connection.facts().certificate,
            connection,
            reused: true,
            permit,
            epoch,
            upstream: Rc::clone(upstream),
            identity: Rc::clone(self),
        }
    }

    async fn open(
        self: &Rc<Self>,
        epoch: Rc<Epoch>,
        upstream: &Rc<Upstream>,
        permit: Permit,
        dialer: &Dialer,
    ) -> Result<Lease, Cause> {
        let slot = epoch.sessions.slot(upstream);
        let (stream, facts) =
            connect::open(upstream, Arc::clone(&slot.config), dialer, &self.handshakes).await?;
        match facts.resumed {
            true => self.counters.resumed.add_one(),
            false => self.counters.full.add_one(),
        }
        let certificate = slot.remember(&facts);
        let connection = Connection::start(stream, facts).await?;
        self.counters.new.add_one();
        Ok(Lease {
            connection,
            reused: false,
            certificate,
            permit,
            epoch,
            upstream: Rc::clone(upstream),
            identity: Rc::clone(self),
        })
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
                        self.counters.not_kept(NotKept::IdleTooLong);
                        drop(pooled);
                    }
                }
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

impl Lease {
    /// The identity that the connection was made as.
    pub fn identity(&self) -> &Rc<Identity> {
        &self.identity
    }

    /// Gives the connection back: to the request that waits for one like it, else to the pool of
    /// its own epoch, else it is closed and the reason counted.
    pub fn settle(mut self, upstream_idle: Duration) {
        let outbound = self.connection.outbound();
        let allowed = outbound
            .response()
            .and_then(|head| head.keep_alive_timeout)
            .map(|seconds| Duration::from_secs(seconds.saturating_sub(1)));
        let idle = allowed.map_or(upstream_idle, |allowed| allowed.min(upstream_idle));
        let kept = match outbound.reusable() {
            Err(reason) => Err(reason),
            Ok(()) if self.epoch.retired.get() => Err(NotKept::EpochEnded),
            Ok(()) if upstream_idle.is_zero() => Err(NotKept::PoolOff),
            Ok(()) if idle.is_zero() => Err(NotKept::UpstreamCloses),
            Ok(()) => Ok(()),
        };
        match kept {
            // A connection that may go on has nothing under way: it ends in good order.
            Err(NotKept::EpochEnded | NotKept::PoolOff | NotKept::UpstreamCloses) => {
                self.connection.rest();
            }
            Err(_) => {}
            Ok(()) => {
                self.connection.rest();
                self.keep(Instant::now() + idle);
                return;
            }
        }
        if let Err(reason) = kept {
            self.identity.counters.not_kept(reason);
        }
    }

    fn keep(self, until: Instant) {
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
                let pooled = Pooled { connection, permit };
                // There are never more connections than the table has places.
                let _full = epoch.idle.borrow_mut().put(upstream, pooled, until);
                let next = self.identity.next_sweep.get();
                if next.is_none_or(|next| until < next) {
                    self.identity.rested.notify_one();
                }
            }
        }
    }
}
