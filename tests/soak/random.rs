//! Numbers that are the same again for the same seed, as unit tests have them, and what mixes a
//! load.

use std::time::Duration;

#[path = "../../src/testing.rs"]
mod testing;

pub use testing::{Random, seed};

impl Random {
    /// A size below `bound`.
    pub fn size(&mut self, bound: usize) -> usize {
        self.below(bound as u64) as usize
    }

    /// True so many times in a hundred.
    pub fn percent(&mut self, share: u64) -> bool {
        self.below(100) < share
    }

    /// One of several.
    pub fn pick<T: Copy>(&mut self, among: &[T]) -> T {
        among[self.size(among.len())]
    }

    /// A while between two bounds, in milliseconds.
    pub fn millis(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + self.below(to - from))
    }

    /// Numbers for somebody else.
    pub fn fork(&mut self) -> Self {
        Self::new(self.number())
    }
}
