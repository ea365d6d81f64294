//! A bare value, then `key=value` pairs in any order: the shape of `--identity`, `--route` and
//! `--forward`.

use super::{Fault, Problem};
use crate::flags::nearest;

/// A key of an option and what its value does to a `T`. A row in a table of these is all that a
/// new key needs.
pub(super) struct Key<T> {
    /// Without the `=`.
    name: &'static str,
    set: Set<T>,
    /// Whether it may be given more than once.
    repeats: bool,
    /// Whether it must be given, and then what to write when it is not.
    required: Option<&'static str>,
}

/// Reads a value into a `T`.
type Set<T> = fn(&mut T, &str) -> Result<(), Fault>;

impl<T> Key<T> {
    pub(super) const fn new(name: &'static str, set: Set<T>) -> Self {
        Self {
            name,
            set,
            repeats: false,
            required: None,
        }
    }

    pub(super) const fn repeats(self) -> Self {
        Self {
            repeats: true,
            ..self
        }
    }

    pub(super) const fn required(self, remedy: &'static str) -> Self {
        Self {
            required: Some(remedy),
            ..self
        }
    }
}

/// What a list says.
pub(super) struct List<'a> {
    /// What stands before the first comma.
    pub(super) bare: &'a str,
    /// The known keys that are given, well or ill.
    given: Vec<&'static str>,
    /// What is wrong with it.
    pub(super) problems: Vec<Problem>,
}

impl<'a> List<'a> {
    /// Reads `text` by a table of keys, each key's value into `into`.
    pub(super) fn read<T>(text: &'a str, keys: &[Key<T>], into: &mut T) -> Self {
        let mut parts = text.split(',');
        let bare = parts.next().unwrap_or_default();
        let mut list = List {
            bare,
            given: Vec::new(),
            problems: Vec::new(),
        };
        for part in parts {
            if let Err(problem) = list.take(part, keys, into) {
                list.problems.push(problem);
            }
        }
        list.require(keys);
        list
    }

    /// Whether a key is given, well or ill.
    pub(super) fn has(&self, key: &str) -> bool {
        self.given.contains(&key)
    }

    /// The keys given, each once.
    pub(super) fn given(&self) -> &[&'static str] {
        &self.given
    }

    /// Whether the value of a key is given and means nothing.
    pub(super) fn is_ill(&self, key: &str) -> bool {
        self.problems
            .iter()
            .any(|problem| matches!(problem, Problem::Key { key: ill, .. } if *ill == key))
    }

    fn take<T>(&mut self, part: &str, keys: &[Key<T>], into: &mut T) -> Result<(), Problem> {
        let Some((name, value)) = part.split_once('=') else {
            return Err(Problem::NoPair(part.to_owned()));
        };
        let Some(key) = keys.iter().find(|key| key.name == name) else {
            return Err(unknown(name, keys));
        };
        if !self.has(key.name) {
            self.given.push(key.name);
        } else if !key.repeats {
            return Err(Problem::Repeated(key.name));
        }
        (key.set)(into, value).map_err(|fault| Problem::Key {
            key: key.name,
            value: value.to_owned(),
            fault,
        })
    }

    fn require<T>(&mut self, keys: &[Key<T>]) {
        for key in keys {
            if let Some(remedy) = key.required.filter(|_| !self.has(key.name)) {
                self.problems.push(Problem::Missing {
                    key: key.name,
                    remedy,
                });
            }
        }
    }
}

fn unknown<T>(name: &str, keys: &[Key<T>]) -> Problem {
    let allowed: Vec<_> = names(keys).collect();
    let nearest = nearest(name, allowed.iter().copied());
    Problem::UnknownKey {
        key: name.to_owned(),
        nearest,
        allowed,
    }
}

/// The keys of a table.
pub(super) fn names<T>(keys: &[Key<T>]) -> impl Iterator<Item = &'static str> {
    keys.iter().map(|key| key.name)
}
