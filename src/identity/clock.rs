//! The wall clock, and whether it can be believed.
//!
//! A board without a battery boots in 1970. Certificates are judged by date, so a clock that is
//! before the day on which the program was made is *not set*, and no time is made up in its place.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::pki_types::UnixTime;
use rustls::time_provider::TimeProvider;

/// When the program was made, since 1970: `SOURCE_DATE_EPOCH`, or the date of the commit.
pub const BUILD_DATE: Duration = match u64::from_str_radix(env!("EGRET_BUILD_DATE"), 10) {
    Ok(seconds) => Duration::from_secs(seconds),
    Err(_) => panic!("EGRET_BUILD_DATE is not a number of seconds"),
};

/// Whether a clock that shows `now` can be right.
pub fn is_set(now: SystemTime) -> bool {
    now >= UNIX_EPOCH + BUILD_DATE
}

/// `time` in unix seconds, as certificates have their dates.
pub fn unix_seconds(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_secs()).map_or(i64::MIN, |secs| -secs),
    }
}

/// `time` as a span since 1970, which nothing is before.
pub fn since_1970(time: SystemTime) -> Duration {
    time.duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Where wall time comes from. Deadlines never use it.
pub trait Clock: fmt::Debug + Send + Sync {
    /// What the clock shows, right or wrong.
    fn now(&self) -> SystemTime;

    /// The time, or `None` while the clock is not set.
    fn time(&self) -> Option<SystemTime> {
        Some(self.now()).filter(|now| is_set(*now))
    }
}

/// The system's clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}

/// Gives a clock's time to rustls; while the clock is not set none, and every handshake fails with
/// [`rustls::Error::FailedToGetCurrentTime`].
#[derive(Debug, Clone)]
pub struct VerifierTime(pub Arc<dyn Clock>);

impl TimeProvider for VerifierTime {
    fn current_time(&self) -> Option<UnixTime> {
        let since = self.0.time()?.duration_since(UNIX_EPOCH).ok()?;
        Some(UnixTime::since_unix_epoch(since))
    }
}

/// A clock for tests: it shows what it was set to.
#[cfg(test)]
#[derive(Debug)]
pub(crate) struct Stopped(pub SystemTime);

#[cfg(test)]
impl Clock for Stopped {
    fn now(&self) -> SystemTime {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build_date() -> SystemTime {
        UNIX_EPOCH + BUILD_DATE
    }

    #[test]
    fn a_clock_in_1970_is_not_set() {
        assert!(!is_set(UNIX_EPOCH));
        assert!(!is_set(UNIX_EPOCH - Duration::from_secs(1)));
    }

    #[test]
    fn a_clock_is_set_from_the_build_date_on() {
        assert!(!is_set(build_date() - Duration::from_nanos(1)));
        assert!(is_set(build_date()));
        assert!(is_set(SystemTime::now()));
    }

    #[test]
    fn the_verifier_gets_no_time_from_a_clock_that_is_not_set() {
        let provider = VerifierTime(Arc::new(Stopped(UNIX_EPOCH)));
        assert_eq!(provider.current_time(), None);
    }

    #[test]
    fn the_verifier_gets_the_real_time() {
        let now = build_date() + Duration::from_secs(86_400);
        let provider = VerifierTime(Arc::new(Stopped(now)));
        let given = provider.current_time().expect("the clock is set");
        assert_eq!(given.as_secs(), BUILD_DATE.as_secs() + 86_400);
    }
}
