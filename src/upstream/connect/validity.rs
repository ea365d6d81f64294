//! For how long what a handshake verified is believed.

use std::time::Duration;

/// When the certificates are valid that something was made with. Times are since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    from: Duration,
    to: Duration,
}

impl Default for Validity {
    fn default() -> Self {
        Self::ALWAYS
    }
}

impl Validity {
    /// Without a certificate there is no end.
    pub const ALWAYS: Self = Self {
        from: Duration::ZERO,
        to: Duration::MAX,
    };

    /// Of a certificate with these dates, in unix seconds.
    pub fn new(not_before: i64, not_after: i64) -> Self {
        Self {
            from: since_1970(not_before),
            to: since_1970(not_after),
        }
    }

    /// Of a certificate whose first day is for others to judge.
    pub fn until(not_after: i64) -> Self {
        Self::new(0, not_after)
    }

    /// While both are valid.
    pub fn and(self, other: Self) -> Self {
        Self {
            from: self.from.max(other.from),
            to: self.to.min(other.to),
        }
    }

    /// How much is left of it at `now`, as the wall clock shows it; `None`: it is over, or the
    /// clock was set back to before it began.
    pub fn left(self, now: Duration) -> Option<Duration> {
        let left = self.to.checked_sub(now)?;
        (now >= self.from && !left.is_zero()).then_some(left)
    }
}

/// No clock that is set shows a time before 1970.
fn since_1970(unix: i64) -> Duration {
    Duration::from_secs(u64::try_from(unix).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: Validity = Validity {
        from: Duration::from_secs(1_000),
        to: Duration::from_secs(2_000),
    };

    fn at(millis: u64) -> Option<u128> {
        let left = SPAN.left(Duration::from_millis(millis));
        left.map(|left| left.as_millis())
    }

    #[test]
    fn what_is_left_is_told_to_the_millisecond_and_nothing_at_the_end() {
        assert_eq!(at(1_000_000), Some(1_000_000));
        assert_eq!(at(1_999_999), Some(1));
        assert_eq!(at(2_000_000), None);
        assert_eq!(at(9_000_000), None);
    }

    #[test]
    fn nothing_is_left_before_it_begins() {
        assert_eq!(at(999_999), None);
        assert_eq!(at(0), None);
    }

    #[test]
    fn two_certificates_are_valid_while_both_are() {
        let (early, late) = (Validity::new(10, 100), Validity::new(20, 200));
        assert_eq!(early.and(late), Validity::new(20, 100));
        assert_eq!(late.and(early), Validity::new(20, 100));
        assert_eq!(early.and(Validity::ALWAYS), early);
    }

    #[test]
    fn dates_before_1970_and_without_end_are_dates_like_others() {
        let now = Duration::from_secs(5);
        assert_eq!(Validity::new(-1, -1).left(now), None);
        assert!(Validity::new(-1, i64::MAX).left(now).is_some());
        assert!(Validity::until(6).left(Duration::ZERO).is_some());
        assert!(Validity::ALWAYS.left(now).is_some());
    }
}
