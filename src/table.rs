//! Tables of fixed capacity: what is full is a value, and nothing grows.

use heapless::Vec;

/// A map of at most `N` entries (fewer, if made with a lower capacity) that forgets the least
/// recently used. Lookup is a scan: `N` is small, and a scan compares whole keys, never hashes.
#[derive(Debug)]
pub struct Lru<K, V, const N: usize> {
    entries: Vec<Entry<K, V>, N>,
    capacity: usize,
    tick: u64,
}

#[derive(Debug)]
struct Entry<K, V> {
    key: K,
    value: V,
    used: u64,
}

impl<K: PartialEq, V, const N: usize> Lru<K, V, N> {
    /// An empty table of at most `capacity` entries, and never more than `N`.
    pub fn new(capacity: usize) -> Self {
        Self {
            entries: Vec::new(),
            capacity: capacity.min(N),
            tick: 0,
        }
    }

    /// The value of `key`, which becomes the most recently used.
    pub fn get<Q: ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: PartialEq<Q>,
    {
        self.tick += 1;
        let tick = self.tick;
        let entry = self.entries.iter_mut().find(|entry| entry.key == *key)?;
        entry.used = tick;
        Some(&mut entry.value)
    }

    /// Puts `value` under `key`. What had to go is returned: the former value of the key, or the
    /// least recently used entry that `keep` does not hold on to. When nothing may go, or the
    /// capacity is zero, the new value comes back as the error.
    pub fn insert(&mut self, key: K, value: V, keep: impl Fn(&V) -> bool) -> Result<Option<V>, V> {
        self.tick += 1;
        let used = self.tick;
        let entry = Entry { key, value, used };
        if let Some(slot) = self.entries.iter_mut().find(|slot| slot.key == entry.key) {
            return Ok(Some(std::mem::replace(slot, entry).value));
        }
        if self.entries.len() < self.capacity {
            return match self.entries.push(entry) {
                Ok(()) => Ok(None),
                Err(entry) => Err(entry.value),
            };
        }
        let oldest = self
            .entries
            .iter_mut()
            .filter(|slot| !keep(&slot.value))
            .min_by_key(|slot| slot.used);
        match oldest {
            Some(slot) => Ok(Some(std::mem::replace(slot, entry).value)),
            None => Err(entry.value),
        }
    }

    /// Takes the entry of `key` out.
    pub fn remove<Q: ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: PartialEq<Q>,
    {
        let index = self.entries.iter().position(|entry| entry.key == *key)?;
        Some(self.entries.swap_remove(index).value)
    }

    /// Entries held.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Entries that fit.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// All entries, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.entries.iter().map(|entry| (&entry.key, &entry.value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lru(capacity: usize) -> Lru<u32, u32, 8> {
        Lru::new(capacity)
    }

    #[test]
    fn the_least_recently_used_entry_goes_first() {
        let mut table = lru(2);
        assert_eq!(table.insert(1, 10, |_| false), Ok(None));
        assert_eq!(table.insert(2, 20, |_| false), Ok(None));
        assert_eq!(table.get(&1), Some(&mut 10));
        assert_eq!(table.insert(3, 30, |_| false), Ok(Some(20)));
        assert_eq!(table.get(&2), None);
        assert_eq!(table.get(&1), Some(&mut 10));
    }

    #[test]
    fn an_entry_that_is_held_on_to_never_goes() {
        let mut table = lru(1);
        assert_eq!(table.insert(1, 10, |_| true), Ok(None));
        assert_eq!(table.insert(2, 20, |_| true), Err(20));
        assert_eq!(table.get(&1), Some(&mut 10));
    }

    #[test]
    fn a_table_without_capacity_takes_nothing() {
        let mut table = lru(0);
        assert_eq!(table.insert(1, 10, |_| false), Err(10));
        assert!(table.is_empty());
    }

    #[test]
    fn it_agrees_with_a_naive_model_over_a_million_steps() {
        let seed = crate::testing::seed();
        println!("seed {seed}");
        let mut random = crate::testing::Random::new(seed);
        let mut table = lru(5);
        let mut model: std::vec::Vec<(u32, u32)> = std::vec::Vec::new();
        for step in 0..1_000_000u32 {
            let key = random.below(9) as u32;
            match random.below(3) {
                0 => {
                    let found = model.iter().position(|(k, _)| *k == key);
                    let expected = found.map(|index| {
                        let entry = model.remove(index);
                        model.push(entry);
                        entry.1
                    });
                    assert_eq!(
                        table.get(&key).copied(),
                        expected,
                        "seed {seed} step {step}"
                    );
                }
                1 => {
                    // Most steps may push out what they like, some hold on to much of it.
                    let held = [0, 0, 3, 4][random.below(4) as usize];
                    let keep = |value: &u32| value % 4 < held;
                    let own = model.iter().position(|(k, _)| *k == key);
                    let goes = || model.iter().position(|(_, value)| !keep(value));
                    let expected = match own.or((model.len() == 5).then(goes).flatten()) {
                        Some(index) => Ok(Some(model.remove(index).1)),
                        None if model.len() == 5 => Err(step),
                        None => Ok(None),
                    };
                    if expected.is_ok() {
                        model.push((key, step));
                    }
                    let inserted = table.insert(key, step, keep);
                    assert_eq!(inserted, expected, "seed {seed} step {step}");
                }
                _ => {
                    let expected = model
                        .iter()
                        .position(|(k, _)| *k == key)
                        .map(|index| model.remove(index).1);
                    assert_eq!(table.remove(&key), expected, "seed {seed} step {step}");
                }
            }
            assert_eq!(table.len(), model.len());
        }
    }
}
