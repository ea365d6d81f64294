//! What unit tests and the soak share: a random number generator whose seed is printed.

use std::time::{SystemTime, UNIX_EPOCH};

/// A fresh seed, or the one in `EGRET_SEED`, so that a failure can be run again.
pub fn seed() -> u64 {
    match std::env::var("EGRET_SEED") {
        Ok(text) => text.parse().expect("EGRET_SEED is a number"),
        Err(_) => SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("the clock is past 1970")
            .as_nanos() as u64,
    }
}

/// xorshift64*: small, fast, good enough to pick test inputs.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    pub fn number(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.number() % bound
    }
}
