//! The session table beside a model so plain that it can be believed.

use super::tests::{NOW, Site};
use super::*;
use crate::testing::{Random, seed};

const STEPS: u32 = 200_000;
const CAPACITY: usize = 5;
const UPSTREAMS: u64 = 9;
const MINUTE: u64 = 60;

/// What the model keeps of an upstream: its slot, and since a full handshake when that ends.
struct Kept {
    port: u16,
    slot: Rc<Slot>,
    end: Option<u64>,
}

/// Least recently used first.
struct Model {
    kept: Vec<Kept>,
    capacity: usize,
}

impl Model {
    fn of(capacity: usize) -> Self {
        Self {
            kept: Vec::new(),
            capacity,
        }
    }

    /// The slot that must be given, if it is one that was given before.
    fn expected(&mut self, port: u16, now: u64) -> Option<Rc<Slot>> {
        let index = self.kept.iter().position(|kept| kept.port == port)?;
        let kept = self.kept.remove(index);
        if kept.end.is_some_and(|end| end <= now) {
            return None;
        }
        let slot = Rc::clone(&kept.slot);
        self.kept.push(kept);
        Some(slot)
    }

    fn add(&mut self, port: u16, slot: Rc<Slot>) {
        if self.kept.len() == self.capacity && self.capacity > 0 {
            self.kept.remove(0);
        }
        if self.kept.len() < self.capacity {
            let end = None;
            self.kept.push(Kept { port, slot, end });
        }
    }

    /// A full handshake with a certificate that ends after so many seconds.
    fn shake_hands(&mut self, site: &Site, pick: usize, now: u64, left: u64) {
        let Some(kept) = self.kept.get_mut(pick) else {
            return;
        };
        let mut facts = Facts {
            valid: Validity::new(NOW - 1_000, NOW + (now + left) as i64),
            ..Facts::default()
        };
        let then = site.start + Duration::from_secs(now);
        kept.slot.remember(&mut facts, Validity::ALWAYS, then);
        let life = kept.end.unwrap_or(now + SESSION_LIFE.as_secs());
        kept.end = Some(life.min(now + left));
    }
}

/// The stores of all slots that were given. Whoever holds a connection holds its store.
#[derive(Default)]
struct Given(Vec<Arc<Store>>);

impl Given {
    fn has(&self, slot: &Slot) -> bool {
        let is_its = |store: &Arc<Store>| {
            slot.store
                .as_ref()
                .is_some_and(|its| Arc::ptr_eq(its, store))
        };
        self.0.iter().any(is_its)
    }

    fn open(&self) -> usize {
        let is_open = |store: &&Arc<Store>| !store.stored().closed;
        self.0.iter().filter(is_open).count()
    }

    fn add(&mut self, slot: &Slot) {
        if self.0.len() >= 4 * CAPACITY {
            let is_open = |store: &Arc<Store>| !store.stored().closed;
            self.0.retain(is_open);
        }
        self.0.extend(slot.store.clone());
    }
}

#[test]
fn slots_and_their_stores_agree_with_a_naive_model_over_many_steps() {
    let seed = seed();
    println!("EGRET_SEED={seed}");
    let mut random = Random::new(seed);
    let mut site = Site::with_capacity(CAPACITY);
    let mut model = Model::of(CAPACITY);
    let mut given = Given::default();
    let mut now = 0;
    for step in 0..STEPS {
        match random.below(256) {
            0 => {
                site.sessions.end();
                model = Model::of(0);
            }
            1..4 if model.capacity == 0 => {
                // The next epoch has a table of its own.
                site = Site::with_capacity(CAPACITY);
                model = Model::of(CAPACITY);
                now = 0;
            }
            4..32 => now += random.below(20) * MINUTE,
            32..96 => {
                let pick = random.below(CAPACITY as u64) as usize;
                // On half a minute, so that no step comes at the very end.
                let left = random.below(120) * MINUTE + MINUTE / 2;
                model.shake_hands(&site, pick, now, left);
            }
            _ => {
                let port = 1 + random.below(UPSTREAMS) as u16;
                site.upstream.port = port;
                let slot = site.slot(Duration::from_secs(now), NOW + now as i64);
                match model.expected(port, now) {
                    Some(expected) => assert!(Rc::ptr_eq(&slot, &expected), "step {step}"),
                    None => {
                        assert!(!given.has(&slot), "step {step}: it was another's");
                        given.add(&slot);
                        model.add(port, slot);
                    }
                }
            }
        }
        assert_eq!(site.sessions.len(), model.kept.len(), "step {step}");
        assert_eq!(given.open(), model.kept.len(), "step {step}");
    }
}
