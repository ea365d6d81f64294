//! How long things took, in buckets of fixed bounds.

use std::cell::Cell;
use std::time::Duration;

use super::Counter;

/// Upper bounds of the buckets, in milliseconds; what took longer is in none.
pub const BOUNDS: [u64; 11] = [5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000];

/// Durations, counted by bucket.
#[derive(Debug, Default)]
pub struct Histogram {
    buckets: [Counter; BOUNDS.len()],
    count: Counter,
    sum: Cell<Duration>,
}

impl Histogram {
    /// Counts one duration.
    pub fn observe(&self, took: Duration) {
        let fits = |bound: &u64| took <= Duration::from_millis(*bound);
        if let Some(index) = BOUNDS.iter().position(fits) {
            self.buckets[index].add_one();
        }
        self.count.add_one();
        self.sum.set(self.sum.get().saturating_add(took));
    }

    /// Each bound in milliseconds, with the number of durations up to it.
    pub fn cumulative(&self) -> impl Iterator<Item = (u64, u64)> {
        let mut sum = 0;
        BOUNDS
            .into_iter()
            .zip(&self.buckets)
            .map(move |(bound, bucket)| {
                sum += bucket.get();
                (bound, sum)
            })
    }

    /// Durations counted.
    pub fn count(&self) -> u64 {
        self.count.get()
    }

    /// All of them together.
    pub fn sum(&self) -> Duration {
        self.sum.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_counts_in_every_bucket_that_it_fits() {
        let histogram = Histogram::default();
        for took in [0, 5, 6, 10_000, 10_001] {
            histogram.observe(Duration::from_millis(took));
        }
        let cumulative: Vec<_> = histogram.cumulative().collect();
        assert_eq!(cumulative.first(), Some(&(5, 2)));
        assert_eq!(cumulative.get(1), Some(&(10, 3)));
        assert_eq!(cumulative.last(), Some(&(10_000, 4)));
        assert_eq!(histogram.count(), 5);
        assert_eq!(histogram.sum(), Duration::from_millis(20_012));
    }
}
