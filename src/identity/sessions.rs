//! TLS sessions of one epoch: a slot for each upstream, and in each a store of its own.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustls::client::{
    ClientSessionStore, Resumption, Tls12ClientSessionValue, Tls13ClientSessionValue,
};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, NamedGroup};

use tokio::time::Instant;

use super::verify::Trust;
use crate::limits::{SESSION_LIFE, SESSIONS_MAX, TICKETS_PER_UPSTREAM};
use crate::table::Lru;
use crate::upstream::Upstream;
use crate::upstream::connect::{Facts, OurCertificate, Validity};

/// The sessions of one epoch.
#[derive(Debug)]
pub struct Sessions {
    base: ClientConfig,
    trust: Trust,
    table: RefCell<Lru<Upstream, Rc<Slot>, SESSIONS_MAX>>,
}

/// What one epoch of one identity keeps for one upstream.
#[derive(Debug)]
pub struct Slot {
    /// The epoch's configuration, with a session store that no other upstream shares.
    pub config: Arc<ClientConfig>,
    /// What became of our certificate in the last full handshake: a resumed one does not ask.
    certificate: Cell<OurCertificate>,
    /// `None` before the first full handshake.
    life: Cell<Option<Life>>,
    /// `None`: nothing is kept.
    store: Option<Arc<Store>>,
}

/// For how long sessions are resumed: what was verified, and proven, in the first full handshake
/// holds no longer.
#[derive(Debug, Clone, Copy)]
struct Life {
    until: Instant,
    /// The wall clock may jump, so it is compared when a session is wanted.
    valid: Validity,
}

impl Slot {
    /// Takes in what a handshake of the slot found, and puts into `facts` what the full handshake
    /// knew that this one resumes: what became of our certificate, and when the certificates are
    /// valid, the server's and `ours`.
    pub fn remember(&self, facts: &mut Facts, ours: Validity, now: Instant) {
        if !facts.resumed {
            self.certificate.set(facts.certificate);
            let valid = facts.valid.and(ours);
            let life = self.life.get().unwrap_or(Life {
                until: now + SESSION_LIFE,
                valid,
            });
            self.life.set(Some(Life {
                valid: life.valid.and(valid),
                ..life
            }));
        }
        facts.certificate = self.certificate.get();
        facts.valid = self.life.get().map_or(ours, |life| life.valid);
    }

    /// Forgets its sessions and keeps none from now on, whoever still holds it.
    fn close(&self) {
        if let Some(store) = &self.store {
            *store.stored() = Stored::closed();
        }
    }

    fn has_ended(&self, now: Instant, wall: Duration) -> bool {
        let ended = |life: Life| life.until <= now || life.valid.left(wall).is_none();
        self.life.get().is_some_and(ended)
    }
}

impl Drop for Slot {
    /// Connections made with the slot live on, and with them their configuration: the sessions
    /// must not, and what the server still sends is not kept.
    fn drop(&mut self) {
        self.close();
    }
}

impl Sessions {
    /// An empty table of `capacity` upstreams for connections made with `base`.
    pub fn new(base: ClientConfig, trust: Trust, capacity: usize) -> Self {
        Self {
            base,
            trust,
            table: RefCell::new(Lru::new(capacity)),
        }
    }

    /// The slot of `upstream`. The least recently used one goes for it, and its sessions with it.
    /// Without capacity it is a new one each time, so that nothing is ever resumed. `wall` is the
    /// wall clock, since 1970.
    pub fn slot(&self, upstream: &Upstream, now: Instant, wall: Duration) -> Rc<Slot> {
        let mut table = self.table.borrow_mut();
        match table.get(upstream) {
            Some(slot) if !slot.has_ended(now, wall) => return Rc::clone(slot),
            Some(ended) => {
                ended.close();
                drop(table.remove(upstream));
            }
            None => {}
        }
        let store = (table.capacity() > 0).then(|| Arc::new(Store::default()));
        let resumption = match &store {
            Some(store) => Resumption::store(Arc::clone(store) as Arc<dyn ClientSessionStore>),
            None => Resumption::disabled(),
        };
        let slot = Rc::new(Slot {
            config: Arc::new(self.configure(upstream, resumption)),
            certificate: Cell::default(),
            life: Cell::new(None),
            store,
        });
        // A table without capacity hands the slot back: it lives as long as its connection.
        let _unkept = table.insert(upstream.clone(), Rc::clone(&slot), |_| false);
        slot
    }

    /// A slot of which nothing is kept, with or without SNI, to see what a server makes of that.
    pub fn apart(&self, upstream: &Upstream, sends_sni: bool) -> Rc<Slot> {
        let mut config = self.configure(upstream, Resumption::disabled());
        config.enable_sni = sends_sni;
        Rc::new(Slot {
            config: Arc::new(config),
            certificate: Cell::default(),
            life: Cell::new(None),
            store: None,
        })
    }

    /// Drops all sessions, and keeps none from now on. Whoever is about to shake hands with one of
    /// its slots finds nothing there to resume.
    pub fn end(&self) {
        let ended = self.table.replace(Lru::new(0));
        for (_, slot) in ended.iter() {
            slot.close();
        }
    }

    /// Upstreams whose sessions are kept.
    pub fn len(&self) -> usize {
        self.table.borrow().len()
    }

    /// Whether none are kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn configure(&self, upstream: &Upstream, resumption: Resumption) -> ClientConfig {
        let mut config = self.base.clone();
        config.resumption = resumption;
        if upstream.verifies_another_name() {
            let verifier = self.trust.verifier(Some(&upstream.verify));
            config.dangerous().set_certificate_verifier(verifier);
        }
        config
    }
}

/// The sessions of one upstream. rustls asks by server name, which one upstream has only one of:
/// the name is ignored.
#[derive(Default)]
struct Store(Mutex<Stored>);

#[derive(Default)]
struct Stored {
    tls12: Option<Tls12ClientSessionValue>,
    /// Oldest first.
    tickets: [Option<Tls13ClientSessionValue>; TICKETS_PER_UPSTREAM],
    group: Option<NamedGroup>,
    /// The slot is gone: nothing is kept any more.
    closed: bool,
}

impl Stored {
    fn closed() -> Self {
        Self {
            closed: true,
            ..Self::default()
        }
    }
}

impl Store {
    fn stored(&self) -> MutexGuard<'_, Stored> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Store {
    /// Sessions are secrets: none are printed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store")
    }
}

impl ClientSessionStore for Store {
    fn set_kx_hint(&self, _: ServerName<'static>, group: NamedGroup) {
        self.stored().group = Some(group);
    }

    fn kx_hint(&self, _: &ServerName<'_>) -> Option<NamedGroup> {
        self.stored().group
    }

    fn set_tls12_session(&self, _: ServerName<'static>, value: Tls12ClientSessionValue) {
        let mut stored = self.stored();
        if !stored.closed {
            stored.tls12 = Some(value);
        }
    }

    fn tls12_session(&self, _: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.stored().tls12.clone()
    }

    fn remove_tls12_session(&self, _: &ServerName<'static>) {
        self.stored().tls12 = None;
    }

    fn insert_tls13_ticket(&self, _: ServerName<'static>, value: Tls13ClientSessionValue) {
        let mut stored = self.stored();
        if stored.closed {
            return;
        }
        let tickets = &mut stored.tickets;
        match tickets.iter_mut().find(|ticket| ticket.is_none()) {
            Some(free) => *free = Some(value),
            None => {
                tickets.rotate_left(1);
                if let Some(last) = tickets.last_mut() {
                    *last = Some(value);
                }
            }
        }
    }

    fn take_tls13_ticket(&self, _: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        // The newest: a ticket is used once (RFC 8446 appendix C.4).
        self.stored()
            .tickets
            .iter_mut()
            .rev()
            .find_map(Option::take)
    }
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
